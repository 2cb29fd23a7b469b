#include "base/task_group.hpp"

#include "base/check.hpp"
#include "base/use_task.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <string>
#include <utility>

namespace rouse {
namespace {

/// Lets total cancellation set the state of the task and terminal cancellation abort what is
/// pending; neither throws into it.
Task<void> run(Task<void> task) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation(),
                                                     asio::enable_terminal_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

/// What to report about @p error; empty for a cancellation, which is no failure.
std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) return {};
    return e.what();
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace

TaskGroup::TaskGroup(Executor executor, std::function<void(const std::string&)> on_error)
    : executor_(std::move(executor)), on_error_(std::move(on_error)), emptied_(executor_) {
  emptied_.expires_at(std::chrono::steady_clock::time_point::max());
}

TaskGroup::~TaskGroup() {
  ROUSE_CHECK(tasks_.empty());
}

void TaskGroup::spawn(Task<void> task) {
  const auto entry = tasks_.emplace(tasks_.end());
  auto on_done = [this, entry](const std::exception_ptr& error) {
    if (error) {
      if (const std::string text = describe(error); !text.empty()) on_error_(text);
    }
    if (cancelling_) {
      entry->ended = true;
    } else {
      tasks_.erase(entry);
    }
    if (size() == 0) emptied_.cancel();
  };
  asio::co_spawn(executor_, run(std::move(task)),
                 asio::bind_cancellation_slot(entry->signal.slot(), std::move(on_done)));
}

void TaskGroup::cancel(asio::cancellation_type how) {
  if (cancelling_) return;  // from inside a task that is being cancelled
  // A task may end, end others, or start new ones inside emit(): nothing is erased until the walk
  // is over, and the newcomers, at the end of the list, are left alone.
  cancelling_ = true;
  auto entry = tasks_.begin();
  for (std::size_t left = tasks_.size(); left > 0; --left, ++entry) {
    if (!entry->ended) entry->signal.emit(how);
  }
  cancelling_ = false;
  std::erase_if(tasks_, [](const Entry& each) { return each.ended; });
}

Task<void> TaskGroup::join() {
  while (size() > 0) {
    co_await emptied_.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if ((state.cancelled() & asio::cancellation_type::terminal) != asio::cancellation_type::none) {
      co_return;
    }
  }
}

std::size_t TaskGroup::size() const {
  std::size_t running = tasks_.size();
  if (cancelling_) {
    for (const Entry& each : tasks_) running -= each.ended ? 1 : 0;
  }
  return running;
}

}  // namespace rouse
