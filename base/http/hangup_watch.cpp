#include "base/http/hangup_watch.hpp"

#include "base/posix.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>

#include <array>
#include <utility>

namespace rouse {

HangupWatch::HangupWatch(asio::io_context& context)
    : service(context), executor_(context.get_executor()), set_(executor_) {
  UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) return;
  set_.assign(fd.release());
  wait();
}

HangupWatch& HangupWatch::of(const Executor& executor) {
  return asio::use_service<HangupWatch>(executor.context());
}

void HangupWatch::add(int fd, Watched& watched) {
  if (!set_.is_open()) return;
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u64 = ++last_key_;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) return;
  watched.key = last_key_;
  watched_.emplace(watched.key, &watched);
}

void HangupWatch::remove(int fd, Watched& watched) {
  if (watched.key == 0) return;
  watched_.erase(watched.key);
  watched.key = 0;
  epoll_event event{};
  if (set_.is_open() && fd >= 0) ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, fd, &event);
}

void HangupWatch::report_later(std::uint64_t which) {
  asio::post(executor_, [this, which] { report(which); });
}

void HangupWatch::report(std::uint64_t which) {
  const auto it = watched_.find(which);
  if (it == watched_.end()) return;
  Watched& watched = *it->second;
  watched.gone = true;
  watched.wake.cancel();
  // The call may close this socket or any other; nothing is used after it.
  if (const auto call = std::exchange(watched.call, nullptr)) call();
}

void HangupWatch::shutdown() {
  watched_.clear();
  boost::system::error_code ignored;
  set_.close(ignored);
}

void HangupWatch::wait() {
  set_.async_wait(asio::posix::descriptor_base::wait_read,
                  [this](const boost::system::error_code& error) {
                    executor_.on_work_started();  // the pair of the one below
                    if (error) return;
                    collect();
                    wait();
                  });
  // The wait is always pending; it must not count as work.
  executor_.on_work_finished();
}

void HangupWatch::collect() {
  std::array<epoll_event, 64> events{};
  int n = 0;
  do {
    n = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < n; ++i) {
      report(events.at(static_cast<std::size_t>(i)).data.u64);
    }
  } while (n == static_cast<int>(events.size()));
}

}  // namespace rouse
