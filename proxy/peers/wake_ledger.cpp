#include "proxy/peers/wake_ledger.hpp"

#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "proxy/activity/query.hpp"

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

std::string WakeLedger::json() const {
  JsonWriter json;
  const auto stage = [&](std::string_view name, const std::optional<core::Duration>& took) {
    json.key(name);
    if (took) {
      json.value(static_cast<std::int64_t>(took->count()));
    } else {
      json.null();
    }
  };
  json.begin_object();
  json.key("wakes");
  json.begin_array();
  for (auto it = wakes_.rbegin(); it != wakes_.rend(); ++it) {
    json.begin_object();
    json.member("peer", it->peer);
    json.member("at", to_rfc3339(it->at));
    json.member("reason", it->reason);
    json.member("outcome", it->outcome.empty() ? "waking" : it->outcome);
    json.member("key", it->by.key);
    json.member("address", it->by.address);
    json.member("agent", for_log(it->by.agent, 200));
    json.member("model", it->by.model);
    json.member("request_id", it->by.request_id);
    json.member("volleys", it->volleys);
    stage("to_network_ms", it->to_network);
    stage("to_service_ms", it->to_service);
    stage("to_first_byte_ms", it->to_first_byte);
    json.member("answered", it->to_first_byte.has_value());
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace rouse
