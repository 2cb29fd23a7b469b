#include "proxy/peers/wake_ledger.hpp"

#include "base/service/log.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"

#include <algorithm>

namespace rouse {

std::uint64_t WakeLedger::begin(Wake wake) {
  wakes_.push_back(std::move(wake));
  if (wakes_.size() > kKept) {
    wakes_.pop_front();
    ++first_;
  }
  return first_ + wakes_.size() - 1;
}

Wake* WakeLedger::find(std::uint64_t number) {
  if (number < first_ || number - first_ >= wakes_.size()) return nullptr;
  return &wakes_[number - first_];
}

const Wake* WakeLedger::last_of(std::string_view peer) const {
  const auto it = std::find_if(wakes_.rbegin(), wakes_.rend(),
                               [peer](const Wake& wake) { return wake.peer == peer; });
  return it == wakes_.rend() ? nullptr : &*it;
}

void write_wake(JsonWriter& json, const Wake& wake) {
  const auto stage = [&](std::string_view name, const std::optional<core::Duration>& took) {
    json.key(name);
    if (took) {
      json.value(static_cast<std::int64_t>(took->count()));
    } else {
      json.null();
    }
  };
  json.begin_object();
  json.member("peer", wake.peer);
  json.member("at", to_rfc3339(wake.at));
  const auto ago = std::chrono::system_clock::now() - wake.at;
  json.member("ago_s", std::chrono::duration<double>(ago).count());
  json.member("reason", wake.reason);
  json.member("outcome", wake.outcome.empty() ? "waking" : wake.outcome);
  json.member("key", wake.by.key);
  json.member("address", wake.by.address);
  json.member("agent", for_log(wake.by.agent, 200));
  json.member("model", wake.by.model);
  json.member("request_id", wake.by.request_id);
  json.member("volleys", wake.volleys);
  stage("to_network_ms", wake.to_network);
  stage("to_service_ms", wake.to_service);
  stage("to_first_byte_ms", wake.to_first_byte);
  json.member("answered", wake.to_first_byte.has_value());
  json.end_object();
}

std::string WakeLedger::json(const std::function<bool(const std::string& model)>& sees) const {
  JsonWriter json;
  json.begin_object();
  json.key("wakes");
  json.begin_array();
  for (auto it = wakes_.rbegin(); it != wakes_.rend(); ++it) {
    if (it->by.model.empty() || sees(it->by.model)) write_wake(json, *it);
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace rouse
