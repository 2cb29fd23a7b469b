#include "proxy/telemetry/loop_lag.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace rouse {

Task<void> watch_loop_lag(Executor executor, Metrics& metrics) {
  using Steady = std::chrono::steady_clock;
  // Often enough to see a stall, rare enough for an idle machine.
  constexpr std::chrono::milliseconds kPause{500};
  asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor> timer(executor);
  for (;;) {
    // A cancellation that comes while a tick is on its way is seen here, not by the timer.
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    timer.expires_after(kPause);
    const auto [error] = co_await timer.async_wait(use_task);
    if (error) co_return;
    metrics.loop_lagged(Steady::now() - timer.expiry());
  }
}

}  // namespace rouse
