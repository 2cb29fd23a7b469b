#include "core/swap/groups.hpp"
#include "core/swap/matrix.hpp"
#include "proxy/config/reader.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

namespace rouse {

namespace {

std::vector<core::ModelId> model_ids(const Config& config) {
  std::vector<core::ModelId> ids;
  for (const auto& [id, model] : config.models) ids.push_back(id);
  return ids;
}

std::optional<int> int_of(std::string_view text) {
  const auto number = yaml_whole_number(text);
  if (!number || *number != static_cast<int>(*number)) return std::nullopt;
  return static_cast<int>(*number);
}

void read_groups(const Section& section, std::string_view key, Config& config) {
  std::vector<core::Group> groups;
  std::map<std::string, std::string> group_of;
  section.each(key, [&](const YamlNode::Member& member, const Section& entry) {
    core::Group group;
    group.name = member.key;
    group.swap = entry.truth("swap", true);
    group.exclusive = entry.truth("exclusive", true);
    group.persistent = entry.truth("persistent", false);
    for (const ListItem& item : entry.items("members")) {
      const ModelConfig* model = config.find_exact(item.text);
      if (model == nullptr) {
        entry.fault_at(item, no_model(item.text, config));
        continue;
      }
      const auto [it, fresh] = group_of.emplace(model->id, member.key);
      if (!fresh) {
        entry.fault_at(item,
                       fmt::format("\"{}\" is already in group \"{}\"", item.text, it->second));
        continue;
      }
      group.members.push_back(model->id);
    }
    if (member.key != "(default)") groups.push_back(std::move(group));
  });
  config.residency = std::make_shared<core::Groups>(std::move(groups), model_ids(config));
}

std::vector<std::pair<std::string, std::string>> pairs_of(const Section& section,
                                                          std::string_view key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  section.each(key, [&](const YamlNode::Member& member, const Section&) {
    pairs.emplace_back(member.key, member.value.text);
  });
  return pairs;
}

void read_matrix(const Section& section, Config& config) {
  core::MatrixSpec spec;
  spec.models = model_ids(config);
  spec.vars = pairs_of(section, "vars");
  for (auto& [name, model] : spec.vars) {
    // An alias may stand for its model here, too.
    if (const auto it = config.aliases.find(model); it != config.aliases.end()) model = it->second;
  }
  for (const auto& [name, text] : pairs_of(section, "evict_costs")) {
    if (const auto cost = int_of(text)) {
      spec.evict_costs.emplace_back(name, *cost);
    } else {
      const SourcePlace place = section.node("evict_costs")->find(name)->place;
      section.fault_at(place, "evict_costs." + name,
                       fmt::format("expected a whole number from 1 on, got \"{}\"", text));
    }
  }
  spec.sets = pairs_of(section, "sets");
  auto compiled = core::Matrix::compile(spec);
  if (auto* matrix = std::get_if<std::shared_ptr<const core::Matrix>>(&compiled)) {
    config.residency = std::move(*matrix);
    return;
  }
  for (const core::MatrixProblem& problem : std::get<std::vector<core::MatrixProblem>>(compiled)) {
    std::string_view key = "sets";
    if (problem.where == core::MatrixProblem::Where::Var) key = "vars";
    if (problem.where == core::MatrixProblem::Where::Cost) key = "evict_costs";
    const YamlNode* map = section.node(key);
    const YamlNode* node = map == nullptr ? nullptr : map->find(problem.name);
    if (node == nullptr) {
      section.fault(problem.name.empty() ? "" : key, problem.text);
    } else {
      section.fault_at(problem.at ? node->place_of(*problem.at) : node->place,
                       fmt::format("{}.{}", key, problem.name), problem.text);
    }
  }
}

void read_priority(const Section& top, Config& config) {
  const Section fifo =
      top.section("routing").section("scheduler").section("settings").section("fifo");
  fifo.each("priority", [&](const YamlNode::Member& member, const Section&) {
    const std::string& text = member.value.text;
    const auto priority = int_of(text);
    if (!priority) {
      fifo.fault_at(member.value.place, "priority." + member.key,
                    fmt::format("expected a whole number, got \"{}\"", text));
    } else if (config.find_exact(member.key) == nullptr) {
      fifo.fault_at(member.place, "priority." + member.key, no_model(member.key, config));
    } else {
      config.priority.emplace(member.key, *priority);
    }
  });
}

}  // namespace

std::string no_model(const std::string& name, const Config& config) {
  std::vector<std::string> names = model_ids(config);
  for (const auto& [alias, id] : config.aliases) names.push_back(alias);
  const std::string meant = did_you_mean(name, names);
  return fmt::format("no model is called \"{}\"{}", name,
                     meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
}

void read_routing(const Section& top, Config& config) {
  const Section router = top.section("routing").section("router");
  const Section settings = router.section("settings");
  const bool old_form = top.is_given("groups") || top.is_given("matrix");
  const std::string use = router.text("use");
  if (top.is_given("groups") && top.is_given("matrix")) {
    top.fault("groups", "config cannot use both 'groups' and 'matrix'");
  } else if (old_form && (router.is_given("use") || router.is_given("settings"))) {
    top.fault(top.is_given("groups") ? "groups" : "matrix",
              "there is a routing.router too: move this into routing.router.settings");
  } else if (!use.empty() && use != "group" && use != "matrix") {
    router.fault("use", fmt::format("unknown router \"{}\" (valid: group, matrix)", use));
  } else if (top.is_given("matrix")) {
    read_matrix(top.section("matrix"), config);
  } else if (use == "matrix") {
    if (settings.is_given("matrix")) {
      read_matrix(settings.section("matrix"), config);
    } else {
      router.fault("use", "the matrix router needs routing.router.settings.matrix");
    }
  } else if (top.is_given("groups")) {
    read_groups(top, "groups", config);
  } else {
    read_groups(settings, "groups", config);
  }
  if (!config.residency) {
    config.residency =
        std::make_shared<core::Groups>(std::vector<core::Group>(), model_ids(config));
  }
  read_priority(top, config);
}

}  // namespace rouse
