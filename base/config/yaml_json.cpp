#include "base/config/yaml_json.hpp"

#include "base/text/json_writer.hpp"

#include <charconv>
#include <cmath>

namespace rouse {

namespace {

bool is_number(std::string_view text) {
  double number = 0;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.starts_with("inf") || text.starts_with("nan")) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// A YAML number as JSON writes it; nullopt: it is a text. Whole numbers may be 0x1f, 0o17, 0b11
/// and 1_000; JSON wants no sign +, no bare point and no leading zero.
std::optional<std::string> number_json(std::string text) {
  std::string sign;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    if (text.front() == '-') sign = "-";
    text.erase(0, 1);
  }
  const bool has_digit = text.find_first_of("0123456789") != std::string::npos;
  if (!has_digit || text.front() == '_') return std::nullopt;
  std::erase(text, '_');
  int base = 10;
  if (text.size() > 1 && text[0] == '0' && text.find_first_of(".eE") == std::string::npos) {
    base = text[1] == 'x' ? 16 : text[1] == 'b' ? 2 : 8;
    text.erase(0, text[1] == 'x' || text[1] == 'b' || text[1] == 'o' ? 2 : 1);
  }
  const bool is_whole = base != 10 || text.find_first_not_of("0123456789") == std::string::npos;
  if (is_whole) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value, base);
    if (error == std::errc{} && at == end) return sign + std::to_string(value);
    if (base != 10 || error == std::errc{}) return std::nullopt;
  }
  if (!is_number(text)) return std::nullopt;
  if (text.front() == '.') text.insert(0, "0");
  const std::size_t point = text.find('.');
  const bool is_bare =
      point != std::string::npos &&
      (point + 1 == text.size() || text[point + 1] == 'e' || text[point + 1] == 'E');
  if (is_bare) text.insert(point + 1, "0");
  return sign + text;
}

std::string scalar_json(const YamlNode& node) {
  const std::string& text = node.text;
  if (node.quoted) return json_string(text);
  if (text == "true" || text == "false" || text == "null") return text;
  if (text == "True" || text == "TRUE") return "true";
  if (text == "False" || text == "FALSE") return "false";
  if (text == "~" || text == "Null" || text == "NULL") return "null";
  return number_json(text).value_or(json_string(text));
}

}  // namespace

std::optional<long long> yaml_whole_number(std::string_view text) {
  const auto json = number_json(std::string(text));
  if (!json) return std::nullopt;
  const char* const last = json->data() + json->size();
  long long number = 0;
  const auto whole = std::from_chars(json->data(), last, number);
  if (whole.ec == std::errc{} && whole.ptr == last) return number;
  constexpr double kExactMax = 1e15;
  double real = 0;
  const auto [end, error] = std::from_chars(json->data(), last, real);
  const bool is_exact = error == std::errc{} && end == last && std::abs(real) < kExactMax;
  if (!is_exact || std::trunc(real) != real) return std::nullopt;
  return static_cast<long long>(real);
}

std::string to_json(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::Null:
      return "null";
    case YamlNode::Kind::Scalar:
      return scalar_json(node);
    case YamlNode::Kind::List:
      for (const YamlNode& item : node.items) out += (out.empty() ? "" : ",") + to_json(item);
      return "[" + out + "]";
    case YamlNode::Kind::Map:
      for (const YamlNode::Member& member : node.members) {
        out += (out.empty() ? "" : ",") + json_string(member.key) + ":" + to_json(member.value);
      }
      return "{" + out + "}";
  }
  return "null";
}

}  // namespace rouse
