#include "proxy/config/reader.hpp"

#include "base/check.hpp"
#include "base/duration_text.hpp"
#include "base/json_writer.hpp"
#include "proxy/wire/error_body.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

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

const YamlNode* Section::node(std::string_view key) const {
  ROUSE_CHECK(keys_ == nullptr || keys_->find(key) != nullptr);  // the table lacks what is read
  return given(key);
}

const YamlNode* Section::given(std::string_view key) const {
  if (node_ == nullptr) return nullptr;
  const YamlNode* found = node_->find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool Section::is_given(std::string_view key) const {
  return node(key) != nullptr;
}

std::string Section::path(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

std::string Section::text(std::string_view key, std::string otherwise) const {
  const YamlNode* found = node(key);
  return found != nullptr && found->is_scalar() ? found->text : otherwise;
}

bool Section::truth(std::string_view key, bool otherwise) const {
  return parse_truth(text(key)).value_or(otherwise);
}

int Section::number(std::string_view key, int otherwise) const {
  const std::string found = text(key);
  int number = 0;
  const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), number);
  return error == std::errc{} && end == found.data() + found.size() ? number : otherwise;
}

std::chrono::milliseconds Section::duration(std::string_view key,
                                            std::chrono::milliseconds otherwise) const {
  return parse_duration(text(key)).value_or(otherwise);
}

std::uint64_t Section::size(std::string_view key, std::uint64_t otherwise) const {
  return parse_size(text(key)).value_or(otherwise);
}

std::vector<std::string> Section::texts(std::string_view key) const {
  std::vector<std::string> list;
  const YamlNode* found = node(key);
  if (found == nullptr) return list;
  for (const YamlNode& item : found->items) {
    if (item.is_scalar()) list.push_back(item.text);
  }
  return list;
}

std::vector<ListItem> Section::items(std::string_view key) const {
  std::vector<ListItem> list;
  const YamlNode* found = node(key);
  if (found == nullptr) return list;
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    const YamlNode& item = found->items[i];
    if (item.is_scalar()) list.push_back({item.text, item.place, fmt::format("{}[{}]", key, i)});
  }
  return list;
}

const ConfigSection* Section::keys_below(std::string_view key) const {
  const ConfigKey* const entry = keys_ == nullptr ? nullptr : keys_->find(key);
  return entry == nullptr || entry->section.empty() ? nullptr : &config_section(entry->section);
}

SourcePlace Section::place_of(std::string_view key) const {
  const YamlNode* const found = given(key);
  return found == nullptr ? place_ : found->place;
}

Section Section::section(std::string_view key) const {
  const YamlNode* found = node(key);
  return {found != nullptr && found->is_map() ? found : nullptr, place_of(key), path(key),
          keys_below(key), problems_};
}

void Section::each(std::string_view key,
                   const std::function<void(const YamlNode::Member&, Section)>& read) const {
  const YamlNode* found = node(key);
  if (found == nullptr) return;
  for (const YamlNode::Member& member : found->members) {
    const YamlNode* value = member.value.is_map() ? &member.value : nullptr;
    read(member, Section(value, member.value.place, path(key) + "." + member.key, keys_below(key),
                         problems_));
  }
}

void Section::fault(std::string_view key, std::string text) const {
  fault_at(place_of(key), key, std::move(text));
}

void Section::fault_at(const SourcePlace& place, std::string_view key, std::string text) const {
  problems_.push_back({Problem::Severity::Error, place, path(key), std::move(text)});
}

void Section::warn(std::string_view key, std::string text) const {
  warn_at(place_of(key), key, std::move(text));
}

void Section::warn_at(const SourcePlace& place, std::string_view key, std::string text) const {
  problems_.push_back({Problem::Severity::Warning, place, path(key), std::move(text)});
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
