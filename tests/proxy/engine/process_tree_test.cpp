#include "proxy/engine/process_tree.hpp"

#include "base/process/spawn.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace rouse {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

TEST(ProcessTree, WhatCannotBeReadIsEmpty) {
  EXPECT_EQ(read_proc("/proc/self/nothing"), "");
  // It can be opened, and only the reading fails, as with the file of a process that ends.
  EXPECT_EQ(read_proc("/proc/self"), "");
}

TEST(ProcessTree, LongFilesAreReadWhole) {
  const std::string value(10'000, 'x');
  const test::ChildProcess child({"/bin/sleep", "60"}, {"LONG=" + value});
  EXPECT_TRUE(test::wait_until([&] { return environment_of(child.pid(), "LONG") == value; }))
      << "before its exec it has our environment";
}

TEST(ProcessTree, ProcessesThatComeAndGoDoNotDisturb) {
  test::ChildProcess churn({"/bin/sh", "-c", "while :; do /bin/true & /bin/true; done"});
  bool found_us = true;
  for (int i = 0; i < 500; ++i) {
    bool here = false;
    for (const ProcessStat& each : all_processes()) here = here || each.pid == ::getpid();
    found_us = found_us && here;
  }
  EXPECT_TRUE(found_us);
}

TEST(ProcessTree, OursAreAllThatDescendFromUsAndNobodyElse) {
  become_subreaper();
  // A child, a grandchild, and one whose parent has left it behind in a session of its own.
  test::ChildProcess child(
      {"/bin/sh", "-c", "setsid sh -c 'sleep 600 & echo $! ' & wait; sleep 601 & echo $!; wait"});
  std::vector<int> told;
  ASSERT_TRUE(test::wait_until([&] {
    std::istringstream words(child.output());
    told.assign(std::istream_iterator<int>(words), {});
    return told.size() == 2;
  }));
  const std::vector<ProcessStat> ours = own_processes();
  std::vector<int> pids;
  for (const ProcessStat& each : ours) pids.push_back(each.pid);
  EXPECT_THAT(pids, IsSupersetOf({child.pid(), told[0], told[1]}));
  EXPECT_THAT(pids, Not(Contains(1)));
  EXPECT_THAT(pids, Not(Contains(::getpid())));
  EXPECT_THAT(engine_processes(ours, child.pid(), 0, {}),
              UnorderedElementsAre(child.pid(), told[1]))
      << "the other has us for its parent now";
  ::kill(told[0], SIGKILL);
  ::kill(told[1], SIGKILL);
}

}  // namespace
}  // namespace rouse
