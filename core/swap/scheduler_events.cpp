#include "core/swap/describe.hpp"
#include "core/swap/scheduler_state.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace rouse::core {

void Scheduler::State::on(const Arrived& event, Actions& out) {
  const auto it = engines.find(event.model);
  if (it == engines.end() || it->second.removed) {
    out.push_back(Refuse{event.ticket, RefusalCause::UnknownModel,
                         event.model + " was removed from the configuration"});
    return;
  }
  if (tickets.contains(event.ticket)) return;
  EngineRecord& engine = it->second;
  if (shutdown_by) {
    out.push_back(Refuse{event.ticket, RefusalCause::ShuttingDown, "the proxy is shutting down",
                         kRetryLater});
    return;
  }
  if (engine.admits_newcomers()) {
    came(engine, event.caller);
    admit(engine, event.ticket, event.caller, out);
    return;
  }
  if (!engine.is_resident() && engine.circuit.is_open(now, policy)) {
    const Duration pause = engine.circuit.retry_after(now, policy);
    out.push_back(Refuse{event.ticket, RefusalCause::CircuitOpen,
                         engine.id + " failed " + std::to_string(engine.circuit.failures()) +
                             " times in a row and is tried again in " + to_string(pause) + ": " +
                             engine.circuit.last_failure().cause,
                         pause, engine.circuit.last_failure().output});
    return;
  }
  if (waiting >= policy.queue_max) {
    out.push_back(Refuse{event.ticket, RefusalCause::QueueFull,
                         std::to_string(waiting) + " requests wait already", kRetryLater});
    return;
  }

  // One more behind others of no lower priority changes nothing that anybody decides by, unless
  // it is somebody who was expected elsewhere.
  unsettled = unsettled || !engine.is_wanted() || event.priority > engine.wanted_priority() ||
              is_follower(event.caller);
  came(engine, event.caller);
  const Order order{next_order++};
  engine.waiting.push({event.ticket, order, event.priority, now});
  tickets.emplace(event.ticket, Entry{&engine, 0, order, false, event.caller});
  ++waiting;
}

bool Scheduler::State::is_follower(const Caller& caller) const {
  return std::any_of(staying.begin(), staying.end(), [&](const ModelId& id) {
    return engines.find(id)->second.followers.knows(caller);
  });
}

void Scheduler::State::came(EngineRecord& engine, const Caller& caller) {
  clients.came(caller, now);
  const bool was_idle =
      engine.last_used != Instant{} && engine.running == 0 && engine.waiting.empty();
  engine.followers.came(caller, now, was_idle ? &engine.last_used : nullptr);
}

void Scheduler::State::on(const Left& event, Actions& out) {
  const auto it = tickets.find(event.ticket);
  if (it == tickets.end()) return;
  const Entry entry = it->second;
  tickets.erase(it);
  if (entry.admitted) {
    left_engine(entry, out);
  } else {
    left_queue(entry);
  }
}

void Scheduler::State::left_queue(const Entry& entry) {
  EngineRecord& engine = *entry.engine;
  const bool decisive =
      entry.order == engine.waiting.oldest().order || entry.order == engine.waiting.highest().order;
  engine.waiting.erase(entry.order);
  --waiting;
  clients.left(entry.caller, false, now);
  engine.followers.left(entry.caller, now, false);
  if (!engine.is_wanted()) engine.unwanted_since = now;
  unsettled = unsettled || decisive;
}

void Scheduler::State::left_engine(const Entry& entry, Actions& out) {
  EngineRecord& engine = *entry.engine;
  clients.left(entry.caller, true, now);
  engine.followers.left(entry.caller, now, true);
  if (entry.run != engine.run) return;  // the engine that served it is long gone
  if (--engine.running == 0) engine.busy += now - engine.busy_since;
  engine.last_used = now;
  if (engine.state != EngineState::Ready) return;
  admit_waiting(engine, out);
  hurry(engine, out);
  if (engine.running > 0) return;
  if (waiting + wishes > 0 || engine.unload_by || engine.outdated || shutdown_by) {
    unsettled = true;
  } else if (engine.policy.ttl > Duration{0}) {
    wake_at(after(now, engine.policy.ttl));
  }
}

void Scheduler::State::on(const EngineReady& event, Actions& out) {
  const auto it = engines.find(event.model);
  if (it == engines.end() || it->second.state != EngineState::Starting) return;
  EngineRecord& engine = it->second;
  engine.load_time = now - engine.since;
  enter(engine, EngineState::Ready);
  engine.last_used = now;
  engine.used = false;
  forget_load_request(engine);
  // Whoever waited for this load is served by it, even if somebody else is overdue: to evict it
  // unused would pay for the load and serve nobody.
  engine.barrier.reset();
  admit_waiting(engine, out);
  unsettled = true;
}

void Scheduler::State::on(const EngineDied& event, Actions&) {
  const auto it = engines.find(event.model);
  if (it == engines.end()) return;
  EngineRecord& engine = it->second;
  if (engine.state != EngineState::Starting && engine.state != EngineState::Ready) return;
  engine.died_as = engine.state;
  engine.died_after = now - engine.since;
  engine.barrier.reset();
  engine.unload_by.reset();
  engine.cut_short = false;
  enter(engine, EngineState::Stopping);
  unsettled = true;
}

void Scheduler::State::on(const EngineGone& event, Actions& out) {
  const auto it = engines.find(event.model);
  if (it == engines.end() || !it->second.is_resident()) return;
  EngineRecord& engine = it->second;
  const Duration lived = engine.died_as ? engine.died_after : now - engine.since;
  const EngineState before = std::exchange(engine.died_as, std::nullopt).value_or(engine.state);
  enter(engine, EngineState::Stopped);
  ++engine.run;
  if (engine.running > 0) engine.busy += now - engine.busy_since;
  engine.running = 0;
  engine.barrier.reset();
  engine.unload_by.reset();
  engine.cut_short = false;
  engine.outdated = false;
  unsettled = true;
  if (engine.removed) return forget(engine);
  if (before == EngineState::Stopping) {
    engine.stop_time = lived;
    if (engine.stopped_by == StopCause::Idle && !engine.policy.baseline) want_baseline(engine.id);
    return;
  }

  const bool was_ready = before == EngineState::Ready;
  EngineFailure why = event.failure;
  if (why.empty()) why.cause = was_ready ? "ended by itself" : "ended by itself while loading";
  if (was_ready && lived >= policy.stable) {
    engine.circuit.crash(why, now);
  } else {
    engine.circuit.fail(why, now, policy);
  }
  engine.reason = why.text();
  const bool open = engine.circuit.is_open(now, policy);
  if (open) forget_load_request(engine);
  if (was_ready && !open) return;  // who waits for it restarts it
  refuse_all(engine,
             Refuse{Ticket{}, RefusalCause::LoadFailed, engine.id + ": " + why.cause,
                    engine.circuit.retry_after(now, policy), why.output},
             out);
}

/// The baseline comes back in the room of @p idle, unless somebody else wants it, or it was
/// unloaded on purpose.
void Scheduler::State::want_baseline(const ModelId& idle) {
  if (waiting + wishes > 0 || shutdown_by) return;
  ModelSet there = resident;
  for (auto& [id, engine] : engines) {
    const bool may_come = engine.policy.baseline && !engine.removed && !engine.is_resident() &&
                          engine.stopped_by != StopCause::Unloaded &&
                          !engine.circuit.is_open(now, policy);
    if (!may_come || !residency->make_room(id, there).evict.empty()) continue;
    wish_for(engine, "the ttl of " + idle + " has ended, and it is of the baseline");
    there.insert(id);
  }
}

void Scheduler::State::on(const LoadWanted& event, Actions&) {
  const auto it = engines.find(event.model);
  if (it == engines.end() || it->second.removed || shutdown_by) return;
  EngineRecord& engine = it->second;
  if (engine.state == EngineState::Ready && !engine.unload_by && !engine.outdated) return;
  engine.circuit.close();
  wish_for(engine, event.why);
  unsettled = true;
}

void Scheduler::State::on(const UnloadWanted& event, Actions& out) {
  if (!event.model) {
    for (auto& [id, engine] : engines) unload(engine, event, out);
  } else if (const auto it = engines.find(*event.model); it != engines.end()) {
    unload(it->second, event, out);
  }
}

void Scheduler::State::unload(EngineRecord& engine, const UnloadWanted& wanted, Actions& out) {
  forget_load_request(engine);
  if (wanted.stays) {
    refuse_all(
        engine,
        Refuse{Ticket{}, RefusalCause::Unloaded, wanted.by + " unloaded " + engine.id, kRetryLater},
        out);
  }
  if (engine.state == EngineState::Starting) {
    stop(engine, StopCause::Unloaded, wanted.by + " unloaded it while it was loading", out);
  } else if (engine.state == EngineState::Ready) {
    const Instant by = wanted.at_once ? now : after(now, engine.policy.unload_drain);
    if (!engine.unload_by) engine.unloaded_by = wanted.by;
    engine.cut_short = engine.cut_short || wanted.at_once;
    engine.unload_by = std::min(by, engine.unload_by.value_or(Instant::max()));
  }
  unsettled = true;
}

void Scheduler::State::on(const Reconfigured& event, Actions& out) {
  if (shutdown_by) return;
  policy = event.policy;
  residency = event.residency;
  for (const auto& [id, model_policy] : event.models) {
    EngineRecord& engine = engines[id];
    engine.id = id;
    engine.policy = model_policy;
    engine.removed = false;
    if (!event.relaunch.contains(id)) continue;
    engine.circuit.close();  // whoever changed it wants to see it tried
    retire(engine, out);
  }
  for (auto it = engines.begin(); it != engines.end();) {
    EngineRecord& engine = (it++)->second;
    if (event.models.contains(engine.id)) continue;
    engine.removed = true;
    forget_load_request(engine);
    refuse_all(engine,
               Refuse{Ticket{}, RefusalCause::UnknownModel,
                      engine.id + " was removed from the configuration"},
               out);
    retire(engine, out);
    if (!engine.is_resident()) forget(engine);
  }
  unsettled = true;
}

void Scheduler::State::retire(EngineRecord& engine, Actions& out) {
  if (engine.state == EngineState::Starting) stop_outdated(engine, out);
  if (engine.state == EngineState::Ready) engine.outdated = true;
}

/// Its tickets are of runs that have ended.
void Scheduler::State::forget(EngineRecord& engine) {
  std::erase_if(tickets, [&](const auto& each) {
    if (each.second.engine != &engine) return false;
    clients.left(each.second.caller, each.second.admitted, now);
    return true;
  });
  engines.erase(engine.id);
}

void Scheduler::State::on(const ShutdownWanted& event, Actions& out) {
  if (event.at_once && !is_cut_short) {
    is_cut_short = true;
    unsettled = true;
    if (shutdown_by) shutdown_by = std::min(*shutdown_by, now);
  }
  if (shutdown_by) return;
  shutdown_by = event.at_once ? now : after(now, policy.shutdown_drain);
  for (auto& [id, engine] : engines) {
    forget_load_request(engine);
    refuse_all(
        engine,
        Refuse{Ticket{}, RefusalCause::ShuttingDown, "the proxy is shutting down", kRetryLater},
        out);
  }
  unsettled = true;
}

void Scheduler::State::on(const Tick&, Actions&) {
  unsettled = true;
}

}  // namespace rouse::core
