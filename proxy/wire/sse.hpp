#pragma once

#include <string_view>

namespace rouse::wire {

/// ": keep-alive\n\n": accepted by every traced client in every dialect (docs/clients.md, Waiting).
inline constexpr std::string_view kKeepAliveComment = ": keep-alive\n\n";

/// Knows whether a stream of server-sent events stands on an event boundary (after a blank line, or
/// at its very start), so that a comment may be put in. Line ends may be LF, CRLF or CR.
class EventBoundary {
 public:
  void feed(std::string_view bytes);
  [[nodiscard]] bool at_boundary() const { return at_boundary_; }

 private:
  bool at_boundary_ = true;
  bool line_empty_ = true;
  bool after_cr_ = false;
  bool cr_ended_blank_ = false;  // the line that the CR ended was empty
  bool uses_crlf_ = false;       // so a CR waits for its LF: nothing may come between the two
};

}  // namespace rouse::wire
