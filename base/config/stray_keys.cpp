#include "base/config/stray_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

constexpr std::size_t kNamesShown = 3;
constexpr std::size_t kKeysShown = 9;

/// How many keys of @p entry the section @p keys has.
std::size_t keys_in_common(const YamlNode& entry, const ConfigSection& keys) {
  return static_cast<std::size_t>(
      std::count_if(entry.members.begin(), entry.members.end(),
                    [&](const auto& member) { return keys.find(member.key) != nullptr; }));
}

/// Whether @p member could be a part of the section @p home of the table.
bool is_part_of(const YamlNode::Member& member, const ConfigKey& home, const ConfigTable& table) {
  if (home.section.empty()) return false;
  const ConfigSection* const keys = table.find_section(home.section);
  if (keys == nullptr) return false;
  if (home.type == KeyType::Section) return keys->find(member.key) != nullptr;
  if (home.type != KeyType::SectionMap) return false;
  const std::size_t common = keys_in_common(member.value, *keys);
  return common > 0 && 2 * common >= member.value.members.size();
}

/// Where the key @p name of one section alone belongs; empty: it is a key of none, or of several.
std::string only_home_of(std::string_view name, const ConfigTable& table) {
  const auto count =
      std::count_if(table.sections.begin(), table.sections.end(),
                    [&](const ConfigSection& each) { return each.find(name) != nullptr; });
  if (count != 1) return {};
  for (const ConfigKey& key : table.top().keys) {
    const ConfigSection* const keys = table.find_section(key.section);
    if (keys == nullptr || keys->find(name) == nullptr) continue;
    if (key.type == KeyType::Section) return fmt::format("it belongs below \"{}:\"", key.name);
    return fmt::format("it belongs into an entry of \"{}:\"", key.name);
  }
  return {};
}

/// The section of @p section, if there is one alone, that has the key @p name.
std::string below_which(std::string_view name, const ConfigSection& section,
                        const ConfigTable& table) {
  std::string home;
  for (const ConfigKey& key : section.keys) {
    const bool is_home = key.type == KeyType::Section && table.section(key.section).find(name);
    if (!is_home) continue;
    if (!home.empty()) return {};
    home = fmt::format("it belongs below \"{}:\" in here", key.name);
  }
  return home;
}

std::string_view known_foreigner(std::string_view name, std::string_view section,
                                 const ConfigTable& table) {
  const auto it = std::find_if(
      table.foreign.begin(), table.foreign.end(),
      [&](const ForeignKey& each) { return each.section == section && each.name == name; });
  return it == table.foreign.end() ? std::string_view() : it->text;
}

/// The mapping of names that @p member looks like an entry of.
std::string likely_map_of(const YamlNode::Member& member, const ConfigTable& table) {
  for (const ConfigKey& key : table.top().keys) {
    if (key.type != KeyType::SectionMap || !is_part_of(member, key, table)) continue;
    const std::string_view first = table.section(key.section).keys.front().name;
    if (member.value.find(first) == nullptr) continue;
    return fmt::format("if it is meant as an entry of \"{}:\", indent it below that", key.name);
  }
  return {};
}

std::string names_text(const std::vector<std::string>& names) {
  if (names.size() > kNamesShown) {
    return fmt::format("\"{}\", \"{}\" and {} more", names[0], names[1], names.size() - 2);
  }
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 == names.size() ? " and " : ", ", names[i]);
  }
  return out;
}

}  // namespace

std::vector<StrayKeys> stray_keys(const YamlNode& root, const ConfigTable& table) {
  struct Empty {
    const YamlNode::Member* member;
    const ConfigKey* key;
    std::vector<const YamlNode::Member*> parts;
  };
  std::vector<Empty> empty;
  for (const YamlNode::Member& member : root.members) {
    const ConfigKey* const key = table.top().find(member.key);
    if (key != nullptr) {
      if (member.value.is_null()) empty.push_back({&member, key, {}});
      continue;
    }
    if (member.lends || member.key.starts_with("x-")) continue;
    const auto home = std::find_if(empty.rbegin(), empty.rend(), [&](const Empty& each) {
      return is_part_of(member, *each.key, table);
    });
    if (home != empty.rend()) home->parts.push_back(&member);
  }
  std::vector<StrayKeys> strays;
  for (const Empty& each : empty) {
    if (each.parts.empty()) continue;
    std::vector<std::string> names;
    for (const YamlNode::Member* part : each.parts) names.push_back(part->key);
    const bool is_one = names.size() == 1;
    const bool has_more = std::any_of(each.parts.begin(), each.parts.end(), [](const auto* part) {
      return part->value.is_map() || part->value.is_list();
    });
    strays.push_back(
        {{names.begin(), names.end()},
         each.parts.front()->place,
         fmt::format("{} {} of \"{}:\" in line {}, which is empty: indent {}{} by two "
                     "spaces",
                     names_text(names), is_one ? "looks like a part" : "look like parts",
                     each.member->key, each.member->place.line, is_one ? "it" : "them",
                     has_more ? ", and what is below," : "")});
  }
  return strays;
}

std::string likely_home(const YamlNode::Member& member, const ConfigSection& section,
                        const ConfigTable& table) {
  const std::string_view foreign = known_foreigner(member.key, section.name, table);
  if (!foreign.empty()) return std::string(foreign);
  const bool is_top = &section == &table.top();
  if (!is_top) {
    std::string home = below_which(member.key, section, table);
    if (!home.empty()) return home;
  }
  if (!is_top && table.top().find(member.key) != nullptr) {
    return "it belongs at the top of the file, not in here";
  }
  std::vector<std::string> names;
  for (const ConfigKey& key : section.keys) names.emplace_back(key.name);
  if (is_top) {
    std::string home = only_home_of(member.key, table);
    if (!home.empty()) return home;
  }
  const std::string meant = did_you_mean(member.key, names);
  if (!meant.empty()) return fmt::format("did you mean \"{}\"?", meant);
  if (is_top) {
    const std::string home = likely_map_of(member, table);
    return home.empty() ? "remove it, or begin its name with x- to keep it for yourself" : home;
  }
  if (names.size() > kKeysShown) return "remove it, or correct its name";
  return fmt::format("the keys in here are {}", fmt::join(names, ", "));
}

}  // namespace rouse
