#pragma once

// What SimWorld holds the scheduler to, action by action and after each step.

#include "tests/core/swap/sim_world.hpp"

namespace rouse::core::test {

inline void SimWorld::check(const Start& a) {
  Engine& engine = engines_.at(a.model);
  EXPECT_EQ(engine.up, Up::Off) << "started twice";
  EXPECT_LT(now_, shutdown_at_) << "started during shutdown";
  EXPECT_GE(now_, engine.not_before) << "started before its pause had ended";
  EXPECT_TRUE(engine.wished || waiting_for(a.model) > 0) << "started for nobody";
  EXPECT_FALSE(a.reason.empty());
  engine.up = Up::Loading;
  engine.since = now_;
  EXPECT_TRUE(settings_.rule->allows(resident())) << "more is resident than the rule allows";
  ++started;
  const bool fails = dice_.chance(settings_.fault_percent);
  plan(dice_.between(Duration{1}, settings_.load_max),
       Planned{fails ? Kind::EngineFails : Kind::EngineReady, Ticket{}, a.model, engine.run});
}

inline void SimWorld::check(const Stop& a) {
  Engine& engine = engines_.at(a.model);
  EXPECT_TRUE(engine.up == Up::Loading || engine.up == Up::Ready) << "stopped while not running";
  EXPECT_FALSE(a.reason.empty());
  const bool urged = is_other_overdue(a.model);
  switch (a.cause) {
    case StopCause::Evicted:
      EXPECT_EQ(engine.up, Up::Ready) << "evicted while loading";
      EXPECT_EQ(engine.running, 0) << "evicted while serving";
      if (!urged) {
        EXPECT_EQ(waiting_for(a.model), 0) << "evicted before those who wait for it";
      }
      break;
    case StopCause::Idle:
      EXPECT_EQ(engine.running, 0) << "unloaded while serving";
      EXPECT_EQ(waiting_for(a.model), 0) << "unloaded while somebody waits for it";
      EXPECT_GE(now_ - engine.last_used, settings_.models.at(a.model).ttl);
      break;
    case StopCause::Abandoned:
      EXPECT_EQ(engine.up, Up::Loading);
      EXPECT_EQ(waiting_for(a.model), 0) << "abandoned while somebody waits for it";
      EXPECT_FALSE(engine.wished) << "abandoned while an operator wants it";
      if (!urged) {
        EXPECT_GE(now_, engine.load_kept_until(now_, settings_.policy));
      }
      break;
    case StopCause::Unloaded:
      EXPECT_TRUE(engine.unloading || std::holds_alternative<UnloadWanted>(*event_));
      break;
    case StopCause::Reconfigured:
    case StopCause::Removed:
      if (engine.up == Up::Ready) {
        EXPECT_TRUE(engine.outdated);
        EXPECT_EQ(engine.running, 0) << "cut off by a reload";
      } else {
        EXPECT_TRUE(std::holds_alternative<Reconfigured>(*event_));
      }
      break;
    case StopCause::Shutdown:
      EXPECT_GE(now_, shutdown_at_);
      if (now_ < shutdown_at_ + settings_.policy.shutdown_drain && !engine.unloading) {
        EXPECT_EQ(engine.running, 0) << "cut off before the drain had ended";
      }
      break;
  }
  if (engine.up == Up::Ready) {
    engine.failures = 0;
  }
  engine.up = Up::Leaving;
  engine.stopped_at = now_;
  engine.unloading = false;
  engine.outdated = false;
  plan(dice_.between(Duration{0}, settings_.stop_max),
       Planned{Kind::EngineGone, Ticket{}, a.model, engine.run});
}

inline void SimWorld::check(const Admit& a) {
  const auto it = requests_.find(a.ticket);
  ASSERT_NE(it, requests_.end()) << "admitted after it had left";
  Request& request = it->second;
  Engine& engine = engines_.at(a.model);
  EXPECT_FALSE(request.admitted) << "admitted twice";
  EXPECT_EQ(request.model, a.model);
  EXPECT_EQ(engine.up, Up::Ready) << "admitted to an engine that is not ready";
  EXPECT_FALSE(engine.unloading) << "admitted to an engine that is being unloaded";
  EXPECT_FALSE(engine.outdated) << "admitted to a launch that is no longer configured";
  EXPECT_LT(now_, shutdown_at_);
  EXPECT_LT(engine.running, settings_.models.at(a.model).concurrency) << "more than may run";
  for (const auto& [ticket, other] : requests_) {
    if (other.admitted || other.model != a.model || ticket == a.ticket) continue;
    const bool is_late = now_ - other.since >= settings_.policy.max_wait;
    if (is_late) {
      EXPECT_GT(ticket, a.ticket) << "passed an older one that waited too long";
    }
    const bool am_late = now_ - request.since >= settings_.policy.max_wait;
    if (!is_late && !am_late && !is_other_overdue(a.model)) {
      EXPECT_GE(request.priority, other.priority) << "passed one of a higher priority";
    }
  }
  if (settings_.exclusive && !std::holds_alternative<EngineReady>(*event_)) {
    for (const auto& [ticket, other] : requests_) {
      if (other.admitted || other.model == a.model || ticket > a.ticket) continue;
      if (now_ < engines_.at(other.model).not_before) continue;
      EXPECT_LE(now_ - other.since, settings_.policy.max_wait + settings_.late_max)
          << "passed " << ticket << ", who waits longer than anybody should";
    }
  }
  request.admitted = true;
  request.run = engine.run;
  ++engine.running;
  ++served;
  longest = std::max(longest, now_ - request.since);
  plan(dice_.between(Duration{1}, settings_.service_max), Planned{Kind::Leave, a.ticket});
}

inline void SimWorld::check(const Refuse& a) {
  const auto it = requests_.find(a.ticket);
  ASSERT_NE(it, requests_.end()) << "refused after it had left";
  const Request request = it->second;
  const Engine& engine = engines_.at(request.model);
  EXPECT_FALSE(request.admitted) << "refused after it was admitted";
  EXPECT_LE(a.retry_after, Duration{30'000});
  EXPECT_FALSE(a.detail.empty());
  switch (a.cause) {
    case RefusalCause::UnknownModel:
      ADD_FAILURE() << "the model is configured";
      break;
    case RefusalCause::QueueFull:
      EXPECT_GT(std::count_if(requests_.begin(), requests_.end(),
                              [](const auto& r) { return !r.second.admitted; }),
                static_cast<std::ptrdiff_t>(settings_.policy.queue_max));
      break;
    case RefusalCause::TooLong:
      EXPECT_GT(settings_.policy.give_up, Duration{0});
      EXPECT_GE(now_ - request.since, settings_.policy.give_up);
      break;
    case RefusalCause::LoadFailed:
      EXPECT_EQ(failing_, request.model);
      break;
    case RefusalCause::CircuitOpen:
      EXPECT_GE(engine.failures, settings_.policy.load_failures_max);
      EXPECT_LT(now_, engine.not_before);
      break;
    case RefusalCause::NoRoom:
      ADD_FAILURE() << "nothing is unevictable";
      break;
    case RefusalCause::Unloaded:
      ASSERT_TRUE(std::holds_alternative<UnloadWanted>(*event_));
      EXPECT_TRUE(std::get<UnloadWanted>(*event_).stays);
      break;
    case RefusalCause::ShuttingDown:
      EXPECT_GE(now_, shutdown_at_);
      break;
  }
  requests_.erase(it);
  note_unwanted(request.model);
}

inline void SimWorld::check(const Hurry& a) {
  const Engine& engine = engines_.at(a.model);
  EXPECT_EQ(engine.up, Up::Ready);
  EXPECT_GT(engine.running, 0) << "nobody is there to hurry";
  EXPECT_FALSE(a.reason.empty());
  const bool own = std::any_of(requests_.begin(), requests_.end(), [&](const auto& r) {
    return !r.second.admitted && now_ - r.second.since >= settings_.policy.max_wait;
  });
  EXPECT_TRUE(own || is_other_overdue(a.model)) << "nobody has waited long enough";
}

inline void SimWorld::check_state() const {
  const SchedulePolicy& policy = settings_.policy;
  const Duration late = settings_.late_max;
  std::ptrdiff_t waiting = 0;
  for (const auto& [ticket, request] : requests_) {
    if (request.admitted) continue;
    ++waiting;
    const Duration waited = now_ - request.since;
    if (policy.give_up > Duration{0}) {
      EXPECT_LT(waited, policy.give_up + late) << "never refused";
    }
    if (settings_.is_peaceful()) {
      // At the worst the engine in the way drains, and every other model has an older claim.
      const auto models = static_cast<int>(ids_.size());
      const Duration round = settings_.stop_max + settings_.load_max + 2 * settings_.service_max;
      EXPECT_LE(waited, policy.max_wait + late + (models + 1) * round)
          << "request " << ticket << " for " << request.model << " starves";
    }
  }
  EXPECT_LE(waiting, static_cast<std::ptrdiff_t>(policy.queue_max));
  if (now_ >= shutdown_at_) return;
  for (const auto& [id, engine] : engines_) {
    const ModelPolicy& model = settings_.models.at(id);
    if (engine.up == Up::Ready && engine.outdated) {
      EXPECT_GT(engine.running, 0) << id << " is idle with an old launch";
    }
    if (engine.up != Up::Ready || engine.unloading || engine.outdated) continue;
    if (engine.running < model.concurrency && !is_other_overdue(id)) {
      EXPECT_EQ(waiting_for(id), 0) << id << " has a free slot";
    }
    if (model.ttl > Duration{0} && engine.running == 0 && waiting_for(id) == 0) {
      EXPECT_LT(now_ - engine.last_used, model.ttl + late) << id << " outlives its ttl";
    }
  }
  check_promptness();
}

// When one model only is wanted and nothing is on its way out, a swap that can happen has happened.
inline void SimWorld::check_promptness() const {
  const SchedulePolicy& policy = settings_.policy;
  ModelId wanted;
  Instant since = now_;
  for (const auto& [id, engine] : engines_) {
    if (engine.up == Up::Leaving) return;
    if (engine.up != Up::Off || (waiting_for(id) == 0 && !engine.wished)) continue;
    if (!wanted.empty() || engine.wished || now_ < engine.not_before + settings_.late_max) return;
    wanted = id;
  }
  if (wanted.empty()) return;
  for (const auto& [ticket, request] : requests_) {
    if (!request.admitted && request.model == wanted) since = std::min(since, request.since);
  }
  if (now_ < since + policy.gather + settings_.late_max) return;
  const Eviction room = settings_.rule->make_room(wanted, resident());
  const bool blocked = std::any_of(room.evict.begin(), room.evict.end(), [&](const ModelId& id) {
    const Engine& engine = engines_.at(id);
    const Duration late = settings_.late_max;
    if (engine.up == Up::Loading) {
      return waiting_for(id) > 0 || engine.wished ||
             now_ < engine.load_kept_until(now_, policy) + late;
    }
    return engine.running > 0 || waiting_for(id) > 0 ||
           now_ < engine.since + std::min(policy.min_residency, engine.cost()) + late ||
           now_ < engine.last_used + std::min(policy.linger, engine.cost()) + late;
  });
  EXPECT_TRUE(blocked) << wanted << " could be loaded now, but is not";
}

inline void SimWorld::check_view() const {
  const ScheduleView view = scheduler_.view(now_);
  ASSERT_EQ(view.models.size(), engines_.size());
  std::set<Ticket> seen;
  for (const WaitingView& waiting : view.waiting) {
    EXPECT_TRUE(seen.insert(waiting.ticket).second) << waiting.ticket << " is listed twice";
    EXPECT_EQ(scheduler_.position(waiting.ticket), seen.size()) << waiting.ticket;
    const auto it = requests_.find(waiting.ticket);
    ASSERT_NE(it, requests_.end());
    EXPECT_FALSE(it->second.admitted);
    EXPECT_EQ(waiting.model, it->second.model);
    EXPECT_EQ(waiting.since, it->second.since);
    EXPECT_FALSE(waiting.next.empty());
  }
  for (const ModelView& model : view.models) {
    const Engine& engine = engines_.at(model.model);
    EXPECT_EQ(model.waiting, waiting_for(model.model));
    EXPECT_EQ(model.running, engine.running);
    const bool is_up = model.state != EngineState::Stopped && model.state != EngineState::Failed;
    EXPECT_EQ(is_up, engine.up != Up::Off) << model.model << " is " << model.state;
    if (model.unload_at) {
      EXPECT_GE(*model.unload_at + settings_.late_max, now_);
    }
    if (model.retry_at) {
      EXPECT_GT(*model.retry_at, now_);
    }
  }
}

}  // namespace rouse::core::test
