#include "suspendd/systemd/sleep_watch.hpp"

#include "tests/suspendd/bus/bus_fixture.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace rouse::suspendd {
namespace {

using core::suspend::Evidence;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A logind that says when, and a tree of files that says what.
class SleepWatchTest : public BusFixture {
 protected:
  void stats(int success, int fail, const std::string& step = "", int number = 0,
             const std::string& device = "") {
    const std::string folder = "/sys/power/suspend_stats/";
    tree_.file(folder + "success", std::to_string(success));
    tree_.file(folder + "fail", std::to_string(fail));
    tree_.file(folder + "last_failed_step", step);
    tree_.file(folder + "last_failed_errno", std::to_string(number));
    tree_.file(folder + "last_failed_dev", device);
  }
  void wakeups(const std::string& id, const std::string& name, int count) {
    tree_.file("/sys/class/wakeup/" + id + "/event_count", std::to_string(count));
    tree_.file("/sys/class/wakeup/" + id + "/name", name);
  }
  void begin_sleep() {
    const int before = began_;
    fake_.signal_prepare(true);
    EXPECT_TRUE(run_until([&] { return began_ == before + 1; }));
  }
  /// What is told of the end of the sleep that was begun.
  Evidence end_sleep() {
    const std::size_t before = ended_.size();
    fake_.signal_prepare(false);
    EXPECT_TRUE(run_until([&] { return ended_.size() == before + 1; }));
    return ended_.empty() ? Evidence() : ended_.back();
  }

  test::GeneratedTree tree_;
  Root root_ = tree_.root();
  int began_ = 0;
  bool alarm_due_ = false;
  std::vector<Evidence> ended_;
  SleepWatch watch_{logind_, root_, [this] { ++began_; },
                    [this](Evidence evidence) { ended_.push_back(std::move(evidence)); },
                    [this] { return alarm_due_; }};
};

TEST_F(SleepWatchTest, ASuccessThatTheKernelCountsIsTold) {
  stats(3, 1, "suspend", -16, "0000:01:00.0");
  begin_sleep();
  EXPECT_TRUE(watch_.is_asleep());
  stats(4, 1, "suspend", -16, "0000:01:00.0");
  const Evidence evidence = end_sleep();
  EXPECT_FALSE(watch_.is_asleep());
  EXPECT_EQ(evidence.success_grew, true);
  EXPECT_EQ(evidence.failed_step, "") << "that was an earlier one";
  EXPECT_EQ(evidence.error, "");
}

TEST_F(SleepWatchTest, AFailureComesWithWhatTheKernelSays) {
  stats(3, 1);
  begin_sleep();
  stats(3, 2, "suspend", -16, "0000:01:00.0");
  const Evidence evidence = end_sleep();
  EXPECT_EQ(evidence.success_grew, false);
  EXPECT_EQ(evidence.failed_step, "suspend");
  EXPECT_EQ(evidence.error, "Device or resource busy, 0000:01:00.0");
}

TEST_F(SleepWatchTest, WhoDoesNotFreezeIsNamed) {
  tree_.file("/proc/10/task/10/stat", "10 (df) D 1 10 10 0 -1 4194304 0");
  tree_.file("/proc/10/task/10/wchan", "fuse_wait_answer");
  stats(3, 1);
  begin_sleep();
  stats(3, 2, "suspend", -16);
  EXPECT_EQ(end_sleep().error, "Device or resource busy") << "it was frozen";
  begin_sleep();
  stats(3, 3, "freeze", -16);
  EXPECT_EQ(end_sleep().error, "Device or resource busy; held up by df (10) in fuse_wait_answer");
  for (const std::string id : {"11", "12", "13"}) {
    tree_.file("/proc/" + id + "/task/" + id + "/stat", id + " (cp) D 1 10 10 0 -1 4194304 0");
  }
  begin_sleep();
  stats(3, 4, "freeze", 0);
  EXPECT_EQ(end_sleep().error, "; held up by df (10) in fuse_wait_answer, cp (11), cp (12)");
}

TEST_F(SleepWatchTest, AKernelThatCountsNothingProvesNothing) {
  begin_sleep();
  EXPECT_EQ(end_sleep().success_grew, std::nullopt);
  begin_sleep();
  stats(1, 0);
  EXPECT_EQ(end_sleep().success_grew, std::nullopt) << "counted only after it";
}

TEST_F(SleepWatchTest, WhatWokeItIsWhatCountedMeanwhile) {
  wakeups("wakeup1", "PNP0C0C:00", 1);
  wakeups("wakeup2", "alarmtimer.0.auto", 7);
  begin_sleep();
  wakeups("wakeup1", "PNP0C0C:00", 2);
  wakeups("wakeup2", "alarmtimer.0.auto", 8);
  EXPECT_EQ(end_sleep().wake, core::suspend::WakeReason::PowerButton) << "the clock ticks anyway";
  begin_sleep();
  wakeups("wakeup1", "PNP0C0C:00", 3);
  wakeups("wakeup2", "alarmtimer.0.auto", 9);
  alarm_due_ = true;
  const Evidence evidence = end_sleep();
  EXPECT_EQ(evidence.wake, core::suspend::WakeReason::Rtc);
  EXPECT_EQ(evidence.source, "real-time clock (alarmtimer.0.auto), +1");
}

TEST_F(SleepWatchTest, EachBeginningHasOneEnd) {
  fake_.signal_prepare(false);
  begin_sleep();
  fake_.signal_prepare(true);
  end_sleep();
  fake_.signal_prepare(false);
  begin_sleep();
  EXPECT_EQ(began_, 2);
  EXPECT_THAT(ended_, SizeIs(1));
}

TEST_F(SleepWatchTest, ASleepThatHadBegunBeforeUsEnds) {
  watch_.assume_asleep();
  EXPECT_TRUE(watch_.is_asleep());
  end_sleep();
  EXPECT_EQ(began_, 0);
}

}  // namespace
}  // namespace rouse::suspendd
