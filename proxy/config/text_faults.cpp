#include "proxy/config/text_faults.hpp"

#include <fmt/format.h>

#include <cctype>

namespace rouse {

namespace {

bool is_hex(std::string_view text, std::size_t at) {
  return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
}

}  // namespace

std::string check_endpoint_fault(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c <= ' ' || c >= 0x7f) {
      return fmt::format("is no path: character {} must be percent-encoded", at + 1);
    }
    if (c == '%' && !(is_hex(text, at + 1) && is_hex(text, at + 2))) {
      return fmt::format("is no path: % at character {} wants two hexadecimal digits", at + 1);
    }
  }
  return {};
}

}  // namespace rouse
