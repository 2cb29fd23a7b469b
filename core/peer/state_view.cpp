#include "core/peer/pauses.hpp"
#include "core/peer/state.hpp"

#include <algorithm>

namespace rouse::core::peer {

// What is known of the machine, and until when.

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Unknown:
      return "unknown";
    case Phase::Awake:
      return "awake";
    case Phase::Draining:
      return "draining";
    case Phase::Asleep:
      return "asleep";
    case Phase::Waking:
      return "waking";
    case Phase::Failed:
      break;
  }
  return "failed";
}

std::string_view to_string(Announced::PowerState power) {
  switch (power) {
    case Announced::PowerState::Awake:
      return "awake";
    case Announced::PowerState::Draining:
      return "draining";
    case Announced::PowerState::Suspending:
      break;
  }
  return "suspending";
}

/// False: older than what was heard already, on a stream that lagged behind.
bool State::is_news(const Epoch& epoch, Announced::PowerState power) const {
  if (!epoch_ || epoch_->boot_id != epoch.boot_id) return true;
  if (epoch.number < epoch_->number) return false;
  const bool is_up = phase_ == Phase::Awake || phase_ == Phase::Draining;
  return !(power == Announced::PowerState::Suspending && slept_ == epoch && is_up);
}

bool State::is_past_sleep(const std::optional<Epoch>& epoch) const {
  return !slept_ || !epoch || epoch->boot_id != slept_->boot_id || epoch->number >= slept_->number;
}

bool State::somebody_may_wake() const {
  return policy_.can_wake && std::any_of(held_.begin(), held_.end(),
                                         [](const auto& each) { return each.second.may_wake; });
}

std::uint64_t State::held_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [order, held] : held_) sum += held.bytes;
  return sum;
}

std::optional<Instant> State::next_deadline() const {
  Instant at = Instant::max();
  const auto consider = [&](Instant when) { at = std::min(at, when); };
  if (!held_.empty()) consider(after(held_.begin()->second.since, policy_.hold_max));
  switch (phase_) {
    case Phase::Unknown:
      break;
    case Phase::Awake:
      if (!doubt_ || held_.empty() || probe_) break;
      consider(*down_since_ + policy_.down_patience);
      consider(*denied_at_ + kDownPause);
      break;
    case Phase::Draining:
      if (doubt_) break;  // it is being asked
      if (!probe_) consider(since_ + kDrainMax);
      // Else they wait for those who go first.
      if (!held_.empty() && released_.size() < policy_.release_max) {
        consider(held_.begin()->second.since + policy_.drain_hold);
      }
      break;
    case Phase::Asleep:
      for (const auto& [order, held] : held_) {
        if (policy_.can_wake && held.may_wake) consider(held.since + policy_.debounce);
      }
      break;
    case Phase::Waking:
      consider(wake_began_ + policy_.wake_timeout);
      if (wake_asked_ || somebody_may_wake()) consider(volley_at_);
      if (!probe_) consider(*probed_at_ + kWakingPause);
      break;
    case Phase::Failed:
      if (!probe_) consider(*probed_at_ + kFailedPause);
      break;
  }
  return at == Instant::max() ? std::nullopt : std::optional<Instant>(at);
}

View State::view() const {
  View view;
  view.phase = phase_;
  view.since = since_;
  view.reason = reason_;
  view.service_down = service_down_;
  view.waiting = held_.size();
  view.held_bytes = held_bytes();
  view.epoch = epoch_;
  if (phase_ == Phase::Failed) view.retry_at = retry_at_;
  view.volleys = volleys_;
  view.failures = failures_;
  if (phase_ == Phase::Waking) view.gives_up_at = wake_began_ + policy_.wake_timeout;
  view.heard_at = heard_at_;
  return view;
}

Memory State::memory() const {
  return {phase_ == Phase::Asleep || phase_ == Phase::Waking || phase_ == Phase::Failed, slept_};
}

}  // namespace rouse::core::peer
