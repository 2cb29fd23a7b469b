#include "proxy/cli/wake_target.hpp"

#include "base/net/net_interface.hpp"
#include "base/text/duration_text.hpp"
#include "proxy/cli/config_arguments.hpp"
#include "proxy/config/reader.hpp"
#include "proxy/peers/peer_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace rouse {

namespace {

YamlNode text_node(const std::string& text) {
  YamlNode node;
  node.kind = YamlNode::Kind::Scalar;
  node.quoted = true;
  node.text = text;
  return node;
}

void add(YamlNode& map, const std::string& key, YamlNode value) {
  map.members.push_back(YamlNode::Member{key, {}, std::move(value)});
}

void add_text(YamlNode& map, const std::string& key, const std::string& text) {
  if (!text.empty()) add(map, key, text_node(text));
}

void add_list(YamlNode& map, const std::string& key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  YamlNode list;
  list.kind = YamlNode::Kind::List;
  for (const std::string& text : texts) list.items.push_back(text_node(text));
  add(map, key, std::move(list));
}

YamlNode empty_map() {
  YamlNode map;
  map.kind = YamlNode::Kind::Map;
  return map;
}

/// The flags as a section wake, so that they are read, and refused, as the file is.
YamlNode section_of(const WakeFlags& flags) {
  YamlNode wake = empty_map();
  add_list(wake, "mac", flags.mac);
  add_list(wake, "broadcast", flags.broadcast);
  add_list(wake, "port", flags.port);
  add_list(wake, "unicast", flags.unicast);
  add_text(wake, "interface", flags.interface);
  add_text(wake, "source", flags.source);
  add_text(wake, "secureon", flags.secureon);
  add_text(wake, "timeout", flags.timeout);
  if (!flags.relay.empty()) {
    YamlNode relay = empty_map();
    add_text(relay, "url", flags.relay);
    add_text(relay, "token", flags.relay_token);
    add(wake, "relay", std::move(relay));
  }
  return wake;
}

/// What the flags give takes the place of what @p wake has.
void apply(const WakeFlags& flags, WakeConfig& wake, std::vector<std::string>& problems) {
  std::vector<Problem> found;
  YamlNode root = empty_map();
  add(root, "wake", section_of(flags));
  ConfigTable table = config_table();
  const std::array sections = {config_section("peer"), config_section("wake"),
                               config_section("wakeRelay"), config_section("wakeHttp")};
  table.sections = sections;
  WakeConfig given = read_wake(Section(&root, table, found).section("wake"));
  for (const Problem& problem : found) {
    problems.push_back(fmt::format("{}: {}", problem.path, problem.text));
  }
  if (!flags.timeout.empty() && !parse_duration(flags.timeout)) {
    problems.push_back(fmt::format("\"{}\" is no duration such as 90s", flags.timeout));
  }
  WakePlan& plan = wake.plan;
  if (!flags.mac.empty()) plan.macs = given.plan.macs;
  if (!flags.broadcast.empty()) plan.broadcast = given.plan.broadcast;
  if (!flags.port.empty()) plan.ports = given.plan.ports;
  if (!flags.unicast.empty()) plan.unicast = given.plan.unicast;
  if (!flags.interface.empty()) plan.interface = given.plan.interface;
  if (!flags.source.empty()) plan.source = given.plan.source;
  if (!flags.secureon.empty()) plan.secureon = given.plan.secureon;
  if (!flags.relay.empty()) plan.relay = given.plan.relay;
  if (flags.raw) plan.raw = true;
  if (!flags.timeout.empty()) wake.timeout = given.timeout;
}

/// The peer's section of the configuration; false: there is none, and the problems say why.
bool find_peer(const WakeOptions& options, WakeTarget& target, WakeConfig& wake,
               std::vector<std::string>& problems) {
  ConfigSources sources = options.sources;
  if (sources.file.empty() && sources.dir.empty()) {
    sources.file = kUsualConfig;
    if (!std::filesystem::exists(sources.file)) {
      problems.push_back(fmt::format("name a --config FILE (there is no {})", kUsualConfig));
      return false;
    }
  }
  const LoadedConfig loaded = load_config(sources);
  if (!loaded.config) {
    for (const Problem& problem : loaded.problems) problems.push_back(problem.str());
    return false;
  }
  const auto found = loaded.config->peers.find(options.peer);
  if (found == loaded.config->peers.end()) {
    std::vector<std::string> names;
    for (const auto& [name, peer] : loaded.config->peers) names.push_back(name);
    const std::string meant = did_you_mean(options.peer, names);
    problems.push_back(fmt::format("no peer is called \"{}\"{}", options.peer,
                                   meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
    return false;
  }
  target.url = found->second.endpoint;
  target.key = found->second.api_key;
  target.probe_path = found->second.probe_path;
  if (!found->second.wake) return true;
  wake = *found->second.wake;
  if (wake.learns_macs) {
    const PeerMemory memory = read_peer_memory(peer_memory_file(options.state_dir, options.peer));
    for (const MacAddress& mac : memory.macs) {
      const auto& known = wake.plan.macs;
      if (std::find(known.begin(), known.end(), mac) == known.end()) wake.plan.macs.push_back(mac);
    }
  }
  return true;
}

WakePlan without_paths(const WakePlan& plan) {
  WakePlan bare = plan;
  bare.broadcasts = false;
  bare.raw = false;
  bare.unicast.clear();
  bare.relay.reset();
  bare.hook.reset();
  bare.command.clear();
  return bare;
}

void add_broadcast_paths(const WakePlan& plan, std::vector<WakePath>& paths) {
  WakePlan one = without_paths(plan);
  one.broadcasts = true;
  const bool has_way = !plan.interface.empty() || plan.source.has_value();
  for (const boost::asio::ip::address_v4& to : plan.broadcast) {
    one.broadcast = {to};
    paths.push_back({"broadcast to " + to.to_string(), one});
  }
  if (!plan.broadcast.empty()) return;
  const Result<std::vector<NetInterface>> interfaces = net_interfaces();
  if (has_way || !interfaces) {
    const std::string by = !plan.interface.empty() ? "on " + plan.interface
                           : plan.source           ? "from " + plan.source->to_string()
                                                   : std::string("on every interface");
    paths.push_back({"broadcast " + by, one});
    return;
  }
  for (const NetInterface& interface : *interfaces) {
    if (!interface.takes_broadcasts()) continue;
    one.interface = interface.name;
    paths.push_back({"broadcast on " + interface.name, one});
  }
}

}  // namespace

std::vector<WakePath> single_paths(const WakePlan& plan) {
  std::vector<WakePath> paths;
  const WakePlan bare = without_paths(plan);
  if (!plan.macs.empty()) {
    if (plan.broadcasts) add_broadcast_paths(plan, paths);
    for (const boost::asio::ip::address& to : plan.unicast) {
      paths.push_back({"unicast to " + to.to_string(), bare});
      paths.back().plan.unicast = {to};
    }
    if (plan.raw) {
      paths.push_back({"raw, ethertype 0x0842", bare});
      paths.back().plan.raw = true;
    }
    if (plan.relay) {
      paths.push_back({"relay " + plan.relay->url.authority(), bare});
      paths.back().plan.relay = plan.relay;
    }
  }
  if (plan.hook) {
    paths.push_back({"http " + plan.hook->url.authority(), bare});
    paths.back().plan.hook = plan.hook;
  }
  if (!plan.command.empty()) {
    paths.push_back({"command " + plan.command.front(), bare});
    paths.back().plan.command = plan.command;
  }
  return paths;
}

WakeTarget find_wake_target(const WakeOptions& options, std::vector<std::string>& problems) {
  WakeTarget target;
  WakeConfig wake;
  target.name =
      options.peer.empty() ? fmt::format("{}", fmt::join(options.flags.mac, ", ")) : options.peer;
  if (!options.peer.empty() && !find_peer(options, target, wake, problems)) return target;
  apply(options.flags, wake, problems);
  if (!options.url.empty()) {
    const Result<Endpoint> url = Endpoint::parse(options.url);
    if (url) {
      target.url = *url;
    } else {
      problems.push_back(url.error().doing);
    }
  }
  if (!options.key.empty()) target.key = options.key;
  if (const auto pause = parse_duration(options.pause); pause && pause->count() >= 1000) {
    target.pause = *pause;
  } else {
    problems.push_back(fmt::format("\"{}\" is no pause of a second at least", options.pause));
  }
  target.plan = std::move(wake.plan);
  target.timeout = wake.timeout;
  if (problems.empty() && !target.plan.has_path()) {
    problems.push_back(options.peer.empty()
                           ? std::string("name a PEER of the configuration, or give a --mac")
                           : fmt::format("the configuration has no way to wake {}: no address of a "
                                         "network card, no http, no command; give a --mac",
                                         options.peer));
  }
  if (problems.empty() && options.test && !target.url) {
    problems.emplace_back("a test wants a --url, to hear whether the machine is awake");
  }
  return target;
}

}  // namespace rouse
