#include "proxy/config/check_report.hpp"

#include "base/duration_text.hpp"
#include "base/json_writer.hpp"
#include "base/text_table.hpp"
#include "core/groups.hpp"
#include "core/matrix.hpp"

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

std::string address_of(const ModelConfig& model) {
  return model.proxy.empty() ? "-" : model.endpoint.authority();
}

std::string models_part(const Config& config) {
  std::string out =
      fmt::format("{} model{}\n", config.models.size(), config.models.size() == 1 ? "" : "s");
  if (config.models.empty()) return out;
  std::vector<TableRow> rows{{"model", "address", "at once", "unloads after", "also"}};
  for (const auto& [id, model] : config.models) {
    std::string also = fmt::format("{}", fmt::join(model.aliases, ", "));
    if (model.unlisted) also += also.empty() ? "(unlisted)" : " (unlisted)";
    rows.push_back({id, address_of(model), std::to_string(model.concurrency_limit),
                    model.ttl.count() > 0 ? duration_text(model.ttl) : "-", std::move(also)});
  }
  return out + text_table(rows);
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
  if (groups.groups().empty()) return {};
  std::vector<TableRow> rows;
  for (const core::Group& group : groups.groups()) {
    rows.push_back({group.name,
                    fmt::format("{}{}{}", group.swap ? "one at a time" : "all at once",
                                group.exclusive ? "; stops other groups" : "",
                                group.persistent ? "; is not stopped by others" : ""),
                    fmt::format("{}", fmt::join(group.members, ", "))});
  }
  return "\ngroups\n" + text_table(rows);
}

std::string neighbours_part(const Config& config) {
  if (config.models.size() < 2 || config.models.size() > kNeighboursShown) return {};
  std::vector<TableRow> rows;
  for (const auto& [id, model] : config.models) {
    const std::vector<std::string> list = neighbours(config, id);
    rows.push_back({id, list.empty() ? "alone" : fmt::format("{}", fmt::join(list, ", "))});
  }
  return "\nwho can stand beside whom\n" + text_table(rows);
}

template <class List>
void write_texts(JsonWriter& json, std::string_view key, const List& list) {
  json.key(key);
  json.begin_array();
  for (const auto& text : list) json.value(text);
  json.end_array();
}

void write_models(JsonWriter& json, const Config& config) {
  json.key("models");
  json.begin_array();
  for (const auto& [id, model] : config.models) {
    json.begin_object();
    json.member("id", id);
    write_texts(json, "aliases", model.aliases);
    json.key("port");
    model.port ? json.value(*model.port) : json.null();
    json.member("address", address_of(model));
    json.member("proxy", model.proxy);
    json.member("cmd", model.cmd);
    write_texts(json, "argv", model.argv);
    json.member("ttl", static_cast<std::int64_t>(model.ttl.count()));
    json.member("concurrencyLimit", model.concurrency_limit);
    json.member("unlisted", model.unlisted);
    write_texts(json, "beside", neighbours(config, id));
    json.end_object();
  }
  json.end_array();
}

void write_sets(JsonWriter& json, const core::Matrix& matrix) {
  json.key("sets");
  json.begin_array();
  for (const std::string& name : matrix.set_names()) {
    const core::Matrix::Expansion expansion = matrix.expand(name, kAlternativesShown);
    json.begin_object();
    json.member("name", name);
    json.key("alternatives");
    json.begin_array();
    for (const core::ModelSet& alternative : expansion.alternatives) {
      json.begin_array();
      for (const core::ModelId& model : alternative) json.value(model);
      json.end_array();
    }
    json.end_array();
    json.member("more", expansion.more);
    json.end_object();
  }
  json.end_array();
}

void write_groups(JsonWriter& json, const core::Groups& groups) {
  json.key("groups");
  json.begin_array();
  for (const core::Group& group : groups.groups()) {
    json.begin_object();
    json.member("name", group.name);
    write_texts(json, "members", group.members);
    json.member("swap", group.swap);
    json.member("exclusive", group.exclusive);
    json.member("persistent", group.persistent);
    json.end_object();
  }
  json.end_array();
}

void write_problems(JsonWriter& json, const std::vector<Problem>& problems) {
  json.key("problems");
  json.begin_array();
  for (const Problem& problem : problems) {
    json.begin_object();
    json.member("severity", problem.severity == Problem::Severity::Error ? "error" : "warning");
    json.member("file", problem.place.file);
    json.member("line", problem.place.line);
    json.member("column", problem.place.column);
    json.member("path", problem.path);
    json.member("text", problem.text);
    json.end_object();
  }
  json.end_array();
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
  JsonWriter json;
  json.begin_object();
  json.member("ok", loaded.config != nullptr);
  if (loaded.config) {
    const core::Residency* const rule = loaded.config->residency.get();
    write_models(json, *loaded.config);
    if (const auto* matrix = dynamic_cast<const core::Matrix*>(rule)) write_sets(json, *matrix);
    if (const auto* groups = dynamic_cast<const core::Groups*>(rule)) write_groups(json, *groups);
    write_texts(json, "unsupported", loaded.unsupported);
  }
  write_problems(json, loaded.problems);
  json.end_object();
  return json.take() + "\n";
}

}  // namespace rouse
