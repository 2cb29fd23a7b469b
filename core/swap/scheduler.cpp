#include "core/swap/scheduler.hpp"

#include "core/swap/describe.hpp"
#include "core/swap/scheduler_state.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace rouse::core {

namespace {

std::string cut_off(const EngineRecord& engine, Duration bound) {
  if (engine.running == 0) return "";
  return "; " + count(engine.running, "request") + " had not ended after " + to_string(bound);
}

/// To whoever is cut off by it, and to the log.
std::string shutting_down(const EngineRecord& engine, const SchedulePolicy& policy, bool at_once) {
  if (at_once) return "the proxy is shutting down, at once";
  return "the proxy is shutting down" + cut_off(engine, policy.shutdown_drain);
}

}  // namespace

Scheduler::Scheduler(std::map<ModelId, ModelPolicy, std::less<>> models, SchedulePolicy policy,
                     std::shared_ptr<const Residency> residency)
    : state_(std::make_unique<State>()) {
  for (auto& [id, model_policy] : models) {
    EngineRecord& engine = state_->engines[id];
    engine.id = id;
    engine.policy = model_policy;
  }
  state_->policy = policy;
  state_->residency = std::move(residency);
}

Scheduler::~Scheduler() = default;

std::vector<Action> Scheduler::step(const Event& event, Instant now) {
  State& state = *state_;
  state.now = std::max(state.now, now);
  Actions out;
  std::visit([&](const auto& e) { state.on(e, out); }, event);
  if (state.unsettled || state.now >= state.deadline) state.settle(out);
  return out;
}

std::optional<Instant> Scheduler::next_deadline() const {
  if (state_->deadline == Instant::max()) return std::nullopt;
  return state_->deadline;
}

bool Scheduler::is_quiet() const {
  return state_->resident.empty() && state_->waiting == 0 && state_->wishes == 0;
}

// The order matters: what ends frees room and slots, and what is admitted afterwards only makes
// engines busier, so that nothing is left to decide.
void Scheduler::State::settle(Actions& out) {
  deadline = Instant::max();
  give_up(out);
  if (shutdown_by) {
    stop_for_shutdown(out);
  } else {
    finish_unloads(out);
    finish_outdated(out);
    unload_idle(out);
    // Who makes way for one may have been all that others had to be patient with.
    for (std::size_t before = staying.size() + 1; before > staying.size();) {
      before = staying.size();
      place(out);
    }
    for (auto& [id, engine] : engines) {
      admit_waiting(engine, out);
      hurry(engine, out);
    }
  }
  unsettled = false;
}

void Scheduler::State::give_up(Actions& out) {
  if (policy.give_up <= Duration{0}) return;
  for (auto& [id, engine] : engines) {
    while (!engine.waiting.empty()) {
      const Waiter& oldest = engine.waiting.oldest();
      if (const Instant at = after(oldest.since, policy.give_up); now < at) {
        wake_at(at);
        break;
      }
      refuse(engine, oldest,
             Refuse{oldest.ticket, RefusalCause::TooLong,
                    "waited " + to_string(now - oldest.since) + " for " + engine.id, kRetryLater},
             out);
    }
  }
}

void Scheduler::State::stop_for_shutdown(Actions& out) {
  for (auto& [id, engine] : engines) {
    if (engine.state == EngineState::Starting) {
      stop(engine, StopCause::Shutdown, "the proxy is shutting down", out);
    }
    if (engine.state != EngineState::Ready) continue;
    const Instant by = std::min(*shutdown_by, engine.unload_by.value_or(Instant::max()));
    if (engine.running == 0 || now >= by) {
      stop(engine, StopCause::Shutdown, shutting_down(engine, policy, is_cut_short), out);
    } else {
      wake_at(by);
    }
  }
}

void Scheduler::State::finish_unloads(Actions& out) {
  for (auto& [id, engine] : engines) {
    if (engine.state != EngineState::Ready || !engine.unload_by) continue;
    if (engine.running == 0 || now >= *engine.unload_by) {
      stop(engine, StopCause::Unloaded,
           engine.unloaded_by + " unloaded it" +
               (engine.cut_short ? ", at once" : cut_off(engine, engine.policy.unload_drain)),
           out);
    } else {
      wake_at(*engine.unload_by);
    }
  }
}

// Without a bound: a reload is no reason to cut anybody, and an operator can still unload it.
void Scheduler::State::finish_outdated(Actions& out) {
  for (auto& [id, engine] : engines) {
    if (engine.state != EngineState::Ready || !engine.outdated || engine.running > 0) continue;
    stop_outdated(engine, out);
  }
}

void Scheduler::State::stop_outdated(EngineRecord& engine, Actions& out) {
  if (engine.removed) {
    stop(engine, StopCause::Removed, "it was removed from the configuration", out);
  } else {
    stop(engine, StopCause::Reconfigured, "its configuration has changed", out);
  }
}

void Scheduler::State::unload_idle(Actions& out) {
  for (auto& [id, engine] : engines) {
    if (engine.state != EngineState::Ready || engine.policy.ttl <= Duration{0}) continue;
    if (engine.running > 0 || engine.is_wanted()) continue;
    const Instant at = after(engine.last_used, engine.policy.ttl);
    if (now >= at) {
      stop(engine, StopCause::Idle, "no request for " + to_string(now - engine.last_used), out);
    } else {
      wake_at(at);
    }
  }
}

/// Whoever has waited max_wait for a place need not wait for clients that do not read.
void Scheduler::State::hurry(EngineRecord& engine, Actions& out) {
  if (engine.state != EngineState::Ready || engine.running == 0 || engine.hurried) return;
  Instant since;
  if (engine.barrier) {
    since = engine.barrier_since;
  } else if (!engine.waiting.empty() && !engine.has_slot()) {
    since = engine.waiting.oldest().since;
  } else {
    return;
  }
  const Instant at = after(since, std::max(policy.max_wait, Duration{0}));
  if (now < at) return wake_at(at);
  engine.hurried = true;
  const std::string who = engine.barrier ? "another model has been waited for"
                                         : "another request has waited for its place";
  out.push_back(Hurry{engine.id, who + " longer than " + to_string(policy.max_wait)});
}

void Scheduler::State::admit(EngineRecord& engine, Ticket ticket, const Caller& caller,
                             Actions& out) {
  tickets.insert_or_assign(ticket, Entry{&engine, engine.run, Order{}, true, caller});
  clients.admitted(caller);
  engine.used = true;
  if (engine.running++ == 0) engine.busy_since = now;
  engine.hurried = false;
  // A busy engine leaves others fewer ways to make room than an idle one.
  if (engine.running == 1 && waiting + wishes > 0) unsettled = true;
  out.push_back(Admit{ticket, engine.id});
}

void Scheduler::State::admit_waiting(EngineRecord& engine, Actions& out) {
  const bool is_leaving = engine.unload_by || engine.outdated || shutdown_by;
  if (engine.state != EngineState::Ready || is_leaving) return;
  while (!engine.waiting.empty() && engine.has_slot()) {
    const Waiter waiter = engine.barrier ? engine.waiting.oldest() : engine.waiting.next(overdue());
    if (engine.barrier && waiter.order >= *engine.barrier) return;
    engine.waiting.erase(waiter.order);
    --waiting;
    admit(engine, waiter.ticket, Caller(tickets.at(waiter.ticket).caller), out);
  }
}

void Scheduler::State::refuse(EngineRecord& engine, Waiter waiter, const Refuse& answer,
                              Actions& out) {
  engine.waiting.erase(waiter.order);
  const Caller caller = tickets.at(waiter.ticket).caller;
  clients.left(caller, false, now);
  engine.followers.left(caller, now, false);
  tickets.erase(waiter.ticket);
  --waiting;
  if (!engine.is_wanted()) engine.unwanted_since = now;
  out.push_back(answer);
}

void Scheduler::State::refuse_all(EngineRecord& engine, const Refuse& answer, Actions& out) {
  for (const Waiter& waiter : engine.waiting.in_turn(overdue())) {
    Refuse refusal = answer;
    refusal.ticket = waiter.ticket;
    refuse(engine, waiter, refusal, out);
  }
}

void Scheduler::State::start(EngineRecord& engine, std::string reason, Actions& out) {
  enter(engine, EngineState::Starting);
  engine.circuit.start();
  engine.claimed = false;
  engine.reason = reason;
  engine.stopped_by.reset();
  std::optional<Ticket> first;
  if (!engine.waiting.empty()) first = engine.waiting.oldest().ticket;
  out.push_back(Start{engine.id, std::move(reason), first});
}

void Scheduler::State::stop(EngineRecord& engine, StopCause cause, std::string reason, Actions& out,
                            ModelId for_model) {
  // It stops because we asked: starts that failed before it became ready no longer count.
  if (engine.state == EngineState::Ready) engine.circuit.prove();
  enter(engine, EngineState::Stopping);
  engine.unload_by.reset();
  engine.cut_short = false;
  engine.barrier.reset();
  engine.reason = reason;
  engine.stopped_by = cause;
  out.push_back(Stop{engine.id, cause, std::move(reason), std::move(for_model)});
}

void Scheduler::State::enter(EngineRecord& engine, EngineState state) {
  engine.state = state;
  engine.since = now;
  if (engine.is_resident()) {
    resident.insert(engine.id);
  } else {
    resident.erase(engine.id);
  }
  if (engine.is_resident() && state != EngineState::Stopping) {
    staying.insert(engine.id);
  } else {
    staying.erase(engine.id);
  }
}

void Scheduler::State::wish_for(EngineRecord& engine, std::string why) {
  if (engine.load_request) return;
  engine.load_request = LoadRequest{Order{next_order++}, now, std::move(why)};
  ++wishes;
}

void Scheduler::State::forget_load_request(EngineRecord& engine) {
  if (!engine.load_request) return;
  engine.load_request.reset();
  --wishes;
  if (!engine.is_wanted()) engine.unwanted_since = now;
}

void Scheduler::State::wake_at(Instant at) {
  deadline = std::min(deadline, at);
}

Instant Scheduler::State::overdue() const {
  // The epoch is never in the future, so this cannot leave the range.
  // Before the first step there is no now to subtract from.
  const Duration bound = std::max(policy.max_wait, Duration{0});
  return now < Instant::min() + bound ? Instant::min() : now - bound;
}

}  // namespace rouse::core
