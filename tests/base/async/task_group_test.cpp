#include "base/async/task_group.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

class TaskGroupTest : public testing::Test {
 protected:
  void on_error(const std::string& text) { errors_.push_back(text); }

  asio::io_context io_{1};
  std::vector<std::string> errors_;
  std::vector<std::string> log_;
  TaskGroup group_{io_.get_executor(), [this](const std::string& text) { on_error(text); }};
};

Task<void> wait_for_ever(std::vector<std::string>& log) {
  Timer timer(co_await asio::this_coro::executor, std::chrono::steady_clock::time_point::max());
  auto [error] = co_await timer.async_wait(use_task);
  log.push_back(error ? "aborted" : "fired");
}

Task<void> two_waits(std::vector<std::string>& log, Timer& first) {
  auto [error] = co_await first.async_wait(use_task);
  const auto state = co_await asio::this_coro::cancellation_state;
  log.push_back(state.cancelled() == asio::cancellation_type::none ? "free" : "told");
  Timer second(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
  auto [again] = co_await second.async_wait(use_task);
  log.push_back(error || again ? "aborted" : "finished");
}

Task<void> fail() {
  throw std::runtime_error("the cat is on the keyboard");
  co_return;
}

Task<void> wait_for(Timer& timer) {
  co_await timer.async_wait(use_task);
}

Task<void> join(TaskGroup& group, std::vector<std::string>& log) {
  co_await group.join();
  log.push_back("joined");
}

TEST_F(TaskGroupTest, AnErrorThatEscapesATaskIsReported) {
  group_.spawn(fail());
  io_.run();
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("the cat is on the keyboard")));
  EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroupTest, TerminalCancellationAbortsWhatIsPendingWithoutAnError) {
  group_.spawn(wait_for_ever(log_));
  group_.spawn(wait_for_ever(log_));
  io_.poll();
  EXPECT_EQ(group_.size(), 2U);
  group_.cancel(asio::cancellation_type::terminal);
  io_.run();
  EXPECT_THAT(log_, ElementsAre("aborted", "aborted"));
  EXPECT_THAT(errors_, ElementsAre());
  EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroupTest, TotalCancellationOnlyTellsTheTask) {
  Timer first(io_.get_executor(), std::chrono::steady_clock::time_point::max());
  group_.spawn(two_waits(log_, first));
  io_.poll();
  group_.cancel(asio::cancellation_type::total);
  io_.poll();
  EXPECT_THAT(log_, ElementsAre());
  first.expires_after(std::chrono::seconds(0));  // ends the wait; the task then finishes its work
  io_.run();
  EXPECT_THAT(log_, ElementsAre("told", "aborted"));
}

TEST_F(TaskGroupTest, ATaskMayEndBetweenItsCancellationAndTheNextTurn) {
  for (int i = 0; i < 10; ++i) {
    Timer timer(io_.get_executor(), std::chrono::steady_clock::time_point::max());
    group_.spawn(wait_for(timer));
    io_.restart();
    io_.poll();
    timer.cancel();  // its end is queued before the cancellation is
    group_.cancel(asio::cancellation_type::terminal);
    io_.restart();
    io_.run();
    EXPECT_EQ(group_.size(), 0U);
  }
}

TEST_F(TaskGroupTest, JoinReturnsWhenTheLastTaskHasEnded) {
  TaskGroup waiters(io_.get_executor(), [this](const std::string& text) { on_error(text); });
  group_.spawn(wait_for_ever(log_));
  waiters.spawn(join(group_, log_));
  io_.poll();
  EXPECT_THAT(log_, ElementsAre());
  group_.cancel(asio::cancellation_type::terminal);
  io_.run();
  EXPECT_THAT(log_, ElementsAre("aborted", "joined"));
}

TEST_F(TaskGroupTest, JoinOfAnEmptyGroupReturnsAtOnce) {
  TaskGroup waiters(io_.get_executor(), [this](const std::string& text) { on_error(text); });
  waiters.spawn(join(group_, log_));
  io_.run();
  EXPECT_THAT(log_, ElementsAre("joined"));
}

TEST(TaskGroupDeathTest, DestroyingAGroupThatStillHasTasksIsABug) {
  EXPECT_DEATH(
      {
        asio::io_context io(1);
        std::vector<std::string> log;
        TaskGroup group(io.get_executor(), [](const std::string&) {});
        group.spawn(wait_for_ever(log));
      },
      "tasks_.empty");
}

Task<void> throw_cancelled() {
  throw boost::system::system_error(asio::error::operation_aborted);
  co_return;
}

TEST_F(TaskGroupTest, AHandleCancelsItsOwnTaskOnly) {
  const TaskGroup::Handle one = group_.spawn(wait_for_ever(log_));
  group_.spawn(wait_for_ever(log_));
  io_.poll();
  one.cancel(asio::cancellation_type::terminal);
  io_.restart();
  io_.poll();
  EXPECT_EQ(log_, std::vector<std::string>{"aborted"});
  EXPECT_TRUE(one.ended());
  EXPECT_EQ(group_.size(), 1U);
  group_.cancel(asio::cancellation_type::terminal);
  io_.restart();
  io_.run();
  EXPECT_EQ(group_.size(), 0U);
}

TEST_F(TaskGroupTest, ACancellationThatEscapesIsNoFailure) {
  group_.spawn(throw_cancelled());
  io_.run();
  EXPECT_TRUE(errors_.empty());
}

TEST_F(TaskGroupTest, ACancelledJoinReturnsThoughTasksAreLeft) {
  TaskGroup outer(io_.get_executor(), [this](const std::string& text) { on_error(text); });
  group_.spawn(wait_for_ever(log_));
  outer.spawn(join(group_, log_));
  io_.poll();
  outer.cancel(asio::cancellation_type::terminal);
  io_.restart();
  io_.poll();
  EXPECT_EQ(log_, std::vector<std::string>{"joined"});
  EXPECT_EQ(group_.size(), 1U);
  group_.cancel(asio::cancellation_type::terminal);
  io_.restart();
  io_.run();
}

}  // namespace
}  // namespace rouse
