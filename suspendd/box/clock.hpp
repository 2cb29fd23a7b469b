#pragma once

#include "base/result.hpp"
#include "core/sleep/settings.hpp"
#include "suspendd/box/root.hpp"

#include <string>

namespace rouse::suspendd {

/// The clocks as the policy wants them. In a tree of `--root`, which cannot make the machine sleep,
/// the file /asleep_ms adds to CLOCK_BOOTTIME and so plays the time slept.
[[nodiscard]] core::suspend::Now read_now(const Root& root);

/// Which boot this is, as the kernel names it: a uuid.
[[nodiscard]] Result<std::string> read_boot_id(const Root& root);

/// "2026-11-21 09:30" in the machine's own time zone.
[[nodiscard]] std::string local_text(core::suspend::WallTime at);

/// "3 h 12 min", "4 min 10 s", "12 s", "0.3 s": for people.
[[nodiscard]] std::string span_text(core::Duration span);

/// The next time at which the machine's clock shows @p minutes after midnight on one of @p days
/// (bit 0: Monday), later than @p now. A time that daylight saving skips is the one after it.
[[nodiscard]] core::suspend::WallTime next_time_of_day(int minutes, unsigned days,
                                                       core::suspend::WallTime now);

}  // namespace rouse::suspendd
