#include "proxy/config/reader.hpp"
#include "proxy/wire/json_edit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rouse {

namespace {

std::vector<std::string> comma_list(std::string_view text) {
  std::set<std::string> found;  // sorted, without duplicates
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string name = trimmed(text.substr(0, comma));
    if (!name.empty() && name != "model") found.insert(name);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return {found.begin(), found.end()};
}

/// Takes off the ? behind a parameter that is set only where a request has none; false: there is
/// none, or it is a part of the name (written \?).
bool take_mark(std::string& path) {
  if (!path.ends_with('?')) return false;
  std::size_t slashes = 0;
  while (slashes + 1 < path.size() && path[path.size() - 2 - slashes] == '\\') ++slashes;
  if (slashes % 2 != 0) return false;
  path.pop_back();
  return true;
}

std::vector<SetParam> read_params(const YamlNode& node) {
  std::vector<SetParam> params;
  for (const YamlNode::Member& member : node.members) {
    SetParam param{member.key, to_json(member.value)};
    param.if_absent = take_mark(param.path);
    if (param.path != "model") params.push_back(std::move(param));
  }
  std::sort(params.begin(), params.end(),
            [](const SetParam& a, const SetParam& b) { return a.path < b.path; });
  return params;
}

void check_paths(const YamlNode& params, const Section& section, const std::string& key) {
  for (const YamlNode::Member& param : params.members) {
    std::string path = param.key;
    (void)take_mark(path);
    const std::string fault = wire::edit_path_fault(path);
    if (!fault.empty()) section.fault_at(param.place, key + "." + param.key, fault);
  }
}

/// What @p value has, member by member, so that the others of a request's object stay.
void add_leaves(const std::string& path, bool if_absent, const YamlNode& value,
                std::vector<SetParam>& leaves) {
  if (!value.is_map() || value.members.empty()) {
    leaves.push_back({path, to_json(value), if_absent});
    return;
  }
  for (const YamlNode::Member& member : value.members) {
    add_leaves(path + "." + wire::path_part(member.key), if_absent, member.value, leaves);
  }
}

MatchRule read_rule(const Section& section) {
  MatchRule rule;
  rule.path = section.text("key");
  rule.texts = section.texts("match");
  const std::string fault = wire::edit_path_fault(rule.path);
  if (!section.is_given("key")) {
    section.fault("key", "is missing: the parameter of the request that is looked at");
  } else if (!fault.empty()) {
    section.fault("key", fault);
  } else if (wire::names_member(rule.path, "model")) {
    section.fault("key", "of a model's name setParamsByID decides");
  }
  if (rule.texts.empty()) {
    section.fault("match",
                  "is missing: the value that it must have (\"null\" in quotes, if meant)");
  }
  if (const YamlNode* const set = section.node("set")) {
    check_paths(*set, section, "set");
    for (const YamlNode::Member& member : set->members) {
      std::string path = member.key;
      const bool if_absent = take_mark(path);
      if (path != "model") add_leaves(path, if_absent, member.value, rule.set);
    }
  }
  if (rule.set.empty()) section.fault("set", "is missing: the parameters to set then");
  return rule;
}

}  // namespace

Filters read_filters(const Section& section) {
  Filters filters;
  const std::string strip = section.text("stripParams");
  filters.strip_params = comma_list(strip.empty() ? section.text("strip_params") : strip);
  for (const std::string& path : filters.strip_params) {
    const std::string fault = wire::edit_path_fault(path);
    if (!fault.empty()) section.fault("stripParams", fmt::format("\"{}\": {}", path, fault));
  }
  section.each_item("setParamsByMatch", [&](const std::string&, const Section& rule) {
    filters.set_params_by_match.push_back(read_rule(rule));
  });
  if (const YamlNode* params = section.node("setParams")) {
    check_paths(*params, section, "setParams");
    filters.set_params = read_params(*params);
  }
  if (const YamlNode* by_id = section.node("setParamsByID")) {
    for (const YamlNode::Member& member : by_id->members) {
      if (!member.value.is_map() && !member.value.is_null()) {
        section.fault_at(member.value.place, "setParamsByID." + member.key,
                         fmt::format("expected a mapping, got {}", member.value.kind_name()));
      }
      check_paths(member.value, section, "setParamsByID." + member.key);
      filters.set_params_by_id[member.key] = read_params(member.value);
    }
  }
  return filters;
}

}  // namespace rouse
