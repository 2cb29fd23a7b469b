#pragma once

#include "proxy/config/config.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rouse {

// What the report for people and the one for scripts share.

/// So many alternatives of a set are spelled out.
inline constexpr std::size_t kAlternativesShown = 24;

/// The models that may be loaded beside @p id.
[[nodiscard]] std::vector<std::string> neighbours(const Config& config, const std::string& id);

/// Where an engine or a peer answers; "-" where the file does not say.
[[nodiscard]] std::string address_of(const ModelConfig& model);
[[nodiscard]] std::string address_of(const PeerConfig& peer);

/// In the order of the file, by which they are asked.
[[nodiscard]] std::vector<std::pair<std::string, const PeerConfig*>> in_order(
    const std::map<std::string, PeerConfig>& peers);

}  // namespace rouse
