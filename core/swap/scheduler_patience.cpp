#include "core/swap/describe.hpp"
#include "core/swap/scheduler_state.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace rouse::core {

// How long whoever waits lets those be who have the room.

namespace {

/// A load is nearly done when at most a fifth of its time is left.
constexpr int kNearlyDone = 5;
/// In milliseconds: longer than anybody waits, and small enough to be added to an instant.
constexpr double kTurnMax = 1e12;
/// Within this a client that gave up tries again.
constexpr Duration kTriesAgain{1'000};

}  // namespace

Instant Scheduler::State::overdue_at(const EngineRecord& engine) const {
  const Instant since = engine.wanted_since();
  const Instant bound = after(since, std::max(policy.max_wait, Duration{0}));
  if (policy.swap_budget <= 0) return bound;
  std::optional<Instant> turns;
  for (const ModelId& id : staying) {
    if (residency->may_coexist(engine.id, id)) continue;
    const EngineRecord& other = engines.find(id)->second;
    if (other.state != EngineState::Ready) return bound;
    turns = std::max(turns.value_or(since), after(other.since, turn_of(other, engine)));
  }
  return std::min(turns.value_or(bound), bound);
}

/// So long that the swap away from it and the one back take swap_budget of the time; half of that
/// before those who come for one request at a time: to let them wait saves no swaps. Every engine
/// that is ready has been seen to load; for one that never was, the other stands.
Duration Scheduler::State::turn_of(const EngineRecord& engine,
                                   const EngineRecord& waited_for) const {
  const Duration there = engine.swap_cost();
  const Duration back = waited_for.swap_cost() > Duration{0} ? waited_for.swap_cost() : there;
  const double factor = 1 / std::min(policy.swap_budget, 1.0) - 1;
  const bool is_brief = waited_for.followers.are_brief(back);
  const double turn = static_cast<double>((there + back).count()) * factor / (is_brief ? 2 : 1);
  return Duration{static_cast<Duration::rep>(std::min(turn, kTurnMax))};
}

Stay Scheduler::State::stay_of(const EngineRecord& engine) const {
  return engine.followers.worth(engine.swap_cost(), engine.last_used, engine.used, clients, now);
}

Instant Scheduler::State::available_at(const EngineRecord& engine,
                                       const Candidate& candidate) const {
  if (engine.keeps_room()) return Instant::max();
  if (engine.state == EngineState::Starting) {
    if (engine.is_wanted()) return Instant::max();
    if (candidate.overdue) return now;
    return std::max(now, let_load_until(engine));
  }
  if (engine.running > 0) return Instant::max();
  if (!engine.waiting.empty()) {
    const bool yields = candidate.overdue && engine.waiting.oldest().order > candidate.order;
    if (!yields) return Instant::max();
  }
  if (candidate.overdue) return now;
  const Duration stay = stay_of(engine).length;
  return std::max({now, after(engine.since, std::min(stay, policy.min_residency)),
                   after(engine.last_used, std::min(stay, policy.linger))});
}

std::string Scheduler::State::leave_text(const EngineRecord& engine,
                                         const Candidate& candidate) const {
  if (candidate.overdue) return ", and " + urge(*candidate.engine, engine);
  const Stay stay = stay_of(engine);
  const Duration idle = now - engine.last_used;
  switch (stay.why) {
    case Stay::Why::WaitsElsewhere:
      return ", and whoever used it waits for another model";
    case Stay::Why::NobodyComes:
      return {};
    case Stay::Why::ComesLate:
      if (idle >= engine.swap_cost()) return {};
      return ", and sooner loaded again (" + to_string(engine.swap_cost()) +
             ") than its next request is likely to come";
    case Stay::Why::Expected:
      break;
  }
  if (idle < stay.length) return ", which is as long as the configuration lets it stay";
  return ", and its next request was likely within " + to_string(stay.length);
}

std::string Scheduler::State::urge(const EngineRecord& wanted, const EngineRecord& engine) const {
  const Duration waited = now - wanted.wanted_since();
  if (waited >= policy.max_wait) {
    return wanted.id + " has been waited for longer than " + to_string(policy.max_wait);
  }
  return wanted.id + " waits, and " + engine.id + " has had its turn of " +
         to_string(turn_of(engine, wanted));
}

/// A load that nobody waits for goes on only where that costs the other little: for the moment in
/// which a client that gave up tries again, or to its end where the most of it is done, as far as
/// the last one tells.
Instant Scheduler::State::let_load_until(const EngineRecord& engine) const {
  const Instant due = after(engine.since, engine.load_time);
  const bool nearly_done =
      engine.load_time > Duration{0} && due - now <= engine.load_time / kNearlyDone;
  const Instant again = after(engine.unwanted_since, std::min(policy.linger, kTriesAgain));
  return std::min(nearly_done ? std::max(due, again) : again,
                  after(engine.unwanted_since, policy.abandon_grace));
}

}  // namespace rouse::core
