#include "base/yaml/braces.hpp"

#include <algorithm>

namespace rouse {

namespace {

constexpr char kOpen = '\1';
constexpr char kClose = '\2';

bool is_letter_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

std::string without_braces(std::string text) {
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 1)) {
    std::size_t end = at + 2;
    while (end < text.size() && is_letter_of_name(text[end])) ++end;
    if (end == at + 2 || end == text.size() || text[end] != '}') continue;
    text[at + 1] = kOpen;
    text[end] = kClose;
  }
  return text;
}

std::string with_braces(std::string text) {
  std::replace(text.begin(), text.end(), kOpen, '{');
  std::replace(text.begin(), text.end(), kClose, '}');
  return text;
}

}  // namespace rouse
