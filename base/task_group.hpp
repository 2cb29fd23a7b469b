#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>

#include "base/task.hpp"

namespace rouse {

/// Owns coroutines: each one started here ends before join() returns, and the group must be empty
/// when it is destroyed (checked). Single thread.
class TaskGroup {
 public:
  /// @p on_error gets what escaped a task, in words; a task is otherwise gone without a trace.
  TaskGroup(Executor executor, std::function<void(const std::string&)> on_error);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(Task<void> task);

  /// total: each task's cancellation state is set and it finishes its current piece of work;
  /// terminal: pending operations are aborted.
  void cancel(asio::cancellation_type how);

  /// Returns when no task is left.
  Task<void> join();

  [[nodiscard]] std::size_t size() const { return tasks_.size(); }
  [[nodiscard]] Executor executor() const { return executor_; }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  Executor executor_;
  std::function<void(const std::string&)> on_error_;
  std::list<asio::cancellation_signal> tasks_;
  Timer emptied_;
};

}  // namespace rouse
