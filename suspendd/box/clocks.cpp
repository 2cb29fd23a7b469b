#include "suspendd/box/clocks.hpp"

#include <ctime>

namespace rouse::suspendd {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Clocks read_clocks() {
  // Being interrupted between two of the clocks would look like time asleep, or hide some.
  constexpr std::chrono::microseconds kAtOnce{200};
  Clocks clocks;
  for (int attempt = 0; attempt < 8; ++attempt) {
    clocks.mono = read_clock(CLOCK_MONOTONIC);
    clocks.boot = read_clock(CLOCK_BOOTTIME);
    clocks.real = read_clock(CLOCK_REALTIME);
    if (read_clock(CLOCK_MONOTONIC) - clocks.mono < kAtOnce) break;
  }
  return clocks;
}

}  // namespace rouse::suspendd
