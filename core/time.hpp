#pragma once

#include <chrono>

namespace rouse::core {

/// The core's time axis. It has no now() on purpose: code in core/ cannot read a clock, it can only
/// be told the time.
struct CoreClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<CoreClock>;
  static constexpr bool is_steady = true;
};

using Duration = CoreClock::duration;
using Instant = CoreClock::time_point;

}  // namespace rouse::core
