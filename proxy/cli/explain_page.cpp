#include "proxy/cli/explain_page.hpp"

#include "core/swap/describe.hpp"
#include "proxy/cli/explain_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace rouse {

namespace {

using Object = ProxyFacts::Object;
using Rows = std::vector<TableRow>;

constexpr std::size_t kDecisionsOfAll = 10;
constexpr std::size_t kDecisionsOfOne = 20;

std::string rows_text(const Rows& rows, const PageLook& look) {
  TableFit fit;
  fit.look = look;
  fit.wrap_last = true;
  return text_table(rows, fit);
}

std::string section(const std::string& title, const Rows& rows, const PageLook& look) {
  if (rows.empty()) return {};
  std::string text = "\n";
  for (const std::string& line : wrap_text(title, look.width)) {
    text += toned(line, Tone::Strong, look) + "\n";
  }
  return text + rows_text(rows, look);
}

std::string head_of(const std::string& line, const PageLook& look) {
  std::string text;
  for (const std::string& part : wrap_text(line, look.width)) {
    text += toned(part, Tone::Strong, look) + "\n";
  }
  return text;
}

std::string for_words(std::optional<double> seconds) {
  return seconds ? "for " + span_words(*seconds) : std::string();
}

std::string one_after_the_other(const std::string& first, const std::string& then) {
  if (first.empty() || then.empty()) return first + then;
  return first + "; " + then;
}

Rows model_rows(const ProxyFacts& facts) {
  Rows rows;
  // What is in use comes first.
  for (const bool at_rest : {false, true}) {
    for (const Object model : list_in(facts.root(), "models")) {
      const std::string state = text_in(model, "state");
      if ((state == "stopped" && count_in(model, "waiting") == 0) != at_rest) continue;
      const auto running = static_cast<std::size_t>(count_in(model, "running"));
      const auto waiting = static_cast<std::size_t>(count_in(model, "waiting"));
      std::string serves;
      if (running > 0) serves = "serves " + core::count(running, "request");
      // What they wait for is said below.
      std::string next = next_of_model(model);
      if (waiting > 0 && state != "starting") {
        next = core::count(waiting, "request") + (waiting == 1 ? " waits" : " wait");
      }
      rows.push_back({{state, tone_of_state(state)},
                      text_in(model, "model"),
                      for_words(seconds_in(model, "for_s")),
                      one_after_the_other(one_after_the_other(why_model(model), serves), next)});
    }
  }
  return rows;
}

/// @p of: whom they wait for.
Rows waiting_rows(const ProxyFacts& facts, const std::function<bool(Object)>& of) {
  Rows rows;
  for (const Object waiting : list_in(facts.root(), "waiting")) {
    if (!of(waiting)) continue;
    const std::string peer = text_in(waiting, "peer");
    const std::string model = text_in(waiting, "model");
    const std::string sender = sender_words(waiting);
    rows.push_back({peer.empty() ? model : model + " at " + peer,
                    for_words(seconds_in(waiting, "waiting_s")),
                    one_after_the_other(text_in(waiting, "request_id") +
                                            (sender.empty() ? "" : " (" + sender + ")"),
                                        text_in(waiting, "next"))});
  }
  return rows;
}

Rows peer_rows(const ProxyFacts& facts) {
  Rows rows;
  for (const Object peer : list_in(facts.root(), "peers")) {
    const std::string state = text_in(peer, "state");
    const Tone tone = flag_in(peer, "service_down") ? Tone::Bad : tone_of_state(state);
    rows.push_back({{state, tone},
                    text_in(peer, "name"),
                    for_words(seconds_in(peer, "since_ms")),
                    one_after_the_other(why_peer(peer), next_of_peer(peer))});
  }
  return rows;
}

Rows dated_rows(const std::vector<std::pair<double, std::string>>& dated, bool is_past) {
  Rows rows;
  for (const auto& [seconds, text] : dated) {
    rows.push_back({is_past ? span_words(seconds) + " ago" : "in " + span_words(seconds), text});
  }
  return rows;
}

/// The last ones. @p about: a model or a peer; empty: all.
Rows decision_rows(const ProxyFacts& facts, const std::string& about, std::size_t most) {
  Rows rows;
  for (const Object decision : list_in(facts.root(), "decisions")) {
    const bool is_about = about.empty() || text_in(decision, "subject") == about ||
                          text_in(decision, "also") == about;
    if (is_about) rows.push_back({text_in(decision, "at"), text_in(decision, "text")});
  }
  if (rows.size() > most) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(most));
  return rows;
}

Rows sleep_rows(const ProxyFacts& facts) {
  Rows rows;
  const auto power = object_in(facts.root(), "power");
  if (!power) return rows;
  rows.push_back({"now", sleep_words(*power)});
  if (const auto last = object_in(*power, "last_sleep")) {
    const std::string wake = text_in(*last, "wake");
    rows.push_back(
        {"last", fmt::format("slept {} from {} on, woken by {}",
                             span_words(seconds_in(*last, "slept_ms").value_or(0)),
                             text_in(*last, "at"), wake.empty() ? "what is not known" : wake)});
  }
  return rows;
}

/// Of the bodies of requests that wait; empty: nothing.
std::string held_words(Object root) {
  const auto held = object_in(root, "held");
  const std::int64_t bytes = held ? count_in(*held, "bytes") : 0;
  if (bytes <= 0) return {};
  constexpr double kMiB = 1024.0 * 1024.0;
  return fmt::format("{:.1f} of {:.0f} MiB that requests may hold while they wait",
                     static_cast<double>(bytes) / kMiB,
                     static_cast<double>(count_in(*held, "max")) / kMiB);
}

std::string page_of_all(const ProxyFacts& facts, const PageLook& look) {
  const Object root = facts.root();
  const std::vector<Object> models = list_in(root, "models");
  const auto loaded = std::count_if(models.begin(), models.end(), [](Object model) {
    return text_in(model, "state") == "ready";
  });
  const std::size_t waiting = list_in(root, "waiting").size();
  std::string head = fmt::format(
      "{} of {} loaded, {}, up for {}", loaded, core::count(models.size(), "model"),
      waiting == 0 ? std::string("nobody waits")
                   : core::count(waiting, "request") + (waiting == 1 ? " waits" : " wait"),
      span_words(seconds_in(root, "up_s").value_or(0)));
  if (flag_in(root, "shutting_down")) head += ", shutting down";
  std::string page = head_of(head, look);
  Rows labels;
  if (const std::string profile = text_in(root, "profile"); !profile.empty()) {
    labels.push_back({"profile:", profile});
  }
  if (std::string held = held_words(root); !held.empty()) {
    labels.push_back({"held:", std::move(held)});
  }
  const auto next = deadlines(facts);
  labels.push_back({"next:", next.empty() ? std::string("nothing, until a request comes")
                                          : fmt::format("in {}: {}", span_words(next[0].first),
                                                        next[0].second)});
  page += rows_text(labels, look);
  page += section("models", model_rows(facts), look);
  page += section("waiting", waiting_rows(facts, [](Object) { return true; }), look);
  page += section("peers", peer_rows(facts), look);
  page += section("sleep of this machine", sleep_rows(facts), look);
  page += section("what happens by itself", dated_rows(next, false), look);
  page += section("last failures", dated_rows(failures(facts), true), look);
  page += section("last decisions", decision_rows(facts, {}, kDecisionsOfAll), look);
  return page;
}

/// The way from what was asked for to @p id; empty: it is its own name. @p relation: of a name that
/// leads there directly.
std::string way_to(Object asked, const std::string& id, std::string_view relation) {
  const std::string name = text_in(asked, "name");
  std::vector<std::string> steps;
  if (const std::string pinned = text_in(asked, "pinned_to"); !pinned.empty()) {
    steps.push_back(fmt::format("the active profile makes it {}", pinned));
  }
  if (const std::string selector = text_in(asked, "selector"); !selector.empty()) {
    steps.push_back(fmt::format("selector {} ({}: {}) chooses {} now", selector,
                                text_in(asked, "strategy"),
                                fmt::join(texts_in(asked, "targets"), ", "), id));
  }
  if (steps.empty() && name == id) return {};
  if (steps.empty()) return fmt::format("{}, {}", name, relation);
  if (text_in(asked, "selector") == name) return steps.front();
  return fmt::format("{}; {}", name, fmt::join(steps, "; "));
}

std::optional<Object> named(const std::vector<Object>& list, std::string_view key,
                            const std::string& name) {
  const auto it = std::find_if(list.begin(), list.end(),
                               [&](Object each) { return text_in(each, key) == name; });
  return it == list.end() ? std::nullopt : std::optional<Object>(*it);
}

void add_label(Rows& rows, const std::string& label, const std::string& text) {
  if (!text.empty()) rows.push_back({label, text});
}

std::string head_with_state(const std::string& name, Object of, std::string_view since) {
  const auto seconds = seconds_in(of, since);
  return fmt::format("{}: {}{}", name, text_in(of, "state"),
                     seconds ? ", " + for_words(seconds) : std::string());
}

/// What it took to get it ready; empty: it is not told.
std::string swap_words(Object model) {
  const std::optional<Object> swap = object_in(model, "swap");
  if (!swap) return {};
  const auto seconds = [&swap](std::string_view key) { return seconds_in(*swap, key).value_or(0); };
  std::string text;
  if (const double drain = seconds("drain_ms"); drain > 0) {
    text += span_words(drain) + " until those in its way could go, ";
  }
  if (const double stop = seconds("stop_ms") + seconds("sweep_ms"); stop > 0) {
    text += span_words(stop) + " until they had gone, ";
  }
  return text + span_words(seconds("spawn_ms") + seconds("load_ms")) + " to load";
}

std::string page_of_model(const ProxyFacts& facts, Object model, Object asked,
                          const PageLook& look) {
  const std::string id = text_in(model, "model");
  const std::string state = text_in(model, "state");
  std::string page = head_of(head_with_state(id, model, "for_s"), look);
  Rows labels;
  add_label(labels, "asked as:", way_to(asked, id, "another name of it"));
  add_label(labels, "because:", why_model(model));
  const bool is_up = state == "ready" || state == "starting";
  const std::string first = text_in(model, "started_for");
  if (is_up && !first.empty()) labels.push_back({"request:", first + ", the first that waited"});
  add_label(labels, "took:", swap_words(model));
  if (state == "ready") {
    labels.push_back(
        {"serves:",
         fmt::format("{}, {} at once at most",
                     core::count(static_cast<std::size_t>(count_in(model, "running")), "request"),
                     count_in(model, "at_once"))});
  }
  add_label(labels, "next:", next_of_model(model));
  const std::string failure = text_in(model, "last_failure");
  if (state != "failed" && !failure.empty()) {
    const auto ago = seconds_in(model, "failed_s");
    labels.push_back({"failed:", (ago ? span_words(*ago) + " ago: " : std::string()) + failure});
  }
  page += rows_text(labels, look);
  const auto is_mine = [&id](Object waiting) {
    return text_in(waiting, "model") == id && text_in(waiting, "peer").empty();
  };
  page += section("waiting", waiting_rows(facts, is_mine), look);
  page += section("last decisions", decision_rows(facts, id, kDecisionsOfOne), look);
  return page;
}

std::string page_of_peer(const ProxyFacts& facts, Object peer, Object asked, const PageLook& look) {
  const std::string name = text_in(peer, "name");
  std::string page = head_of(head_with_state("peer " + name, peer, "since_ms"), look);
  Rows labels;
  add_label(labels, "asked as:", way_to(asked, name, "a model of it"));
  add_label(labels, "address:", text_in(peer, "proxy"));
  add_label(labels, "because:", why_peer(peer));
  if (const auto heard = seconds_in(peer, "heard_ms")) {
    labels.push_back({"heard of:", span_words(*heard) + " ago"});
  }
  add_label(labels, "next:", next_of_peer(peer));
  const auto wake = object_in(peer, "last_wake");
  labels.push_back(
      {"last wake:", wake ? wake_story(*wake) : std::string("none since this proxy began")});
  const std::vector<std::string> models = texts_in(peer, "models");
  labels.push_back({"models:", models.empty() ? std::string("none is known")
                                              : fmt::format("{}", fmt::join(models, ", "))});
  page += rows_text(labels, look);
  const auto is_mine = [&name](Object waiting) { return text_in(waiting, "peer") == name; };
  page += section("waiting", waiting_rows(facts, is_mine), look);
  page += section("last decisions", decision_rows(facts, name, kDecisionsOfOne), look);
  return page;
}

}  // namespace

std::string explain_page(const ProxyFacts& facts, const PageLook& look) {
  const auto asked = object_in(facts.root(), "asked");
  if (!asked) return page_of_all(facts, look);
  const std::string id = text_in(*asked, "model");
  const auto model = named(list_in(facts.root(), "models"), "model", id);
  if (!id.empty() && model) return page_of_model(facts, *model, *asked, look);
  std::string page;
  for (const std::string& name : texts_in(*asked, "peers")) {
    const auto peer = named(list_in(facts.root(), "peers"), "name", name);
    if (!peer) continue;
    page += (page.empty() ? "" : "\n") + page_of_peer(facts, *peer, *asked, look);
  }
  if (!page.empty()) return page;
  // A selector without a target that can serve now, or a name that the profile has disabled.
  page = head_of(text_in(*asked, "name") + ": not served at the moment", look);
  Rows labels;
  const std::string problem = text_in(*asked, "problem");
  add_label(labels, "because:", problem.empty() ? "the active profile disables it" : problem);
  add_label(labels, "profile:", text_in(facts.root(), "profile"));
  return page + rows_text(labels, look);
}

}  // namespace rouse
