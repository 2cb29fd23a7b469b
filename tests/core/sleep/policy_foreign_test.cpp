#include "tests/core/sleep/policy_bench.hpp"

namespace rouse::core::suspend::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr GateId kGate{5};

Settings gated(OnBusy on_busy = OnBusy::Allow) {
  Settings settings = plain();
  settings.unload = true;
  settings.gate_on_busy = on_busy;
  return settings;
}
Settings gateless() {
  Settings settings = gated();
  settings.gate = false;
  return settings;
}

TEST(SuspendForeign, IsPreparedWhileTheGateWaits) {
  Bench b(gated());
  b.becomes("cpu", Verdict::Active);
  b.step(SleepStarting{});
  EXPECT_EQ(b.state(), State::Suspending);
  EXPECT_EQ(b.view().reason, "a suspend that is not ours has begun");
  EXPECT_FALSE(b.last<RequestDrain>().force);
  b.granted();
  b.done<Unload>();
  EXPECT_EQ(b.seen<RunPreflight>(), 0U) << "the operator's will wins";
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 0U);
  b.committed(9);
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
  EXPECT_EQ(b.seen<Suspend>(), 0U) << "somebody else has called for it";
  b.step(GateOpened{kGate});
  EXPECT_TRUE(b.last<AnswerGate>().allow);
  EXPECT_EQ(b.last<AnswerGate>().gate, kGate);
  b.pass(2h, false);
  b.step(SleepEnded{Bench::woken_by(WakeReason::PowerButton, "lid")});
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_EQ(b.last<ReportResume>().epoch, 9U);
  EXPECT_FALSE(b.view().last_suspend->ours);
}

TEST(SuspendForeign, TheDelayIsNotHeldLongerThanLogindWaits) {
  Bench b(gated());
  b.step(SleepStarting{});
  b.granted();
  b.wait(4s - 1ms);
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 0U);
  b.wait(1ms);
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U) << "the gate waits on";
  b.step(GateOpened{kGate});
  EXPECT_EQ(b.seen<AnswerGate>(), 0U);
  b.done<Unload>(), b.committed();
  EXPECT_EQ(b.seen<AnswerGate>(), 1U);
}

TEST(SuspendForeign, AGateWithoutAWordBeforeItIsOneToo) {
  Bench b(gated());
  b.step(GateOpened{kGate});
  EXPECT_EQ(b.view().reason, "a suspend that is not ours is at the gate");
  b.granted(), b.done<Unload>(false, "stuck"), b.committed();
  EXPECT_TRUE(b.last<AnswerGate>().allow) << "as well as it could be done";
  b.wait(60s);
  EXPECT_EQ(b.last<ReportResume>().slept, 0ms) << "it did not come";
  EXPECT_EQ(b.view().failures, 0) << "and it was not ours";
}

TEST(SuspendForeign, ABusyProxyIsAskedAgainAndInTheEndTold) {
  Bench b(gated());
  b.step(GateOpened{kGate});
  for (int i = 0; i < 17; ++i) {
    EXPECT_FALSE(b.last<RequestDrain>().force);
    b.step(DrainRefused{b.last<RequestDrain>().op, false, "1 request"});
    EXPECT_EQ(b.seen<AnswerGate>(), 0U);
    b.wait(1s);
  }
  b.step(DrainRefused{b.last<RequestDrain>().op, false, "1 request"});
  b.wait(1s);
  ASSERT_TRUE(b.last<RequestDrain>().force);
  EXPECT_EQ(b.seen<AnswerGate>(), 0U);
  b.granted(), b.committed();
  EXPECT_TRUE(b.last<AnswerGate>().allow);

  Bench deaf(gated());
  deaf.step(GateOpened{kGate});
  deaf.wait(20s);
  EXPECT_TRUE(deaf.last<AnswerGate>().allow) << "never longer than gate_wait";
}

TEST(SuspendForeign, ABusyProxyCanDenyIt) {
  Bench b(gated(OnBusy::Deny));
  b.step(GateOpened{kGate});
  for (int i = 0; i < 20; ++i) {
    b.step(DrainRefused{b.last<RequestDrain>().op, false, "1 request"});
    EXPECT_EQ(b.seen<AnswerGate>(), 0U);
    b.wait(1s);
  }
  ASSERT_EQ(b.seen<AnswerGate>(), 1U);
  EXPECT_FALSE(b.last<AnswerGate>().allow);
  EXPECT_NE(b.state(), State::Suspending);
  b.step(SleepEnded{});
  EXPECT_EQ(b.view().failures, 0);
}

TEST(SuspendForeign, ARequestDuringItIsWaitedFor) {
  Bench b(gated());
  b.step(GateOpened{kGate});
  b.granted();
  b.step(DrainCancelled{b.last<RequestDrain>().attempt, "request"});
  EXPECT_EQ(b.state(), State::Suspending);
  b.wait(1s);
  EXPECT_EQ(b.seen<RequestDrain>(), 2U);
  b.granted(), b.done<Unload>(), b.committed();
  EXPECT_TRUE(b.last<AnswerGate>().allow);
}

TEST(SuspendForeign, WithoutAGateThereAreFourSeconds) {
  Bench b(gateless());
  b.step(SleepStarting{});
  b.granted();
  EXPECT_EQ(b.seen<Unload>(), 0U) << "no time for it";
  b.committed();
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);

  Bench busy(gateless());
  busy.step(SleepStarting{});
  busy.step(DrainRefused{busy.last<RequestDrain>().op, false, "1 request"});
  busy.wait(1s);
  busy.step(DrainRefused{busy.last<RequestDrain>().op, false, "1 request"});
  busy.wait(1s);
  EXPECT_TRUE(busy.last<RequestDrain>().force);
  EXPECT_EQ(busy.seen<ReleaseDelayLock>(), 0U);
  busy.wait(2s);
  EXPECT_EQ(busy.seen<ReleaseDelayLock>(), 1U);
}

TEST(SuspendForeign, NobodyWaitsForAProxyThatIsNotThere) {
  Bench b(gated());
  b.step(SleepStarting{});
  b.step(DrainRefused{b.last<RequestDrain>().op, true, "connection refused"});
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
}

TEST(SuspendForeign, OvertakesOurOwnAttemptAtEveryStage) {
  const auto none = [](Bench&) {};
  struct Case {
    const char* name;
    void (*go)(Bench&);
    bool drains;
  };
  const Case cases[] = {
      {"drain", none, false},
      {"unload", [](Bench& b) { b.granted(); }, false},
      {"preflight", [](Bench& b) { b.granted(), b.done<Unload>(); }, false},
      {"alarm", [](Bench& b) { b.granted(), b.done<Unload>(), b.checked(); }, false},
      {"commit", [](Bench& b) { b.granted(), b.done<Unload>(), b.checked(), b.done<ArmAlarm>(); },
       false}};
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    Bench b(gated());
    b.wait(15min);
    each.go(b);
    ASSERT_EQ(b.view().step, each.name);
    b.step(SleepStarting{});
    EXPECT_EQ(b.state(), State::Suspending);
    if (b.view().step == "drain") b.granted();
    if (b.view().step == "unload") b.done<Unload>();
    b.becomes("cpu", Verdict::Active);
    ASSERT_EQ(b.view().step, "commit");
    b.committed();
    EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
    EXPECT_EQ(b.seen<Suspend>(), 0U);
    b.pass(1h, false);
    b.step(SleepEnded{});
    EXPECT_EQ(b.seen<ReportResume>(), 1U);
  }
}

TEST(SuspendForeign, WhatOvertakesOursIsNotOurs) {
  Bench b(gated());
  b.wait(15min);
  b.granted();
  b.step(SleepStarting{});
  b.done<Unload>(), b.committed();
  b.step(GateOpened{kGate});
  b.pass(1h, false);
  b.step(SleepEnded{Bench::woken_by(WakeReason::Wol, "eth0")});
  EXPECT_FALSE(b.view().last_suspend->ours);
  EXPECT_EQ(b.seen<Suspend>(), 0U);
}

TEST(SuspendForeign, OurOwnPassesTheGateAtOnce) {
  Bench b(gated());
  b.to_suspend();
  b.step(SleepStarting{});
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
  b.step(GateOpened{kGate});
  EXPECT_TRUE(b.last<AnswerGate>().allow);
  b.pass(1h, false);
  b.step(SleepEnded{});
  EXPECT_TRUE(b.view().last_suspend->ours);
}

TEST(SuspendForeign, AProxyThatRestartedAfterTheCommitIsToldAgainBeforeTheSleep) {
  Bench b(gated());
  b.to_suspend();
  b.step(DrainEnded{b.last<RequestDrain>().attempt, "the proxy has gone"});
  b.step(SleepStarting{});
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 0U);
  EXPECT_EQ(b.seen<RequestDrain>(), 2U);
  b.granted(), b.done<Unload>();
  EXPECT_EQ(b.seen<Commit>(), 2U);
  b.committed(3);
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
  EXPECT_EQ(b.seen<Suspend>(), 1U) << "called for once";
  b.pass(1h, false);
  b.step(SleepEnded{});
  EXPECT_EQ(b.last<ReportResume>().epoch, 3U);
  EXPECT_TRUE(b.view().last_suspend->ours);
}

TEST(SuspendForeign, HappensAlsoWhileBlockedAndInADryRun) {
  Settings settings = gated();
  settings.confirm_first = true;
  settings.dry_run = true;
  Bench b(settings);
  b.step(GateOpened{kGate});
  b.granted(), b.done<Unload>(), b.committed();
  EXPECT_TRUE(b.last<AnswerGate>().allow);
}

TEST(SuspendForeign, AGateThatClosesIsForgotten) {
  Bench b(gated());
  b.step(GateOpened{kGate});
  b.granted();
  b.step(GateClosed{kGate});
  EXPECT_NE(b.state(), State::Suspending);
  EXPECT_EQ(b.seen<Release>(), 1U);
  EXPECT_EQ(b.seen<AnswerGate>(), 0U);
}

TEST(SuspendForeign, StrayWordsAboutSleepChangeNothing) {
  Bench b;
  EXPECT_THAT(b.step(SleepEnded{}), IsEmpty());
  b.wait(15min);
  b.step(SleepEnded{});
  EXPECT_EQ(b.state(), State::Preparing);
}

// ---- The daemon dies, or is told to go.

TEST(SuspendRestart, InAnyStageTheProxyIsFreedAndTheHookUndone) {
  Settings settings = gated();
  settings.pre_drain.set = settings.post_resume.set = true;
  using Go = void (*)(Bench&);
  const Go stages[] = {[](Bench& b) { b.granted(); }, [](Bench& b) { b.done<Unload>(); },
                       [](Bench& b) { b.checked(); }, [](Bench& b) { b.done<ArmAlarm>(); }};
  for (std::size_t n = 0; n <= std::size(stages); ++n) {
    SCOPED_TRACE(n);
    Bench b(settings);
    b.wait(15min);
    b.done<RunHook>();
    for (std::size_t i = 0; i < n; ++i) stages[i](b);
    b.restart();
    EXPECT_EQ(b.state(), State::Active);
    EXPECT_EQ(b.seen<Release>(), 1U);
    EXPECT_EQ(b.last<Release>().attempt, Attempt{1});
    EXPECT_EQ(b.last<RunHook>().hook, Hook::PostResume);
    EXPECT_EQ(b.view().failures, n == std::size(stages) ? 1 : 0);
    EXPECT_FALSE(b.policy().memory().in_progress);
    b.done<Release>(), b.done<RunHook>();
    b.wait(15min + 10s);
    EXPECT_EQ(b.last<RunHook>().hook, Hook::PreDrain);
    b.done<RunHook>();
    EXPECT_EQ(b.last<RequestDrain>().attempt, Attempt{2}) << "never a lease of the same name";
  }
}

TEST(SuspendRestart, AfterTheCommitTheProxyIsToldTheTruth) {
  for (const Duration slept : {Duration{0}, Duration{2h}}) {
    Bench b;
    b.to_suspend();
    b.step(SleepStarting{});
    b.pass(slept, false);
    b.restart();
    if (slept == 0s) {
      EXPECT_EQ(b.state(), State::Suspending) << "the call may be on its way still";
      EXPECT_EQ(b.seen<ReportResume>(), 0U);
      b.wait(5s);
    }
    EXPECT_EQ(b.last<ReportResume>().epoch, 41U);
    EXPECT_EQ(b.last<ReportResume>().slept, slept);
    EXPECT_EQ(b.state(), slept > 0s ? State::Resumed : State::Active);
    EXPECT_EQ(b.view().failures, slept > 0s ? 0 : 1);
  }
}

TEST(SuspendRestart, AProxyIsNotWokenWhileTheMachineIsStillOnItsWayToSleep) {
  Bench b;
  b.to_suspend();
  b.step(SleepStarting{});
  b.restart({true});
  EXPECT_EQ(b.state(), State::Suspending);
  EXPECT_EQ(b.seen<ReportResume>(), 0U);
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
  b.pass(1h, false);
  b.step(SleepEnded{Bench::woken_by(WakeReason::Wol, "eth0")});
  EXPECT_EQ(b.last<ReportResume>().slept, 1h);
  EXPECT_EQ(b.view().last_wake->source, "eth0");
}

TEST(SuspendRestart, DoesNotWaitForEverForTheEndOfASleep) {
  Bench b;
  b.to_suspend();
  b.step(SleepStarting{});
  b.restart({true});
  b.pass(1h, false);
  b.wait(60s);
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_EQ(b.last<ReportResume>().slept, 1h);
}

TEST(SuspendRestart, ASleepThatBeganMeanwhileIsPreparedForInAHurry) {
  Bench b(gated());
  b.restart({true});
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
  b.granted(), b.done<Unload>(), b.committed();
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);

  Bench half(gated());
  half.wait(15min), half.granted();
  half.restart({true});
  EXPECT_EQ(half.seen<RequestDrain>(), 1U) << "the lease died with its stream";
}

TEST(SuspendRestart, WhatIsOwedToTheProxyIsStillOwed) {
  Bench b;
  b.to_suspend();
  b.step(SleepStarting{});
  b.pass(2h, false);
  b.step(SleepEnded{});
  b.restart();
  EXPECT_EQ(b.last<ReportResume>().slept, 2h);
  b.restart();
  EXPECT_EQ(b.seen<ReportResume>(), 1U);
  b.done<ReportResume>();
  b.restart();
  EXPECT_EQ(b.seen<ReportResume>(), 0U);
}

TEST(SuspendRestart, HoldsFailuresAndBlocksOutliveACrash) {
  Bench b(gated());
  b.step(HoldWanted{CommandId{1}, "t1", "x", "anna", 1h, false});
  b.step(HoldWanted{CommandId{2}, "t2", "run-held", "anna", std::nullopt, true});
  b.wait(10min);
  b.restart();
  ASSERT_EQ(b.view().holds.size(), 1U) << "a bound hold has lost its connection";
  EXPECT_EQ(b.view().holds[0].left, 50min);
  b.step(HoldReleased{std::nullopt, "t1"});
  b.look();
  b.wait(15min);
  b.granted(), b.done<Unload>(), b.checked({"not armed"});
  b.restart();
  EXPECT_EQ(b.state(), State::Blocked);
  EXPECT_EQ(b.view().reason, "not armed");
  EXPECT_EQ(b.view().failures, 1);
}

TEST(SuspendRestart, ARebootMendsABlockAndKeepsHolds) {
  Bench b(gated());
  b.wait(15min);
  b.granted(), b.done<Unload>(), b.checked({"not armed"});
  b.step(HoldWanted{CommandId{1}, "t1", "x", "anna", 1h, false});
  b.wait(10s);
  ASSERT_TRUE(b.view().block);
  b.restart({}, "boot-2");
  EXPECT_FALSE(b.view().block);
  EXPECT_EQ(b.view().failures, 0);
  EXPECT_EQ(b.seen<Release>(), 0U);
  ASSERT_EQ(b.view().holds.size(), 1U);
  EXPECT_EQ(b.view().holds[0].left, 1h - 10s);
}

TEST(SuspendRestart, AGpuThatNobodyHasProbedYetIsProbed) {
  Settings settings = gated();
  settings.gpu = true;
  Bench b(settings);
  b.to_suspend();
  b.sleep(1h);
  b.restart();
  EXPECT_EQ(b.seen<ProbeGpu>(), 1U);
  b.done<ProbeGpu>();
  EXPECT_EQ(b.view().next.empty(), false);
}

TEST(SuspendShutdown, GivesBackWhateverIsTaken) {
  Bench idle;
  idle.step(ShutdownWanted{});
  EXPECT_TRUE(idle.policy().is_quiet());

  Bench leased(gated());
  leased.wait(15min), leased.granted();
  leased.step(ShutdownWanted{});
  EXPECT_FALSE(leased.policy().is_quiet());
  leased.done<Release>();
  EXPECT_TRUE(leased.policy().is_quiet());

  Bench deaf(gated());
  deaf.wait(15min), deaf.granted();
  deaf.step(ShutdownWanted{});
  deaf.wait(5s);
  EXPECT_TRUE(deaf.policy().is_quiet()) << "a shutdown does not wait for ever";
  EXPECT_EQ(deaf.seen<RequestDrain>(), 1U);
}

TEST(SuspendShutdown, WaitsForTheHookThatUndoesWhatAnotherHasDone) {
  Settings settings = gated();
  settings.pre_suspend = settings.post_resume = {true, OnFail::Warn, 10s};
  Bench b(settings);
  b.wait(15min), b.granted();
  if (settings.unload) b.done<Unload>();
  ASSERT_EQ(b.last<RunHook>().hook, Hook::PreSuspend);
  b.step(ShutdownWanted{});
  ASSERT_EQ(b.last<RunHook>().hook, Hook::PostResume);
  b.done<Release>();
  EXPECT_FALSE(b.policy().is_quiet());
  b.done<RunHook>();
  EXPECT_TRUE(b.policy().is_quiet());

  Bench hanging(settings);
  hanging.wait(15min), hanging.granted();
  if (settings.unload) hanging.done<Unload>();
  hanging.step(ShutdownWanted{});
  hanging.done<Release>();
  hanging.wait(15s);
  EXPECT_TRUE(hanging.policy().is_quiet()) << "not for ever";
}

TEST(SuspendShutdown, LeavesASleepThatComesAllTheSameToTheNextRun) {
  Bench b(gated());
  b.to_suspend();
  b.step(SleepStarting{});
  b.step(ShutdownWanted{});
  EXPECT_TRUE(b.policy().is_quiet());
  EXPECT_EQ(b.seen<ReportResume>(), 0U);
  b.pass(1h, false);
  b.restart();
  EXPECT_EQ(b.last<ReportResume>().slept, 1h);

  Bench gate(gated());
  gate.step(SleepStarting{});
  gate.step(GateOpened{kGate});
  gate.step(ShutdownWanted{});
  EXPECT_EQ(gate.seen<ReleaseDelayLock>(), 1U);
  EXPECT_TRUE(gate.last<AnswerGate>().allow);
  gate.step(GateOpened{GateId{6}});
  EXPECT_EQ(gate.seen<AnswerGate>(), 2U);
}

}  // namespace
}  // namespace rouse::core::suspend::test
