#include "base/async/task_group.hpp"

#include "base/async/use_task.hpp"
#include "base/check.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <string>
#include <utility>
#include <vector>

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

void TaskGroup::Handle::cancel(asio::cancellation_type how) const {
  const std::shared_ptr<Entry> entry = entry_.lock();
  if (!entry || entry->ended) return;
  entry->cancelled = true;
  entry->signal.emit(how);
}

bool TaskGroup::Handle::ended() const {
  const std::shared_ptr<Entry> entry = entry_.lock();
  return !entry || entry->ended;
}

TaskGroup::Handle TaskGroup::spawn(Task<void> task) {
  const auto place = tasks_.insert(tasks_.end(), std::make_shared<Entry>());
  Handle handle(*place);
  auto on_done = [this, place](const std::exception_ptr& error) {
    const std::shared_ptr<Entry> entry = std::move(*place);
    entry->ended = true;
    tasks_.erase(place);
    // Outside of the io_context's thread of control Asio queues the emission; it uses the signal
    // then, though the task may have ended before.
    if (entry->cancelled) asio::post(executor_, [entry] {});
    if (error) {
      if (const std::string text = describe(error); !text.empty()) on_error_(text);
    }
    if (tasks_.empty()) emptied_.cancel();
  };
  asio::co_spawn(executor_, run(std::move(task)),
                 asio::bind_cancellation_slot((*place)->signal.slot(), std::move(on_done)));
  return handle;
}

void TaskGroup::cancel(asio::cancellation_type how) {
  // A task may end, end others, or start new ones inside emit(); newcomers are left alone.
  const std::vector<std::shared_ptr<Entry>> all(tasks_.begin(), tasks_.end());
  for (const std::shared_ptr<Entry>& entry : all) {
    if (entry->ended) continue;
    entry->cancelled = true;
    entry->signal.emit(how);
  }
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

}  // namespace rouse
