#include "suspendd/checks/proc_text.hpp"

#include "suspendd/checks/process_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <random>

namespace rouse::suspendd {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ProcText, BusyTimeLeavesOutIdleWaitAndSteal) {
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  EXPECT_EQ(busy_microseconds("cpu  10 20 30 4000 500 6 7 800 9 9\ncpu0 1 1 1 1\n"),
            73 * (1'000'000 / ticks));
}

TEST(ProcText, WhatIsNotAStatFileHasNoBusyTime) {
  for (const char* text : {"", "\n", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7", "cpu a b c d e f g",
                           "cpu -1 2 3 4 5 6 7", "cpu 99999999999999999999 2 3 4 5 6 7"}) {
    EXPECT_EQ(busy_microseconds(text), std::nullopt) << text;
  }
}

TEST(ProcText, PressureIsTheSomeLinesMinute) {
  EXPECT_EQ(pressure_avg60("some avg10=0.58 avg60=12.83 avg300=2.22 total=5028488484\n"
                           "full avg10=0.00 avg60=99.00 avg300=0.00 total=0\n"),
            12.83);
  for (const char* text : {"", "full avg60=3.00", "some avg10=1.00", "some avg60=", "some avg60=x",
                           "some avg60=-1", "some avg60=nan", "some avg60=1,5"}) {
    EXPECT_EQ(pressure_avg60(text), std::nullopt) << text;
  }
}

TEST(ProcText, NetCountersAreBytesBothWays) {
  const auto counters = net_counters(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
      "    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n"
      "eth0:18446744073709551615 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n"
      "eth0:1: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n"
      "broken: 5 1 0\n : 1 1 1 1 1 1 1 1 1\nnonsense\n");
  ASSERT_THAT(counters, SizeIs(3));
  EXPECT_EQ(counters[0].name, "lo");
  EXPECT_EQ(counters[0].bytes, 200u);
  EXPECT_EQ(counters[1].name, "eth0");
  EXPECT_EQ(counters[2].name, "eth0:1");
}

TEST(ProcText, DiskCountersAreSectorsOf512Bytes) {
  const auto counters = disk_counters(
      " 259       0 nvme0n1 100 0 2000 5 50 0 1000 5 0 10 10 0 0 0 0 0 0\n"
      "   8       1 sda1 1 2 3\n\ngarbage line\n   8 0 sda 1 1 x 1 1 1 1\n");
  ASSERT_THAT(counters, SizeIs(1));
  EXPECT_EQ(counters[0].name, "nvme0n1");
  EXPECT_EQ(counters[0].bytes, 3000u * 512);
}

TEST(ProcText, AProcessMayHaveAnyName) {
  const auto stat =
      process_stat("42 (a) R (b)) S 1 42 42 0 -1 4194560 1 2 3 4 11 22 0 0 20 0 1 0 777 1 2 3 4\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "a) R (b)");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ticks, 33u);
  EXPECT_EQ(stat->start_time, 777u);
  for (const char* text : {"", "42", "42 (a", "42 )(", "42 (a) ", "42 (a) S 1 2 3",
                           "42 (a) SS 1 42 42 0 -1 4194560 1 2 3 4 11 22 0 0 20 0 1 0 777"}) {
    EXPECT_FALSE(process_stat(text)) << text;
  }
}

TEST(ProcText, MountsAreUnescaped) {
  const auto mounts = mounts_in(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "30 22 0:25 / /mnt/a\\040b\\134 rw shared:9 master:1 - nfs4 nas:/x rw\n"
      "31 22 0:26 / /auto rw - autofs systemd-1 rw\n31 22 0:26 / /cut rw shared:1\n31 22\n\n");
  ASSERT_THAT(mounts, SizeIs(4));
  EXPECT_EQ(mounts[1].point, "/mnt/a b\\");
  EXPECT_EQ(mounts[1].type, "nfs4");
  EXPECT_EQ(mounts[2].type, "autofs");
  EXPECT_EQ(mounts[3].type, "");
}

TEST(ProcText, CommandLinesAreSplitAtNul) {
  EXPECT_THAT(command_words(std::string_view("a\0b c\0\0", 7)), ElementsAre("a", "b c", ""));
  EXPECT_THAT(command_words("sshd: alice@pts/0"), ElementsAre("sshd: alice@pts/0"));
  EXPECT_THAT(command_words(""), IsEmpty());
}

/// Real files, with bytes changed, taken out and doubled: whatever comes of it, nothing breaks.
TEST(ProcText, SurvivesAnyBytes) {
  const Root root;
  std::mt19937 random(7);
  int looked = 0;
  for (const char* path : {"/proc/stat", "/proc/net/dev", "/proc/diskstats", "/proc/self/stat",
                           "/proc/self/mountinfo", "/proc/self/status"}) {
    const auto whole = root.read(path);
    if (!whole || whole->empty()) continue;  // no pressure figures, no disks
    ++looked;
    for (int round = 0; round < 300; ++round) {
      std::string text = whole->substr(0, random() % (whole->size() + 1));
      for (int i = 0; i < 8 && !text.empty(); ++i) {
        text[random() % text.size()] = static_cast<char>(random());
      }
      static_cast<void>(busy_microseconds(text));
      static_cast<void>(keyed_number(text, "usage_usec"));
      static_cast<void>(pressure_avg60(text));
      static_cast<void>(net_counters(text));
      static_cast<void>(disk_counters(text));
      static_cast<void>(process_stat(text));
      static_cast<void>(mounts_in(text));
      static_cast<void>(command_words(text));
    }
  }
  EXPECT_GE(looked, 4) << "of the files that every Linux has";
}

TEST(ProcText, UnderstandsThisKernel) {
  const Root root;
  EXPECT_GT(busy_microseconds(*root.read("/proc/stat")).value_or(0), 0u);
  EXPECT_THAT(net_counters(*root.read("/proc/net/dev")),
              Contains(testing::Field(&NetCounter::name, "lo")));
  EXPECT_THAT(mounts_in(*root.read("/proc/self/mountinfo")),
              Contains(testing::AllOf(testing::Field(&Mount::point, "/proc"),
                                      testing::Field(&Mount::type, "proc"))));
  EXPECT_THAT(process_ids(root), Contains(::getpid()));
  const auto self = read_process(root, ::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->comm, process_comm(root, ::getpid()));
  EXPECT_EQ(self->state, 'R');
  EXPECT_GT(self->start_time, 0u);
  EXPECT_THAT(process_command(root, ::getpid()).front(), testing::HasSubstr("suspendd_tests"));
  EXPECT_FALSE(read_process(root, 0));
}

}  // namespace
}  // namespace rouse::suspendd
