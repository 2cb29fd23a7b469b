#include "proxy/power/power_facts.hpp"

#include "base/text/rfc3339.hpp"

#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kMacsMax = 64;
constexpr std::size_t kFactMax = 1000;

/// Reads members, and keeps the first thing that is wrong.
class Reader {
 public:
  std::string text(object from, std::string_view name) {
    element value;
    if (from.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return {};
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS || text.size() > kFactMax) {
      fault(name, "a short text or null");
    }
    return std::string(text);
  }

  /// 0 to @p max; nullopt where it is null or missing.
  std::optional<std::chrono::milliseconds> duration(object from, std::string_view name) {
    constexpr std::int64_t kMax = 1LL * 366 * 24 * 3600 * 1000;
    element value;
    if (from.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return {};
    std::int64_t ms = 0;
    if (value.get(ms) != simdjson::SUCCESS || ms < 0 || ms > kMax) {
      fault(name, "milliseconds (a whole number, a year at most) or null");
    }
    return std::chrono::milliseconds(ms);
  }

  std::vector<PowerFacts::Mac> macs(element wake) {
    std::vector<PowerFacts::Mac> macs;
    simdjson::dom::array list;
    if (wake.is_null()) return macs;
    if (wake.at_key("macs").get(list) != simdjson::SUCCESS || list.size() > kMacsMax) {
      fault("wake", "{\"macs\":[…]}");
      return macs;
    }
    for (const element each : list) {
      object mac;
      if (each.get(mac) != simdjson::SUCCESS) {
        fault("wake.macs", "objects");
        break;
      }
      macs.push_back({text(mac, "if"), text(mac, "mac"), text(mac, "ip"), text(mac, "broadcast"),
                      text(mac, "wol")});
      if (macs.back().mac.empty()) fault("wake.macs", "a \"mac\" in each");
    }
    return macs;
  }

  std::optional<PowerFacts::Sleep> sleep(element value) {
    if (value.is_null()) return std::nullopt;
    object sleep;
    if (value.get(sleep) != simdjson::SUCCESS) {
      fault("last_sleep", "an object or null");
      return std::nullopt;
    }
    return PowerFacts::Sleep{text(sleep, "at"),
                             duration(sleep, "slept_ms").value_or(std::chrono::milliseconds{0}),
                             text(sleep, "wake")};
  }

  void fault(std::string_view name, std::string_view expected) {
    if (problem.empty()) problem = std::string(name) + ": expected " + std::string(expected);
  }

  std::string problem;
};

void write_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

}  // namespace

PowerFacts::Told PowerFacts::tell(std::string_view json) {
  simdjson::dom::parser parser;
  object told;
  const simdjson::padded_string text(json);
  if (parser.parse(text).get(told) != simdjson::SUCCESS) return {false, "expected a JSON object"};
  Reader reader;
  PowerFacts next = *this;
  element value;
  if (told.at_key("sleep_in_ms").get(value) == simdjson::SUCCESS) {
    const auto left = reader.duration(told, "sleep_in_ms");
    next.sleep_at_.reset();
    if (left) next.sleep_at_ = Clock::now() + *left;
  }
  if (told.at_key("blocked").get(value) == simdjson::SUCCESS) {
    next.blocked_ = reader.text(told, "blocked");
  }
  if (told.at_key("wake").get(value) == simdjson::SUCCESS) next.macs_ = reader.macs(value);
  if (told.at_key("last_sleep").get(value) == simdjson::SUCCESS) {
    next.last_sleep_ = reader.sleep(value);
  }
  if (!reader.problem.empty()) return {false, reader.problem};
  const bool is_news = next.sleep_at_.has_value() != sleep_at_.has_value() ||
                       next.blocked_ != blocked_ || next.macs_ != macs_ ||
                       next.last_sleep_ != last_sleep_;
  next.was_told_ = true;
  *this = std::move(next);
  return {is_news, {}};
}

void PowerFacts::slept(std::chrono::milliseconds slept, std::string wake) {
  const auto at = std::chrono::system_clock::now() - slept;
  last_sleep_ = Sleep{to_rfc3339(at), slept, std::move(wake)};
  sleep_at_.reset();
}

void PowerFacts::explain_sleep(std::chrono::milliseconds slept, std::string wake) {
  if (!last_sleep_) return this->slept(slept, std::move(wake));
  if (slept.count() > 0) last_sleep_->slept = slept;
  if (!wake.empty()) last_sleep_->wake = std::move(wake);
}

void PowerFacts::write(JsonWriter& json) const {
  using std::chrono::milliseconds;
  json.key("sleep_in_ms");
  if (sleep_at_) {
    const auto left = std::chrono::duration_cast<milliseconds>(*sleep_at_ - Clock::now());
    json.value(static_cast<std::int64_t>(std::max(left, milliseconds(0)).count()));
  } else {
    json.null();
  }
  write_or_null(json, "blocked", blocked_);
  json.key("wake");
  json.begin_object();
  json.key("macs");
  json.begin_array();
  for (const Mac& mac : macs_) {
    json.begin_object();
    json.member("if", mac.interface);
    json.member("mac", mac.mac);
    json.member("ip", mac.ip);
    json.member("broadcast", mac.broadcast);
    json.member("wol", mac.wol);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  json.key("last_sleep");
  if (!last_sleep_) return json.null();
  json.begin_object();
  json.member("at", last_sleep_->at);
  json.member("slept_ms", static_cast<std::int64_t>(last_sleep_->slept.count()));
  write_or_null(json, "wake", last_sleep_->wake);
  json.end_object();
}

}  // namespace rouse
