#pragma once

#include "base/async/task.hpp"
#include "base/posix.hpp"
#include "suspendd/box/root.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <chrono>

namespace rouse::suspendd {

/// A real-time clock that can wake the machine: /sys/class/rtc/*/wakealarm exists.
[[nodiscard]] bool has_wake_clock(const Root& root);

/// Whether the kernel lets us make such timers at all.
[[nodiscard]] Result<void> may_wake_by_alarm();

/// A timer that wakes the machine from suspend: timerfd of an ALARM clock. One time is set at once.
/// Needs CAP_WAKE_ALARM, which systemd's ProtectClock= takes away.
///
/// The kernel programs the real-time clock for it when the machine goes to sleep, and leaves a
/// time alone that is less than 2 s away: the suspend then fails with EBUSY.
class WakeAlarm {
 public:
  enum class Axis {
    Boot,  ///< time that passes, sleep included; nobody can set it
    Real,  ///< calendar time; wait() returns early when the clock is set, and after each sleep
  };
  enum class Woke { Due, ClockSet, Cancelled };

  /// An error that says what to do where the capability is missing. A machine without a
  /// real-time clock gets an alarm all the same, which fires when it happens to be awake: see
  /// has_wake_clock().
  [[nodiscard]] static Result<WakeAlarm> open(Executor executor, Axis axis);

  /// @p at on the axis, since its epoch. A time in the past fires at once.
  Result<void> set(std::chrono::nanoseconds at);
  void clear();
  /// Until it fires. One waiter at a time.
  Task<Woke> wait();

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  WakeAlarm(Descriptor descriptor, Axis axis) : descriptor_(std::move(descriptor)), axis_(axis) {}

  Descriptor descriptor_;
  Axis axis_;
};

}  // namespace rouse::suspendd
