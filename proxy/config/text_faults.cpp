#include "proxy/config/text_faults.hpp"

#include <fmt/format.h>

#include <cctype>

namespace rouse {

namespace {

bool is_hex(std::string_view text, std::size_t at) {
  return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
}

/// Walks over a pattern once; fault() says where it stopped.
class PatternScan {
 public:
  explicit PatternScan(std::string_view text) : text_(text) {}

  std::string fault() {
    while (at_ < text_.size()) {
      std::string found = take();
      if (!found.empty()) return found;
    }
    return depth_ > 0 ? "missing closing )" : "";
  }

 private:
  std::string take() {
    const char c = text_[at_++];
    switch (c) {
      case '\\':
        return take_escape();
      case '[':
        return take_class();
      case '(':
        ++depth_;
        // (?i), (?:, (?P<name>: no argument of a repetition either.
        if (at_ < text_.size() && text_[at_] == '?') ++at_;
        can_repeat_ = false;
        return {};
      case ')':
        if (depth_-- == 0) return "unexpected )";
        can_repeat_ = true;
        return {};
      case '|':
        can_repeat_ = false;
        return {};
      case '*':
      case '+':
      case '?':
        return take_repetition(c);
      default:
        can_repeat_ = true;
        return {};
    }
  }

  std::string take_escape() {
    if (at_ == text_.size()) return "trailing backslash at end of expression";
    const char c = text_[at_++];
    if (c == 'Q') {  // literal up to \E
      const std::size_t end = text_.find("\\E", at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    }
    can_repeat_ = true;
    return {};
  }

  std::string take_class() {
    if (at_ < text_.size() && text_[at_] == '^') ++at_;
    bool first = true;  // a ] there is a member
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == ']' && !first) {
        can_repeat_ = true;
        return {};
      }
      first = false;
      if (c == '\\') ++at_;
      if (c != '[' || at_ >= text_.size() || text_[at_] != ':') continue;
      const std::size_t end = text_.find(":]", at_ + 1);
      if (end != std::string_view::npos) at_ = end + 2;
    }
    return "missing closing ]";
  }

  std::string take_repetition(char c) {
    if (!can_repeat_) return fmt::format("missing argument to repetition operator {}", c);
    if (at_ < text_.size() && text_[at_] == '?') ++at_;  // the lazy form
    const bool again =
        at_ < text_.size() && std::string_view("*+?").find(text_[at_]) != std::string_view::npos;
    return again ? fmt::format("invalid nested repetition operator {}{}", c, text_[at_]) : "";
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool can_repeat_ = false;
};

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

std::string pattern_fault(std::string_view pattern) {
  return PatternScan(pattern).fault();
}

}  // namespace rouse
