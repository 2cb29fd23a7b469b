#include "proxy/telemetry/metrics_peers.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace rouse {

namespace {

using PeerPhase = core::peer::Phase;

constexpr std::array<std::string_view, 5> kPeerStates{"unknown", "up", "asleep", "waking",
                                                      "unreachable"};
constexpr std::array<std::string_view, 3> kWakes{"ok", "timeout", "cancelled"};
constexpr std::array<std::string_view, 6> kMethodsOfWaking{"broadcast", "unicast", "raw",
                                                           "relay",     "http",    "command"};

std::string_view state_of(PeerPhase phase) {
  switch (phase) {
    case PeerPhase::Unknown:
      return "unknown";
    case PeerPhase::Awake:
    case PeerPhase::Draining:
      return "up";
    case PeerPhase::Asleep:
      return "asleep";
    case PeerPhase::Waking:
      return "waking";
    case PeerPhase::Failed:
      break;
  }
  return "unreachable";
}

/// "EPERM"; of a program its exit status, of an answer its HTTP status.
std::string name_of_error(std::string_view method, int code) {
  constexpr int kFirstStatus = 200;
  const char* name = nullptr;
  if (method != "command" && code < kFirstStatus) name = ::strerrorname_np(code);
  return name != nullptr ? name : std::to_string(code);
}

}  // namespace

PeerMetrics::PeerMetrics(prometheus::Registry& registry)
    : state_(registry, "rouse_peer_state"),
      last_seen_(registry, "rouse_peer_last_seen_timestamp_seconds"),
      waiters_(registry, "rouse_peer_wake_waiters"),
      wakes_(registry, "rouse_peer_wakes_total"),
      wake_time_(registry, "rouse_peer_wake_seconds"),
      packets_(registry, "rouse_wol_packets_total"),
      errors_(registry, "rouse_wol_send_errors_total"),
      requests_(registry, "rouse_peer_requests_total") {}

void PeerMetrics::adopt(const Config& config) {
  for (auto it = series_.begin(); it != series_.end();) {
    if (config.peers.contains(it->first)) {
      ++it;
    } else {
      remove(it->second);
      it = series_.erase(it);
    }
  }
  for (const auto& [name, peer] : config.peers) {
    if (!series_.contains(name)) make(name);
  }
}

void PeerMetrics::make(const std::string& peer) {
  Series& series = series_[peer];
  for (const std::string_view state : kPeerStates) {
    series.state.emplace(state, &state_.add({peer, state}));
  }
  series.state.at("unknown")->Set(1);
  series.last_seen = &last_seen_.add({peer});
  series.waiters = &waiters_.add({peer});
  for (const std::string_view outcome : kWakes) {
    series.wakes.emplace(outcome, &wakes_.add({peer, outcome}));
  }
  series.wake_time = &wake_time_.add({peer});
  for (const std::string_view method : kMethodsOfWaking) {
    series.packets.emplace(method, &packets_.add({peer, method}));
  }
  series.requests.emplace(200, &requests_.add({peer, "200"}));
}

void PeerMetrics::remove(Series& series) {
  for (const auto& [name, gauge] : series.state) state_.remove(gauge);
  last_seen_.remove(series.last_seen);
  waiters_.remove(series.waiters);
  for (const auto& [name, counter] : series.wakes) wakes_.remove(counter);
  wake_time_.remove(series.wake_time);
  for (const auto& [name, counter] : series.packets) packets_.remove(counter);
  for (const auto& [name, counter] : series.errors) errors_.remove(counter);
  for (const auto& [code, counter] : series.requests) requests_.remove(counter);
}

PeerMetrics::Series* PeerMetrics::find(const std::string& peer) {
  const auto it = series_.find(peer);
  return it == series_.end() ? nullptr : &it->second;
}

void PeerMetrics::entered(const std::string& peer, PeerPhase phase) {
  Series* const series = find(peer);
  if (series == nullptr) return;
  const std::string_view now = state_of(phase);
  for (const auto& [name, gauge] : series->state) gauge->Set(name == now ? 1 : 0);
}

void PeerMetrics::seen(const std::string& peer) {
  if (Series* const series = find(peer)) series->last_seen->SetToCurrentTime();
}

void PeerMetrics::wake_ended(const std::string& peer, std::string_view outcome,
                             std::chrono::milliseconds took) {
  Series* const series = find(peer);
  if (series == nullptr) return;
  if (const auto it = series->wakes.find(outcome); it != series->wakes.end()) {
    it->second->Increment();
  }
  if (outcome == "ok") series->wake_time->Observe(static_cast<double>(took.count()) / 1000.0);
}

void PeerMetrics::sent(const std::string& peer, std::string_view method, bool ok, int code) {
  Series* const series = find(peer);
  if (series == nullptr) return;
  if (ok) {
    if (const auto it = series->packets.find(method); it != series->packets.end()) {
      it->second->Increment();
    }
    return;
  }
  const std::string error = name_of_error(method, code);
  Counter*& counter = series->errors[fmt::format("{} {}", method, error)];
  if (counter == nullptr) counter = &errors_.add({peer, method, error});
  counter->Increment();
}

void PeerMetrics::answered(const std::string& peer, int status) {
  Series* const series = find(peer);
  if (series == nullptr) return;
  Counter*& counter = series->requests[status];
  if (counter == nullptr) counter = &requests_.add({peer, std::to_string(status)});
  counter->Increment();
}

void PeerMetrics::waiting(const std::string& peer, std::size_t n) {
  if (Series* const series = find(peer)) series->waiters->Set(static_cast<double>(n));
}

}  // namespace rouse
