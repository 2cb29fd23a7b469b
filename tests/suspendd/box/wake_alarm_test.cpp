#include "suspendd/box/wake_alarm.hpp"

#include "suspendd/box/clocks.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;

/// What the kernel tells of an ALARM timer.
struct Timer {
  bool is_due = false;
  std::chrono::seconds left{0};  ///< zero: it was never set, or is due
};

/// Those of this process, in the order in which they were opened: /proc/self/fdinfo.
std::vector<Timer> timers() {
  const std::string clock = "clockid: " + std::to_string(CLOCK_REALTIME_ALARM) + "\n";
  std::map<int, Timer> found;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    const std::string text = test::read_file(file.path());
    if (text.find(clock) == std::string::npos) continue;
    Timer& timer = found[std::atoi(file.path().filename().c_str())];
    timer.is_due = text.find("ticks: 0\n") == std::string::npos;
    const std::size_t value = text.find("it_value: (");
    if (value != std::string::npos)
      timer.left = std::chrono::seconds(std::atoll(&text[value + 11]));
  }
  std::vector<Timer> all;
  for (const auto& [fd, timer] : found) all.push_back(timer);
  return all;
}

Timer timer() {
  const std::vector<Timer> all = timers();
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? Timer() : all.front();
}

class WakeAlarmTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto may = may_wake_by_alarm();
    if (!may) GTEST_SKIP() << may.error().message();
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
  EXPECT_TRUE(test::wait_until([] { return timers().back().is_due; }));
  EXPECT_FALSE(timers().front().is_due);
}

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
