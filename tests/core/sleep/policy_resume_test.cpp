#include "tests/core/sleep/policy_bench.hpp"

namespace rouse::core::suspend::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SuspendResume, NothingIsJudgedRightAfterAWake) {
  Bench b;
  b.to_suspend();
  b.sleep(1h);
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_EQ(b.view().next, "looks at the checks again in 60 s");
  b.becomes("cpu", Verdict::Active);
  b.wait(59s);
  b.becomes("cpu", Verdict::Idle);
  b.wait(1s);
  EXPECT_EQ(b.state(), State::IdleCountdown);
  EXPECT_FALSE(b.view().last_wake->used) << "the noise of waking is no use";
}

TEST(SuspendResume, WhatWasSeenBeforeTheSleepDoesNotCount) {
  Bench b;
  b.to_suspend();
  b.sleep(1h);
  for (const CheckView& check : b.view().checks) {
    EXPECT_EQ(check.verdict, Verdict::Unknown);
    EXPECT_EQ(check.reason, "has not looked since the machine woke");
    EXPECT_FALSE(check.looked);
  }
}

TEST(SuspendResume, TheCountdownBeginsAnewWithTheWakeAlsoWithoutAnyCheck) {
  Settings settings = plain();
  settings.checks.clear();
  Bench b(settings);
  b.to_suspend();
  b.sleep(1h);
  b.wait(settings.resume_grace + 30s);
  EXPECT_EQ(b.state(), State::IdleCountdown);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
}

TEST(SuspendResume, AnUnusedMachineLingersByTheReasonOfItsWake) {
  struct Case {
    WakeReason reason;
    Duration linger;
  };
  for (const Case& each : {Case{WakeReason::Wol, 3min}, Case{WakeReason::Rtc, 10min},
                           Case{WakeReason::PowerButton, 20min}, Case{WakeReason::Other, 20min},
                           Case{WakeReason::Unknown, 20min}}) {
    SCOPED_TRACE(to_string(each.reason));
    Bench b;
    b.to_suspend();
    b.sleep(1h, Bench::woken_by(each.reason, "dev"));
    b.look();
    b.forget_log();
    b.wait(each.linger - 1ms);
    EXPECT_EQ(b.seen<RequestDrain>(), 0U);
    b.wait(1ms);
    EXPECT_EQ(b.seen<RequestDrain>(), 1U);
    EXPECT_THAT(b.last<RequestDrain>().reason, HasSubstr("unused since the wake-up"));
  }
}

TEST(SuspendResume, AUsedMachineWaitsTheWholeIdleTime) {
  for (const int how : {0, 1, 2}) {
    Bench b;
    b.to_suspend();
    b.sleep(1h);
    b.wait(2min);
    if (how == 0) b.step(RequestServed{});
    if (how == 1) b.becomes("cpu", Verdict::Active), b.becomes("cpu", Verdict::Idle);
    if (how == 2) {
      b.step(HoldWanted{CommandId{1}, "t", "", "", 1s, false});
      b.step(HoldReleased{std::nullopt, "t"});
    }
    b.forget_log();
    b.wait(15min - 1ms);
    EXPECT_EQ(b.seen<RequestDrain>(), 0U) << how;
    b.wait(1ms);
    EXPECT_EQ(b.seen<RequestDrain>(), 1U) << how;
    EXPECT_TRUE(b.view().totals.spurious.empty());
  }
}

TEST(SuspendResume, WakesThatNobodyUsesLingerTwiceAsLongAndThenBlock) {
  Bench b;
  b.to_suspend();
  Actions all;
  for (const Duration linger : {3min, 6min, 12min}) {
    b.sleep(4s, Bench::woken_by(WakeReason::Wol, "eth0"));
    b.look();
    b.forget_log();
    b.wait(linger - 1s);
    EXPECT_EQ(b.state(), State::IdleCountdown);
    EXPECT_THAT(b.log(), Not(HasTopic(Topic::SpuriousWake)));
    all = b.wait(1s);
    EXPECT_THAT(all, HasTopic(Topic::SpuriousWake));
    if (linger == 12min) break;
    ASSERT_EQ(b.state(), State::Preparing);
    b.from_drain();
  }
  EXPECT_EQ(b.state(), State::Blocked);
  EXPECT_EQ(b.view().block->cause, BlockCause::SpuriousWakes);
  EXPECT_THAT(b.view().reason, HasSubstr("the last one by wol (eth0)"));
  EXPECT_EQ(b.view().totals.spurious["eth0"], 3U);
  b.wait(50min);
  EXPECT_EQ(b.state(), State::Blocked);
  b.wait(10min);
  EXPECT_EQ(b.state(), State::Preparing) << "tries again after an hour";
}

TEST(SuspendResume, ALongSleepEndsASeries) {
  Bench b;
  b.to_suspend();
  b.sleep(4s);
  b.look(), b.forget_log();
  b.wait(3min);
  b.from_drain();
  b.sleep(31min);
  b.look(), b.forget_log();
  b.wait(3min);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U) << "not doubled";
}

TEST(SuspendResume, AWakeByOurAlarmOrByAPersonIsExpected) {
  Bench b;
  b.step(WakeupsChanged{{{kNoon + 2h, "morning"}}});
  b.to_suspend();
  b.sleep(kNoon + 2h - b.now().realtime, Bench::woken_by(WakeReason::Rtc, "rtc0"));
  EXPECT_TRUE(b.view().last_wake->expected);
  b.wait(11min);
  EXPECT_TRUE(b.view().totals.spurious.empty());

  Bench early;
  early.step(WakeupsChanged{{{kNoon + 9h, "morning"}}});
  early.to_suspend();
  early.sleep(1h, Bench::woken_by(WakeReason::Rtc, "rtc0"));
  EXPECT_FALSE(early.view().last_wake->expected) << "nobody asked for it then";
  early.wait(11min);
  EXPECT_EQ(early.view().totals.spurious["rtc0"], 1U);

  // A little early, since the clock counts whole seconds; not much, and not long after.
  for (const auto& [off, is_due] :
       {std::pair{-2001ms, false}, {-2000ms, true}, {59'999ms, true}, {60'000ms, false}}) {
    Bench near;
    near.step(WakeupsChanged{{{kNoon + 2h, "morning"}}});
    Now then = near.now();
    then.realtime = kNoon + 2h + off;
    EXPECT_FALSE(near.policy().is_alarm_due(then)) << "it was never set";
    near.to_suspend();
    EXPECT_EQ(near.policy().is_alarm_due(then), is_due) << off.count();
    const Duration until_then = then.realtime - near.now().realtime;
    near.sleep(until_then - 1s, Bench::woken_by(WakeReason::Rtc, "rtc0"));
    EXPECT_EQ(near.view().last_wake->expected, is_due) << off.count();
  }

  Bench button;
  button.to_suspend();
  button.sleep(1h, Bench::woken_by(WakeReason::PowerButton, "PNP0C0C"));
  button.wait(21min);
  EXPECT_TRUE(button.view().totals.spurious.empty());
}

Settings with_gpu(bool command = true) {
  Settings settings = plain();
  settings.gpu = true;
  settings.gpu_recover = command;
  return settings;
}

TEST(SuspendResume, TheGpuIsProbedAfterEachSleep) {
  Bench b(with_gpu());
  b.to_suspend();
  b.sleep(1h);
  EXPECT_EQ(b.seen<ProbeGpu>(), 1U);
  b.wait(5s);
  b.done<ProbeGpu>();
  b.wait(55s);
  EXPECT_EQ(b.state(), State::IdleCountdown);
}

TEST(SuspendResume, ADeadGpuIsRevivedStepByStep) {
  Bench b(with_gpu());
  b.to_suspend();
  b.sleep(1h);
  b.done<ProbeGpu>(false, "CUDA error 999");
  EXPECT_EQ(b.seen<ProbeGpu>(), 1U);
  b.wait(2s);
  EXPECT_EQ(b.seen<ProbeGpu>(), 2U);
  EXPECT_EQ(b.seen<RecoverGpu>(), 0U);
  b.done<ProbeGpu>(false, "CUDA error 999");
  EXPECT_EQ(b.last<RecoverGpu>().step, GpuRecovery::RestartEngines);
  EXPECT_THAT(b.last<RecoverGpu>().reason, HasSubstr("CUDA error 999"));
  b.done<RecoverGpu>();
  EXPECT_EQ(b.seen<ProbeGpu>(), 3U);
  b.done<ProbeGpu>(false, "CUDA error 999");
  EXPECT_EQ(b.last<RecoverGpu>().step, GpuRecovery::Command);
  b.done<RecoverGpu>(false, "exit 1");
  EXPECT_EQ(b.seen<ProbeGpu>(), 4U) << "its own word does not count";
  EXPECT_THAT(b.done<ProbeGpu>(), HasTopic(Topic::Gpu));
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_EQ(b.view().totals.gpu_probe_failures, 3U);
}

TEST(SuspendResume, AGpuThatStaysDeadBlocksUntilItWorks) {
  for (const bool command : {true, false}) {
    Bench b(with_gpu(command));
    b.to_suspend();
    b.sleep(1h);
    b.done<ProbeGpu>(false, "x"), b.wait(2s), b.done<ProbeGpu>(false, "x");
    b.done<RecoverGpu>();
    if (command) b.done<ProbeGpu>(false, "x"), b.done<RecoverGpu>();
    const auto actions = b.done<ProbeGpu>(false, "still dead");
    EXPECT_THAT(actions, HasTopic(Topic::Blocked));
    EXPECT_EQ(b.last<Notify>().severity, Severity::Alert);
    EXPECT_EQ(b.state(), State::Blocked);
    EXPECT_EQ(b.view().block->cause, BlockCause::GpuFailed);
    const auto probes = b.seen<ProbeGpu>();
    b.wait(1h);
    EXPECT_EQ(b.seen<ProbeGpu>(), probes + 1);
    EXPECT_EQ(b.state(), State::Blocked);
    b.done<ProbeGpu>(false, "still dead");
    EXPECT_EQ(b.state(), State::Blocked);
    b.wait(1h);
    b.done<ProbeGpu>();
    EXPECT_NE(b.state(), State::Blocked);
  }
}

TEST(SuspendResume, AGateThatClosesBeforeTheGpuIsReadyLeavesItNotUnseen) {
  Bench b(with_gpu(false));
  b.to_suspend();
  b.sleep(1h);
  const Op first = b.last<ProbeGpu>().op;
  b.step(GateOpened{GateId{1}});
  EXPECT_EQ(b.last<Cancel>().op, first) << "nothing may be open at the driver when it sleeps";
  b.step(ActionDone{first, true, ""});
  b.step(GateClosed{GateId{1}});
  ASSERT_EQ(b.seen<ProbeGpu>(), 2U);
  b.done<ProbeGpu>(false, "CUDA error 999");
  b.wait(2s);
  EXPECT_EQ(b.seen<ProbeGpu>(), 3U) << "all that belongs to it";

  // One that sleeps looks after that sleep, once.
  Bench slept(with_gpu(false));
  slept.to_suspend();
  slept.sleep(1h);
  slept.step(GateOpened{GateId{1}});
  slept.granted();
  slept.committed();
  slept.sleep(1h);
  EXPECT_EQ(slept.seen<ProbeGpu>(), 2U);

  // One that was done is not done again.
  Bench ready(with_gpu(false));
  ready.to_suspend();
  ready.sleep(1h);
  ready.done<ProbeGpu>();
  ready.step(GateOpened{GateId{1}});
  ready.step(GateClosed{GateId{1}});
  EXPECT_EQ(ready.seen<ProbeGpu>(), 1U);
}

TEST(SuspendResume, ASuspendByForceThatFailsLooksAtTheGpuAgain) {
  Bench b(with_gpu(false));
  b.to_suspend();
  b.sleep(1h);
  b.step(SuspendWanted{CommandId{2}, true, "root"});
  EXPECT_TRUE(b.last<Reply>().accepted);
  b.step(DrainRefused{b.last<RequestDrain>().op, false, "1 request"});
  EXPECT_EQ(b.seen<ProbeGpu>(), 2U);
  b.done<ProbeGpu>();

  Bench stays(with_gpu(false));
  stays.to_suspend();
  stays.sleep(1h);
  stays.step(GateOpened{GateId{1}});
  stays.granted();
  stays.committed();
  stays.sleep(0s, {false, "freeze", "busy", WakeReason::Unknown, ""});
  EXPECT_EQ(stays.seen<ProbeGpu>(), 2U) << "the suspend came to nothing";
}

TEST(SuspendResume, AGpuProbeThatHangsHasFailed) {
  Bench b(with_gpu(false));
  b.to_suspend();
  b.sleep(1h);
  b.wait(10s);
  EXPECT_EQ(b.last<Cancel>().op, b.last<ProbeGpu>().op);
  b.wait(2s + 10s);
  EXPECT_EQ(b.seen<RecoverGpu>(), 1U);
  b.wait(120s);
  EXPECT_EQ(b.seen<ProbeGpu>(), 3U);
  b.wait(10s);
  EXPECT_EQ(b.state(), State::Blocked);
}

TEST(SuspendResume, AnUnblockForgetsWhatLedToTheBlock) {
  Bench b(with_gpu(false));
  b.to_suspend();
  b.sleep(1h);
  b.wait(10s + 2s + 10s + 120s + 10s);
  ASSERT_EQ(b.state(), State::Blocked);
  b.step(SuspendWanted{CommandId{1}, false, "root"});
  EXPECT_FALSE(b.last<Reply>().accepted);
  EXPECT_THAT(b.last<Reply>().text, HasSubstr("blocked: the GPU does not work"));
  b.step(UnblockWanted{CommandId{2}, "root"});
  EXPECT_TRUE(b.last<Reply>().accepted);
  EXPECT_EQ(b.state(), State::IdleCountdown);
  EXPECT_FALSE(b.policy().memory().block);
}

TEST(SuspendResume, UntilAWakeIsProvedAnOperatorMustAgree) {
  Settings settings = plain();
  settings.confirm_first = true;
  Bench b(settings);
  b.wait(15min);
  EXPECT_EQ(b.state(), State::Blocked);
  EXPECT_EQ(b.view().block->cause, BlockCause::Unproven);
  EXPECT_EQ(b.view().next, "waits for an operator to unblock it");
  b.wait(24h);
  EXPECT_EQ(b.state(), State::Blocked);
  b.step(SuspendWanted{CommandId{1}, false, "root"});
  EXPECT_TRUE(b.last<Reply>().accepted);
  b.from_drain();
  b.sleep(1h);
  b.look();
  b.wait(3min);
  EXPECT_EQ(b.state(), State::Preparing);
}

TEST(SuspendResume, AFailedPostResumeHookBlocksIfItShall) {
  Settings settings = plain();
  settings.post_resume = {true, OnFail::Abort, 30s};
  Bench b(settings);
  b.to_suspend();
  b.sleep(1h);
  b.done<RunHook>(false, "mount failed");
  EXPECT_EQ(b.state(), State::Blocked);
  EXPECT_EQ(b.view().reason, "post_resume: mount failed");
}

TEST(SuspendResume, NothingBeginsWhileThePostResumeHookRuns) {
  Settings settings = plain();
  settings.post_resume = {true, OnFail::Warn, 10min};
  Bench b(settings);
  b.to_suspend();
  b.sleep(1h);
  b.forget_log();
  b.wait(9min);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  EXPECT_EQ(b.view().reason, "the post_resume hook is running");
}

TEST(SuspendResume, ASleepThatNobodyAnnouncedIsFoundByTheClocks) {
  Bench b;
  b.wait(14min);
  b.pass(1h, false);
  b.step(Tick{});
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_FALSE(b.view().last_wake->ours);
  EXPECT_EQ(b.view().last_wake->slept, 1h);
  b.wait(10min);
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
}

TEST(SuspendResume, TheCountdownAndTheSleepBearAClockThatIsSet) {
  Bench b;
  b.to_suspend();
  b.set_wall(-1h);
  b.sleep(2h);
  EXPECT_EQ(b.view().last_suspend->slept, 2h);
  b.set_wall(2h);
  b.look(), b.forget_log();
  b.wait(3min);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
}

}  // namespace
}  // namespace rouse::core::suspend::test
