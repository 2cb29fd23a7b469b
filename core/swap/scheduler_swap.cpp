#include "core/swap/describe.hpp"
#include "core/swap/scheduler_state.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace rouse::core {

namespace {

/// A swap that has begun is finished; then the oldest of those who waited too long; then priority.
bool goes_first(const Candidate& a, const Candidate& b) {
  if (a.claimed != b.claimed) return a.claimed;
  if (a.overdue != b.overdue) return a.overdue;
  const bool by_age = a.claimed || a.overdue;
  const auto key = [by_age](const Candidate& c) {
    return std::tuple(by_age ? 0 : -static_cast<std::int64_t>(c.priority), c.order);
  };
  return key(a) < key(b);
}

std::string wanted_by(const EngineRecord& engine, Duration waited) {
  std::string text = engine.waiting.empty() ? engine.load_request->why
                                            : count(engine.waiting.size(), "request") + " waiting";
  if (waited > Duration{0}) text += " for up to " + to_string(waited);
  return text;
}

std::string because(const std::string& reason) {
  return reason.empty() ? "" : " (" + reason + ")";
}

}  // namespace

void Scheduler::State::place(Actions& out) {
  for (auto& [id, engine] : engines) {
    engine.barrier.reset();
    engine.hold = {};
    if (!engine.is_wanted()) engine.claimed = false;
  }
  if (waiting + wishes == 0) return;
  ModelSet reserved;  // by candidates that go first; their loads cannot begin yet
  for (const Candidate& candidate : candidates()) place(candidate, reserved, out);
}

std::vector<Candidate> Scheduler::State::candidates() {
  std::vector<Candidate> all;
  for (auto& [id, engine] : engines) {
    if (engine.is_resident() || !engine.is_wanted()) continue;
    if (const Instant retry = engine.circuit.retry_at(); now < retry) {
      // Nothing is moved for an engine that may not be started.
      engine.claimed = false;
      engine.hold = {Hold::Kind::BackOff, {}, retry};
      wake_at(retry);
      continue;
    }
    const Instant since = engine.wanted_since();
    const Instant overdue_at = this->overdue_at(engine);
    all.push_back({&engine, engine.wanted_order(), since, engine.wanted_priority(), engine.claimed,
                   now >= overdue_at, overdue_at});
  }
  std::sort(all.begin(), all.end(), goes_first);
  return all;
}

void Scheduler::State::place(const Candidate& candidate, ModelSet& reserved, Actions& out) {
  EngineRecord& engine = *candidate.engine;
  if (!candidate.overdue) {
    wake_at(candidate.overdue_at);
    if (const Instant gathered = gathered_at(); !candidate.claimed && now < gathered) {
      engine.hold = {Hold::Kind::Gather, {}, gathered};
      wake_at(gathered);
      return;
    }
  }

  ModelSet present = staying;
  present.insert(reserved.begin(), reserved.end());
  const Eviction eviction = choose_eviction(candidate, present, reserved);
  const auto keeper =
      std::find_if(eviction.evict.begin(), eviction.evict.end(),
                   [&](const ModelId& model) { return engines.find(model)->second.keeps_room(); });
  if (keeper != eviction.evict.end()) return refuse_for_room(engine, *keeper, out);
  for (const ModelId& model : eviction.evict) {
    if (reserved.contains(model)) engine.hold.models.push_back(model);
  }
  if (!engine.hold.models.empty()) {
    engine.hold.kind = Hold::Kind::Behind;
    return;
  }
  if (!eviction.evict.empty()) {
    make_room(candidate, eviction, reserved, out);
    return;
  }

  // A stopping engine needs no eviction, but it occupies memory until it is gone.
  ModelSet occupied = resident;
  occupied.insert(reserved.begin(), reserved.end());
  if (occupied.size() > present.size() &&
      !residency->make_room(engine.id, occupied).evict.empty()) {
    engine.hold.kind = Hold::Kind::Leaving;
    std::set_difference(resident.begin(), resident.end(), staying.begin(), staying.end(),
                        std::back_inserter(engine.hold.models));
    reserved.insert(engine.id);
    return;
  }
  start(engine, wanted_by(engine, now - candidate.since) + because(eviction.reason), out);
}

/// Nobody knows when @p keeper leaves: to wait for it would be to wait for ever.
void Scheduler::State::refuse_for_room(EngineRecord& engine, const ModelId& keeper, Actions& out) {
  forget_load_request(engine);
  engine.claimed = false;
  refuse_all(engine,
             Refuse{Ticket{}, RefusalCause::NoRoom,
                    engine.id + " does not fit beside " + keeper +
                        ", which is loaded and unevictable: unload " + keeper + " first",
                    kRetryLater},
             out);
}

void Scheduler::State::make_room(const Candidate& candidate, const Eviction& eviction,
                                 ModelSet& reserved, Actions& out) {
  EngineRecord& engine = *candidate.engine;
  Instant all_at = now;
  for (const ModelId& model : eviction.evict) {
    all_at = std::max(all_at, available_at(engines.find(model)->second, candidate));
  }
  const bool all_available = all_at <= now;
  if (!all_available) {
    engine.hold = {Hold::Kind::InUse, eviction.evict, all_at};
    wake_at(all_at);
    if (!candidate.overdue) {
      if (candidate.claimed) reserved.insert(engine.id);
      return;
    }
  }

  // Before its bound, a candidate takes all that it needs at once or nothing; after it, what is
  // idle leaves at once and what is busy admits only who came earlier.
  const std::string reason = "makes room for " + engine.id + ": " +
                             wanted_by(engine, now - candidate.since) + because(eviction.reason);
  for (const ModelId& model : eviction.evict) {
    EngineRecord& victim = engines.find(model)->second;
    if (available_at(victim, candidate) > now) {
      victim.barrier = candidate.order;
      victim.barrier_since = candidate.since;
      victim.barrier_why = urge(engine, victim);
    } else if (victim.state == EngineState::Starting) {
      stop(victim, StopCause::Abandoned,
           "nobody has waited for it for " + to_string(now - victim.unwanted_since) + "; " + reason,
           out, engine.id);
      engine.claimed = true;
    } else {
      stop(victim, StopCause::Evicted,
           "idle for " + to_string(now - victim.last_used) + leave_text(victim, candidate) + "; " +
               reason,
           out, engine.id);
      engine.claimed = true;
    }
  }
  if (all_available) engine.hold = {Hold::Kind::Leaving, eviction.evict, Instant::max()};
  reserved.insert(engine.id);
}

Eviction Scheduler::State::choose_eviction(const Candidate& candidate, const ModelSet& present,
                                           const ModelSet& reserved) const {
  const ModelId& target = candidate.engine->id;
  Worths worths;
  for (const ModelId& id : present) {
    const EngineRecord& engine = engines.find(id)->second;
    worths[id] = {engine.swap_cost(), engine.last_used};
  }
  Eviction cheapest = residency->make_room(target, present, worths);
  const auto is_fixed = [&](const ModelId& model) {
    return reserved.contains(model) ||
           available_at(engines.find(model)->second, candidate) == Instant::max();
  };
  if (std::none_of(cheapest.evict.begin(), cheapest.evict.end(), is_fixed)) return cheapest;

  // The rule does not know who is busy. If the target fits beside all that cannot leave now, give
  // up idle models instead, those that take longest to load and were used last as the last.
  ModelSet kept;
  std::vector<const EngineRecord*> idle;
  for (const ModelId& model : present) {
    if (is_fixed(model)) {
      kept.insert(model);
    } else {
      idle.push_back(&engines.find(model)->second);
    }
  }
  if (!residency->make_room(target, kept).evict.empty()) return cheapest;
  std::stable_sort(idle.begin(), idle.end(), [](const EngineRecord* a, const EngineRecord* b) {
    return std::pair(a->swap_cost(), a->last_used) > std::pair(b->swap_cost(), b->last_used);
  });
  Eviction spared;
  for (const EngineRecord* engine : idle) {
    const auto added = kept.insert(engine->id).first;
    if (residency->make_room(target, kept).evict.empty()) continue;
    kept.erase(added);
    spared.evict.push_back(engine->id);
  }
  std::sort(spared.evict.begin(), spared.evict.end());
  spared.reason = "spares " + join(cheapest.evict) + ", which cannot leave now";
  return spared;
}

Instant Scheduler::State::gathered_at() const {
  if (policy.gather <= Duration{0}) return Instant::min();
  Instant first = now;
  for (const auto& [id, engine] : engines) {
    if (!engine.is_resident() && engine.is_wanted()) first = std::min(first, engine.wanted_since());
  }
  return after(first, policy.gather);
}

}  // namespace rouse::core
