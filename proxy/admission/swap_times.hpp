#pragma once

#include "core/time.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace rouse {

/// How long the parts of a swap took, in the order in which they come.
struct SwapPhases {
  bool evicts = false;     ///< somebody had to leave; else the first three are nothing
  core::Duration drain{};  ///< until those in its way could go
  core::Duration stop{};   ///< until their processes had ended
  core::Duration sweep{};  ///< until what they left behind was gone
  core::Duration spawn{};  ///< until the engine's program ran
  core::Duration load{};   ///< until it was ready
  core::Duration seen{};   ///< of the load: how long it may have been ready before that was seen

  static constexpr std::size_t kOfOthers = 3;  ///< so many of each() are of those who leave
  /// Each with its name.
  [[nodiscard]] std::array<std::pair<std::string_view, core::Duration>, 6> each() const {
    return {{{"drain", drain},
             {"stop", stop},
             {"sweep", sweep},
             {"spawn", spawn},
             {"load", load},
             {"seen", seen}}};
  }
  /// "drain=1000 stop=180 sweep=1 spawn=3 load=2000 seen=20", in milliseconds.
  [[nodiscard]] std::string text() const;
};

/// When a swap did what, of the model that it brought. Each is at or after the one before it.
struct SwapTimes {
  bool evicts = false;      ///< else all up to the start is one moment
  core::Instant wanted{};   ///< by the first of those who waited
  core::Instant told{};     ///< the last of those in its way was told to stop
  core::Instant exited{};   ///< the last of their processes had ended
  core::Instant started{};  ///< and nothing of them was left
  core::Instant spawned{};
  core::Instant ready{};
  core::Duration seen{};

  /// What of it happened while somebody was there who came at @p entered.
  [[nodiscard]] SwapPhases phases_since(core::Instant entered) const;
  [[nodiscard]] SwapPhases phases() const { return phases_since(wanted); }
};

}  // namespace rouse
