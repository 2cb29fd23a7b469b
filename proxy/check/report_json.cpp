#include "base/text/json_writer.hpp"
#include "core/swap/groups.hpp"
#include "core/swap/matrix.hpp"
#include "proxy/check/report.hpp"
#include "proxy/check/report_parts.hpp"
#include "proxy/check/time_text.hpp"
#include "proxy/config/command_line.hpp"

namespace rouse {

namespace {

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
    json.member("cmd", model.cmd_shown);
    write_texts(json, "argv", split_command(model.cmd_shown));
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

void write_wake(JsonWriter& json, const std::optional<WakeConfig>& wake) {
  json.key("wake");
  if (!wake) return json.null();
  const WakePlan& plan = wake->plan;
  json.begin_object();
  write_texts(json, "by", wake_ways(*wake));
  std::vector<std::string> macs;
  for (const MacAddress& mac : plan.macs) macs.push_back(mac.text());
  write_texts(json, "macs", macs);
  json.member("learnsMacs", wake->learns_macs);
  std::vector<std::string> broadcast;
  for (const auto& address : plan.broadcast) broadcast.push_back(address.to_string());
  write_texts(json, "broadcast", broadcast);
  json.member("interface", plan.interface);
  json.key("relay");
  plan.relay ? json.value(plan.relay->url.authority()) : json.null();
  json.key("http");
  plan.hook ? json.value(plan.hook->url.authority()) : json.null();
  json.key("command");
  plan.command.empty() ? json.null() : json.value(plan.command.front());
  json.end_object();
}

void write_peers(JsonWriter& json, const Config& config) {
  json.key("peers");
  json.begin_array();
  for (const auto& [name, peer] : in_order(config.peers)) {
    json.begin_object();
    json.member("name", name);
    json.member("address", address_of(*peer));
    write_texts(json, "models", peer->models);
    json.member("learnsModels", peer->learns_models);
    write_wake(json, peer->wake);
    json.end_object();
  }
  json.end_array();
}

void write_names(JsonWriter& json, const Config& config) {
  json.key("aliases");
  json.begin_object();
  for (const auto& [alias, model] : config.aliases) json.member(alias, model);
  for (const AliasPattern& alias : config.alias_patterns) json.member(alias.pattern, alias.model);
  json.end_object();
  json.key("selectors");
  json.begin_array();
  for (const auto& [name, selector] : config.selectors) {
    json.begin_object();
    json.member("name", name);
    json.member("strategy", name_of(selector.strategy));
    write_texts(json, "targets", selector.targets);
    json.member("unlisted", selector.unlisted);
    json.end_object();
  }
  json.end_array();
  json.key("profiles");
  json.begin_array();
  for (const auto& [name, profile] : config.profiles) {
    json.begin_object();
    json.member("name", name);
    json.key("pins");
    json.begin_object();
    for (const auto& [pin, target] : profile.pins) {
      json.key(pin);
      target.empty() ? json.null() : json.value(target);
    }
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

/// Never the keys, nor their digests.
void write_keys(JsonWriter& json, const Config& config, std::chrono::system_clock::time_point now) {
  json.key("keys");
  json.begin_array();
  for (const KeyConfig& key : config.keys) {
    json.begin_object();
    json.member("name", key.name);
    json.member("count", static_cast<std::uint64_t>(key.sha256.size()));
    std::vector<std::string_view> scopes;
    for (const Scope scope : key.scopes) scopes.push_back(name_of(scope));
    write_texts(json, "scopes", scopes);
    write_texts(json, "models", key.models);
    json.member("maxInFlight", key.limits.in_flight);
    json.member("requestsPerMinute", key.limits.requests_per_minute);
    json.member("tokensPerMinute", key.limits.tokens_per_minute);
    json.key("expires");
    key.expires ? json.value(day_text(*key.expires)) : json.null();
    json.member("expired", key.has_expired(now));
    json.end_object();
  }
  json.end_array();
}

void write_power(JsonWriter& json, const Config& config) {
  json.key("power");
  json.begin_object();
  json.key("socket");
  config.power.socket.empty() ? json.null() : json.value(config.power.socket);
  write_texts(json, "users", config.power.users);
  write_texts(json, "groups", config.power.groups);
  write_texts(json, "onWake", config.power.load);
  json.member("onWakeLast", config.power.load_last);
  json.end_object();
  json.key("hooks");
  json.begin_object();
  write_texts(json, "preload", config.preload);
  json.end_object();
}

void write_findings(JsonWriter& json, const std::vector<Finding>& findings) {
  json.key("findings");
  json.begin_array();
  for (const Finding& finding : findings) {
    json.begin_object();
    json.member("severity", name_of(finding.severity));
    json.member("title", finding.title);
    json.member("what", finding.what);
    json.member("todo", finding.todo);
    json.member("file", finding.place.file);
    json.member("line", finding.place.line);
    json.member("column", finding.place.column);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string check_report_json(const LoadedConfig& loaded, const std::vector<Finding>& findings,
                              std::chrono::system_clock::time_point now) {
  JsonWriter json;
  json.begin_object();
  json.member("ok", loaded.config != nullptr);
  if (loaded.config) {
    const core::Residency* const rule = loaded.config->residency.get();
    write_models(json, *loaded.config);
    if (const auto* matrix = dynamic_cast<const core::Matrix*>(rule)) write_sets(json, *matrix);
    if (const auto* groups = dynamic_cast<const core::Groups*>(rule)) write_groups(json, *groups);
    write_peers(json, *loaded.config);
    write_names(json, *loaded.config);
    write_keys(json, *loaded.config, now);
    write_power(json, *loaded.config);
    write_texts(json, "unsupported", loaded.unsupported);
    write_findings(json, findings);
  }
  write_problems(json, loaded.problems);
  json.end_object();
  return json.take() + "\n";
}

}  // namespace rouse
