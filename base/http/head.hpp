#pragma once

#include "base/http/stream.hpp"

#include <optional>
#include <string_view>

namespace rouse {

/// A head and the number of bytes that it took, its empty line included.
template <class Head>
struct ParsedHead {
  Head head;
  std::size_t size = 0;
};

/// Reads the head at the beginning of @p bytes; nullopt: its end has not arrived yet. @p scanned is
/// how far earlier calls with the beginning of the same bytes have looked; 0 at first. Refuses all
/// that two readers could understand differently; see HttpErrc for the reasons.
[[nodiscard]] Result<std::optional<ParsedHead<RequestHead>>> parse_request_head(
    std::string_view bytes, const HttpLimits& limits, std::size_t& scanned);

/// As parse_request_head(). The framing is what the fields say; whether there is a body depends on
/// the request, too (HEAD).
[[nodiscard]] Result<std::optional<ParsedHead<ResponseHead>>> parse_response_head(
    std::string_view bytes, const HttpLimits& limits, std::size_t& scanned);

/// Appends the head as it goes over the wire. Connection, Content-Length and Transfer-Encoding are
/// made from the head's own members; fields of these names are left out.
void append_head(std::string& out, const RequestHead& head);

/// How a response goes over the wire, as far as its head alone does not say.
struct WireResponse {
  bool to_head = false;  ///< it answers a HEAD request
  int version = 11;      ///< of the request
  bool keep_alive = true;
  Framing framing = Framing::None;
  std::uint64_t length = 0;
};
void append_head(std::string& out, const ResponseHead& head, const WireResponse& wire);

/// Whether a response with @p status never has a body.
[[nodiscard]] bool is_bodiless(int status);

}  // namespace rouse
