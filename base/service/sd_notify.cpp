#include "base/service/sd_notify.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <ctime>

namespace rouse {

namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr int kBeatsPerWatchdog = 3;  // two may be late before systemd acts

/// One line of the protocol: a line end in @p text would begin another assignment.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

void tell(const std::string& state) {
  [[maybe_unused]] const int sent = ::sd_notify(0, state.c_str());
}

}  // namespace

void notify_ready(const std::string& status) {
  tell(fmt::format("READY=1\nSTATUS={}", one_line(status)));
}

void notify_reloading() {
  std::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  // Type=notify-reload (systemd 253) takes the time to tell an answer from an older message.
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   now.tv_sec * 1'000'000LL + now.tv_nsec / 1'000));
}

void notify_stopping(const std::string& status) {
  tell(fmt::format("STOPPING=1\nSTATUS={}", one_line(status)));
}

void notify_status(const std::string& status) {
  tell("STATUS=" + one_line(status));
}

void notify_alive() {
  tell("WATCHDOG=1");
}

std::optional<std::chrono::milliseconds> watchdog_pause() {
  std::uint64_t period = 0;  // µs
  if (::sd_watchdog_enabled(0, &period) <= 0) return std::nullopt;
  return std::chrono::milliseconds(period / 1'000 / kBeatsPerWatchdog);
}

Task<void> feed_watchdog(Executor executor) {
  const auto pause = watchdog_pause();
  if (!pause) co_return;
  Timer timer(executor);
  for (;;) {
    notify_alive();
    timer.expires_after(*pause);
    const auto [error] = co_await timer.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (error || state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

}  // namespace rouse
