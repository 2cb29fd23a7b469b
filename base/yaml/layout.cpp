#include "base/yaml/layout.hpp"

#include "base/yaml/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

namespace {

constexpr std::size_t kJsonShownMax = 40;

std::string spaces_text(std::size_t count) {
  return count == 1 ? std::string("1 space") : fmt::format("{} spaces", count);
}

/// From the first { on that begins no macro, to the } that closes it; empty: there is none.
std::string_view braces_in(std::string_view value) {
  std::size_t begin = value.find('{');
  while (begin != std::string_view::npos && begin > 0 && value[begin - 1] == '$') {
    begin = value.find('{', begin + 1);
  }
  if (begin == std::string_view::npos) return {};
  int depth = 0;
  for (std::size_t at = begin; at < value.size(); ++at) {
    if (value[at] == '{') ++depth;
    if (value[at] == '}' && --depth == 0) return value.substr(begin, at + 1 - begin);
  }
  return value.substr(begin);
}

std::string colon_text(const YamlPlace& p, const YamlKeyLine& key, std::string_view value) {
  const std::string_view json = braces_in(value);
  const bool is_command = key.name.starts_with("cmd") || key.name == "command";
  const std::string block =
      fmt::format("write \"{}: |\" and the text in the next line, indented further", key.name);
  if (json.empty()) {
    const std::string quoted = p.quoted_text(value);
    const bool is_whole = value == key.value;
    return fmt::format("\": \" inside of a value begins a key in YAML: {}",
                       !is_whole ? block
                       : quoted.empty()
                           ? block
                           : fmt::format("put quotes around it: {}: {}", key.name, quoted));
  }
  const auto place = static_cast<std::size_t>(json.data() - value.data());
  const bool is_bare = (place == 0 || value[place - 1] == ' ') &&
                       json.find('\'') == std::string_view::npos && json.size() <= kJsonShownMax;
  return fmt::format("\": \" inside of a value begins a key in YAML, also within {{ }}: {}{}",
                     block,
                     is_command && is_bare && p.is_shown()
                         ? fmt::format("; and for the program put the JSON in single quotes: "
                                       "'{}'",
                                       json)
                         : std::string());
}

/// A ": " inside of a value, as JSON has them.
std::optional<YamlFault> colon_in_value_fault(const YamlPlace& p) {
  if (!p.has_said("illegal map value")) return std::nullopt;
  std::optional<YamlKeyLine> key = key_of_line(p.line(p.number()));
  std::string_view value;
  if (key && key->colon + 1 < p.column()) {
    value = p.line(p.number()).substr(key->colon + 1);
  } else if (p.line(p.number()).substr(0, p.column() - 1).find(": ") != std::string_view::npos) {
    return p.fault(
        p.number(), p.column(),
        "\": \" stands twice in this line, and a key has one: put quotes around the value");
  } else if (!key) {
    // The value goes on in this line, so the key is further up.
    const std::size_t indent = indent_of(p.line(p.number()));
    std::size_t number = p.number();
    do {
      number = p.above(number);
      if (number != 0) key = key_of_line(p.line(number));
    } while (number != 0 && (!key || key->indent >= indent));
    if (number == 0 || key->value.empty()) return std::nullopt;
    value = p.line(p.number());
  } else {
    return std::nullopt;
  }
  return p.fault(p.number(), p.column(), colon_text(p, *key, without_comment(value)));
}

/// The lines from @p number up to the next key above belong to none; of those that are not
/// indented like a value of that key, the first is told.
std::optional<YamlFault> lost_line_fault(const YamlPlace& p, std::size_t number) {
  std::vector<std::size_t> lost;
  std::optional<YamlKeyLine> key;
  while (number != 0 && !key) {
    key = key_of_line(p.line(number));
    if (!key) lost.push_back(number);
    if (!key) number = p.above(number);
  }
  if (lost.empty()) return std::nullopt;
  const bool has_value = key && !key->value.empty();
  const auto first = std::find_if(lost.rbegin(), lost.rend(), [&](std::size_t each) {
    return !key || indent_of(p.line(each)) <= key->indent;
  });
  const std::size_t told = first == lost.rend() ? lost.front() : *first;
  return p.fault(told, indent_of(p.line(told)) + 1,
                 explain_lost_line(p.line(told), has_value ? std::string_view(key->name) : "",
                                   static_cast<int>(number), p.is_shown()));
}

std::optional<YamlFault> too_deep_fault(const YamlPlace& p, std::size_t number,
                                        const YamlKeyLine& key) {
  const std::size_t indent = indent_of(p.line(p.number()));
  if (indent <= key.indent) return std::nullopt;
  return p.fault(p.number(), indent + 1,
                 fmt::format("indented by {}, deeper than \"{}\" in line {}, which has its value "
                             "already: {} would put it beside that key",
                             spaces_text(indent), key.name, number, key.indent));
}

/// A key in a line of its own, at a place where none can be.
std::optional<YamlFault> misplaced_key_fault(const YamlPlace& p) {
  if (!p.has_said("illegal map value")) return std::nullopt;
  const std::size_t number = p.above(p.number());
  if (number == 0) return std::nullopt;
  const std::optional<YamlKeyLine> key = key_of_line(p.line(number));
  if (key) return key->value.empty() ? std::nullopt : too_deep_fault(p, number, *key);
  const std::size_t wide = p.line(number).find("\uff1a");
  if (wide != std::string_view::npos) {
    return p.fault(number, wide + 1, "this is a wide colon (U+FF1A): write : and a space");
  }
  return lost_line_fault(p, number);
}

std::optional<YamlFault> indentation_fault(const YamlPlace& p) {
  const std::size_t indent = indent_of(p.line(p.number()));
  if (p.column() != indent + 1 || indent >= p.line(p.number()).size()) return std::nullopt;
  const bool is_lost = !key_of_line(p.line(p.number())) && !is_entry_at(p.line(p.number()), indent);
  if (is_lost) return lost_line_fault(p, p.number());
  const std::vector<YamlPlace::Level> all = p.levels();
  if (all.empty()) return std::nullopt;
  const bool is_entry = is_entry_at(p.line(p.number()), indent);
  std::string remedy;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const YamlPlace::Level& level = all[i];
    if (level.indent == indent) {
      return p.fault(
          p.number(), p.column(),
          level.is_entry == is_entry
              ? fmt::format("YAML cannot be read on from here: look at this line and the "
                            "one above it ({})",
                            p.said())
              : fmt::format("an entry of a list (\"- \") and a key cannot stand side by "
                            "side: the one above is in line {}",
                            level.line));
    }
    // The nearest on both sides are what may be meant.
    const bool is_near = level.indent < indent || i + 1 == all.size() || all[i + 1].indent < indent;
    if (!is_near) continue;
    remedy += fmt::format(
        "{}{}{} beside {} in line {}", remedy.empty() ? "" : ", ", level.indent,
        remedy.empty() ? " would put it" : "",
        level.is_entry ? std::string("the entry") : fmt::format("\"{}\"", level.name), level.line);
    if (level.indent < indent) break;
  }
  return p.fault(
      p.number(), p.column(),
      fmt::format("indented by {}, like no line above: {}", spaces_text(indent), remedy));
}

}  // namespace

std::optional<YamlFault> layout_fault(const YamlPlace& place) {
  for (const auto& look : {colon_in_value_fault, misplaced_key_fault, indentation_fault}) {
    if (auto fault = look(place)) return fault;
  }
  return std::nullopt;
}

}  // namespace rouse
