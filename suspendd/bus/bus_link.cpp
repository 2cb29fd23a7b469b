#include "suspendd/bus/bus_link.hpp"

#include "base/async/use_task.hpp"
#include "base/posix.hpp"

#include <boost/asio/this_coro.hpp>
#include <systemd/sd-bus.h>

#include <fcntl.h>
#include <poll.h>

#include <utility>

namespace rouse::suspendd {
namespace {

/// How many messages are handled before others get their turn.
constexpr int kMessagesPerTurn = 64;

boost::system::error_code code_of(int negative_errno) {
  return {-negative_errno, boost::system::system_category()};
}

}  // namespace

BusLink::BusLink(const Executor& executor) : waker_(std::make_shared<Waker>(executor)) {}

BusLink::~BusLink() {
  boost::system::error_code ignored;
  waker_->descriptor.close(ignored);
  if (bus_ == nullptr) return;
  // Not flushed: that could block.
  sd_bus_close(bus_);
  sd_bus_unref(bus_);
}

Result<std::unique_ptr<BusLink>> BusLink::open(Executor executor, const std::string& address) {
  std::unique_ptr<BusLink> link(new BusLink(executor));
  int r = sd_bus_new(&link->bus_);
  if (r >= 0) r = sd_bus_set_address(link->bus_, address.c_str());
  if (r >= 0) r = sd_bus_set_bus_client(link->bus_, 1);
  if (r >= 0) r = sd_bus_negotiate_fds(link->bus_, 1);
  if (r >= 0) r = sd_bus_start(link->bus_);
  if (r < 0) return Error{code_of(r), "connecting to the message bus at " + address};
  return link;
}

void BusLink::kick() {
  waker_->kicked = true;
  waker_->bell.cancel();
}

Task<boost::system::error_code> BusLink::serve(std::function<void()> on_ready) {
  bool told = false;
  for (;;) {
    boost::system::error_code error = work();
    if (!error && !told && sd_bus_is_ready(bus_) > 0) {
      told = true;
      on_ready();
      continue;  // what was queued by that goes out now
    }
    if (!error) error = arm();
    if (error) co_return error;

    const auto state = co_await asio::this_coro::cancellation_state;
    const auto terminal = state.cancelled() & asio::cancellation_type::terminal;
    if (terminal != asio::cancellation_type::none) co_return error;
    if (!std::exchange(waker_->kicked, false)) co_await waker_->bell.async_wait(use_task);
  }
}

boost::system::error_code BusLink::work() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    const int r = sd_bus_process(bus_, nullptr);
    if (r < 0) return code_of(r);
    if (r == 0) break;
  }
  return {};
}

boost::system::error_code BusLink::arm() {
  const int events = sd_bus_get_events(bus_);
  if (events < 0) return code_of(events);
  const int fd = sd_bus_get_fd(bus_);
  if (fd < 0) return code_of(fd);
  if (const auto error = watch(fd)) return error;

  // Of CLOCK_MONOTONIC, as steady_clock; UINT64_MAX: no limit; 0: there is more to do now.
  std::uint64_t until = 0;
  const int r = sd_bus_get_timeout(bus_, &until);
  if (r < 0) return code_of(r);
  auto wake_at = BusTimer::time_point::max();
  if (until != UINT64_MAX) {
    wake_at = BusTimer::time_point(std::chrono::microseconds(static_cast<std::int64_t>(until)));
  }
  waker_->bell.expires_at(wake_at);

  using asio::posix::descriptor_base;
  if ((events & POLLIN) != 0 && !std::exchange(waker_->reading, true)) {
    waker_->descriptor.async_wait(descriptor_base::wait_read, [waker = waker_](const auto&) {
      waker->reading = false;
      waker->kicked = true;
      waker->bell.cancel();
    });
  }
  if ((events & POLLOUT) != 0 && !std::exchange(waker_->writing, true)) {
    waker_->descriptor.async_wait(descriptor_base::wait_write, [waker = waker_](const auto&) {
      waker->writing = false;
      waker->kicked = true;
      waker->bell.cancel();
    });
  }
  return {};
}

/// The socket may be another one while it tries the next of several addresses. A duplicate is
/// watched, since libsystemd closes its own when it likes.
boost::system::error_code BusLink::watch(int fd) {
  if (fd == watched_fd_) return {};
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return errno_code();
  boost::system::error_code error;
  waker_->descriptor.close(error);
  error.clear();
  waker_->descriptor.assign(copy.get(), error);
  if (error) return error;
  (void)copy.release();
  watched_fd_ = fd;
  waker_->reading = false;
  waker_->writing = false;
  return {};
}

}  // namespace rouse::suspendd
