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

/// A time of the machine's steady clock on that axis.
[[nodiscard]] inline Instant to_instant(std::chrono::steady_clock::time_point at) {
  return Instant(std::chrono::floor<Duration>(at.time_since_epoch()));
}

/// @p at plus @p wait; a wait that would end after the end of time ends there ("never").
[[nodiscard]] constexpr Instant after(Instant at, Duration wait) {
  return at.time_since_epoch() > Duration{0} && wait > Instant::max() - at ? Instant::max()
                                                                           : at + wait;
}

}  // namespace rouse::core
