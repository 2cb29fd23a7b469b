#pragma once

#include "base/async/task.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

namespace rouse {

/// Owns coroutines: each one started here ends before join() returns, and the group must be empty
/// when it is destroyed (checked). Single thread.
///
/// A task sees its cancellation as errors of its operations and in `this_coro::cancellation_state`;
/// nothing is thrown into it. An operation that begins after a terminal cancellation is not aborted
/// by Asio: who waits in a loop looks at that state (HttpStream's operations do).
class TaskGroup {
  struct Entry;

 public:
  /// One task, to cancel it alone. Nothing happens once it has ended; may outlive the group.
  class Handle {
   public:
    Handle() = default;
    void cancel(asio::cancellation_type how) const;
    [[nodiscard]] bool ended() const;

   private:
    friend class TaskGroup;
    explicit Handle(std::weak_ptr<Entry> entry) : entry_(std::move(entry)) {}
    std::weak_ptr<Entry> entry_;
  };

  /// @p on_error gets what escaped a task, in words; a task is otherwise gone without a trace.
  TaskGroup(Executor executor, std::function<void(const std::string&)> on_error);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  Handle spawn(Task<void> task);

  /// total: each task's cancellation state is set and it finishes its current piece of work;
  /// terminal: pending operations are aborted.
  void cancel(asio::cancellation_type how);

  /// Returns when no task is left (or when its caller is cancelled). Not from a task of this group.
  Task<void> join();

  [[nodiscard]] std::size_t size() const { return tasks_.size(); }
  [[nodiscard]] Executor executor() const { return executor_; }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  struct Entry {
    asio::cancellation_signal signal;
    bool ended = false;
    bool cancelled = false;
  };

  Executor executor_;
  std::function<void(const std::string&)> on_error_;
  std::list<std::shared_ptr<Entry>> tasks_;  ///< shared with the handlers that a cancel() queued
  Timer emptied_;
};

}  // namespace rouse
