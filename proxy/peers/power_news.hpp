#pragma once

#include "base/wake/magic_packet.hpp"
#include "core/peer/state.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace rouse {

/// What another rouse says of itself: the body of `GET /v1/power` and of every event of
/// `GET /v1/power/events`.
struct PowerNews {
  core::peer::Announced::PowerState power = core::peer::Announced::PowerState::Awake;
  core::peer::Epoch epoch;
  std::vector<MacAddress> macs;  ///< of its cards that listen for packets; bad ones left out
};

/// nullopt: it is nothing of the kind.
[[nodiscard]] std::optional<PowerNews> parse_power_news(std::string_view json);

}  // namespace rouse
