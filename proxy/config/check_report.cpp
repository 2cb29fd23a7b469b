#include "proxy/config/check_report.hpp"

#include "base/duration_text.hpp"
#include "core/groups.hpp"
#include "core/matrix.hpp"
#include "proxy/wire/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

constexpr std::size_t kAlternativesShown = 24;
constexpr std::size_t kNeighboursShown = 60;  // models; beyond, the table is no help

std::vector<std::string> neighbours(const Config& config, const std::string& id) {
  std::vector<std::string> list;
  for (const auto& [other, model] : config.models) {
    if (other != id && config.residency->may_coexist(id, other)) list.push_back(other);
  }
  return list;
}

std::string models_part(const Config& config) {
  std::size_t width = 5;
  for (const auto& [id, model] : config.models) width = std::max(width, id.size());
  std::string out = fmt::format("{} models\n", config.models.size());
  for (const auto& [id, model] : config.models) {
    out += fmt::format("  {:<{}}  {}", id, width, model.endpoint.authority());
    if (model.ttl.count() > 0) out += fmt::format("  ttl {}", duration_text(model.ttl));
    out += fmt::format("  {} at once", model.concurrency_limit);
    if (!model.aliases.empty()) out += fmt::format("  also {}", fmt::join(model.aliases, ", "));
    if (model.unlisted) out += "  (unlisted)";
    out += "\n";
  }
  return out;
}

std::string sets_part(const core::Matrix& matrix) {
  std::string out = "\nsets\n";
  for (const std::string& name : matrix.set_names()) {
    out += fmt::format("  {}\n", name);
    const core::Matrix::Expansion expansion = matrix.expand(name, kAlternativesShown);
    for (const core::ModelSet& alternative : expansion.alternatives) {
      out += fmt::format("    {}\n", fmt::join(alternative, " + "));
    }
    if (expansion.more) out += "    … and more\n";
  }
  return out;
}

std::string groups_part(const core::Groups& groups) {
  std::string out = "\ngroups\n";
  for (const core::Group& group : groups.groups()) {
    out += fmt::format("  {}: {}{}{}{}\n", group.name, fmt::join(group.members, ", "),
                       group.swap ? "; one at a time" : "; all at once",
                       group.exclusive ? "; stops other groups" : "",
                       group.persistent ? "; is not stopped by others" : "");
  }
  return out;
}

std::string neighbours_part(const Config& config) {
  if (config.models.size() < 2 || config.models.size() > kNeighboursShown) return {};
  std::string out = "\nwho can stand beside whom\n";
  std::size_t width = 0;
  for (const auto& [id, model] : config.models) width = std::max(width, id.size());
  for (const auto& [id, model] : config.models) {
    const std::vector<std::string> list = neighbours(config, id);
    out += list.empty() ? fmt::format("  {:<{}}  alone\n", id, width)
                        : fmt::format("  {:<{}}  {}\n", id, width, fmt::join(list, ", "));
  }
  return out;
}

}  // namespace

std::string check_report(const LoadedConfig& loaded) {
  const Config& config = *loaded.config;
  std::string out = models_part(config);
  if (const auto* matrix = dynamic_cast<const core::Matrix*>(config.residency.get())) {
    out += sets_part(*matrix);
  } else if (const auto* groups = dynamic_cast<const core::Groups*>(config.residency.get())) {
    out += groups_part(*groups);
  }
  out += neighbours_part(config);
  if (!loaded.unsupported.empty()) {
    out += "\naccepted, but without effect in this version\n";
    for (const std::string& path : loaded.unsupported) out += "  " + path + "\n";
  }
  return out;
}

std::string check_report_json(const LoadedConfig& loaded) {
  const Config& config = *loaded.config;
  wire::JsonWriter json;
  json.begin_object();
  json.key("models");
  json.begin_array();
  for (const auto& [id, model] : config.models) {
    json.begin_object();
    json.member("id", id);
    json.member("proxy", model.proxy);
    json.member("cmd", model.cmd);
    json.member("ttl", static_cast<std::int64_t>(model.ttl.count()));
    json.member("concurrencyLimit", model.concurrency_limit);
    json.key("aliases");
    json.begin_array();
    for (const std::string& alias : model.aliases) json.value(alias);
    json.end_array();
    json.key("beside");
    json.begin_array();
    for (const std::string& other : neighbours(config, id)) json.value(other);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.key("unsupported");
  json.begin_array();
  for (const std::string& path : loaded.unsupported) json.value(path);
  json.end_array();
  json.end_object();
  return json.take() + "\n";
}

}  // namespace rouse
