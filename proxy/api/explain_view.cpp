#include "proxy/api/explain_view.hpp"

#include "base/service/log.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "base/yaml/tree.hpp"
#include "core/swap/describe.hpp"
#include "proxy/api/queue_view.hpp"
#include "proxy/peers/peers_view.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

namespace rouse {

namespace {

using std::chrono::system_clock;

double in_seconds(core::Duration duration) {
  return static_cast<double>(duration.count()) / 1000.0;
}

template <class List>
void write_list(JsonWriter& json, std::string_view key, const List& list) {
  json.key(key);
  json.begin_array();
  for (const auto& each : list) json.value(each);
  json.end_array();
}

/// What is configured of it, as far as it decides how it is scheduled.
void write_policy(JsonWriter& json, const Proxy& proxy, const std::string& id) {
  const auto found = proxy.config->models.find(id);
  if (found == proxy.config->models.end()) return json.member("removed", true);
  const ModelConfig& model = found->second;
  json.member("ttl_s", static_cast<std::int64_t>(model.ttl.count()));
  json.member("at_once", model.concurrency_limit);
  json.member("priority", proxy.dispatcher.priority(id, model));
  write_list(json, "aliases", model.aliases);
}

void write_reasons(JsonWriter& json, const core::ModelView& model, core::Instant now) {
  if (!model.reason.empty()) json.member("reason", model.reason);
  if (model.stopped_by) json.member("stopped_by", core::to_string(*model.stopped_by));
  if (!model.leaves.empty()) json.member("leaves", model.leaves);
  if (!model.held.empty()) json.member("held", model.held);
  if (model.is_load_requested) json.member("wished", true);
  if (model.failures > 0) json.member("failures", model.failures);
  if (model.circuit_open) json.member("circuit_open", true);
  if (model.failed_at) json.member("failed_s", in_seconds(now - *model.failed_at));
  if (model.abandoned_at) json.member("abandoned_in_s", in_seconds(*model.abandoned_at - now));
}

/// @p with_reasons: also what may tell of other models.
void write_model(JsonWriter& json, const core::ModelView& model, core::Instant now, Proxy& proxy,
                 bool with_reasons) {
  const bool has_run = model.state != core::EngineState::Stopped || !model.reason.empty();
  json.begin_object();
  json.member("model", model.model);
  json.member("state", state_name(model.state));
  if (has_run) json.member("for_s", in_seconds(now - model.since));
  json.member("running", model.running);
  json.member("waiting", model.waiting);
  if (const int pid = proxy.dispatcher.engine_pid(model.model); pid != 0) json.member("pid", pid);
  if (model.draining) json.member("draining", true);
  if (model.unload_at) json.member("unload_in_s", in_seconds(*model.unload_at - now));
  if (model.retry_at) json.member("retry_in_s", in_seconds(*model.retry_at - now));
  if (!model.last_failure.empty()) json.member("last_failure", model.last_failure);
  if (with_reasons) write_reasons(json, model, now);
  const std::string first = proxy.dispatcher.started_for(model.model);
  if (!first.empty() && with_reasons) json.member("started_for", first);
  const std::string obstacle = proxy.dispatcher.last_obstacle(model.model);
  if (!obstacle.empty() && with_reasons) json.member("obstacle", obstacle);
  const std::string trouble = proxy.dispatcher.load_trouble(model.model);
  if (!trouble.empty()) json.member("load_trouble", trouble);
  if (model.state == core::EngineState::Ready) {
    json.key("swap");
    json.begin_object();
    for (const auto& [phase, took] : proxy.dispatcher.last_swap(model.model).each()) {
      json.member(fmt::format("{}_ms", phase), static_cast<std::int64_t>(took.count()));
    }
    json.end_object();
  }
  write_policy(json, proxy, model.model);
  json.end_object();
}

/// What becomes of those who wait for a peer.
std::string next_at(const Peer& peer) {
  const core::peer::View view = peer.view();
  const std::string& name = peer.name();
  switch (view.phase) {
    case core::peer::Phase::Waking: {
      const core::Instant until = view.gives_up_at.value_or(peer.now());
      return fmt::format("goes out when {} has answered; that is waited for for another {}", name,
                         core::to_string(std::max(until - peer.now(), core::Duration{0})));
    }
    case core::peer::Phase::Draining:
      return fmt::format("goes out when it is clear whether {} sleeps", name);
    case core::peer::Phase::Awake:
      if (view.service_down) return fmt::format("goes out when the service on {} listens", name);
      return "goes out in its turn, a few at a time";
    case core::peer::Phase::Unknown:
    case core::peer::Phase::Asleep:
    case core::peer::Phase::Failed:
      break;
  }
  return fmt::format("{} is asked whether it is there, and woken if it may be", name);
}

void write_waiting_at(JsonWriter& json, const Peer& peer, const Caller& caller, const Keys& keys) {
  for (const auto& [who, since] : peer.waiting()) {
    if (!keys.may_see(caller, who.model)) continue;
    json.begin_object();
    json.member("request_id", who.request_id);
    json.member("model", who.model);
    json.member("peer", peer.name());
    json.member("client", who.key);
    json.member("address", who.address);
    json.member("waiting_s", in_seconds(peer.now() - since));
    json.member("next", next_at(peer));
    json.end_object();
  }
}

/// What of the bodies of requests that wait is in our memory.
void write_held(JsonWriter& json, const core::HeldBytes& held) {
  json.key("held");
  json.begin_object();
  json.member("bytes", static_cast<std::int64_t>(held.used()));
  json.member("max", static_cast<std::int64_t>(held.most()));
  json.end_object();
}

void write_queue(JsonWriter& json, Proxy& proxy, const Caller& caller) {
  const bool all = proxy.keys.may_use_all(caller);
  const core::ScheduleView view = proxy.dispatcher.view();
  const core::Instant now = proxy.dispatcher.now();
  json.key("models");
  json.begin_array();
  for (const core::ModelView& model : view.models) {
    if (proxy.keys.may_see(caller, model.model)) write_model(json, model, now, proxy, all);
  }
  json.end_array();

  std::map<std::string_view, const InFlight::Entry*> by_id;
  for (const auto& [number, entry] : proxy.recorder.in_flight.entries()) {
    by_id.emplace(entry->request_id(), entry);
  }
  json.key("waiting");
  json.begin_array();
  for (const core::WaitingView& waiting : view.waiting) {
    if (!proxy.keys.may_see(caller, waiting.model)) continue;
    const std::string id = proxy.dispatcher.request_id(waiting.ticket);
    json.begin_object();
    json.member("request_id", id);
    json.member("model", waiting.model);
    if (const auto it = by_id.find(id); it != by_id.end()) {
      json.member("client", it->second->client());
      json.member("address", it->second->remote());
    }
    json.member("priority", waiting.priority);
    json.member("waiting_s", in_seconds(now - waiting.since));
    const std::string trouble = proxy.dispatcher.load_trouble(waiting.model);
    const std::string next = trouble.empty() ? waiting.next : waiting.next + ", and " + trouble;
    if (all) json.member("next", next);
    json.end_object();
  }
  for (const std::shared_ptr<Peer>& peer : proxy.peers.all()) {
    write_waiting_at(json, *peer, caller, proxy.keys);
  }
  json.end_array();
  write_held(json, proxy.held);
}

/// By time; oldest first. Each is about several models or machines, whose words are not taken
/// apart: they are for keys that may use all models.
void write_decisions(JsonWriter& json, const Proxy& proxy, const Caller& caller) {
  std::vector<const Decision*> all;
  if (proxy.keys.may_use_all(caller)) {
    for (const Decision& decision : proxy.dispatcher.decisions()) all.push_back(&decision);
    for (const Decision& decision : proxy.peers.decisions()) all.push_back(&decision);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto* a, const auto* b) { return a->at < b->at; });
  const auto now = system_clock::now();
  json.key("decisions");
  json.begin_array();
  for (const Decision* decision : all) {
    const auto age = std::chrono::duration_cast<core::Duration>(now - decision->at);
    json.begin_object();
    json.member("at",
                fmt::format("{:%H:%M:%S}", fmt::localtime(system_clock::to_time_t(decision->at))));
    json.member("age_s", in_seconds(age));
    json.member("subject", decision->subject);
    if (!decision->also.empty()) json.member("also", decision->also);
    json.member("text", decision->text);
    json.end_object();
  }
  json.end_array();
}

void write_all(JsonWriter& json, Proxy& proxy, const Caller& caller) {
  const auto up =
      std::chrono::duration_cast<core::Duration>(std::chrono::steady_clock::now() - proxy.started);
  json.member("version", ROUSE_VERSION);
  json.member("at", to_rfc3339(system_clock::now()));
  json.member("up_s", in_seconds(up));
  json.member("shutting_down", proxy.dispatcher.is_shutting_down());
  json.member("max_wait_s", in_seconds(proxy.config->schedule.max_wait));
  json.key("profile");
  const std::string& profile = proxy.names.active_profile();
  profile.empty() ? json.null() : json.value(profile);
  write_queue(json, proxy, caller);
  json.key("peers");
  const auto sees = proxy.keys.seen_by(caller);
  write_peers(json, proxy.peers, sees);
  json.key("power");
  json.begin_object();
  proxy.power.write(json, sees);
  json.end_object();
  write_decisions(json, proxy, caller);
}

Names::Resolved peek(Proxy& proxy, std::string_view name) {
  return proxy.names.peek(name, [&proxy](const std::string& model) {
    return target_state(proxy.dispatcher.engine_state(model));
  });
}

/// The way from the name to what serves it.
void write_asked(JsonWriter& json, Proxy& proxy, const Caller& caller, const std::string& name,
                 const Names::Resolved& found) {
  json.key("asked");
  json.begin_object();
  json.member("name", name);
  if (const std::string pinned = proxy.names.pinned(name); pinned != name) {
    json.member("pinned_to", pinned);
  }
  const auto selector = proxy.config->selectors.find(found.selector);
  if (selector != proxy.config->selectors.end()) {
    json.member("selector", found.selector);
    json.member("strategy", name_of(selector->second.strategy));
    if (proxy.keys.may_use_all(caller)) write_list(json, "targets", selector->second.targets);
  }
  if (!found.problem.empty()) json.member("problem", found.problem);
  if (found.model != nullptr) {
    json.member("model", found.model->id);
  } else {
    std::vector<std::string> peers;
    for (const Peers::Offer& offer : proxy.peers.find(found.name)) {
      peers.push_back(offer.peer->name());
    }
    if (peers.empty() && proxy.peers.find_peer(name)) peers.push_back(name);
    write_list(json, "peers", peers);
  }
  json.end_object();
}

std::string unknown_text(Proxy& proxy, const Caller& caller, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [id, model] : proxy.config->models) {
    names.push_back(id);
    names.insert(names.end(), model.aliases.begin(), model.aliases.end());
  }
  for (const auto& [id, selector] : proxy.config->selectors) names.push_back(id);
  for (const std::shared_ptr<Peer>& peer : proxy.peers.all()) {
    names.push_back(peer->name());
    for (const std::string& model : Peers::models_of(*peer)) {
      names.push_back(model);
      names.push_back(peer->name() + "/" + model);
    }
  }
  std::erase_if(names, [&](const std::string& known) {
    return !proxy.keys.may_see(caller, known) && !proxy.peers.find_peer(known);
  });
  const std::string meant = did_you_mean(name, names);
  return fmt::format("no model, selector or peer is called \"{}\"{}", for_log(name),
                     meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
}

}  // namespace

std::string queue_text(Proxy& proxy, const Caller& caller) {
  JsonWriter json;
  json.begin_object();
  write_queue(json, proxy, caller);
  write_decisions(json, proxy, caller);
  json.end_object();
  return json.take();
}

std::string explain_text(Proxy& proxy, const Caller& caller) {
  JsonWriter json;
  json.begin_object();
  write_all(json, proxy, caller);
  json.end_object();
  return json.take();
}

std::variant<std::string, UnknownName> explain_text(Proxy& proxy, const Caller& caller,
                                                    std::string_view asked_for) {
  const std::string name(asked_for);
  const Names::Resolved found = peek(proxy, name);
  const bool is_known = found.model != nullptr || !found.problem.empty() ||
                        proxy.names.is_pinned(name) || !proxy.peers.find(found.name).empty() ||
                        proxy.peers.find_peer(name);
  const std::string& id = found.model == nullptr ? name : found.model->id;
  const bool may_know = proxy.keys.may_see(caller, id) || proxy.keys.may_use(caller, id, name) ||
                        proxy.peers.find_peer(name);
  if (!is_known || !may_know) return UnknownName{unknown_text(proxy, caller, name)};
  JsonWriter json;
  json.begin_object();
  write_asked(json, proxy, caller, name, found);
  write_all(json, proxy, caller);
  json.end_object();
  return json.take();
}

}  // namespace rouse
