#include "base/yaml/place.hpp"

#include "base/text/utf8.hpp"
#include "base/yaml/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace rouse {

YamlPlace::YamlPlace(std::string_view text, int line, int column, std::string_view said)
    : text_(text), lines_(lines_of(text)), said_(said) {
  const auto last = static_cast<int>(lines_.size());
  line_ = static_cast<std::size_t>(std::clamp(line, 1, last));
  column_ = static_cast<std::size_t>(std::max(column, 1));
}

bool YamlPlace::has_said(std::string_view words) const {
  return said_.find(words) != std::string_view::npos;
}

std::string_view YamlPlace::line(std::size_t number) const {
  return lines_[number - 1];
}

std::size_t YamlPlace::offset(std::size_t number) const {
  return static_cast<std::size_t>(line(number).data() - text_.data());
}

std::size_t YamlPlace::line_at(std::size_t offset) const {
  return static_cast<std::size_t>(std::count(text_.begin(), text_.begin() + offset, '\n')) + 1;
}

std::size_t YamlPlace::above(std::size_t number) const {
  do {
    --number;
  } while (number > 0 && !says_something(line(number)));
  return number;
}

YamlFault YamlPlace::fault(std::size_t number, std::size_t column, std::string text) const {
  const std::string_view before = line(number).substr(0, column - 1);
  return {static_cast<int>(number), static_cast<int>(utf8_count(before)) + 1, std::move(text)};
}

std::string_view YamlPlace::rest() const {
  const std::string_view whole = line(line_);
  return column_ > whole.size() ? std::string_view() : without_comment(whole.substr(column_ - 1));
}

std::string_view YamlPlace::value_from(std::size_t begin) const {
  std::string_view value = line(line_).substr(std::min(begin, line(line_).size()));
  const bool in_brackets = !scan_yaml(text_, offset(line_) + begin).open.empty();
  if (in_brackets) value = value.substr(0, value.find_first_of(",]}"));
  return without_comment(value);
}

bool YamlPlace::is_shown() const {
  const std::vector<Level> all = levels();
  return !is_about_secrets(line(line_)) &&
         std::none_of(all.begin(), all.end(),
                      [](const Level& each) { return is_about_secrets(each.name); });
}

std::string YamlPlace::quoted_text(std::string_view value) const {
  return is_shown() ? in_yaml_quotes(value) : std::string();
}

std::string YamlPlace::put_in_quotes(std::string_view value) const {
  const std::string quoted = quoted_text(value);
  return quoted.empty() ? std::string("put quotes around the whole value")
                        : fmt::format("put quotes around it: {}", quoted);
}

std::string YamlPlace::without_quotes(std::string_view value) const {
  const std::string quoted = quoted_text(value);
  return fmt::format("a text cannot begin with {} without quotes{}{}", value.front(),
                     quoted.empty() ? "" : ": ", quoted);
}

std::vector<YamlPlace::Level> YamlPlace::levels() const {
  std::vector<Level> found;
  std::size_t least = std::string_view::npos;
  for (std::size_t number = above(line_); number != 0; number = above(number)) {
    const std::string_view whole = line(number);
    const std::size_t indent = indent_of(whole);
    const std::optional<YamlKeyLine> key = key_of_line(whole);
    const bool is_entry = is_entry_at(whole, indent);
    if (key && key->indent < least && !(is_entry && key->indent == indent)) {
      found.push_back({key->indent, number, key->name, false});
      least = key->indent;
    }
    if (is_entry && indent < least) {
      found.push_back({indent, number, "-", true});
      least = indent;
    }
    if (least == 0) break;
  }
  return found;
}

}  // namespace rouse
