#pragma once

#include "proxy/config/config.hpp"

#include <optional>
#include <string>

namespace rouse {

/// What to tell, in several lines, whoever is about to listen on @p listen_host (an address or a
/// name, with or without brackets; empty: all addresses; "unix:/path") for others than this machine
/// without any key; nullopt: nothing. A name that is not localhost may be anybody's.
[[nodiscard]] std::optional<std::string> open_listener_warning(const Config& config,
                                                               const std::string& listen_host);

}  // namespace rouse
