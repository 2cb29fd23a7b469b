#pragma once

#include "core/sleep/settings.hpp"
#include "suspendd/config/config.hpp"

namespace rouse::suspendd {

/// What the policy has to know of @p config. @p dry_run: whatever the file says.
[[nodiscard]] core::suspend::Settings policy_settings(const Config& config, bool dry_run);

}  // namespace rouse::suspendd
