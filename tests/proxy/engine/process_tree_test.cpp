#include "proxy/engine/process_tree.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <string>

namespace rouse {
namespace {

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

}  // namespace
}  // namespace rouse
