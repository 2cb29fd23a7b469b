#pragma once

#include <chrono>

namespace rouse::suspendd {

/// The three clocks, read at one moment. MONOTONIC stands still while the machine sleeps and
/// BOOTTIME does not, so the growth of their difference is the time slept; REAL can be set by
/// anybody and is for people and calendars only.
struct Clocks {
  std::chrono::nanoseconds mono{0};
  std::chrono::nanoseconds boot{0};
  std::chrono::nanoseconds real{0};
};

[[nodiscard]] Clocks read_clocks();

}  // namespace rouse::suspendd
