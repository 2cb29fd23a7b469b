#include "proxy/config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rouse {

namespace {

/// Under which names a peer's model can be asked for: PEER/MODEL, and MODEL where one peer alone
/// has it. To PEER/MODEL.
class PeerNames {
 public:
  explicit PeerNames(const Config& config) : config_(config) {
    for (const auto& [peer, entry] : config.peers) {
      for (const std::string& model : entry.models) {
        full_.insert(peer + "/" + model);
        bare_[model].insert(peer + "/" + model);
      }
    }
  }

  [[nodiscard]] bool has_full(const std::string& name) const { return full_.contains(name); }
  [[nodiscard]] const std::string* find(const std::string& name) const {
    if (const auto it = full_.find(name); it != full_.end()) return &*it;
    const auto it = bare_.find(std::string(config_.name_at_peers(name)));
    return it == bare_.end() || it->second.size() != 1 ? nullptr : &*it->second.begin();
  }

 private:
  const Config& config_;
  std::set<std::string> full_;
  std::map<std::string, std::set<std::string>> bare_;
};

bool holds(const std::vector<std::string>& names, const AliasPattern& pattern) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return pattern.matches(name); });
}

bool is_blank(std::string_view name) {
  return trimmed(name).empty();
}

/// "auto" may stand beside names: what the machine lists comes in addition.
void read_peer_models(const Section& section, PeerConfig& peer) {
  peer.models = section.texts("models");
  peer.learns_models = !section.is_given("models") || std::erase(peer.models, "auto") > 0;
  if (peer.models.empty() && !peer.learns_models) {
    section.fault("models", "is an empty list: it wants names, or auto");
  }
}

/// Names in setParamsByID that nobody who gets to this peer can have asked for.
void warn_of_names(const Section& filters, const std::string& name, const Config& config,
                   const PeerConfig& peer) {
  if (peer.learns_models) return;
  filters.each("setParamsByID", [&](const YamlNode::Member& entry, const Section&) {
    const AliasPattern pattern{entry.key, {}};
    const bool fits =
        std::any_of(peer.models.begin(), peer.models.end(), [&](const std::string& model) {
          const auto own = config.peer_models.find(model);
          return pattern.matches(model) || pattern.matches(name + "/" + model) ||
                 config.name_at_peers(entry.key) == model ||
                 (own != config.peer_models.end() && holds(own->second.aliases, pattern));
        });
    if (fits) return;
    filters.warn_at(
        entry.place, "setParamsByID." + entry.key,
        fmt::format("never applies: {} has no model of this name ({}). For a second "
                    "name of one, add models: {{{}: {{aliases: [\"{}\"]}}}}",
                    name, fmt::join(peer.models, ", "), peer.models.front(), entry.key));
  });
}

void read_peers(const Section& top, Config& config) {
  std::map<std::string, std::string> owner;  // full name -> peer
  top.each("peers", [&](const YamlNode::Member& member, const Section& section) {
    PeerConfig peer;
    peer.proxy = section.text("proxy");
    if (peer.proxy.empty()) {
      section.fault("proxy", "a peer needs a proxy: its address");
    } else if (const auto endpoint = Endpoint::parse(peer.proxy)) {
      peer.endpoint = *endpoint;
    } else {
      section.fault("proxy", endpoint.error().doing);
    }
    peer.api_key = section.text("apiKey");
    peer.order = static_cast<int>(config.peers.size());
    read_peer_models(section, peer);
    peer.filters = read_filters(section.section("filters"));
    peer.timeouts = read_timeouts(section.section("timeouts"));
    peer.endpoint.tls_timeout = peer.timeouts.tls_handshake;
    if (section.is_given("wake")) peer.wake = read_wake(section.section("wake"));
    peer.probe_path = section.text("probe");
    if (!peer.probe_path.empty() && !peer.probe_path.starts_with('/')) {
      section.fault("probe", "a path begins with a slash");
    }
    const Section hold = section.section("hold");
    peer.hold.max = static_cast<std::size_t>(hold.number("max", 64));
    peer.hold.bytes = hold.size("bytes", peer.hold.bytes);
    peer.hold.wait = hold.duration("wait", peer.hold.wait);
    if (peer.wake) {
      // A SYN to a machine that sleeps is lost; who waits for the kernel's patience waits for ever.
      peer.timeouts.connect = section.section("timeouts").seconds("connect", 1);
      peer.timeouts.idle_conn = std::min(peer.timeouts.idle_conn, std::chrono::seconds(2));
      peer.endpoint.may_sleep = true;
    }
    for (const ListItem& item : section.items("models")) {
      if (item.text == "auto") continue;
      const std::string full = member.key + "/" + item.text;
      const auto [it, fresh] = owner.emplace(full, member.key);
      if (!fresh && it->second != member.key) {
        section.fault_at(item, fmt::format("{} is a name of peer {}, too", full, it->second));
      }
      if (config.find_exact(full) != nullptr) {
        section.fault_at(item, fmt::format("{} is the name of a model here", full));
      }
    }
    warn_of_names(section.section("filters"), member.key, config, peer);
    config.peers.emplace(member.key, std::move(peer));
  });
}

SelectorConfig::Strategy strategy_of(const std::string& text) {
  if (text == "warm") return SelectorConfig::Strategy::Warm;
  if (text == "spillover") return SelectorConfig::Strategy::Spillover;
  return SelectorConfig::Strategy::Pin;
}

/// Requests go to several targets at once: they must be different, and those that are here must fit
/// together, all of them, whichever comes last.
void check_spillover(const Section& section, const Config& config, const PeerNames& peers) {
  std::set<std::string> models;
  core::ModelSet local;
  for (const ListItem& item : section.items("targets")) {
    const ModelConfig* const model = config.find_model(item.text);
    const std::string* const remote = model == nullptr ? peers.find(item.text) : nullptr;
    if (model == nullptr && remote == nullptr) continue;
    const std::string& name = model == nullptr ? *remote : model->id;
    if (!models.insert(name).second) {
      section.fault_at(item, fmt::format("{} is there twice", name));
    } else if (model != nullptr) {
      local.insert(name);
    }
  }
  for (const core::ModelId& last : local) {
    core::ModelSet others = local;
    others.erase(last);
    if (config.residency->make_room(last, others).evict.empty()) continue;
    section.fault("targets", fmt::format("{} may not be resident together, as spillover wants it",
                                         fmt::join(local, " + ")));
    return;
  }
}

/// Faults of the targets as such; those of spillover come on top.
void check_targets(const SelectorConfig& selector, const Section& section, const Config& config,
                   const PeerNames& peers) {
  if (selector.targets.empty()) section.fault("targets", "a selector needs targets");
  for (const ListItem& item : section.items("targets")) {
    const bool local = config.find_model(item.text) != nullptr;
    if (!local && peers.find(item.text) == nullptr) {
      section.fault_at(item, no_model(item.text, config));
    } else if (!local && selector.strategy == SelectorConfig::Strategy::Warm) {
      section.fault_at(item,
                       fmt::format("{} is on another machine: warm wants local ones", item.text));
    }
  }
  if (selector.strategy == SelectorConfig::Strategy::Spillover) {
    check_spillover(section, config, peers);
  }
}

void read_selectors(const Section& top, Config& config) {
  const PeerNames peers(config);
  top.each("selectors", [&](const YamlNode::Member& member, const Section& section) {
    SelectorConfig selector;
    selector.strategy = strategy_of(section.text("strategy"));
    selector.targets = section.texts("targets");
    selector.spillover = section.section("settings").number("spillover", 1);
    selector.name = section.text("name");
    selector.description = section.text("description");
    selector.unlisted = section.truth("unlisted", false);
    if (const YamlNode* metadata = section.node("metadata"))
      selector.metadata_json = to_json(*metadata);
    if (is_blank(member.key)) {
      top.fault_at(member.place, "selectors", "a selector needs a name");
    }
    if (config.find_exact(member.key) != nullptr || peers.has_full(member.key)) {
      top.fault_at(member.place, "selectors." + member.key, "this is the name of a model");
    }
    if (!section.is_given("strategy"))
      section.fault("strategy", "is missing: pin, warm or spillover");
    check_targets(selector, section, config, peers);
    config.selectors.emplace(member.key, std::move(selector));
  });
}

void read_pin(const YamlNode::Member& pin, const Section& section, const Config& config,
              const PeerNames& peers, ProfileConfig& profile) {
  const std::string key = "pins." + pin.key;
  if (is_blank(pin.key)) section.fault_at(pin.place, key, "a pin needs the name that it is for");
  if (peers.has_full(pin.key)) {
    section.fault_at(pin.place, key, "this is the name of a peer's model");
  }
  if (!pin.value.is_null() && !pin.value.is_scalar()) {
    return section.fault_at(pin.value.place, key,
                            "a pin names one target (lists are the removed form: use a selector)");
  }
  const std::string& target = pin.value.text;
  if (!target.empty() && config.find_model(target) == nullptr && peers.find(target) == nullptr &&
      !config.selectors.contains(target)) {
    section.fault_at(pin.value.place, key,
                     fmt::format("no model, peer model or selector is called \"{}\"", target));
  }
  profile.pins.emplace(pin.key, target);
}

void read_profiles(const Section& top, Config& config) {
  const PeerNames peers(config);
  top.each("profiles", [&](const YamlNode::Member& member, const Section& section) {
    if (is_blank(member.key)) top.fault_at(member.place, "profiles", "a profile needs a name");
    ProfileConfig profile;
    profile.description = section.text("description");
    section.each("pins", [&](const YamlNode::Member& pin, const Section&) {
      read_pin(pin, section, config, peers, profile);
    });
    const YamlNode* const pins = section.node("pins");
    if (pins == nullptr || pins->members.empty()) {
      top.fault_at(member.place, "profiles." + member.key, "a profile needs at least one pin");
    }
    config.profiles.emplace(member.key, std::move(profile));
  });
}

void read_default(const Section& top, Config& config) {
  config.default_model = trimmed(top.text("defaultModel"));
  const std::string& name = config.default_model;
  const auto is_pin = [&](const auto& profile) { return profile.second.pins.contains(name); };
  const auto learns = [](const auto& peer) { return peer.second.learns_models; };
  const bool is_known = name.empty() || config.find_model(name) != nullptr ||
                        config.selectors.contains(name) ||
                        PeerNames(config).find(name) != nullptr ||
                        std::any_of(config.profiles.begin(), config.profiles.end(), is_pin) ||
                        std::any_of(config.peers.begin(), config.peers.end(), learns);
  if (!is_known) top.fault("defaultModel", no_model(name, config));
}

}  // namespace

void read_remote(const Section& top, Config& config) {
  read_peers(top, config);
  read_selectors(top, config);
  read_profiles(top, config);
  read_default(top, config);
}

}  // namespace rouse
