#include "suspendd/state/memory_json.hpp"
#include "suspendd/state/state_dir.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace rouse::suspendd {
namespace {

namespace policy = core::suspend;
using core::Duration;
using core::Instant;
using policy::WallTime;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// One with a value in every member.
policy::Memory full_memory() {
  policy::SleepRecord record;
  record.at = WallTime(Duration(1'700'000'000'123));
  record.woke = Instant(Duration(77));
  record.slept = Duration(28'800'000);
  record.ours = false;
  record.ok = true;
  record.detail = "idle for 15 min";
  record.wake = policy::WakeReason::PowerButton;
  record.source = "eth0 \"quoted\"\n";
  record.expected = record.used = record.judged = true;

  policy::Memory memory;
  memory.boot_id = "b-1";
  memory.attempts = (1ULL << 40) + 3;
  memory.failures = 4;
  memory.last_failure = "freeze";
  memory.retry_at = Instant(Duration(12'345));
  memory.block = policy::Block{policy::BlockCause::SpuriousWakes, "three", WallTime(Duration(9))};
  memory.in_progress =
      policy::InProgress{policy::Attempt{7},
                         std::uint64_t{41},
                         true,
                         true,
                         false,
                         true,
                         {Instant(Duration(1)), Instant(Duration(2)), WallTime(Duration(3))},
                         "because"};
  memory.unreported_resume = policy::UnreportedResume{policy::Attempt{6}, std::uint64_t{40},
                                                      Duration(5), policy::WakeReason::Rtc};
  memory.last_suspend = record;
  memory.wakes = {record, record};
  memory.holds = {{"t", "why", "me", Instant(Duration(8)), WallTime(Duration(9)), true}};
  memory.agreed = true;
  memory.wake_proof = WallTime(Duration(10));
  return memory;
}

TEST(MemoryJson, ComesBackAsItWas) {
  const std::string json = to_json(full_memory());
  const Result<policy::Memory> back = memory_from_json(json);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->attempts, (1ULL << 40) + 3);
  EXPECT_EQ(back->block->cause, policy::BlockCause::SpuriousWakes);
  EXPECT_EQ(back->in_progress->epoch, 41u);
  EXPECT_EQ(back->in_progress->began.boottime, Instant(Duration(2)));
  EXPECT_TRUE(back->in_progress->hooks_ran);
  EXPECT_EQ(back->unreported_resume->wake, policy::WakeReason::Rtc);
  EXPECT_EQ(back->last_suspend->source, "eth0 \"quoted\"\n");
  EXPECT_EQ(back->last_suspend->wake, policy::WakeReason::PowerButton);
  EXPECT_EQ(back->wakes.size(), 2u);
  EXPECT_TRUE(back->holds.at(0).bound);
  EXPECT_TRUE(back->agreed);
}

TEST(StateDirectory, WhatCannotBeReadIsNotTakenForNothing) {
  test::TempDir dir;
  StateDir state(dir.path().string());
  ASSERT_TRUE(state.open());
  ASSERT_TRUE(state.peek()) << "there is none yet";
  std::filesystem::create_symlink("state.json", dir.path() / "state.json");
  EXPECT_FALSE(state.peek());
}

TEST(MemoryJson, EveryCauseAndReasonHasItsWord) {
  for (const policy::BlockCause cause :
       {policy::BlockCause::Failures, policy::BlockCause::NotReady, policy::BlockCause::GpuFailed,
        policy::BlockCause::SpuriousWakes, policy::BlockCause::HookFailed,
        policy::BlockCause::Unproven}) {
    policy::Memory memory;
    memory.block = policy::Block{cause, "", {}};
    EXPECT_EQ(memory_from_json(to_json(memory))->block->cause, cause);
  }
}

TEST(MemoryJson, EmptyStaysEmpty) {
  const Result<policy::Memory> back = memory_from_json(to_json(policy::Memory()));
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->block || back->in_progress || back->unreported_resume || back->last_suspend);
  EXPECT_THAT(back->holds, IsEmpty());
  EXPECT_FALSE(memory_from_json("[1]"));
  EXPECT_FALSE(memory_from_json("{\"boot_id\":"));
}

TEST(StateDir, SavesWholeAndLoads) {
  const test::TempDir dir;
  StateDir state(dir / "state");
  ASSERT_TRUE(state.open());
  EXPECT_TRUE(state.load()->boot_id.empty());
  ASSERT_TRUE(state.save(full_memory()));
  EXPECT_EQ(StateDir(dir / "state").load()->boot_id, "b-1");
  EXPECT_FALSE(std::filesystem::exists(dir / "state/state.json.new"));
}

TEST(StateDir, ABrokenFileIsKeptAsideAndTold) {
  const test::TempDir dir;
  dir.write("state.json", "{half");
  StateDir state(dir.path().string());
  const Result<policy::Memory> broken = state.load();
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), HasSubstr("state.json"));
  EXPECT_EQ(test::read_file(dir / "state.json.broken"), "{half");
  EXPECT_TRUE(state.load());
}

TEST(StateDir, AFolderThatCannotBeIsAnError) {
  const test::TempDir dir;
  const std::string file = dir.write("file", "");
  StateDir state(file + "/state");
  EXPECT_FALSE(state.open());
  EXPECT_FALSE(state.save(policy::Memory()));
}

TEST(StateDir, HistoryGivesTheLastLines) {
  const test::TempDir dir;
  StateDir state(dir.path().string());
  for (const char* line : {"1", "2", "3"}) ASSERT_TRUE(state.add_history(line));
  EXPECT_THAT(state.history(2), ElementsAre("2", "3"));
  EXPECT_THAT(state.history(9), ElementsAre("1", "2", "3"));
}

TEST(StateDir, HistoryStaysSmallAndReachesBack) {
  const test::TempDir dir;
  StateDir state(dir.path().string());
  const std::string line(100'000, 'x');
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(state.add_history(line));
  EXPECT_LT(std::filesystem::file_size(dir / "history.jsonl"), 1'200'000u);
  EXPECT_LT(std::filesystem::file_size(dir / "history.jsonl.1"), 1'200'000u);
  EXPECT_EQ(state.history(12).size(), 12u) << "more than the newer file has";
}

}  // namespace
}  // namespace rouse::suspendd
