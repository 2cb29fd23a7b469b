#include "suspendd/wakeup_plan.hpp"

#include "suspendd/box/clock.hpp"

#include <algorithm>

namespace rouse::suspendd {

std::optional<WakeupPlan::Wakeups> WakeupPlan::plan(const std::vector<WakeupConfig>& wakeups,
                                                    WallTime now) {
  Wakeups all;
  for (const WakeupConfig& wakeup : wakeups) {
    all.push_back({next_time_of_day(wakeup.at, wakeup.days, now),
                   wakeup.why.empty() ? std::string("a wakeup") : wakeup.why});
  }
  if (safety_net_ && *safety_net_ > now) all.push_back({*safety_net_, "the end of the wake test"});
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  const bool is_same =
      std::equal(all.begin(), all.end(), planned_.begin(), planned_.end(),
                 [](const auto& a, const auto& b) { return a.at == b.at && a.what == b.what; });
  if (is_same) return std::nullopt;
  planned_ = all;
  return all;
}

std::optional<std::chrono::milliseconds> WakeupPlan::next_in(WallTime now) const {
  for (const core::suspend::Wakeup& wakeup : planned_) {
    const bool is_net = safety_net_ && wakeup.at == *safety_net_;
    if (!is_net && wakeup.at > now) return wakeup.at - now;
  }
  return std::nullopt;
}

}  // namespace rouse::suspendd
