#pragma once

#include "proxy/config/config.hpp"
#include "proxy/engine/engine.hpp"

namespace rouse {

/// What to run for @p model.
[[nodiscard]] Launch launch_of(const ModelConfig& model);

}  // namespace rouse
