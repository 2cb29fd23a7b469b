#include "base/config/section.hpp"

#include "base/check.hpp"
#include "base/config/shape.hpp"
#include "base/config/yaml_json.hpp"
#include "base/text/ascii.hpp"
#include "base/text/duration_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace rouse {

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
  const auto number = yaml_whole_number(text(key));
  const bool fits = number && *number >= std::numeric_limits<int>::min() &&
                    *number <= std::numeric_limits<int>::max();
  return fits ? static_cast<int>(*number) : otherwise;
}

double Section::real(std::string_view key, double otherwise) const {
  const std::string found = text(key);
  double number = 0;
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
  if (found->is_scalar()) list.push_back(found->text);
  for (const YamlNode& item : found->items) {
    if (item.is_scalar()) list.push_back(item.text);
  }
  return list;
}

std::vector<ListItem> Section::items(std::string_view key) const {
  std::vector<ListItem> list;
  const YamlNode* found = node(key);
  if (found == nullptr) return list;
  if (found->is_scalar()) list.push_back({found->text, found->place, std::string(key)});
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    const YamlNode& item = found->items[i];
    if (item.is_scalar()) list.push_back({item.text, item.place, fmt::format("{}[{}]", key, i)});
  }
  return list;
}

const ConfigSection* Section::keys_below(std::string_view key) const {
  const ConfigKey* const entry = keys_ == nullptr ? nullptr : keys_->find(key);
  const bool has_table = entry != nullptr && !entry->section.empty();
  return has_table ? table_.find_section(entry->section) : nullptr;
}

SourcePlace Section::place_of(std::string_view key) const {
  const YamlNode* const found = given(key);
  return found == nullptr ? place_ : found->place;
}

Section Section::section(std::string_view key) const {
  const YamlNode* found = node(key);
  return {found != nullptr && found->is_map() ? found : nullptr,
          place_of(key),
          path(key),
          keys_below(key),
          table_,
          problems_};
}

void Section::each(std::string_view key,
                   const std::function<void(const YamlNode::Member&, Section)>& read) const {
  const YamlNode* found = node(key);
  if (found == nullptr) return;
  for (const YamlNode::Member& member : found->members) {
    const YamlNode* value = member.value.is_map() ? &member.value : nullptr;
    read(member, Section(value, member.value.place, path(key) + "." + member.key, keys_below(key),
                         table_, problems_));
  }
}

void Section::each_item(std::string_view key,
                        const std::function<void(const std::string&, Section)>& read) const {
  const YamlNode* found = node(key);
  if (found == nullptr) return;
  const ConfigKey* const entry = keys_ == nullptr ? nullptr : keys_->find(key);
  ROUSE_CHECK(entry != nullptr);  // lists of the user's own names have no table
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    const YamlNode& item = found->items[i];
    const bool has_kinds = entry->type == KeyType::KindList;
    const std::string kind = has_kinds ? kind_of(item) : std::string();
    const ConfigSection* const keys = table_.find_section(
        has_kinds ? fmt::format("{}_{}", entry->section, kind) : std::string(entry->section));
    if (keys == nullptr) continue;
    read(kind, Section(item.is_map() ? &item : nullptr, item.place,
                       fmt::format("{}[{}]", path(key), i), keys, table_, problems_));
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

std::string trimmed(std::string_view text) {
  return std::string(trim(text));
}

}  // namespace rouse
