#include "proxy/power/clocks.hpp"

#include <time.h>

#include <chrono>
#include <fstream>

namespace rouse {

namespace {

namespace cp = core::power;
using namespace std::chrono_literals;

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

cp::Clocks power_clocks() {
  using std::chrono::duration_cast;
  // A pause of this thread between the two would look like a sleep.
  for (int i = 0;; ++i) {
    const auto before = read_clock(CLOCK_MONOTONIC);
    const auto boot = read_clock(CLOCK_BOOTTIME);
    const auto mono = read_clock(CLOCK_MONOTONIC);
    if (mono - before > 20ms && i < 100) continue;
    return {core::Instant(duration_cast<core::Duration>(mono)),
            duration_cast<core::Duration>(boot - mono)};
  }
}

std::uint64_t first_epoch() {
  const auto up = read_clock(CLOCK_BOOTTIME);
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(up).count());
}

std::string read_boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace rouse
