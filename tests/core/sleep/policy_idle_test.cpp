#include "tests/core/sleep/policy_bench.hpp"

namespace rouse::core::suspend::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(SuspendIdle, SleepsAfterTheIdleTimeAndNotBefore) {
  Bench b;
  EXPECT_EQ(b.state(), State::IdleCountdown);
  b.wait(15min - 1ms);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  EXPECT_EQ(b.view().sleep_in, 1ms);
  b.wait(1ms);
  ASSERT_EQ(b.seen<RequestDrain>(), 1U);
  EXPECT_EQ(b.last<RequestDrain>().reason, "idle for 15 min 0 s");
  EXPECT_GE(b.last<RequestDrain>().ttl, 60s);
  EXPECT_FALSE(b.last<RequestDrain>().force);
  EXPECT_EQ(b.state(), State::Preparing);
}

TEST(SuspendIdle, TheEndOfTheCountdownIsADeadlineAndNoLookIsWaitedFor) {
  Settings settings = plain();
  for (CheckSettings& check : settings.checks) check.stale = 1h;
  settings.unknown_max = 2h;
  Bench b(settings);
  EXPECT_EQ(b.policy().next_deadline(), b.now().monotonic + 15min);
}

TEST(SuspendIdle, OneActiveCheckKeepsItAwakeAndStartsTheCountdownAnew) {
  Bench b;
  b.wait(10min);
  b.becomes("cpu", Verdict::Active, "2.1 of one core busy");
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.view().reason, "cpu: 2.1 of one core busy");
  EXPECT_EQ(b.view().next, "stays awake until this ends: cpu: 2.1 of one core busy");
  b.wait(1h);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  b.becomes("cpu", Verdict::Idle);
  b.wait(15min - 1s);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  b.wait(1s);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
}

TEST(SuspendIdle, UnknownIsActiveAndAfterTenMinutesAnAlert) {
  Bench b;
  b.becomes("cpu", Verdict::Unknown, "cannot read /proc/stat");
  EXPECT_EQ(b.view().reason, "cpu cannot tell: cannot read /proc/stat");
  EXPECT_THAT(b.wait(10min - 1ms), Not(HasTopic(Topic::UnknownCheck)));
  EXPECT_THAT(b.wait(1ms), HasTopic(Topic::UnknownCheck));
  EXPECT_EQ(b.last<Notify>().severity, Severity::Alert);
  EXPECT_THAT(b.last<Notify>().text, HasSubstr("cannot read /proc/stat"));
  EXPECT_THAT(b.wait(3h), Not(HasTopic(Topic::UnknownCheck))) << "once";
  EXPECT_EQ(b.seen<RequestDrain>(), 0U) << "still active";
  b.becomes("cpu", Verdict::Idle);
  b.becomes("cpu", Verdict::Unknown);
  EXPECT_THAT(b.wait(10min), HasTopic(Topic::UnknownCheck)) << "another time";
}

TEST(SuspendIdle, ACheckThatNoLongerLooksIsUnknown) {
  Bench b;
  b.wait(1min);
  b.silence("cpu");
  b.wait(30s);
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_THAT(b.view().reason, HasSubstr("cpu cannot tell: has not looked for 30 s"));
}

TEST(SuspendIdle, ACheckThatHasNeverLookedIsUnknown) {
  SuspendPolicy policy(plain(), {}, "boot-1");
  const Now now{Instant{1h}, Instant{1h}, kNoon};
  (void)policy.step(Started{}, now);
  EXPECT_THAT(policy.view(now).reason, HasSubstr("has not looked yet"));
}

TEST(SuspendIdle, ASensorThatSawUseBetweenTwoLooksDelaysTheSleep) {
  Bench b;
  b.wait(10min);
  b.step(CheckReported{"proxy", Verdict::Idle, "no request", 2s});
  b.wait(5min);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  b.wait(10min - 2s);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U) << "counted from the use, not from the look";
}

TEST(SuspendIdle, WhatASensorKnowsNeverShortensTheCountdown) {
  Bench b;
  b.becomes("cpu", Verdict::Active);
  b.wait(1min);
  b.step(CheckReported{"cpu", Verdict::Idle, "idle", 2h});
  b.wait(14min);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
}

TEST(SuspendIdle, AServedRequestStartsTheCountdownAnew) {
  Bench b;
  b.wait(14min);
  b.step(RequestServed{});
  b.wait(14min);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  b.wait(1min);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
}

TEST(SuspendIdle, AFreshlyBootedMachineStaysAwakeForItsMinimum) {
  Settings settings = plain();
  settings.min_uptime = 2h;
  Bench b(settings);
  b.wait(59min);
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_THAT(b.view().reason, HasSubstr("has been up for 119 min 0 s, less than 2 h 0 min"));
  b.wait(1min);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U) << "it has been idle all the time";
}

TEST(SuspendIdle, AHoldKeepsItAwakeUntilItEnds) {
  Bench b;
  b.wait(14min);
  auto reply = b.step(HoldWanted{CommandId{1}, "t1", "training", "anna", 3h, false});
  EXPECT_TRUE(b.last<Reply>().accepted);
  EXPECT_EQ(b.last<Reply>().command, CommandId{1});
  EXPECT_TRUE(has<Save>(reply)) << "survives a crash";
  EXPECT_THAT(b.view().reason, HasSubstr("held by anna: training (for another 3 h 0 min)"));
  b.wait(3h - 1ms);
  EXPECT_EQ(b.state(), State::Active);
  b.wait(1ms);
  EXPECT_EQ(b.state(), State::IdleCountdown);
  EXPECT_THAT(b.view().holds, IsEmpty());
  b.wait(15min - 1ms);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U) << "the idle time begins at the end of the hold";
  b.wait(1ms);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
}

TEST(SuspendIdle, AHoldIsReleasedByItsToken) {
  Bench b;
  b.step(HoldWanted{CommandId{1}, "t1", "x", "anna", std::nullopt, false});
  b.wait(10h);
  EXPECT_EQ(b.state(), State::Active);
  b.step(HoldReleased{CommandId{2}, "t2"});
  EXPECT_FALSE(b.last<Reply>().accepted);
  b.step(HoldReleased{CommandId{3}, "t1"});
  EXPECT_TRUE(b.last<Reply>().accepted);
  EXPECT_EQ(b.state(), State::IdleCountdown);
}

TEST(SuspendIdle, TheSameTokenAgainReplacesTheHold) {
  Bench b;
  b.step(HoldWanted{CommandId{1}, "t1", "x", "anna", 1h, false});
  b.step(HoldWanted{CommandId{2}, "t1", "y", "anna", 2h, false});
  ASSERT_THAT(b.view().holds, SizeIs(1));
  EXPECT_EQ(b.view().holds[0].left, 2h);
}

TEST(SuspendIdle, ItIsNotWorthSleepingShortlyBeforeAWakeup) {
  Bench b;
  b.step(WakeupsChanged{{{kNoon + 24min, "backup.timer"}, {kNoon + 5h, "other"}}});
  b.wait(15min);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_THAT(b.view().reason, HasSubstr("backup.timer is due in 9 min 0 s"));
  b.wait(9min + 1s);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U) << "it has passed, and everything was idle meanwhile";
}

TEST(SuspendIdle, AWallClockThatJumpsChangesNoCountdown) {
  for (const Duration jump : {Duration{1h}, Duration{-1h}, Duration{24h * 400}}) {
    Bench b;
    b.wait(7min);
    b.set_wall(jump);
    b.wait(8min - 1ms);
    EXPECT_EQ(b.seen<RequestDrain>(), 0U);
    b.wait(1ms);
    EXPECT_EQ(b.seen<RequestDrain>(), 1U);
  }
}

TEST(SuspendIdle, ADryRunOnlyTells) {
  Settings settings = plain();
  settings.dry_run = true;
  Bench b(settings);
  EXPECT_THAT(b.wait(15min), HasTopic(Topic::DryRun));
  EXPECT_EQ(b.last<Notify>().text, "dry run: would suspend now: idle for 15 min 0 s");
  EXPECT_THAT(b.wait(5h), Not(HasTopic(Topic::DryRun))) << "once";
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  b.becomes("cpu", Verdict::Active);
  b.becomes("cpu", Verdict::Idle);
  EXPECT_THAT(b.wait(15min), HasTopic(Topic::DryRun));
  b.step(SuspendWanted{CommandId{1}, true, "root"});
  EXPECT_FALSE(b.last<Reply>().accepted);
}

TEST(SuspendIdle, NewChecksAreUnknownUntilTheyLooked) {
  Bench b;
  Settings settings = plain();
  settings.checks.push_back({"gpu", 30s});
  b.step(Reconfigured{settings});
  EXPECT_THAT(b.view().reason, HasSubstr("gpu cannot tell: has not looked yet"));
  b.step(CheckReported{"gpu", Verdict::Idle, "", {}});
  EXPECT_EQ(b.state(), State::IdleCountdown);
}

}  // namespace
}  // namespace rouse::core::suspend::test
