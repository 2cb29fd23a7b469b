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
using testing::UnorderedElementsAre;

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
  // Member by member: what is not written would be missing from both texts.
  EXPECT_EQ(back->boot_id, "b-1");
  EXPECT_EQ(back->attempts, (1ULL << 40) + 3);
  EXPECT_EQ(back->failures, 4);
  EXPECT_EQ(back->last_failure, "freeze");
  EXPECT_EQ(back->retry_at, Instant(Duration(12'345)));
  EXPECT_TRUE(back->agreed);
  EXPECT_EQ(back->wake_proof, WallTime(Duration(10)));
  ASSERT_TRUE(back->block && back->in_progress && back->unreported_resume && back->last_suspend);
  EXPECT_EQ(back->block->cause, policy::BlockCause::SpuriousWakes);
  EXPECT_EQ(back->block->reason, "three");
  EXPECT_EQ(back->block->since, WallTime(Duration(9)));
  const policy::InProgress& going = *back->in_progress;
  EXPECT_EQ(going.attempt, policy::Attempt{7});
  EXPECT_EQ(going.epoch, 41u);
  EXPECT_TRUE(going.commit_sent && going.suspend_sent && going.hooks_ran);
  EXPECT_FALSE(going.ours);
  EXPECT_EQ(going.began.monotonic, Instant(Duration(1)));
  EXPECT_EQ(going.began.boottime, Instant(Duration(2)));
  EXPECT_EQ(going.began.realtime, WallTime(Duration(3)));
  EXPECT_EQ(going.reason, "because");
  EXPECT_EQ(back->unreported_resume->attempt, policy::Attempt{6});
  EXPECT_EQ(back->unreported_resume->epoch, 40u);
  EXPECT_EQ(back->unreported_resume->slept, Duration(5));
  EXPECT_EQ(back->unreported_resume->wake, policy::WakeReason::Rtc);
  ASSERT_EQ(back->wakes.size(), 2u);
  for (const policy::SleepRecord& record : {*back->last_suspend, back->wakes[1]}) {
    EXPECT_EQ(record.at, WallTime(Duration(1'700'000'000'123)));
    EXPECT_EQ(record.woke, Instant(Duration(77)));
    EXPECT_EQ(record.slept, Duration(28'800'000));
    EXPECT_FALSE(record.ours);
    EXPECT_TRUE(record.ok && record.expected && record.used && record.judged);
    EXPECT_EQ(record.detail, "idle for 15 min");
    EXPECT_EQ(record.wake, policy::WakeReason::PowerButton);
    EXPECT_EQ(record.source, "eth0 \"quoted\"\n");
  }
  ASSERT_EQ(back->holds.size(), 1u);
  const policy::Hold& hold = back->holds[0];
  EXPECT_EQ(hold.token + "/" + hold.why + "/" + hold.by, "t/why/me");
  EXPECT_EQ(hold.until, Instant(Duration(8)));
  EXPECT_EQ(hold.until_wall, WallTime(Duration(9)));
  EXPECT_TRUE(hold.bound);
}

TEST(MemoryJson, WhatAnOtherVersionWroteIsReadAsFarAsItGoes) {
  const Result<policy::Memory> back = memory_from_json(
      R"({"last_suspend":{"wake":"moonlight"},"in_progress":{},"block":{"cause":"mood"}})");
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->last_suspend->ours) << "who ordered it was not noted once";
  EXPECT_TRUE(back->in_progress->ours);
  EXPECT_EQ(back->last_suspend->wake, policy::WakeReason::Unknown);
  EXPECT_EQ(back->block->cause, policy::BlockCause::Failures);
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
  EXPECT_FALSE(back->retry_at || back->wake_proof);
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
  EXPECT_EQ(StateDir(dir / "state").load()->boot_id, "b-1") << "it stays";
  ASSERT_TRUE(state.add_history("{}"));
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(dir / "state")) {
    names.push_back(file.path().filename());
    EXPECT_EQ(file.status().permissions(), std::filesystem::perms(0600)) << names.back();
  }
  EXPECT_THAT(names, UnorderedElementsAre("state.json", "history.jsonl"));
}

TEST(StateDir, WhatWasCutOffOnceIsWrittenOver) {
  const test::TempDir dir;
  dir.write("state.json.new", std::string(100'000, 'x'));
  StateDir state(dir.path().string());
  ASSERT_TRUE(state.save(full_memory()));
  EXPECT_TRUE(state.load());
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
  ASSERT_FALSE(state.open());
  EXPECT_THAT(state.open().error().message(), HasSubstr("making the folder"));
  EXPECT_FALSE(state.save(policy::Memory()));
  EXPECT_FALSE(state.add_history("{}"));
  const Result<void> nobodys = StateDir("/proc/self").open();
  ASSERT_FALSE(nobodys);
  EXPECT_THAT(nobodys.error().message(), HasSubstr("writing to /proc/self"));
}

TEST(StateDir, AMemoryThatCannotTakeItsPlaceIsNotSaved) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir.path() / "state.json" / "in the way");
  EXPECT_FALSE(StateDir(dir.path().string()).save(policy::Memory()));
}

TEST(StateDir, HistoryGivesTheLastLines) {
  const test::TempDir dir;
  StateDir state(dir.path().string());
  for (const char* line : {"1", "2", "3"}) ASSERT_TRUE(state.add_history(line));
  EXPECT_THAT(state.history(2), ElementsAre("2", "3"));
  EXPECT_THAT(state.history(9), ElementsAre("1", "2", "3"));
  dir.write("history.jsonl", "1\n\n2");
  EXPECT_THAT(state.history(9), ElementsAre("1", "2"));
}

TEST(StateDir, HistoryStaysSmallAndReachesBack) {
  const test::TempDir dir;
  StateDir state(dir.path().string());
  const std::string line(100'000, 'x');
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(state.add_history(std::to_string(i) + line));
  EXPECT_LT(std::filesystem::file_size(dir / "history.jsonl"), 1'200'000u);
  EXPECT_LT(std::filesystem::file_size(dir / "history.jsonl.1"), 1'200'000u);
  const std::vector<std::string> last = state.history(12);
  ASSERT_EQ(last.size(), 12u) << "more than the newer file has";
  EXPECT_EQ(last.front(), "13" + line);
  EXPECT_EQ(last.back(), "24" + line);
}

}  // namespace
}  // namespace rouse::suspendd
