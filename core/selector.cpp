#include "core/selector.hpp"

#include <algorithm>

namespace rouse::core {

std::optional<std::size_t> Selector::choose(const std::vector<TargetState>& states) {
  if (states.empty()) return std::nullopt;
  switch (strategy_) {
    case Strategy::Pin:
      return 0;
    case Strategy::Warm:
      for (const TargetState wanted : {TargetState::Ready, TargetState::Starting}) {
        const auto it = std::find(states.begin(), states.end(), wanted);
        if (it != states.end()) return static_cast<std::size_t>(it - states.begin());
      }
      return 0;
    case Strategy::Spillover:
      break;
  }
  return spill(states);
}

std::optional<std::size_t> Selector::spill(const std::vector<TargetState>& states) {
  std::optional<std::size_t> cold;
  std::optional<std::size_t> least;
  for (std::size_t step = 0; step < states.size(); ++step) {
    const std::size_t i = (next_ + step) % states.size();
    if (states[i] == TargetState::Stopping) continue;
    const bool is_up = states[i] == TargetState::Ready || states[i] == TargetState::Starting;
    if (!is_up && running_[i] == 0) {
      cold = std::min(i, cold.value_or(i));
    } else if (!least || running_[i] < running_[*least]) {
      least = i;
    }
  }
  if (!least) return cold;
  if (running_[*least] >= spillover_ && cold) return cold;
  next_ = (*least + 1) % states.size();
  return least;
}

}  // namespace rouse::core
