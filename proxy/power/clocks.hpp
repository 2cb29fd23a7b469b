#pragma once

#include "core/sleep/lease.hpp"

#include <cstdint>
#include <string>

namespace rouse {

/// CLOCK_MONOTONIC, and how much further CLOCK_BOOTTIME is, of the same moment.
[[nodiscard]] core::power::Clocks power_clocks();

/// Higher than any epoch of an earlier run in this boot, since an epoch takes longer than the
/// millisecond of CLOCK_BOOTTIME that is its unit.
[[nodiscard]] std::uint64_t first_epoch();

/// /proc/sys/kernel/random/boot_id
[[nodiscard]] std::string read_boot_id();

}  // namespace rouse
