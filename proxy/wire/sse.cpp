#include "proxy/wire/sse.hpp"

namespace rouse::wire {

void EventBoundary::feed(std::string_view bytes) {
  // Only the line ends after the last other byte matter, so a long piece costs no more than a
  // short.
  const std::size_t last_text = bytes.find_last_not_of("\r\n");
  if (last_text != std::string_view::npos) {
    at_boundary_ = line_empty_ = after_cr_ = false;
    bytes.remove_prefix(last_text + 1);
  }
  for (const char c : bytes) {
    if (c == '\n' && after_cr_) {
      // The second half of a line end that the CR has already told.
      after_cr_ = false;
      uses_crlf_ = true;
      at_boundary_ = cr_ended_blank_;
      continue;
    }
    const bool blank = line_empty_;
    line_empty_ = true;
    after_cr_ = c == '\r';
    if (after_cr_) cr_ended_blank_ = blank;
    at_boundary_ = blank && !(after_cr_ && uses_crlf_);
  }
}

}  // namespace rouse::wire
