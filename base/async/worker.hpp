#pragma once

#include "base/async/task.hpp"
#include "base/async/use_task.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace rouse {

/// The one other thread: for calls that block (SQLite, say). Jobs run one after the other, in the
/// order in which they were given; what they return comes back to the loop by value. A job must not
/// touch anything of the loop's.
class Worker {
 public:
  /// @p home is the loop's.
  explicit Worker(Executor home) : home_(std::move(home)), thread_(1) {}
  /// Finishes what was given.
  ~Worker() { thread_.join(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] const Executor& home() const { return home_; }

  /// Runs @p job over there; @p then here, with what it returned.
  template <class Job, class Then>
  void run(Job job, Then then) {
    asio::post(thread_, [home = home_, job = std::move(job), then = std::move(then)]() mutable {
      auto result = job();
      asio::post(home, [then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
      });
    });
  }

  /// The same to wait for. nullopt: the caller was cancelled first.
  template <class T>
  Task<std::optional<T>> ask(std::function<T()> job) {
    struct Answer {
      explicit Answer(const Executor& executor) : bell(executor, Bell::time_point::max()) {}
      Bell bell;
      std::optional<T> value;
    };
    auto answer = std::make_shared<Answer>(home_);
    run(std::move(job), [answer](T value) {
      answer->value = std::move(value);
      answer->bell.cancel();
    });
    co_await answer->bell.async_wait(use_task);
    co_return std::move(answer->value);
  }

 private:
  using Bell = asio::basic_waitable_timer<std::chrono::steady_clock,
                                          asio::wait_traits<std::chrono::steady_clock>, Executor>;
  Executor home_;
  asio::thread_pool thread_;
};

}  // namespace rouse
