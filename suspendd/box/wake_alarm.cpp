#include "suspendd/box/wake_alarm.hpp"

#include "base/async/use_task.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace rouse::suspendd {
namespace {

Result<UniqueFd> make_timer(int clock) {
  UniqueFd fd(::timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC));
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
  const auto fd = make_timer(CLOCK_BOOTTIME_ALARM);
  if (!fd) return fd.error();
  return {};
}

Result<WakeAlarm> WakeAlarm::open(Executor executor, Axis axis) {
  auto fd = make_timer(axis == Axis::Boot ? CLOCK_BOOTTIME_ALARM : CLOCK_REALTIME_ALARM);
  if (!fd) return fd.error();
  return WakeAlarm(Descriptor(executor, fd->release()), axis);
}

Result<void> WakeAlarm::set(std::chrono::nanoseconds at) {
  // Zero would switch it off; a time that is past is due now.
  const auto due = std::max(at, std::chrono::nanoseconds{1});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(due);
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(seconds.count());
  time.it_value.tv_nsec = static_cast<long>((due - seconds).count());
  const int flags =
      TFD_TIMER_ABSTIME | (axis_ == Axis::Real ? static_cast<int>(TFD_TIMER_CANCEL_ON_SET) : 0);
  if (::timerfd_settime(descriptor_.native_handle(), flags, &time, nullptr) != 0) {
    return errno_error("setting a timer that wakes the machine");
  }
  return {};
}

void WakeAlarm::clear() {
  const itimerspec off{};
  ::timerfd_settime(descriptor_.native_handle(), 0, &off, nullptr);
}

Task<WakeAlarm::Woke> WakeAlarm::wait() {
  while (true) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return Woke::Cancelled;
    const auto [error] = co_await descriptor_.async_wait(Descriptor::wait_read, use_task);
    if (error) co_return Woke::Cancelled;
    std::uint64_t times = 0;
    const ssize_t n = ::read(descriptor_.native_handle(), &times, sizeof times);
    if (n == sizeof times) co_return Woke::Due;
    if (errno == ECANCELED) co_return Woke::ClockSet;
    // EAGAIN: it was set anew between the signal and the read.
  }
}

}  // namespace rouse::suspendd
