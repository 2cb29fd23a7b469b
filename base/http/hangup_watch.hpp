#pragma once

#include "base/async/task.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <unordered_map>

namespace rouse {

/// Tells when the other side of a socket has gone (FIN or RST), whatever waits unread before that:
/// one epoll set of its own that listens for nothing else, so that arriving data wakes nobody and a
/// wait costs no system call. One per io_context, made on first use; its pending wait does not keep
/// the io_context running.
class HangupWatch final : public asio::execution_context::service {
 public:
  using key_type = HangupWatch;
  inline static asio::execution_context::id id;

  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  /// A socket that is watched. Lives at one place until it is removed.
  struct Watched {
    explicit Watched(Executor executor) : wake(executor, Timer::time_point::max()) {}
    bool gone = false;
    std::uint64_t key = 0;       ///< 0: not watched
    Timer wake;                  ///< cancelled when the other side has gone
    std::function<void()> call;  ///< called once, then; may be empty
  };

  explicit HangupWatch(asio::io_context& context);
  static HangupWatch& of(const Executor& executor);

  /// Without effect when the kernel has no room for it: the peer's going is then seen by the next
  /// read or write.
  void add(int fd, Watched& watched);
  /// Before @p fd is closed: a child between fork and exec may hold the socket open in the set.
  void remove(int fd, Watched& watched);
  /// Makes the call of a watched socket that has gone already, from the loop, if it is still there.
  void report_later(std::uint64_t which);

 private:
  void report(std::uint64_t which);
  void shutdown() override;
  void wait();
  void collect();

  Executor executor_;
  asio::posix::basic_stream_descriptor<Executor> set_;
  std::unordered_map<std::uint64_t, Watched*> watched_;
  std::uint64_t last_key_ = 0;
};

}  // namespace rouse
