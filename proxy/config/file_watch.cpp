#include "proxy/config/file_watch.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/steady_timer.hpp>

#include <string>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr auto kFilesPause = 2s;
constexpr auto kSettlePause = 1s;  // a file that changed stays as it is for so long

}  // namespace

Task<void> watch_files(Executor executor, ConfigSources sources, std::function<void()> changed) {
  Timer timer(executor);
  std::string seen = fingerprint(sources);
  std::string last = seen;
  for (;;) {
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    timer.expires_after(last == seen ? kFilesPause : kSettlePause);
    const auto [error] = co_await timer.async_wait(use_task);
    if (error) co_return;
    std::string now = fingerprint(sources);
    // Whoever writes it may not be done yet.
    const bool is_settled = now == last;
    last = now;
    // A file that is being replaced is missing for a moment.
    if (now.empty() || now == seen || !is_settled) continue;
    seen = std::move(now);
    changed();
  }
}

}  // namespace rouse
