#include "suspendd/box/wake_alarm.hpp"

#include <sys/timerfd.h>

#include <algorithm>

namespace rouse::suspendd {
namespace {

Result<UniqueFd> make_timer() {
  UniqueFd fd(::timerfd_create(CLOCK_REALTIME_ALARM, TFD_NONBLOCK | TFD_CLOEXEC));
  if (fd) return fd;
  Error error = errno_error("making a timer that wakes the machine");
  if (error.code == boost::system::errc::operation_not_permitted) {
    error.doing +=
        " (it needs CAP_WAKE_ALARM: AmbientCapabilities=CAP_WAKE_ALARM in the unit, and "
        "ProtectClock=no)";
  }
  return error;
}

}  // namespace

bool has_wake_clock(const Root& root) {
  for (const std::string& clock : root.list("/sys/class/rtc")) {
    if (root.exists("/sys/class/rtc/" + clock + "/wakealarm")) return true;
  }
  return false;
}

Result<void> may_wake_by_alarm() {
  const auto fd = make_timer();
  if (!fd) return fd.error();
  return {};
}

Result<WakeAlarm> WakeAlarm::open() {
  Result<UniqueFd> timer = make_timer();
  if (!timer) return timer.error();
  return WakeAlarm(std::move(*timer));
}

Result<void> WakeAlarm::set(std::chrono::nanoseconds at) {
  // Zero would switch it off; a time that is past is due now.
  const auto due = std::max(at, std::chrono::nanoseconds{1});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(due);
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(seconds.count());
  time.it_value.tv_nsec = static_cast<long>((due - seconds).count());
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &time, nullptr) != 0) {
    return errno_error("setting a timer that wakes the machine");
  }
  return {};
}

void WakeAlarm::clear() {
  const itimerspec off{};
  ::timerfd_settime(timer_.get(), 0, &off, nullptr);
}

}  // namespace rouse::suspendd
