#pragma once

#include "proxy/config/config.hpp"

#include <string>

namespace rouse {

/// Why @p next may not take the place of @p running while we serve; empty: it may. A file that is
/// empty, or that somebody is still writing, reads as a good one with less in it: models, peers and
/// keys go away altogether only when the file says so ("models: {}"). @p next has a configuration.
[[nodiscard]] std::string reload_fault(const Config& running, const LoadedConfig& next);

}  // namespace rouse
