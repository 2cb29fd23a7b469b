#include "core/groups.hpp"
#include "proxy/config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rouse {

namespace {

/// Every name under which a peer's model can be asked for: PEER/MODEL, and MODEL where one peer
/// alone has it.
std::set<std::string> peer_names(const Config& config) {
  std::set<std::string> names;
  std::map<std::string, int> bare;
  for (const auto& [peer, entry] : config.peers) {
    for (const std::string& model : entry.models) {
      names.insert(peer + "/" + model);
      ++bare[model];
    }
  }
  for (const auto& [model, count] : bare) {
    if (count == 1) names.insert(model);
  }
  return names;
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
      section.fault(
          "proxy", fmt::format("\"{}\" is no address: {}", peer.proxy, endpoint.error().message()));
    }
    peer.api_key = section.text("apiKey");
    peer.models = section.texts("models");
    if (peer.models.empty()) section.fault("models", "a peer needs models");
    peer.filters = read_filters(section.section("filters"));
    peer.timeouts = read_timeouts(section.section("timeouts"), 60);
    for (const std::string& model : peer.models) {
      const std::string full = member.key + "/" + model;
      const auto [it, fresh] = owner.emplace(full, member.key);
      if (!fresh && it->second != member.key) {
        section.fault("models", fmt::format("{} is a name of peer {}, too", full, it->second));
      }
      if (config.find_model(full) != nullptr) {
        section.fault("models", fmt::format("{} is the name of a model here", full));
      }
    }
    config.peers.emplace(member.key, std::move(peer));
  });
}

SelectorConfig::Strategy strategy_of(const std::string& text) {
  if (text == "warm") return SelectorConfig::Strategy::Warm;
  if (text == "spillover") return SelectorConfig::Strategy::Spillover;
  return SelectorConfig::Strategy::Pin;
}

void check_spillover(const SelectorConfig& selector, const Section& section, const Config& config) {
  std::vector<const ModelConfig*> local;
  for (const std::string& target : selector.targets) {
    const ModelConfig* model = config.find_model(target);
    if (model == nullptr) continue;
    for (const ModelConfig* other : local) {
      if (other == model) {
        section.fault("targets", fmt::format("{} is there twice", model->id));
      } else if (!config.residency->may_coexist(other->id, model->id)) {
        section.fault("targets",
                      fmt::format("{} and {} may not be resident together", other->id, model->id));
      }
    }
    local.push_back(model);
  }
}

void read_selectors(const Section& top, Config& config) {
  const std::set<std::string> remote = peer_names(config);
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
    if (member.key.find_first_not_of(" \t") == std::string::npos) {
      top.fault_at(member.place, "selectors", "a selector needs a name");
    }
    if (config.find_model(member.key) != nullptr || remote.contains(member.key)) {
      top.fault_at(member.place, "selectors." + member.key, "this is the name of a model");
    }
    if (!section.is_given("strategy"))
      section.fault("strategy", "is missing: pin, warm or spillover");
    if (selector.targets.empty()) section.fault("targets", "a selector needs targets");
    for (const std::string& target : selector.targets) {
      const bool local = config.find_model(target) != nullptr;
      if (!local && !remote.contains(target)) {
        section.fault("targets", fmt::format("no model is called \"{}\"", target));
      } else if (!local && selector.strategy == SelectorConfig::Strategy::Warm) {
        section.fault("targets",
                      fmt::format("{} is on another machine: warm wants local ones", target));
      }
    }
    if (selector.strategy == SelectorConfig::Strategy::Spillover) {
      check_spillover(selector, section, config);
    }
    config.selectors.emplace(member.key, std::move(selector));
  });
}

void read_profiles(const Section& top, Config& config) {
  const std::set<std::string> remote = peer_names(config);
  top.each("profiles", [&](const YamlNode::Member& member, const Section& section) {
    ProfileConfig profile;
    profile.description = section.text("description");
    section.each("pins", [&](const YamlNode::Member& pin, const Section&) {
      if (!pin.value.is_null() && !pin.value.is_scalar()) {
        section.fault_at(pin.value.place, "pins." + pin.key,
                         "a pin names one target (lists are the removed form: use a selector)");
        return;
      }
      const std::string& target = pin.value.text;
      if (!target.empty() && config.find_model(target) == nullptr && !remote.contains(target) &&
          !config.selectors.contains(target)) {
        section.fault_at(pin.value.place, "pins." + pin.key,
                         fmt::format("no model, peer model or selector is called \"{}\"", target));
      }
      profile.pins.emplace(pin.key, target);
    });
    if (profile.pins.empty()) {
      top.fault_at(member.place, "profiles." + member.key, "a profile needs at least one pin");
    }
    config.profiles.emplace(member.key, std::move(profile));
  });
}

}  // namespace

void read_remote(const Section& top, Config& config) {
  read_peers(top, config);
  read_selectors(top, config);
  read_profiles(top, config);
}

}  // namespace rouse
