#include "suspendd/box/sleep_evidence.hpp"

#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using test::GeneratedTree;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

SleepMark mark(std::chrono::nanoseconds mono, std::chrono::nanoseconds boot,
               std::optional<std::uint64_t> success, std::uint64_t fail = 0) {
  SleepMark made;
  made.clocks.mono = mono;
  made.clocks.boot = boot;
  if (success) {
    made.stats.emplace();
    made.stats->success = *success;
    made.stats->fail = fail;
    if (fail > 0) made.stats->last_failed_step = "freeze";
    if (fail > 0) made.stats->last_failed_errno = -EBUSY;
  }
  return made;
}

TEST(SleepEvidence, TheGapAndTheCountMustBothGrow) {
  const auto before = mark(100s, 150s, 3);
  EXPECT_TRUE(sleep_evidence(before, mark(101s, 157s, 4)).has_slept);
  EXPECT_EQ(sleep_evidence(before, mark(101s, 157s, 4)).slept, 6s);
  EXPECT_EQ(sleep_evidence(before, mark(101s, 157s, 4)).text, "slept 6.0 s");
  EXPECT_FALSE(sleep_evidence(before, mark(101s, 151s, 4)).has_slept) << "woken at once";
  EXPECT_FALSE(sleep_evidence(before, mark(101s, 157s, 3)).has_slept) << "clocks alone";
  EXPECT_FALSE(sleep_evidence(before, mark(101s, 151s, 3)).has_slept);
}

TEST(SleepEvidence, HalfASecondIsTheLeast) {
  const auto before = mark(0s, 0s, 0);
  EXPECT_FALSE(sleep_evidence(before, mark(1s, 1s + 499ms, 1)).has_slept);
  EXPECT_TRUE(sleep_evidence(before, mark(1s, 1s + 500ms, 1)).has_slept);
}

TEST(SleepEvidence, WithoutCountsTheGapDecides) {
  EXPECT_TRUE(sleep_evidence(mark(0s, 0s, std::nullopt), mark(1s, 3s, std::nullopt)).has_slept);
  EXPECT_TRUE(sleep_evidence(mark(0s, 0s, 1), mark(1s, 3s, std::nullopt)).has_slept);
}

TEST(SleepEvidence, AFailureIsNamed) {
  const auto evidence = sleep_evidence(mark(0s, 0s, 1, 0), mark(21s, 21s, 1, 1));
  EXPECT_FALSE(evidence.has_slept);
  EXPECT_EQ(evidence.failures, 1U);
  EXPECT_EQ(evidence.text, "did not sleep: freeze failed (Device or resource busy)");
}

TEST(SleepEvidence, ReadsTheKernelsCounts) {
  const GeneratedTree tree;
  EXPECT_FALSE(read_suspend_stats(tree.root()));
  EXPECT_FALSE(read_sleep_mark(tree.root()).stats);
  const std::string stats = "/sys/power/suspend_stats/";
  tree.file(stats + "success", "12\n");
  tree.file(stats + "fail", "2\n");
  tree.file(stats + "last_failed_dev", "\n");
  tree.file(stats + "last_failed_step", "suspend\n");
  tree.file(stats + "last_failed_errno", "-16\n");
  const auto read = read_suspend_stats(tree.root());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->success, 12U);
  EXPECT_EQ(read->fail, 2U);
  EXPECT_EQ(read->last_failed_dev, "");
  EXPECT_EQ(read->last_failed_step, "suspend");
  EXPECT_EQ(read->last_failed_errno, -16);
}

TEST(StuckTasks, NamesThreadsInUninterruptibleSleep) {
  const GeneratedTree tree;
  const auto task = [&](const std::string& path, const std::string& stat) {
    tree.file("/proc/" + path + "/stat", stat + "\n");
  };
  task("10/task/10", "10 (df) S 1 10 10 0 -1 4194304 0");
  task("10/task/11", "11 (odd) D (name) D 1 10 10 0 -1 4194304 0");
  tree.file("/proc/10/task/11/wchan", "fuse_wait_answer");
  task("12/task/12", "12 (kworker/0:1) D 2 0 0 0 -1 69238880 0");  // PF_KTHREAD
  task("13/task/13", "13 (sleeping) I 2 0 0 0 -1 0 0");
  tree.file("/proc/uptime", "1 1\n");
  const auto stuck = stuck_tasks(tree.root());
  ASSERT_THAT(stuck, SizeIs(1));
  EXPECT_EQ(stuck[0].text(), "odd) D (name (11) in fuse_wait_answer");
}

TEST(StuckTasks, ReadsThisMachine) {
  for (const StuckTask& task : stuck_tasks(Root())) {
    EXPECT_GT(task.pid, 0);
    EXPECT_NE(task.name, "");
  }
}

TEST(Clocks, AreThisMachines) {
  const Clocks first = read_clocks();
  const Clocks second = read_clocks();
  EXPECT_GT(first.mono.count(), 0);
  EXPECT_GE(first.boot, first.mono);
  EXPECT_GE(second.mono, first.mono);
  EXPECT_LT(second.asleep_since_boot() - first.asleep_since_boot(), 100ms);
  EXPECT_GT(first.real, std::chrono::hours(24 * 365 * 50));
}

TEST(BootId, IsThisBoots) {
  const auto id = read_boot_id(Root());
  ASSERT_TRUE(id);
  EXPECT_EQ(id->size(), 36U);
}

}  // namespace
}  // namespace rouse::suspendd
