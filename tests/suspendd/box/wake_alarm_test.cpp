#include "suspendd/box/wake_alarm.hpp"

#include "base/async/task_group.hpp"
#include "suspendd/box/clocks.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class WakeAlarmTest : public testing::TestWithParam<WakeAlarm::Axis> {
 protected:
  void SetUp() override {
    const auto may = may_wake_by_alarm();
    if (!may) GTEST_SKIP() << may.error().message();
  }
  static std::chrono::nanoseconds now() {
    const Clocks clocks = read_clocks();
    return GetParam() == WakeAlarm::Axis::Boot ? clocks.boot : clocks.real;
  }

  asio::io_context io_{1};
  TaskGroup group_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
};

Task<void> wait(WakeAlarm& alarm, std::optional<WakeAlarm::Woke>& out) {
  out = co_await alarm.wait();
}

TEST_P(WakeAlarmTest, FiresAtItsTime) {
  auto alarm = WakeAlarm::open(io_.get_executor(), GetParam());
  ASSERT_TRUE(alarm) << alarm.error().message();
  const auto due = now() + 30ms;
  ASSERT_TRUE(alarm->set(due));
  std::optional<WakeAlarm::Woke> woke;
  group_.spawn(wait(*alarm, woke));
  io_.run();
  EXPECT_EQ(woke, WakeAlarm::Woke::Due);
  EXPECT_GE(now(), due);
}

TEST_P(WakeAlarmTest, WhatIsPastIsDue) {
  auto alarm = WakeAlarm::open(io_.get_executor(), GetParam());
  ASSERT_TRUE(alarm);
  ASSERT_TRUE(alarm->set(now() - 10s));
  std::optional<WakeAlarm::Woke> woke;
  group_.spawn(wait(*alarm, woke));
  io_.run();
  EXPECT_EQ(woke, WakeAlarm::Woke::Due);
  ASSERT_TRUE(alarm->set(-1s)) << "also what was before the epoch";
  woke.reset();
  group_.spawn(wait(*alarm, woke));
  io_.restart();
  io_.run();
  EXPECT_EQ(woke, WakeAlarm::Woke::Due);
}

TEST_P(WakeAlarmTest, OneTimeReplacesAnotherAndNoneFires) {
  auto alarm = WakeAlarm::open(io_.get_executor(), GetParam());
  ASSERT_TRUE(alarm);
  ASSERT_TRUE(alarm->set(now() - 10s));
  ASSERT_TRUE(alarm->set(now() + 1h));
  std::optional<WakeAlarm::Woke> woke;
  group_.spawn(wait(*alarm, woke));
  io_.poll();
  EXPECT_FALSE(woke);
  alarm->clear();
  io_.poll();
  EXPECT_FALSE(woke);
  group_.cancel(asio::cancellation_type::terminal);
  io_.run();
  EXPECT_EQ(woke, WakeAlarm::Woke::Cancelled);
}

INSTANTIATE_TEST_SUITE_P(Axes, WakeAlarmTest,
                         testing::Values(WakeAlarm::Axis::Boot, WakeAlarm::Axis::Real));

TEST(WakeAlarm, WithoutTheCapabilityItSaysWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give capabilities away";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    const auto may = may_wake_by_alarm();
    ::_exit(!may && may.error().message().find("CAP_WAKE_ALARM") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(WakeAlarm, AClockMustBeAbleToWake) {
  const test::GeneratedTree tree;
  EXPECT_FALSE(has_wake_clock(tree.root()));
  tree.file("/sys/class/rtc/rtc0/since_epoch", "1\n");
  EXPECT_FALSE(has_wake_clock(tree.root()));
  tree.file("/sys/class/rtc/rtc1/wakealarm", "");
  EXPECT_TRUE(has_wake_clock(tree.root()));
}

}  // namespace
}  // namespace rouse::suspendd
