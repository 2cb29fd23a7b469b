#include "core/peer/state.hpp"

#include "core/peer/pauses.hpp"
#include "core/peer/wake_schedule.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::peer {

namespace {

constexpr Duration kProbeConnect{1'000};
constexpr Duration kWakingConnect{500};
/// One look answers for everybody who comes within this.
constexpr Duration kLookAgain{1'000};
/// A machine that goes to sleep refuses connections first.
constexpr Duration kRefusesBeforeSleep{30'000};
constexpr int kTurnedAwayMax = 5;
constexpr Duration kRetrySoon{5'000};

std::string seconds(Duration d) {
  return std::to_string((d.count() + 999) / 1000) + " s";
}

}  // namespace

State::State(Policy policy, const Memory& memory, Instant now)
    : policy_(policy), since_(now), now_(now), slept_(memory.slept) {
  reason_ = "nothing was heard of it yet";
  if (memory.asleep) {
    phase_ = Phase::Asleep;
    reason_ = "was asleep when this proxy was last there";
  }
}

std::vector<Action> State::step(const Event& event, Instant now) {
  now_ = std::max(now_, now);
  std::visit([this](const auto& what) { on(what); }, event);
  settle();
  refuse_overdue();
  while (held_.size() > policy_.held_max) {
    refuse(std::prev(held_.end())->first, Cause::HeldTooMany,
           "too many requests wait for it already", kRetrySoon);
  }
  return std::exchange(actions_, {});
}

// --- what happened -------------------------------------------------------------------------------

void State::on(const Wanted& event) {
  held_.emplace(next_order_++,
                Held{event.ticket, now_, event.may_wake, event.why_not, event.has_other, 0, 0});
}

void State::on(const Left& event) {
  out_.erase(event.ticket);
  released_.erase(event.ticket);
  std::erase_if(held_, [&](const auto& each) { return each.second.ticket == event.ticket; });
}

void State::on(const Taken& event) {
  released_.erase(event.ticket);
}

void State::on(const TurnedAway& event) {
  const auto it = out_.find(event.ticket);
  if (it == out_.end()) return;
  released_.erase(event.ticket);
  auto [order, held] = std::move(it->second);
  out_.erase(it);
  if (!event.suspending) ++held.turned_away;
  const bool too_often = held.turned_away >= kTurnedAwayMax;
  held_.emplace(order, std::move(held));
  if (too_often) {
    return refuse(order, Cause::Unreachable, "answers, and takes no connection", kRetrySoon);
  }
  if (phase_ != Phase::Awake && phase_ != Phase::Draining) return;
  if (event.suspending) {
    heard_at_ = now_;
    slept_at_ = now_;
    fall_asleep("refused a request because it is going to sleep");
    // Its word may have taken longer than its sleep.
    denied_at_.reset();
  } else {
    doubt_ = true;
  }
}

void State::on(const Grew& event) {
  for (auto& [order, held] : held_) {
    if (held.ticket != event.ticket) continue;
    held.bytes = event.bytes;
    if (held_bytes() > policy_.held_bytes_max) {
      refuse(order, Cause::HeldTooMany, "the bodies of those who wait for it take too much memory",
             kRetrySoon);
    }
    return;
  }
}

void State::on(const Probed& event) {
  if (event.sign != Sign::Silent) heard_at_ = now_;
  if (event.probe != probe_) return;
  probe_.reset();
  Sign sign = event.sign;
  // An answer from before its sleep, on its way for long.
  if (sign == Sign::Answers && !is_past_sleep(event.epoch)) sign = Sign::Suspending;
  const bool thought_up = phase_ == Phase::Awake || phase_ == Phase::Draining;
  switch (sign) {
    case Sign::Answers:
      epoch_ = event.epoch;
      return enter(Phase::Awake, "answers");
    case Sign::Unwell:
      // Its own words are the best answer that a request can get, unless it may be about to be
      // well.
      if (phase_ == Phase::Waking) return;
      if (!thought_up && somebody_may_wake()) return wake("is up, and its service is not ready");
      return enter(Phase::Awake, "answers, and is not ready");
    case Sign::Suspending:
      if (thought_up || phase_ == Phase::Unknown) return fall_asleep("says that it goes to sleep");
      denied_at_ = now_;
      return;
    case Sign::Refuses:
      if (phase_ == Phase::Waking) return;
      if (slept_at_ && now_ - *slept_at_ < kRefusesBeforeSleep) {
        if (phase_ != Phase::Asleep) return fall_asleep("refuses connections before its sleep");
        denied_at_ = now_;
        return;
      }
      if (phase_ != Phase::Awake) enter(Phase::Awake, "the machine is up, its service is not");
      if (!service_down_) down_since_ = now_;
      service_down_ = true;
      denied_at_ = now_;
      doubt_ = true;
      return;
    case Sign::Silent:
      if (thought_up || phase_ == Phase::Unknown) fall_asleep("does not answer");
      denied_at_ = now_;
      return;
  }
}

void State::on(const Announced& event) {
  heard_at_ = now_;
  if (!is_news(event.epoch, event.power)) return;
  epoch_ = event.epoch;
  switch (event.power) {
    case Announced::PowerState::Awake:
      if (is_past_sleep(event.epoch)) enter(Phase::Awake, "says that it is awake");
      return;
    case Announced::PowerState::Draining:
      if (phase_ == Phase::Awake || phase_ == Phase::Unknown) {
        enter(Phase::Draining, "says that it is about to sleep");
      }
      return;
    case Announced::PowerState::Suspending:
      slept_ = event.epoch;
      slept_at_ = now_;
      if (phase_ != Phase::Waking) fall_asleep("says that it goes to sleep");
      return;
  }
}

void State::on(const AnnouncementsLost&) {
  if (phase_ != Phase::Awake && phase_ != Phase::Draining) return;
  doubt_ = true;
  if (!probe_) probe(kProbeConnect);
}

void State::on(const Retired& event) {
  retired_ = event.why;
  probe_.reset();
  if (phase_ == Phase::Waking) enter(Phase::Asleep, event.why);
}

void State::on(const WakeWanted&) {
  if (retired_) return;
  if (phase_ == Phase::Awake || phase_ == Phase::Draining) return;
  if (phase_ == Phase::Waking) {
    wake_asked_ = true;
    return;
  }
  if (!policy_.can_wake) return;
  wake("an operator asked for it");
  wake_asked_ = true;
}

// --- what follows --------------------------------------------------------------------------------

/// What one phase decides may be to enter another.
void State::settle() {
  if (retired_) return refuse_all(Cause::Unreachable, *retired_, kRetrySoon);
  for (std::optional<Phase> before; before != phase_;) {
    before = phase_;
    settle_phase();
  }
}

void State::settle_phase() {
  switch (phase_) {
    case Phase::Unknown:
      if (!held_.empty() && !probe_) probe(kProbeConnect);
      break;
    case Phase::Draining:
      if (!doubt_ && !probe_ && now_ - since_ >= kDrainMax) probe(kProbeConnect);
      [[fallthrough]];
    case Phase::Awake:
      settle_doubt();
      break;
    case Phase::Asleep:
      settle_asleep();
      break;
    case Phase::Waking:
      settle_waking();
      break;
    case Phase::Failed:
      settle_failed();
      break;
  }
}

void State::settle_doubt() {
  if (!doubt_) return release();
  if (held_.empty()) return;
  if (service_down_ && somebody_may_wake())
    return wake("is up, and its service refuses connections");
  if (probe_) return;
  const bool just_asked = service_down_ && denied_at_ && now_ - *denied_at_ < kDownPause;
  if (!just_asked) return probe(kProbeConnect);
  // Only on what it says now: it may have come back since nobody asked.
  const bool too_long = now_ - *down_since_ >= policy_.down_patience;
  for (auto it = held_.begin(); it != held_.end();) {
    const auto& [order, held] = *it++;
    if (!too_long && !held.has_other) continue;
    refuse(order, Cause::Unreachable, "refuses connections: the machine is up, its service is not",
           kRetrySoon);
  }
}

void State::settle_asleep() {
  if (held_.empty()) return;
  const bool is_overdue = std::any_of(held_.begin(), held_.end(), [this](const auto& each) {
    return policy_.can_wake && each.second.may_wake && now_ - each.second.since >= policy_.debounce;
  });
  if (is_overdue) return wake("a request needs it");
  const bool just_asked = denied_at_ && now_ - *denied_at_ < kLookAgain;
  // It may be up without having told us: somebody pressed its button.
  if (!probe_ && !just_asked) probe(kProbeConnect);
  if (probe_) return;
  for (auto it = held_.begin(); it != held_.end();) {
    const auto [order, held] = *it++;
    if (policy_.can_wake && held.may_wake) continue;
    const std::string why = policy_.can_wake ? held.why_not : "there is no way to wake it";
    refuse(order, Cause::NotWoken, "is asleep, and " + why, Duration{30'000});
  }
}

void State::settle_waking() {
  const Duration asleep_for = now_ - wake_began_;
  if (asleep_for >= policy_.wake_timeout) return fail_wake();
  if ((wake_asked_ || somebody_may_wake()) && now_ >= volley_at_) {
    actions_.emplace_back(SendVolley{++volleys_});
    volley_at_ = wake_began_ + next_volley(asleep_for);
  }
  if (!probe_ && (!probed_at_ || now_ - *probed_at_ >= kWakingPause)) probe(kWakingConnect);
}

void State::settle_failed() {
  if (now_ >= retry_at_ && somebody_may_wake()) return wake("a request needs it, after a pause");
  const Duration pause = std::max(retry_at_ - now_, kRetrySoon);
  refuse_all(Cause::WakeFailed, reason_ + "; tried again in " + seconds(pause), pause);
  if (!probe_ && (!probed_at_ || now_ - *probed_at_ >= kFailedPause)) probe(kProbeConnect);
}

/// In order of arrival, a few at a time: what has waited together must not arrive together.
void State::release() {
  while (!held_.empty() && released_.size() < policy_.release_max) {
    const auto it = held_.begin();
    const bool waits_for_drain = phase_ == Phase::Draining && policy_.drain_hold > Duration{0} &&
                                 now_ - it->second.since < policy_.drain_hold;
    if (waits_for_drain) return;
    const Ticket ticket = it->second.ticket;
    const bool has_waited = it->second.since < now_ || !released_.empty();
    if (has_waited) released_.insert(ticket);
    out_.emplace(ticket, std::make_pair(it->first, std::move(it->second)));
    held_.erase(it);
    actions_.emplace_back(Admit{ticket});
  }
}

void State::enter(Phase phase, std::string reason) {
  const Phase from = phase_;
  if (phase == Phase::Awake) {
    doubt_ = false;
    service_down_ = false;
    down_since_.reset();
    probe_.reset();
  }
  if (from == phase) return;
  if (from == Phase::Waking) {
    const auto outcome = phase == Phase::Awake    ? WakeEnded::Outcome::Ok
                         : phase == Phase::Failed ? WakeEnded::Outcome::Timeout
                                                  : WakeEnded::Outcome::Cancelled;
    actions_.emplace_back(WakeEnded{outcome, now_ - wake_began_});
    if (outcome == WakeEnded::Outcome::Ok) failures_ = 0;
  }
  wake_asked_ = false;
  phase_ = phase;
  since_ = now_;
  reason_ = std::move(reason);
  actions_.emplace_back(Entered{from, phase, reason_});
}

void State::fall_asleep(std::string reason) {
  if (phase_ == Phase::Asleep) return;
  doubt_ = false;
  service_down_ = false;
  probe_.reset();
  denied_at_ = now_;
  enter(Phase::Asleep, std::move(reason));
  actions_.emplace_back(DropConnections{});
}

void State::wake(std::string reason) {
  wake_began_ = now_;
  volley_at_ = now_;
  volleys_ = 0;
  // One that is on its way may be lost: it was sent before the first packet.
  probe_.reset();
  probed_at_.reset();
  doubt_ = false;
  service_down_ = false;
  enter(Phase::Waking, std::move(reason));
  settle_waking();
}

void State::probe(Duration connect) {
  probe_ = next_probe_++;
  probed_at_ = now_;
  denied_at_.reset();
  actions_.emplace_back(Probe{*probe_, connect});
}

void State::fail_wake() {
  if (!wake_asked_ && !somebody_may_wake()) {
    probe_.reset();
    return enter(Phase::Asleep, "nobody waits for it any more");
  }
  const int doublings = std::min(failures_++, 16);
  const Duration pause = std::min(policy_.backoff_first * (1 << doublings), policy_.backoff_max);
  retry_at_ = now_ + pause;
  enter(Phase::Failed, "did not wake within " + seconds(policy_.wake_timeout));
  refuse_all(Cause::WakeFailed, reason_, pause);
}

void State::refuse(Order order, Cause cause, std::string detail, Duration retry_after) {
  const auto it = held_.find(order);
  actions_.emplace_back(Refuse{it->second.ticket, cause, std::move(detail), retry_after});
  held_.erase(it);
}

void State::refuse_all(Cause cause, const std::string& detail, Duration retry_after) {
  while (!held_.empty()) refuse(held_.begin()->first, cause, detail, retry_after);
}

void State::refuse_overdue() {
  while (!held_.empty() && now_ - held_.begin()->second.since >= policy_.hold_max) {
    refuse(held_.begin()->first, Cause::HeldTooLong,
           "was not ready within " + seconds(policy_.hold_max), kRetrySoon);
  }
}

}  // namespace rouse::core::peer
