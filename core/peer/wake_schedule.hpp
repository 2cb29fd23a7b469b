#pragma once

#include "core/time.hpp"

#include <array>

namespace rouse::core {

/// When the magic packets of one wake go out. A packet that arrives between the moment a card stops
/// working for the system and the moment it listens for itself is lost, and nobody can know; an
/// awake machine does not mind one. So they are repeated until the machine has answered: at 0, 0.2,
/// 1, 2 and 3 s, every 2 s then, and after 30 s every 5 s.
///
/// The first volley is due at once; this is when the one after @p since_start is, counted from the
/// start of the wake, too.
[[nodiscard]] constexpr Duration next_volley(Duration since_start) {
  constexpr std::array<Duration, 4> kFirst = {Duration{200}, Duration{1'000}, Duration{2'000},
                                              Duration{3'000}};
  constexpr Duration kOften{2'000};
  constexpr Duration kSeldom{5'000};
  constexpr Duration kEarly{30'000};
  if (since_start < Duration{0}) return Duration{0};
  for (const Duration at : kFirst) {
    if (since_start < at) return at;
  }
  const auto following = [since_start](Duration from, Duration pause) {
    return from + ((since_start - from) / pause + 1) * pause;
  };
  const Duration soon = following(kFirst.back(), kOften);
  if (soon < kEarly) return soon;
  return since_start < kEarly ? kEarly : following(kEarly, kSeldom);
}

}  // namespace rouse::core
