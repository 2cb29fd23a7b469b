#include "proxy/config/command_line.hpp"
#include "proxy/config/reader.hpp"
#include "proxy/config/text_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rouse {

namespace {

constexpr int kDefaultConcurrency = 10;
// The one model id that means something: ComfyUI's page asks for many small things at once.
constexpr std::string_view kComfyUi = "comfyui_auto";
constexpr int kComfyUiConcurrency = 50;

void read_endpoint(const Section& section, ModelConfig& model) {
  if (model.proxy.empty()) return;
  const Result<Endpoint> endpoint = Endpoint::parse(model.proxy);
  if (endpoint) {
    model.endpoint = *endpoint;
  } else {
    section.fault("proxy", endpoint.error().doing);
  }
}

void read_env(const Section& section, ModelConfig& model) {
  for (const ListItem& item : section.items("env")) {
    if (item.text.find('=') == std::string::npos || item.text.starts_with('=')) {
      section.warn_at(item.place, item.key,
                      fmt::format("\"{}\" is not of the form NAME=value; left out", item.text));
    } else {
      model.env.push_back(item.text);
    }
  }
}

void read_limits_of_time(const Section& section, const Section& top, const Config& config,
                         ModelConfig& model) {
  const int ttl = section.number("ttl", -1);
  model.ttl = ttl < 0 ? top.seconds("globalTTL", 0) : std::chrono::seconds(ttl);
  const int unload = section.number("unloadTimeout", 0);
  const int global_unload = top.number("unloadTimeout", 10);
  model.unload_timeout = std::chrono::seconds(unload > 0          ? unload
                                              : global_unload > 0 ? global_unload
                                                                  : 10);
  const int health = section.number("healthCheckTimeout", 0);
  model.health_check_timeout =
      health > 0 ? std::chrono::seconds(std::max(health, 15)) : config.health_check_timeout;
}

wire::Capabilities read_capabilities(const Section& section) {
  wire::Capabilities can;
  can.in = section.texts("in");
  can.out = section.texts("out");
  if (section.is_given("tools")) can.tools = section.truth("tools", false);
  if (section.is_given("reranker")) can.reranker = section.truth("reranker", false);
  can.context = section.number("context", 0);
  return can;
}

ModelConfig read_model(const std::string& id, const Section& section, const Config& config,
                       const Section& top) {
  ModelConfig model;
  model.id = id;
  model.cmd = section.text("cmd");
  model.argv = split_command(model.cmd);
  model.cmd_stop = section.text("cmdStop");
  model.proxy = section.text("proxy");
  read_endpoint(section, model);
  model.api_key = section.text("apiKey");
  model.aliases = section.texts("aliases");
  read_env(section, model);
  if (section.node("prefetch") != nullptr) model.prefetch = section.texts("prefetch");
  model.check_endpoint = trimmed(section.text("checkEndpoint", "/health"));
  const std::string fault = check_endpoint_fault(model.check_endpoint);
  if (!fault.empty()) {
    section.fault("checkEndpoint", fmt::format("\"{}\" {}", model.check_endpoint, fault));
  }
  read_limits_of_time(section, top, config, model);
  model.baseline = section.truth("baseline", false);
  model.unevictable = section.truth("unevictable", false);
  model.unlisted = section.truth("unlisted", false);
  model.use_model_name = section.text("useModelName");
  model.name = section.text("name");
  model.description = section.text("description");
  const int limit = section.number("concurrencyLimit", 0);
  model.concurrency_limit = limit <= 0 ? kDefaultConcurrency : limit;
  if (id == kComfyUi) {
    model.concurrency_limit = std::max(model.concurrency_limit, kComfyUiConcurrency);
  }
  model.filters = read_filters(section.section("filters"));
  if (const YamlNode* metadata = section.node("metadata")) {
    if (metadata->is_map()) {
      model.metadata_json = to_json(*metadata);
    } else {
      section.fault("metadata", fmt::format("expected a mapping, got {}", metadata->kind_name()));
    }
  }
  model.send_loading_state =
      section.truth("sendLoadingState", top.truth("sendLoadingState", false));
  model.timeouts = read_timeouts(section.section("timeouts"));
  model.endpoint.tls_timeout = model.timeouts.tls_handshake;
  model.ignore_websockets =
      id == kComfyUi || section.section("compat").truth("ignoreWebsockets", false);
  const Section capabilities = section.section("capabilities");
  model.capabilities = read_capabilities(capabilities);
  model.may_ask_capabilities = !capabilities.truth("disableAuto", false);
  return model;
}

/// Its text without the stars: the longer, the more particular.
std::size_t literal_size(const AliasPattern& alias) {
  const auto stars = std::count(alias.pattern.begin(), alias.pattern.end(), '*');
  return alias.pattern.size() - static_cast<std::size_t>(stars);
}

std::string taken_alias(const std::string& alias, const std::string& owner) {
  return fmt::format(
      "duplicate alias: \"{}\" is one of model \"{}\" already, and a name leads to one "
      "model; remove it in one place",
      alias, owner);
}

void add_pattern(const std::string& alias, const std::string& id, const Section& section,
                 const ListItem& from, Config& config) {
  AliasPattern made{alias, id};
  // Two stars in a row say no more than one.
  for (std::size_t at = 0; (at = made.pattern.find("**", at)) != std::string::npos;) {
    made.pattern.erase(at, 1);
  }
  if (literal_size(made) == 0) {
    return section.fault_at(from, "a pattern of stars alone would take every name");
  }
  for (const AliasPattern& other : config.alias_patterns) {
    if (other.pattern != made.pattern || other.model == id) continue;
    section.fault_at(from, taken_alias(alias, other.model));
  }
  const auto before = std::find_if(
      config.alias_patterns.begin(), config.alias_patterns.end(),
      [&](const AliasPattern& other) { return literal_size(other) < literal_size(made); });
  config.alias_patterns.insert(before, std::move(made));
}

void add_alias(const std::string& alias, const std::string& id, const Section& section,
               const ListItem& from, Config& config) {
  if (alias.find('*') != std::string::npos) {
    return add_pattern(alias, id, section, from, config);
  }
  if (config.models.contains(alias) || config.peer_models.contains(alias)) {
    if (alias != id) {
      section.warn_at(from.place, from.key,
                      fmt::format("alias {} is the id of another model, which wins", alias));
    }
    return;
  }
  const auto [it, fresh] = config.aliases.emplace(alias, id);
  if (!fresh && it->second != id) {
    section.fault_at(from, taken_alias(alias, it->second));
  }
}

/// What the peers of a file have, before they are read.
struct PeerOffers {
  std::set<std::string> models;  ///< those that are named
  bool may_grow = false;         ///< some peer tells itself what it has
};

PeerOffers offers_of_peers(const Section& top) {
  PeerOffers offers;
  top.each("peers", [&](const YamlNode::Member&, const Section& peer) {
    const std::vector<std::string> models = peer.texts("models");
    offers.models.insert(models.begin(), models.end());
    offers.may_grow = offers.may_grow || !peer.is_given("models");
  });
  offers.may_grow = offers.models.erase("auto") > 0 || offers.may_grow;
  return offers;
}

std::vector<std::string>& aliases_of(const std::string& id, Config& config) {
  const auto model = config.models.find(id);
  return model == config.models.end() ? config.peer_models.at(id).aliases : model->second.aliases;
}

}  // namespace

Timeouts read_timeouts(const Section& section) {
  Timeouts timeouts;
  timeouts.connect = section.seconds("connect", 30);
  timeouts.keepalive = section.seconds("keepalive", 30);
  timeouts.response_header = section.seconds("responseHeader", 0);
  timeouts.tls_handshake = section.seconds("tlsHandshake", 10);
  timeouts.expect_continue = section.seconds("expectContinue", 1);
  timeouts.idle_conn = section.seconds("idleConn", 90);
  return timeouts;
}

void read_models(const Section& top, Config& config) {
  const PeerOffers offers = offers_of_peers(top);
  top.each("models", [&](const YamlNode::Member& member, const Section& section) {
    ModelConfig model = read_model(member.key, section, config, top);
    if (member.key.empty()) top.fault_at(member.place, "models", "a model needs a name");
    const bool is_elsewhere = model.argv.empty() && model.proxy.empty();
    const bool is_offered = offers.models.contains(member.key);
    if (is_elsewhere && (is_offered || offers.may_grow)) {
      if (!is_offered) {
        section.warn("cmd", "is missing: only a peer that lists a model of this name can serve it");
      }
      config.peer_models.emplace(member.key,
                                 PeerModel{std::move(model.filters), std::move(model.aliases)});
      return;
    }
    if (model.argv.empty()) {
      section.warn("cmd", model.proxy.empty()
                              ? "is missing: without the engine's command line the model cannot be "
                                "started; write cmd: PROGRAM --port ${PORT} …"
                              : "is missing: without the engine's command line the model cannot be "
                                "started (an engine that runs by itself is a peer: see peers:)");
    } else if (model.proxy.empty()) {
      section.fault("proxy", "neither cmd nor proxy says where the engine answers: use ${PORT}");
    }
    config.models.emplace(member.key, std::move(model));
  });
  // After all ids are known: an id wins over an alias.
  top.each("models", [&](const YamlNode::Member& member, const Section& section) {
    for (const ListItem& alias : section.items("aliases")) {
      add_alias(alias.text, member.key, section, alias, config);
    }
    const Section filters = section.section("filters");
    filters.each("setParamsByID", [&](const YamlNode::Member& entry, const Section&) {
      const std::string& name = entry.key;
      if (name == member.key) return;
      const ListItem from{name, entry.place, "filters.setParamsByID." + name};
      if (config.models.contains(name) || config.peer_models.contains(name)) {
        section.fault_at(from, fmt::format("model {} filters.setParamsByID: key '{}' conflicts "
                                           "with an existing model ID",
                                           member.key, name));
        return;
      }
      add_alias(name, member.key, section, from, config);
      std::vector<std::string>& known = aliases_of(member.key, config);
      if (std::find(known.begin(), known.end(), name) == known.end()) known.push_back(name);
    });
  });
}

}  // namespace rouse
