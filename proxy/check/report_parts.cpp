#include "proxy/check/report_parts.hpp"

#include "base/config/environment.hpp"
#include "proxy/check/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

std::vector<std::string> neighbours(const Config& config, const std::string& id) {
  std::vector<std::string> list;
  for (const auto& [other, model] : config.models) {
    if (other != id && config.residency->may_coexist(id, other)) list.push_back(other);
  }
  return list;
}

std::string address_of(const ModelConfig& model) {
  if (model.proxy.empty()) return "-";
  // What depends on a variable that nobody looked up is not known.
  if (names_variable(model.proxy) || (!model.port && names_variable(model.cmd))) return "?";
  return model.endpoint.authority();
}

std::string address_of(const PeerConfig& peer) {
  return names_variable(peer.proxy) ? "?" : peer.endpoint.authority();
}

std::vector<std::pair<std::string, const PeerConfig*>> in_order(
    const std::map<std::string, PeerConfig>& peers) {
  std::vector<std::pair<std::string, const PeerConfig*>> list;
  for (const auto& [name, peer] : peers) list.emplace_back(name, &peer);
  std::sort(list.begin(), list.end(),
            [](const auto& a, const auto& b) { return a.second->order < b.second->order; });
  return list;
}

namespace {

std::string packet_words(const WakeConfig& wake) {
  const WakePlan& plan = wake.plan;
  std::vector<std::string> cards;
  for (const MacAddress& mac : plan.macs) cards.push_back(mac.text());
  if (wake.learns_macs) {
    cards.emplace_back(cards.empty() ? "the cards that its rouse names" : "those that it names");
  }
  std::vector<std::string> ways;
  if (plan.broadcasts && plan.broadcast.empty()) {
    ways.push_back(plan.interface.empty() ? "broadcast" : "broadcast on " + plan.interface);
  }
  for (const auto& address : plan.broadcast) ways.push_back("broadcast to " + address.to_string());
  for (const auto& address : plan.unicast) ways.push_back("unicast to " + address.to_string());
  if (plan.raw) ways.emplace_back("frames without IP");
  if (plan.relay) ways.push_back("the relay at " + plan.relay->url.authority());
  return fmt::format("magic packets to {} by {}", fmt::join(cards, ", "), fmt::join(ways, ", "));
}

}  // namespace

std::vector<std::string> wake_ways(const WakeConfig& wake) {
  const WakePlan& plan = wake.plan;
  std::vector<std::string> parts;
  if (!plan.macs.empty() || wake.learns_macs) parts.push_back(packet_words(wake));
  if (plan.hook) {
    parts.push_back(fmt::format("{} to {}", plan.hook->method, plan.hook->url.authority()));
  }
  // Its arguments may hold a password.
  if (!plan.command.empty()) parts.push_back("the command " + plan.command.front());
  if (!wake.quiet_hours.empty()) parts.emplace_back("but not in its quiet hours");
  return parts;
}

}  // namespace rouse
