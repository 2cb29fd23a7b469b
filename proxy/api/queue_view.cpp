#include "proxy/api/queue_view.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/peers/peers_view.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/model_list.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iterator>
#include <vector>

namespace rouse {

std::string_view state_name(core::EngineState state) {
  switch (state) {
    case core::EngineState::Stopped:
      return "stopped";
    case core::EngineState::Starting:
      return "starting";
    case core::EngineState::Ready:
      return "ready";
    case core::EngineState::Stopping:
      return "stopping";
    case core::EngineState::Failed:
      return "failed";
  }
  return "unknown";
}

namespace {

bool is_resident(core::EngineState state) {
  return state != core::EngineState::Stopped && state != core::EngineState::Failed;
}

wire::ModelEntry entry_of(const ModelConfig& model, const Proxy& proxy, bool loaded) {
  wire::ModelEntry entry;
  entry.id = model.id;
  entry.name = model.name;
  entry.description = model.description;
  std::copy_if(model.aliases.begin(), model.aliases.end(), std::back_inserter(entry.aliases),
               [](const std::string& alias) { return alias.find('*') == std::string::npos; });
  entry.metadata_json = model.metadata_json;
  entry.can = proxy.capabilities.of(model.id);
  entry.is_typed = !model.capabilities.is_empty();
  entry.loaded = loaded;
  return entry;
}

wire::Listing listing_of(const Proxy& proxy) {
  return {proxy.config->identity, std::time(nullptr)};
}

bool is_up(Proxy& proxy, const std::string& name) {
  const ModelConfig* model = proxy.config->find_model(name);
  if (model == nullptr) return false;
  const core::EngineState state = proxy.dispatcher.engine_state(model->id);
  return state == core::EngineState::Ready || state == core::EngineState::Starting;
}

/// Of what @p name leads to, here or at the first peer that has it.
wire::Capabilities capabilities_of(const std::string& name, const Proxy& proxy) {
  if (const ModelConfig* const model = proxy.config->find_model(name)) {
    return proxy.capabilities.of(model->id);
  }
  const std::vector<Peers::Offer> offers = proxy.peers.find(name);
  if (offers.empty()) return {};
  return offers.front().peer->capabilities(offers.front().model->use_model_name);
}

/// As loaded as its targets are: the first of a pin, any of the others. It can do what each of them
/// can that may have to.
wire::ModelEntry entry_of(const std::string& name, const SelectorConfig& selector, Proxy& proxy) {
  wire::ModelEntry entry;
  entry.id = name;
  entry.type = "selector";
  entry.name = selector.name;
  entry.description = selector.description;
  entry.metadata_json = selector.metadata_json;
  const bool is_pin = selector.strategy == SelectorConfig::Strategy::Pin;
  for (const std::string& target : selector.targets) {
    entry.loaded = entry.loaded || is_up(proxy, target);
    const wire::Capabilities can = capabilities_of(target, proxy);
    const bool is_first = &target == &selector.targets.front();
    entry.can = is_first ? can : wire::in_common(entry.can, can);
    if (is_pin) break;
  }
  std::vector<std::string> targets;
  for (const std::string& target : selector.targets) targets.push_back(json_string(target));
  entry.more_json = fmt::format(R"("strategy":"{}","targets":[{}])", name_of(selector.strategy),
                                fmt::join(targets, ","));
  if (selector.strategy == SelectorConfig::Strategy::Spillover) {
    entry.more_json += fmt::format(R"(,"spillover":{})", selector.spillover);
  }
  return entry;
}

/// Names that exist only because the active profile has pins for them.
void add_pins(Proxy& proxy, std::vector<wire::ModelEntry>& entries) {
  const auto profile = proxy.config->profiles.find(proxy.names.active_profile());
  if (profile == proxy.config->profiles.end()) return;
  for (const auto& [name, target] : profile->second.pins) {
    const bool is_listed =
        std::any_of(entries.begin(), entries.end(),
                    [&, id = name](const auto& entry) { return entry.id == id; });
    if (is_listed || target.empty() || proxy.config->find_model(name) != nullptr) continue;
    wire::ModelEntry entry;
    entry.id = name;
    entry.type = "profile";
    entry.loaded = is_up(proxy, target);
    entry.can = capabilities_of(target, proxy);
    entries.push_back(std::move(entry));
  }
}

std::vector<wire::ModelEntry> all_entries(Proxy& proxy) {
  const core::ScheduleView view = proxy.dispatcher.view();
  std::vector<wire::ModelEntry> entries;
  for (const core::ModelView& seen : view.models) {
    const auto found = proxy.config->models.find(seen.model);
    if (found == proxy.config->models.end()) continue;  // removed, and still leaving
    const ModelConfig& model = found->second;
    if (!model.unlisted) entries.push_back(entry_of(model, proxy, is_resident(seen.state)));
  }
  for (const auto& [name, selector] : proxy.config->selectors) {
    if (!selector.unlisted) entries.push_back(entry_of(name, selector, proxy));
  }
  for (wire::ModelEntry& entry : peer_entries(proxy.peers)) entries.push_back(std::move(entry));
  add_pins(proxy, entries);
  return entries;
}

/// What a selector or a pin leads to counts as what its name does.
bool may_use(const Caller& caller, const Proxy& proxy, const wire::ModelEntry& entry) {
  std::vector<std::string> targets{entry.id};
  const auto selector = proxy.config->selectors.find(entry.id);
  if (selector != proxy.config->selectors.end()) targets = selector->second.targets;
  if (entry.type == "profile") targets = {proxy.names.pinned(entry.id)};
  return std::any_of(targets.begin(), targets.end(), [&](const std::string& target) {
    const ModelConfig* const model = proxy.config->find_model(target);
    return proxy.keys.may_use(caller, model == nullptr ? target : model->id, entry.id);
  });
}

/// Leaves of @p entry the names that @p caller may use.
void restrict_to(const Caller& caller, const Proxy& proxy, wire::ModelEntry& entry) {
  if (may_use(caller, proxy, entry)) return;
  entry.is_hidden = true;
  const std::size_t slash = entry.id.find('/');
  if (entry.type == "peer") entry.aliases = {entry.id.substr(slash + 1)};
  std::erase_if(entry.aliases,
                [&](const std::string& alias) { return !proxy.keys.may_use(caller, {}, alias); });
}

}  // namespace

std::vector<wire::ModelEntry> listed_models(Proxy& proxy, const Caller& caller) {
  std::vector<wire::ModelEntry> entries = all_entries(proxy);
  if (caller.account) {
    for (wire::ModelEntry& entry : entries) restrict_to(caller, proxy, entry);
  }
  return entries;
}

std::optional<wire::ModelEntry> find_listed(Proxy& proxy, const Caller& caller,
                                            const std::string& name) {
  if (const ModelConfig* const model = proxy.config->find_model(name)) {
    if (!proxy.keys.may_use(caller, model->id, name)) return std::nullopt;
    const bool loaded = proxy.dispatcher.engine_state(model->id) != core::EngineState::Stopped;
    return entry_of(*model, proxy, loaded);
  }
  for (wire::ModelEntry& entry : listed_models(proxy, caller)) {
    const auto& also = entry.aliases;
    const bool is_of_peer = entry.type == "peer" && entry.id.ends_with("/" + name);
    const bool is_its = !entry.is_hidden && (entry.id == name || is_of_peer);
    if (is_its || std::find(also.begin(), also.end(), name) != also.end()) return std::move(entry);
  }
  return std::nullopt;
}

std::string models_text(Proxy& proxy, const Caller& caller) {
  return wire::models_json(listed_models(proxy, caller), proxy.config->include_aliases_in_list,
                           listing_of(proxy));
}

std::string model_text(Proxy& proxy, const Caller& caller, const std::string& name) {
  const ModelConfig* model = proxy.config->find_model(name);
  if (model == nullptr) {
    for (const wire::ModelEntry& entry : peer_entries(proxy.peers)) {
      if (entry.id != name || !proxy.keys.may_use(caller, name, name)) continue;
      return wire::model_json(entry, listing_of(proxy));
    }
    return {};
  }
  if (!proxy.keys.may_use(caller, model->id, name)) return {};
  const bool loaded = proxy.dispatcher.engine_state(model->id) != core::EngineState::Stopped;
  wire::ModelEntry entry = entry_of(*model, proxy, loaded);
  entry.id = name;
  return wire::model_json(entry, listing_of(proxy));
}

std::string running_text(Proxy& proxy, const Caller& caller) {
  const core::ScheduleView view = proxy.dispatcher.view();
  JsonWriter json;
  json.begin_object();
  json.key("running");
  json.begin_array();
  for (const core::ModelView& seen : view.models) {
    if (!is_resident(seen.state) || !proxy.keys.may_see(caller, seen.model)) continue;
    const auto found = proxy.config->models.find(seen.model);
    if (found == proxy.config->models.end()) continue;
    const ModelConfig& model = proxy.dispatcher.as_started(found->second);
    json.begin_object();
    json.member("model", model.id);
    json.member("state", state_name(seen.state));
    json.member("cmd", model.cmd_shown);
    json.member("proxy", model.proxy);
    json.member("ttl", static_cast<std::int64_t>(model.ttl.count()));
    json.member("name", model.name);
    json.member("description", model.description);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

void write_active_profile(JsonWriter& json, const Proxy& proxy) {
  json.key("active");
  const std::string& active = proxy.names.active_profile();
  active.empty() ? json.null() : json.value(active);
}

std::string profiles_text(Proxy& proxy, const Caller& caller) {
  JsonWriter json;
  json.begin_object();
  write_active_profile(json, proxy);
  json.key("profiles");
  json.begin_array();
  for (const auto& [id, profile] : proxy.config->profiles) {
    json.begin_object();
    json.member("id", id);
    json.member("description", profile.description);
    json.key("pins");
    json.begin_object();
    for (const auto& [name, target] : profile.pins) {
      if (proxy.keys.may_use(caller, target, name)) json.member(name, target);
    }
    json.end_object();
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

namespace {

/// The value of the label @p name in a line of a scrape; empty: it has none.
std::string label_of(std::string_view line, const std::string& name) {
  const std::string label = name + "=\"";
  std::size_t at = line.find(label);
  while (at != std::string_view::npos && line[at - 1] != '{' && line[at - 1] != ',') {
    at = line.find(label, at + 1);
  }
  std::string value;
  if (at == std::string_view::npos || line.starts_with('#')) return value;
  for (at += label.size(); at < line.size() && line[at] != '"'; ++at) {
    if (line[at] == '\\' && at + 1 < line.size()) ++at;
    value += line[at];
  }
  return value;
}

/// @p text without the lines of models that @p caller may not know of.
std::string only_seen(std::string text, const Caller& caller, const Keys& keys) {
  if (keys.may_use_all(caller)) return text;
  std::string kept;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    rest.remove_prefix(line.size());
    const auto is_shown = [&](const std::string& label) {
      const std::string model = label_of(line, label);
      return model.empty() || model == "_unknown" || keys.may_see(caller, model);
    };
    // What is tried again has a peer's or an engine's model for its target.
    if (is_shown("model") && is_shown("target")) kept += line;
  }
  return kept;
}

}  // namespace

std::string metrics_text(Proxy& proxy, const Caller& caller) {
  const core::ScheduleView view = proxy.dispatcher.view();
  MetricsNow now;
  now.view = &view;
  now.at = proxy.dispatcher.now();
  now.held_bytes = proxy.held.used();
  for (const auto& [id, entry] : proxy.recorder.in_flight.entries()) {
    const bool loading =
        entry->phase() == Phase::Queued &&
        proxy.dispatcher.engine_state(entry->model()) == core::EngineState::Starting;
    const std::string phase(to_string(loading ? Phase::Loading : entry->phase()));
    ++now.phases[{entry->model(), phase}];
    const double start =
        std::chrono::duration<double>(entry->started_at().time_since_epoch()).count();
    double& oldest = now.oldest[phase];
    if (oldest == 0 || start < oldest) oldest = start;
  }
  return only_seen(proxy.recorder.metrics.text(now), caller, proxy.keys);
}

}  // namespace rouse
