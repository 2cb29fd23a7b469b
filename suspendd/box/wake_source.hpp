#pragma once

#include "suspendd/box/root.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

enum class WakeKind { Wol, Rtc, PowerButton, Lid, Usb, Other, Unknown };

/// One entry of /sys/class/wakeup. They come and go, also across a suspend.
struct WakeSource {
  std::string id;      ///< wakeup7
  std::string name;    ///< as the kernel calls it: 0000:03:00.0, PNP0C0C:00
  std::string device;  ///< real path of the device behind it below /sys; empty: none
  WakeKind kind = WakeKind::Unknown;
  std::string detail;  ///< for a person: "network card eth0", "power button"
  /// wakeup_count of the same folder stays 0 for a clock that did wake the machine; this one grows.
  std::uint64_t event_count = 0;
  bool is_enabled = false;  ///< `power/wakeup` of its device says enabled
};

[[nodiscard]] std::vector<WakeSource> read_wake_sources(const Root& root);

/// What woke the machine between two looks.
struct WakeReason {
  WakeKind kind = WakeKind::Unknown;
  std::string text;  ///< for a person: "network card eth0 (0000:03:00.0), +1"
  /// All that counted an event meanwhile, the likeliest cause first.
  std::vector<WakeSource> sources;
};

/// Several can have counted: a card counts before the clock does (the clock ticks for the kernel
/// itself), a button before both. @p alarm_due: our own alarm was set for this time, so the clock
/// comes first.
[[nodiscard]] WakeReason wake_reason(const std::vector<WakeSource>& before,
                                     const std::vector<WakeSource>& after, bool alarm_due);

/// /sys/power/wakeup_count, for the gate. The kernel lets the reader wait while a wake event is
/// being handled; after @p patience we stop waiting and say so. Blocks for so long.
[[nodiscard]] Result<std::uint64_t> read_wakeup_count(const Root& root,
                                                      std::chrono::milliseconds patience);
/// Written back, a wake event from now on aborts the suspend. Refused when one came meanwhile.
/// Only where sleep.conf allows nothing but mem: an aborted attempt else falls through to s2idle.
[[nodiscard]] Result<void> write_wakeup_count(const Root& root, std::uint64_t count);

}  // namespace rouse::suspendd
