#include "proxy/wire/sse.hpp"

namespace rouse::wire {

void EventBoundary::feed(std::string_view bytes) {
  // Two line ends make a boundary, four bytes at most: of a longer piece only its tail matters.
  constexpr std::size_t kTail = 4;
  if (bytes.size() > kTail) {
    bytes.remove_prefix(bytes.size() - kTail);
    line_empty_ = false;
    after_cr_ = false;
  }
  for (const char c : bytes) {
    const bool second_half_of_crlf = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (second_half_of_crlf) continue;
    if (c == '\n' || c == '\r') {
      at_boundary_ = line_empty_;
      line_empty_ = true;
    } else {
      line_empty_ = false;
      at_boundary_ = false;
    }
  }
}

}  // namespace rouse::wire
