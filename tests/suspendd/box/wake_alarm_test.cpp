#include "suspendd/box/wake_alarm.hpp"

#include "suspendd/box/clocks.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/box/alarm_timers.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using test::alarm_timers;
using test::AlarmTimer;

AlarmTimer timer() {
  const std::vector<AlarmTimer> all = alarm_timers();
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? AlarmTimer() : all.front();
}

class WakeAlarmTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto may = may_wake_by_alarm();
    if (!may) ROUSE_SKIP("wake-alarm", may.error().message());
  }
  static std::chrono::nanoseconds now() { return read_clocks().real; }
};

TEST_F(WakeAlarmTest, IsDueAtItsTimeOfTheCalendar) {
  auto alarm = WakeAlarm::open();
  ASSERT_TRUE(alarm) << alarm.error().message();
  EXPECT_EQ(timer().left, 0s);
  ASSERT_TRUE(alarm->set(now() + 1h));
  EXPECT_FALSE(timer().is_due);
  EXPECT_GT(timer().left, 59min);
  EXPECT_LT(timer().left, 1h);
  ASSERT_TRUE(alarm->set(now() + 30ms));
  EXPECT_TRUE(test::wait_until([] { return timer().is_due; }));
}

TEST_F(WakeAlarmTest, WhatIsPastIsDue) {
  auto alarm = WakeAlarm::open();
  ASSERT_TRUE(alarm);
  ASSERT_TRUE(alarm->set(now() - 10s));
  EXPECT_TRUE(test::wait_until([] { return timer().is_due; }));
  ASSERT_TRUE(alarm->set(now() + 1h));
  EXPECT_FALSE(timer().is_due) << "one time replaces another";
  ASSERT_TRUE(alarm->set(-1s)) << "also what was before the epoch";
  EXPECT_TRUE(test::wait_until([] { return timer().is_due; }));
}

TEST_F(WakeAlarmTest, ClearedItIsNeverDue) {
  auto alarm = WakeAlarm::open();
  ASSERT_TRUE(alarm);
  ASSERT_TRUE(alarm->set(now() + 20ms));
  alarm->clear();
  auto later = WakeAlarm::open();
  ASSERT_TRUE(later);
  ASSERT_TRUE(later->set(now() + 40ms));
  EXPECT_TRUE(test::wait_until([] { return alarm_timers().back().is_due; }));
  EXPECT_FALSE(alarm_timers().front().is_due);
}

TEST(WakeAlarm, WithoutTheCapabilityItSaysWhatToDo) {
  if (::geteuid() != 0) ROUSE_SKIP("root", "only root can give capabilities away");
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
