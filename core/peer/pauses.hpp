#pragma once

#include "core/time.hpp"

namespace rouse::core::peer {

// How long State lets pass before it looks, sends or gives up again.

inline constexpr Duration kWakingPause{250};
inline constexpr Duration kDownPause{500};
inline constexpr Duration kFailedPause{30'000};
/// A drain ends within this, one way or the other.
inline constexpr Duration kDrainMax{15'000};

}  // namespace rouse::core::peer
