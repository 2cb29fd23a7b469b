#include "suspendd/box/suspend_stats.hpp"

#include "suspendd/box/clock.hpp"
#include "suspendd/box/clocks.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using test::GeneratedTree;
using testing::SizeIs;

TEST(SuspendStats, ReadsTheKernelsCounts) {
  const GeneratedTree tree;
  EXPECT_FALSE(read_suspend_stats(tree.root()));
  const std::string stats = "/sys/power/suspend_stats/";
  tree.file(stats + "success", "12\n");
  tree.file(stats + "fail", "2\n");
  tree.file(stats + "last_failed_dev", "0000:03:00.0\n");
  tree.file(stats + "last_failed_step", "suspend\n");
  tree.file(stats + "last_failed_errno", "-16\n");
  const auto read = read_suspend_stats(tree.root());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->success, 12U);
  EXPECT_EQ(read->fail, 2U);
  EXPECT_EQ(read->last_failed_dev, "0000:03:00.0");
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
  task("14/task/14", "14 (cp) D 1 14 14 0 -1 4194304 0");
  tree.file("/proc/14/task/14/wchan", "0");
  tree.file("/proc/uptime", "1 1\n");
  const auto stuck = stuck_tasks(tree.root());
  ASSERT_THAT(stuck, SizeIs(2));
  EXPECT_EQ(stuck[0].text(), "odd) D (name (11) in fuse_wait_answer");
  EXPECT_EQ(stuck[1].text(), "cp (14)") << "where it waits is not told";
}

/// A child that the kernel holds in an uninterruptible sleep, until its own child has gone on.
class HeldByVfork {
 public:
  HeldByVfork() : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const pid_t inner = ::vfork();
    if (inner == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) ::pause();
    }
    ::_exit(0);
  }
  ~HeldByVfork() {
    for (const std::string& child : Root().list("/proc")) {
      const auto stat = Root().read("/proc/" + child + "/stat");
      const std::string parent = ") S " + std::to_string(pid_) + " ";
      if (stat && stat->find(parent) != std::string::npos)
        ::kill(std::atoi(child.c_str()), SIGKILL);
    }
    ::waitpid(pid_, nullptr, 0);
  }
  HeldByVfork(const HeldByVfork&) = delete;
  HeldByVfork& operator=(const HeldByVfork&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(StuckTasks, ReadsThisMachine) {
  const HeldByVfork held;
  const auto is_found = [&held] {
    const auto stuck = stuck_tasks(Root());
    return std::any_of(stuck.begin(), stuck.end(), [&held](const StuckTask& task) {
      return task.pid == held.pid() && task.name == "suspendd_tests";
    });
  };
  EXPECT_TRUE(test::wait_until(is_found));
}

TEST(Clocks, AreThisMachines) {
  const Clocks first = read_clocks();
  const Clocks second = read_clocks();
  EXPECT_GT(first.mono.count(), 0);
  EXPECT_GE(first.boot, first.mono);
  EXPECT_GE(second.mono, first.mono);
  const auto asleep = [](const Clocks& clocks) { return clocks.boot - clocks.mono; };
  EXPECT_LT(asleep(second) - asleep(first), 100ms);
  EXPECT_GT(first.real, std::chrono::hours(24 * 365 * 50));
}

TEST(BootId, IsThisBoots) {
  const auto id = read_boot_id(Root());
  ASSERT_TRUE(id);
  EXPECT_EQ(id->size(), 36U);
}

}  // namespace
}  // namespace rouse::suspendd
