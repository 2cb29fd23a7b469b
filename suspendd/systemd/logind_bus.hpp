#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace rouse::suspendd {

inline constexpr const char* kLogindService = "org.freedesktop.login1";

/// A time span as logind sends it, as far as ours reach.
[[nodiscard]] inline std::chrono::microseconds span_of(std::uint64_t microseconds) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const auto held = std::min<std::uint64_t>(microseconds, static_cast<std::uint64_t>(kMost));
  return std::chrono::microseconds(static_cast<std::int64_t>(held));
}

}  // namespace rouse::suspendd
