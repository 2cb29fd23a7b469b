#include "proxy/cli/explain_words.hpp"

#include "core/swap/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace rouse {

namespace {

using Object = ProxyFacts::Object;
using Dated = std::vector<std::pair<double, std::string>>;

std::string requests(std::int64_t n) {
  return core::count(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)), "request");
}

/// "loaded for 1 request waiting", "loaded, as an operator asked for it".
std::string loaded_words(Object model) {
  const std::string reason = text_in(model, "reason");
  if (reason.empty()) return {};
  if (std::isdigit(static_cast<unsigned char>(reason[0])) == 0) return "loaded, as " + reason;
  return "loaded for " + reason;
}

std::string stopped_words(Object model) {
  std::string reason = text_in(model, "reason");
  const std::string cause = text_in(model, "stopped_by");
  if (reason.empty() && (count_in(model, "waiting") > 0 || flag_in(model, "wished"))) {
    return "has not run since this proxy began";
  }
  if (reason.empty()) return "nobody has asked for it since this proxy began";
  if (cause == "evicted") return "evicted: " + reason;
  if (cause == "idle") return "unloaded by its ttl: " + reason;
  if (cause == "abandoned") return "its load was given up: " + reason;
  return reason;
}

std::string next_of_ready(Object model) {
  const std::int64_t running = count_in(model, "running");
  if (const std::string leaves = text_in(model, "leaves"); !leaves.empty()) {
    const std::string end = running > 0
                                ? fmt::format("stops when its {} {} ended", requests(running),
                                              running == 1 ? "has" : "have")
                                : std::string("stops");
    return "admits no newcomers, and " + end + ": " + leaves;
  }
  if (const auto left = seconds_in(model, "unload_in_s")) {
    return fmt::format("is unloaded in {} (ttl) unless somebody asks", span_words(*left));
  }
  if (const auto ttl = seconds_in(model, "ttl_s"); ttl && *ttl > 0) {
    return fmt::format("is unloaded {} after its last request (ttl)", span_words(*ttl));
  }
  return "stays until another model needs its room (it has no ttl)";
}

std::string next_of_starting(Object model) {
  const std::int64_t waiting = count_in(model, "waiting");
  if (std::string trouble = text_in(model, "load_trouble"); !trouble.empty()) return trouble;
  if (waiting > 0) return fmt::format("serves {} when it is ready", requests(waiting));
  if (const auto left = seconds_in(model, "abandoned_in_s")) {
    const std::string when = *left > 0 ? " in " + span_words(*left) : std::string();
    return "nobody waits for it any more: others may have its room" + when;
  }
  return "stays when it is ready";
}

std::string next_of_failed(Object model) {
  const auto retry = seconds_in(model, "retry_in_s");
  const auto count = static_cast<std::size_t>(count_in(model, "failures"));
  const std::string row = count > 1 ? fmt::format(" ({} in a row)", count) : std::string();
  if (flag_in(model, "circuit_open") && retry) {
    return fmt::format("its requests are refused for {} more{}; then one start is tried",
                       span_words(*retry), row);
  }
  if (std::string held = text_in(model, "held"); !held.empty()) return held;
  if (retry) {
    return fmt::format("is started again when somebody asks, in {} at the earliest{}",
                       span_words(*retry), row);
  }
  return "is started again when somebody asks";
}

std::string next_of_asleep(Object peer) {
  if (count_in(peer, "waiting") > 0) return "is asked, and woken for the one who waits";
  if (flag_in(peer, "can_wake")) return "is woken by the next inference request";
  return "its requests are refused until it answers: there is no wake: for it";
}

}  // namespace

std::string why_model(Object model) {
  const std::string state = text_in(model, "state");
  if (flag_in(model, "removed") && state == "stopped") return "is no longer configured";
  if (state == "ready" || state == "starting") return loaded_words(model);
  const std::string obstacle = text_in(model, "obstacle");
  if (!obstacle.empty()) return "could not be started when it was last wanted: " + obstacle;
  if (state == "failed") return text_in(model, "last_failure");
  return stopped_words(model);
}

std::string next_of_model(Object model) {
  const std::string state = text_in(model, "state");
  if (state == "ready") return next_of_ready(model);
  if (state == "starting") return next_of_starting(model);
  if (!text_in(model, "obstacle").empty() && state != "stopping") {
    return "is looked at again when somebody asks";
  }
  if (state == "failed") return next_of_failed(model);
  const std::int64_t waiting = count_in(model, "waiting");
  if (state == "stopping") {
    return waiting > 0
               ? fmt::format("is loaded again for {} when it has stopped", requests(waiting))
               : std::string("is loaded again when somebody asks");
  }
  if (std::string held = text_in(model, "held"); !held.empty()) return held;
  return "is loaded when somebody asks";
}

std::string why_peer(Object peer) {
  std::string text = text_in(peer, "reason");
  const std::string answer = text_in(peer, "answer");
  const auto asked = seconds_in(peer, "asked_ms");
  const bool is_up = text_in(peer, "state") == "awake" && !flag_in(peer, "service_down");
  // An answer from before it became what it is says nothing of that.
  const auto since = seconds_in(peer, "since_ms");
  if (is_up || !asked || answer.empty() || (since && *asked > *since)) return text;
  return text + fmt::format("; asked {} ago: {}", span_words(*asked), answer);
}

std::string next_of_peer(Object peer) {
  const std::string state = text_in(peer, "state");
  if (state == "unknown") return "is asked when a request wants it";
  if (state == "asleep") return next_of_asleep(peer);
  if (state == "draining") return "sleeps, unless a request comes first";
  if (state == "waking") {
    const auto left = seconds_in(peer, "gives_up_in_ms");
    const auto sent = static_cast<std::size_t>(count_in(peer, "volleys"));
    return fmt::format("{} sent; its requests go out when it answers{}",
                       core::count(sent, "volley"),
                       left ? fmt::format(", given up in {}", span_words(*left)) : "");
  }
  if (state == "failed") {
    const auto left = seconds_in(peer, "retry_in_ms");
    return fmt::format("its requests are refused for {} more; the next one after that wakes it",
                       span_words(left.value_or(0)));
  }
  if (flag_in(peer, "service_down")) return "is asked again by the next request";
  return "serves requests";
}

std::string wake_story(Object wake) {
  const auto ago = seconds_in(wake, "ago_s");
  std::string text = wake_words(wake);
  if (ago) text += fmt::format(", {} ago", span_words(*ago));
  std::string who;
  if (const std::string model = text_in(wake, "model"); !model.empty()) who = "for " + model;
  if (const std::string sender = sender_words(wake); !sender.empty()) {
    who += (who.empty() ? "" : ", ") + sender;
  }
  if (!who.empty()) text += ": " + who;
  return text + "; " + text_in(wake, "reason");
}

Dated deadlines(const ProxyFacts& facts) {
  Dated list;
  for (const Object model : list_in(facts.root(), "models")) {
    const std::string name = text_in(model, "model");
    if (const auto left = seconds_in(model, "unload_in_s")) {
      list.emplace_back(*left, name + " is unloaded (ttl) unless somebody asks");
    }
    if (const auto left = seconds_in(model, "retry_in_s")) {
      list.emplace_back(*left, name + (flag_in(model, "circuit_open")
                                           ? " takes requests again, and one start is tried"
                                           : " may be started again"));
    }
    if (const auto left = seconds_in(model, "abandoned_in_s")) {
      list.emplace_back(*left, name + " gives up its room to others, since nobody waits for it");
    }
  }
  for (const Object peer : list_in(facts.root(), "peers")) {
    const std::string name = text_in(peer, "name");
    if (const auto left = seconds_in(peer, "retry_in_ms")) {
      list.emplace_back(*left, "peer " + name + " may be woken again");
    }
    if (const auto left = seconds_in(peer, "gives_up_in_ms")) {
      list.emplace_back(*left, "the wake of peer " + name + " is given up");
    }
  }
  if (const auto power = object_in(facts.root(), "power")) {
    if (const auto left = seconds_in(*power, "sleep_in_ms")) {
      list.emplace_back(*left, "this machine sleeps unless something needs it");
    }
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return list;
}

Dated failures(const ProxyFacts& facts) {
  Dated list;
  for (const Object model : list_in(facts.root(), "models")) {
    const std::string failure = text_in(model, "last_failure");
    if (failure.empty()) continue;
    list.emplace_back(seconds_in(model, "failed_s").value_or(0),
                      text_in(model, "model") + ": " + failure);
  }
  for (const Object peer : list_in(facts.root(), "peers")) {
    const auto wake = object_in(peer, "last_wake");
    if (!wake || text_in(*wake, "outcome") != "timeout") continue;
    list.emplace_back(
        seconds_in(*wake, "ago_s").value_or(0),
        fmt::format("peer {} did not wake: {} sent; last answer: {}", text_in(peer, "name"),
                    core::count(static_cast<std::size_t>(count_in(*wake, "volleys")), "volley"),
                    text_in(peer, "answer")));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return list;
}

}  // namespace rouse
