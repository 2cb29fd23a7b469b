#pragma once

#include "base/service/log.hpp"
#include "proxy/config/config.hpp"

namespace rouse {

/// How @p config wants our own lines.
[[nodiscard]] LogOptions log_options(const Config& config);

}  // namespace rouse
