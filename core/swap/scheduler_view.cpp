#include "core/swap/describe.hpp"
#include "core/swap/scheduler_state.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace rouse::core {

namespace {

/// Ready models serve before loading ones, those before the ones that still need room.
int distance(const EngineRecord& engine) {
  if (engine.state == EngineState::Ready && !engine.unload_by && !engine.outdated) return 0;
  if (engine.state == EngineState::Starting) return 1;
  if (engine.claimed) return 2;
  return 3;
}

}  // namespace

ScheduleView Scheduler::view(Instant now) const {
  const State& state = *state_;
  ScheduleView view;
  view.models.reserve(state.engines.size());
  view.waiting.reserve(state.waiting);

  for (const auto& [id, engine] : state.engines) view.models.push_back(state.view_of(engine, now));
  for (const EngineRecord* engine : state.wanted_in_turn()) {
    for (const Waiter& waiter : engine->waiting.in_turn(state.overdue())) {
      view.waiting.push_back({waiter.ticket, engine->id, waiter.priority, waiter.since,
                              state.next_for(*engine, waiter, now)});
    }
  }
  return view;
}

std::size_t Scheduler::position(Ticket ticket) const {
  const State& state = *state_;
  const auto it = state.tickets.find(ticket);
  if (it == state.tickets.end() || it->second.admitted) return 0;
  std::size_t ahead = 0;
  for (const EngineRecord* engine : state.wanted_in_turn()) {
    if (engine == it->second.engine) {
      return ahead + engine->waiting.ahead_of(it->second.order, state.overdue()) + 1;
    }
    ahead += engine->waiting.size();
  }
  return 0;
}

std::vector<const EngineRecord*> Scheduler::State::wanted_in_turn() const {
  std::vector<const EngineRecord*> wanted;
  for (const auto& [id, engine] : engines) {
    if (!engine.waiting.empty()) wanted.push_back(&engine);
  }
  const Instant since = overdue();
  const auto rank = [&](const EngineRecord* engine) {
    const bool late =
        engine->is_resident() ? engine->wanted_since() <= since : now >= overdue_at(*engine);
    const std::int64_t priority = late ? 0 : -std::int64_t{engine->wanted_priority()};
    return std::tuple(distance(*engine), !late, priority, engine->wanted_order());
  };
  std::sort(wanted.begin(), wanted.end(),
            [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return wanted;
}

ModelView Scheduler::State::view_of(const EngineRecord& engine, Instant at) const {
  ModelView view;
  view.model = engine.id;
  view.state = engine.state == EngineState::Stopped && engine.circuit.failed() ? EngineState::Failed
                                                                               : engine.state;
  view.since = engine.since;
  view.running = engine.running;
  view.busy = engine.busy;
  if (engine.running > 0) view.busy += at - engine.busy_since;
  view.waiting = static_cast<int>(engine.waiting.size());
  view.draining =
      engine.state == EngineState::Ready &&
      (engine.barrier.has_value() || engine.unload_by || engine.outdated || shutdown_by);
  if (engine.state == EngineState::Ready && engine.running == 0 && engine.waiting.empty() &&
      engine.policy.ttl > Duration{0}) {
    view.unload_at = after(engine.last_used, engine.policy.ttl);
  }
  if (engine.circuit.retry_at() > at) view.retry_at = engine.circuit.retry_at();
  view.last_failure = engine.circuit.last_failure().text();

  view.reason = engine.reason;
  view.stopped_by = engine.stopped_by;
  view.is_load_requested = engine.load_request.has_value();
  view.failures = engine.circuit.failures();
  view.circuit_open = !engine.is_resident() && engine.circuit.is_open(at, policy);
  if (!view.last_failure.empty()) view.failed_at = engine.circuit.failed_at();
  if (engine.state == EngineState::Ready) view.leaves = leaves_text(engine, at);
  if (engine.state == EngineState::Starting && !engine.is_wanted()) {
    view.abandoned_at = std::max(at, let_load_until(engine));
  }
  if (!engine.is_resident() && engine.is_wanted()) view.held = hold_text(engine, at);
  return view;
}

std::string Scheduler::State::leaves_text(const EngineRecord& engine, Instant at) const {
  if (shutdown_by) return "the proxy is shutting down";
  if (engine.unload_by) {
    return "an operator unloads it, " + time_until(*engine.unload_by, at) + " at the latest";
  }
  if (engine.removed) return "it was removed from the configuration";
  if (engine.outdated) return "its configuration has changed";
  return engine.barrier ? engine.barrier_why : std::string();
}

std::string Scheduler::State::next_for(const EngineRecord& engine, const Waiter& waiter,
                                       Instant at) const {
  const std::string slots = count(engine.running, "running request");
  switch (engine.state) {
    case EngineState::Ready:
      if (engine.unload_by) {
        return "loads again when " + engine.id + ", which an operator unloads, has stopped (" +
               slots + ", stopped " + time_until(*engine.unload_by, at) + " at the latest)";
      }
      if (engine.outdated) {
        return "loads with its new configuration when " + slots + " of " + engine.id + " ended";
      }
      if (engine.barrier && waiter.order >= *engine.barrier) {
        return "waits for the next turn of " + engine.id + ", which drains (" + slots +
               ") because " + engine.barrier_why;
      }
      return "starts when one of " + slots + " of " + engine.id + " ends";
    case EngineState::Starting:
      return "starts when " + engine.id + " is loaded (loading for " +
             to_string(at - engine.since) + ")";
    case EngineState::Stopping:
      return "loads again when " + engine.id + " has stopped (stopping for " +
             to_string(at - engine.since) + ")";
    case EngineState::Stopped:
    case EngineState::Failed:
      break;
  }
  return hold_text(engine, at);
}

std::vector<ModelId> Scheduler::next_loads() const {
  std::vector<ModelId> found;
  if (state_->waiting + state_->wishes == 0) return found;
  for (const auto& [id, engine] : state_->engines) {
    const Hold::Kind kind = engine.hold.kind;
    const bool is_next = kind == Hold::Kind::InUse || kind == Hold::Kind::Leaving;
    if (is_next && engine.is_wanted() && !engine.is_resident()) found.push_back(id);
  }
  return found;
}

std::string Scheduler::State::hold_text(const EngineRecord& engine, Instant at) const {
  const Hold& hold = engine.hold;
  const Instant bound = overdue_at(engine);
  switch (hold.kind) {
    case Hold::Kind::BackOff:
      return "tries " + engine.id + " again " + time_until(hold.until, at) + " after " +
             count(engine.circuit.failures(), "failed start") + ": " +
             engine.circuit.last_failure().cause;
    case Hold::Kind::Gather:
      return "loads " + time_until(hold.until, at) + ", to see who else asks";
    case Hold::Kind::Behind:
      return "loads after " + join(hold.models) + ", which goes first";
    case Hold::Kind::Leaving:
      return "loads when " + join(hold.models) + (hold.models.size() == 1 ? " has" : " have") +
             " stopped";
    case Hold::Kind::InUse:
      break;
    case Hold::Kind::None:
      return "loads next";
  }

  if (hold.until < bound) {
    return "loads " + time_until(hold.until, at) + " unless " + join(hold.models) +
           (hold.models.size() == 1 ? " is" : " are") + " used again first";
  }
  std::string text = "loads when ";
  for (std::size_t i = 0; i < hold.models.size(); ++i) {
    const auto it = engines.find(hold.models[i]);
    if (it == engines.end()) continue;
    const EngineRecord& other = it->second;
    if (i > 0) text += " and ";
    text += other.id;
    if (other.state == EngineState::Starting) {
      text += " has loaded and served who waits for it";
    } else if (other.running > 0) {
      text += " (" + std::to_string(other.running) + " running) is idle";
    } else {
      text += " is idle";
    }
  }
  if (bound <= at) return text + "; newcomers are kept out meanwhile";
  if (bound == Instant::max()) return text;
  return text + "; newcomers are kept out in " + to_string(bound - at) + " at the latest";
}

}  // namespace rouse::core
