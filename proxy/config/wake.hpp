#pragma once

#include "base/text/week.hpp"
#include "base/wake/plan.hpp"

#include <chrono>
#include <vector>

namespace rouse {

struct WakeConfig {  // peers.NAME.wake: (ours)
  /// The machine's own announcement names its cards; what plan.macs has comes in addition.
  bool learns_macs = true;
  WakePlan plan;
  std::chrono::milliseconds debounce{2'000};   ///< a request withdrawn within this wakes nothing
  std::vector<WeekSpan> quiet_hours;           ///< no request wakes it then
  std::chrono::milliseconds timeout{120'000};  ///< from the first packet to a verified answer
};

}  // namespace rouse
