#pragma once

#include "base/posix.hpp"
#include "base/result.hpp"
#include "suspendd/box/root.hpp"

#include <chrono>
#include <utility>

namespace rouse::suspendd {

/// A real-time clock that can wake the machine: /sys/class/rtc/*/wakealarm exists.
[[nodiscard]] bool has_wake_clock(const Root& root);

/// Whether the kernel lets us make such timers at all.
[[nodiscard]] Result<void> may_wake_by_alarm();

/// A timer that wakes the machine from suspend at a time of the calendar: timerfd of an ALARM
/// clock, whose effect is the waking; nobody reads it. One time is set at once. Needs
/// CAP_WAKE_ALARM, which systemd's ProtectClock= takes away.
///
/// The kernel programs the real-time clock for it when the machine goes to sleep, and leaves a
/// time alone that is less than 2 s away: the suspend then fails with EBUSY.
class WakeAlarm {
 public:
  /// An error that says what to do where the capability is missing. A machine without a
  /// real-time clock gets an alarm all the same, which fires when it happens to be awake: see
  /// has_wake_clock().
  [[nodiscard]] static Result<WakeAlarm> open();

  /// @p at of CLOCK_REALTIME, since its epoch. A time in the past is due at once.
  Result<void> set(std::chrono::nanoseconds at);
  void clear();

 private:
  explicit WakeAlarm(UniqueFd timer) : timer_(std::move(timer)) {}

  UniqueFd timer_;
};

}  // namespace rouse::suspendd
