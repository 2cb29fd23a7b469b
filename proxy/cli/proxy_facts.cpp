#include "proxy/cli/proxy_facts.hpp"

#include "core/swap/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace rouse {

namespace {

constexpr double kMinute = 60;
constexpr double kHour = 60 * kMinute;
constexpr double kDay = 24 * kHour;

/// "2 requests are running, coder is loading".
std::string busy_words(const std::vector<ProxyFacts::Object>& busy) {
  struct Kind {
    std::string_view name;
    std::string_view words;
  };
  constexpr std::array kRequests{Kind{"inflight", "running"}, Kind{"queued", "waiting"},
                                 Kind{"upload", "being uploaded"}, Kind{"held", "held"}};
  std::vector<std::string> parts;
  for (const Kind& kind : kRequests) {
    const auto n = std::count_if(busy.begin(), busy.end(),
                                 [&](auto each) { return text_in(each, "kind") == kind.name; });
    if (n == 0) continue;
    parts.push_back(fmt::format("{} {} {}", core::count(static_cast<std::size_t>(n), "request"),
                                n == 1 ? "is" : "are", kind.words));
  }
  for (const ProxyFacts::Object each : busy) {
    const std::string kind = text_in(each, "kind");
    if (kind == "starting") parts.push_back(text_in(each, "model") + " is loading");
    if (kind == "stopping") parts.push_back(text_in(each, "model") + " is stopping");
    if (kind == "management") parts.emplace_back("an operator's call is being answered");
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::optional<ProxyFacts> ProxyFacts::parse(const std::string& json) {
  ProxyFacts facts;
  facts.parser_ = std::make_unique<simdjson::dom::parser>();
  const bool is_json = facts.parser_->parse(json).get(facts.root_) == simdjson::SUCCESS;
  simdjson::dom::array models;
  if (!is_json || facts.root_["models"].get(models) != simdjson::SUCCESS) return std::nullopt;
  if (!object_in(facts.root_, "power")) return std::nullopt;
  return facts;
}

std::string text_in(ProxyFacts::Object object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) == simdjson::SUCCESS) return std::string(text);
  return {};
}

std::int64_t count_in(ProxyFacts::Object object, std::string_view key) {
  std::int64_t number = 0;
  return object[key].get(number) == simdjson::SUCCESS ? number : 0;
}

bool flag_in(ProxyFacts::Object object, std::string_view key) {
  bool flag = false;
  return object[key].get(flag) == simdjson::SUCCESS && flag;
}

std::vector<ProxyFacts::Object> list_in(ProxyFacts::Object object, std::string_view key) {
  simdjson::dom::array items;
  if (object[key].get(items) != simdjson::SUCCESS) return {};
  std::vector<ProxyFacts::Object> list;
  for (const ProxyFacts::Object item : items) list.push_back(item);
  return list;
}

std::vector<std::string> texts_in(ProxyFacts::Object object, std::string_view key) {
  std::vector<std::string> texts;
  for (const ProxyFacts::Object item : list_in(object, key)) {
    std::string_view text;
    if (item.get(text) == simdjson::SUCCESS) texts.emplace_back(text);
  }
  return texts;
}

std::optional<double> seconds_in(ProxyFacts::Object object, std::string_view key) {
  double number = 0;
  if (object[key].get(number) != simdjson::SUCCESS) return std::nullopt;
  return std::max(number, 0.0) / (key.ends_with("_ms") ? 1000 : 1);
}

std::optional<ProxyFacts::Object> object_in(ProxyFacts::Object object, std::string_view key) {
  ProxyFacts::Object member;
  if (object[key].get(member) != simdjson::SUCCESS || !member.is_object()) return std::nullopt;
  return member;
}

std::string span_words(double seconds) {
  if (seconds >= 2 * kDay) return short_span(seconds);
  if (seconds >= 10 * kMinute && seconds < 2 * kHour) return short_span(seconds);
  std::string text = core::to_string(core::Duration(std::llround(seconds * 1000)));
  for (const std::string_view nothing : {" 0 s", " 0 min"}) {
    if (text.ends_with(nothing)) return text.substr(0, text.size() - nothing.size());
  }
  return text;
}

std::string short_span(double seconds) {
  if (seconds < 2 * kMinute) return fmt::format("{:.0f} s", seconds);
  if (seconds < 2 * kHour) return fmt::format("{:.0f} min", std::floor(seconds / kMinute));
  if (seconds < 2 * kDay) return fmt::format("{:.0f} h", std::floor(seconds / kHour));
  return fmt::format("{:.0f} d", std::floor(seconds / kDay));
}

Tone tone_of_state(std::string_view state) {
  if (state == "ready" || state == "awake") return Tone::Good;
  if (state == "failed") return Tone::Bad;
  if (state == "stopped" || state == "asleep" || state == "unknown") return Tone::Faint;
  return Tone::Warning;
}

std::string sleep_words(ProxyFacts::Object power) {
  const std::string state = text_in(power, "state");
  const std::string reason = text_in(power, "reason");
  if (state == "suspending") return "goes to sleep: " + reason;
  if (state == "draining") return "is about to sleep: " + reason;
  const std::string busy = busy_words(list_in(power, "busy"));
  if (!busy.empty()) return "stays awake: " + busy;
  if (const std::string blocked = text_in(power, "blocked"); !blocked.empty()) {
    return "stays awake, though no request needs it: " + blocked;
  }
  if (const auto left = seconds_in(power, "sleep_in_ms")) {
    return fmt::format("sleeps in {} unless something needs it", span_words(*left));
  }
  if (flag_in(power, "daemon")) {
    return "is needed by no request; `rouse-suspendd explain` says whether it sleeps";
  }
  return "is needed by no request, and no rouse-suspendd has asked to let it sleep";
}

std::string wake_words(ProxyFacts::Object wake) {
  std::string outcome = text_in(wake, "outcome");
  if (outcome == "waking") return "under way";
  if (const auto took = seconds_in(wake, "to_service_ms")) {
    return fmt::format("{} after {}", outcome, span_words(*took));
  }
  return outcome;
}

std::string sender_words(ProxyFacts::Object request) {
  std::string text;
  if (const std::string key = text_in(request, "client"); !key.empty()) text = "key " + key;
  if (text.empty()) {
    if (const std::string key = text_in(request, "key"); !key.empty()) text = "key " + key;
  }
  const std::string address = text_in(request, "address");
  if (!text.empty() && !address.empty()) text += ", ";
  return text + address;
}

}  // namespace rouse
