#pragma once

#include "core/swap/scheduler.hpp"
#include "proxy/config/config.hpp"

#include <functional>
#include <map>

namespace rouse {

/// How the models of @p config are scheduled.
[[nodiscard]] std::map<core::ModelId, core::ModelPolicy, std::less<>> policies_of(
    const Config& config);

}  // namespace rouse
