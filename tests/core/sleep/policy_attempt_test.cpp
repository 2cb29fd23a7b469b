#include "tests/core/sleep/policy_bench.hpp"

namespace rouse::core::suspend::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The last attempt got so far.
Bench at_drain(Settings settings = plain()) {
  Bench b(std::move(settings));
  b.wait(15min);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
  return b;
}

TEST(SuspendAttempt, GoesStepByStep) {
  Settings settings = plain();
  settings.unload = true;
  settings.pre_drain.set = settings.pre_suspend.set = settings.post_resume.set = true;
  Bench b(settings);
  b.step(WakeupsChanged{{{kNoon + 8h, "morning"}}});
  b.wait(15min);
  EXPECT_EQ(b.last<RunHook>().hook, Hook::PreDrain);
  EXPECT_EQ(b.view().step, "pre_drain hook");
  EXPECT_EQ(b.seen<RequestDrain>(), 0U);
  b.done<RunHook>();
  EXPECT_EQ(b.view().step, "drain");
  b.granted();
  EXPECT_EQ(b.last<Unload>().attempt, b.last<RequestDrain>().attempt);
  EXPECT_EQ(b.view().step, "unload");
  b.done<Unload>();
  EXPECT_EQ(b.last<RunHook>().hook, Hook::PreSuspend);
  b.done<RunHook>();
  EXPECT_EQ(b.view().step, "preflight");
  b.checked();
  EXPECT_EQ(b.last<ArmAlarm>().at, kNoon + 8h);
  EXPECT_EQ(b.seen<Commit>(), 0U);
  b.done<ArmAlarm>();
  EXPECT_EQ(b.last<Commit>().expect_wake, kNoon + 8h);
  EXPECT_EQ(b.seen<Suspend>(), 0U);
  EXPECT_EQ(b.state(), State::Preparing);
  const auto actions = b.committed(41);
  ASSERT_TRUE(has<Suspend>(actions));
  EXPECT_TRUE(has<Save>(actions));
  EXPECT_TRUE(std::holds_alternative<Save>(actions.front())) << "before the call";
  EXPECT_EQ(b.state(), State::Suspending);
  b.done<Suspend>();
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 0U);
  b.step(SleepStarting{});
  EXPECT_EQ(b.seen<ReleaseDelayLock>(), 1U);
  b.pass(3h, false);
  const auto woken = b.step(SleepEnded{Bench::woken_by(WakeReason::Wol, "eth0")});
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_EQ(b.view().reason, "slept for 3 h 0 min, woken by wol (eth0)");
  ASSERT_TRUE(has<ReportResume>(woken));
  EXPECT_EQ(b.last<ReportResume>().epoch, 41U);
  EXPECT_EQ(b.last<ReportResume>().slept, 3h);
  EXPECT_EQ(b.last<ReportResume>().wake, WakeReason::Wol);
  EXPECT_EQ(b.last<RunHook>().hook, Hook::PostResume);
  EXPECT_EQ(b.last<RunHook>().slept, 3h);
  EXPECT_EQ(b.view().totals.suspends["ok"], 1U);
  EXPECT_TRUE(b.view().last_suspend->ok);
  EXPECT_EQ(b.view().wake_proof, b.now().realtime);
  EXPECT_FALSE(b.policy().memory().in_progress);
  b.done<ReportResume>(), b.done<RunHook>();
  b.wait(59s);
  EXPECT_EQ(b.state(), State::Resumed);
  b.wait(1s);
  EXPECT_EQ(b.state(), State::IdleCountdown);
}

TEST(SuspendAttempt, ABusyProxyIsActivity) {
  Bench b = at_drain();
  b.step(DrainRefused{b.last<RequestDrain>().op, false, "1 request to qwen (1.2 s)"});
  EXPECT_EQ(b.policy().memory().failures, 0);
  EXPECT_EQ(b.seen<Release>(), 0U);
  b.wait(15min - 1s);
  EXPECT_EQ(b.seen<RequestDrain>(), 1U);
  b.wait(1s);
  EXPECT_EQ(b.seen<RequestDrain>(), 2U);
  EXPECT_NE(b.last<RequestDrain>().attempt, Attempt{1}) << "a lease of its own";
}

TEST(SuspendAttempt, WorkThatNoCheckHasSeenCounts) {
  Bench b = at_drain();
  b.step(DrainGranted{b.last<RequestDrain>().op, 2s});
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.view().next.empty(), false);
  EXPECT_EQ(b.seen<Release>(), 1U);
  b.done<Release>();
  EXPECT_EQ(b.view().sleep_in, 15min - 2s);

  Bench late = at_drain();
  late.granted();
  late.step(RequestServed{});
  EXPECT_EQ(late.seen<Release>(), 1U);
  EXPECT_EQ(late.state(), State::Active);

  Bench asked;
  asked.step(SuspendWanted{CommandId{1}, false, "root"});
  asked.step(DrainGranted{asked.last<RequestDrain>().op, 2s});
  EXPECT_EQ(asked.seen<RunPreflight>(), 1U) << "an operator knows that it was just used";
}

TEST(SuspendAttempt, WhatTheProxySaysIsNoNewsForBeingToldALittleLater) {
  Bench b;
  b.wait(15min);
  b.step(DrainGranted{b.last<RequestDrain>().op, 15min - 300ms});
  EXPECT_EQ(b.state(), State::Preparing) << b.view().reason;
}

TEST(SuspendAttempt, TheAnswerToAnEarlierDrainIsNone) {
  Bench b;
  b.wait(15min);
  ASSERT_EQ(b.seen<RequestDrain>(), 1U);
  const auto earlier = b.last<RequestDrain>().op;
  b.becomes("cpu", Verdict::Active);
  b.becomes("cpu", Verdict::Idle);
  b.wait(15min);
  ASSERT_EQ(b.seen<RequestDrain>(), 2U);
  EXPECT_THAT(b.step(DrainGranted{earlier}), testing::IsEmpty());
  EXPECT_THAT(b.step(DrainRefused{earlier, false, "busy"}), testing::IsEmpty());
  b.granted();
  EXPECT_EQ(b.seen<RunPreflight>(), 1U);
}

TEST(SuspendAttempt, WithoutTheProxysAnswerItStaysAwake) {
  Bench b = at_drain();
  b.step(DrainRefused{b.last<RequestDrain>().op, true, "connection refused"});
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.view().reason, "the proxy does not answer: connection refused");
  b.wait(30s);
  EXPECT_EQ(b.seen<RequestDrain>(), 2U);
  EXPECT_THAT(b.wait(5s), Not(IsEmpty())) << "no answer at all";
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.seen<Cancel>(), 1U);
  EXPECT_THAT(b.step(DrainGranted{b.last<RequestDrain>().op}), IsEmpty()) << "too late";
}

TEST(SuspendAttempt, AProxyThatNeedNotBeThereIsNotWaitedFor) {
  Settings settings = plain();
  settings.proxy = ProxyUse::IfThere;
  Bench b = at_drain(settings);
  b.step(DrainRefused{b.last<RequestDrain>().op, true, "connection refused"});
  b.checked(), b.done<ArmAlarm>();
  EXPECT_EQ(b.seen<Suspend>(), 1U);
  EXPECT_EQ(b.seen<Commit>(), 0U);
  b.sleep(1h);
  EXPECT_EQ(b.seen<ReportResume>(), 0U);

  settings.proxy = ProxyUse::None;
  Bench none(settings);
  none.wait(15min);
  EXPECT_EQ(none.seen<RequestDrain>(), 0U);
  none.checked(), none.done<ArmAlarm>();
  EXPECT_EQ(none.seen<Suspend>(), 1U);
}

struct Until {
  const char* name;
  void (*go)(Bench&);
};
void to_granted(Bench& b) {
  b.granted();
}
void to_preflight(Bench& b) {
  b.granted(), b.done<Unload>();
}
void to_alarm(Bench& b) {
  to_preflight(b), b.checked();
}
void to_commit(Bench& b) {
  to_alarm(b), b.done<ArmAlarm>();
}
const std::vector<Until> kStages{
    {"unload", to_granted}, {"preflight", to_preflight}, {"alarm", to_alarm}};

Settings unloading() {
  Settings settings = plain();
  settings.unload = true;
  return settings;
}

TEST(SuspendAttempt, ARequestCancelsItAtEveryStage) {
  for (const Until& stage : kStages) {
    SCOPED_TRACE(stage.name);
    Bench b = at_drain(unloading());
    stage.go(b);
    EXPECT_EQ(b.view().step, stage.name);
    b.step(DrainCancelled{Attempt{1}, "request"});
    EXPECT_EQ(b.seen<Release>(), 0U) << "the lease is gone already";
    EXPECT_EQ(b.state(), State::IdleCountdown);
    EXPECT_EQ(b.view().totals.drains_cancelled, 1U);
    EXPECT_EQ(b.policy().memory().failures, 0);
    b.wait(15min);
    EXPECT_EQ(b.seen<RequestDrain>(), 2U);
    EXPECT_EQ(b.seen<Suspend>(), 0U);
  }
}

TEST(SuspendAttempt, WhateverBecomesActiveEndsItAtEveryStage) {
  for (const Until& stage : kStages) {
    for (const Verdict verdict : {Verdict::Active, Verdict::Unknown}) {
      SCOPED_TRACE(stage.name);
      Bench b = at_drain(unloading());
      stage.go(b);
      b.becomes("cpu", verdict, "busy");
      EXPECT_EQ(b.state(), State::Active);
      EXPECT_THAT(b.view().reason, HasSubstr("busy"));
      EXPECT_EQ(b.seen<Release>(), 1U);
      EXPECT_EQ(b.last<Release>().attempt, Attempt{1});
      EXPECT_EQ(b.seen<Cancel>(), 1U) << "what was under way";
    }
    Bench b = at_drain(unloading());
    stage.go(b);
    b.step(HoldWanted{CommandId{1}, "t", "x", "anna", 1h, false});
    EXPECT_EQ(b.seen<Release>(), 1U);
    EXPECT_EQ(b.state(), State::Active);
  }
}

TEST(SuspendAttempt, WhatComesUpDuringTheCommitUndoesIt) {
  Bench b = at_drain(unloading());
  to_commit(b);
  b.becomes("cpu", Verdict::Active, "busy");
  EXPECT_EQ(b.state(), State::Preparing) << "the proxy's answer has to be waited for";
  b.committed(41);
  EXPECT_EQ(b.seen<Suspend>(), 0U);
  EXPECT_EQ(b.last<ReportResume>().epoch, 41U);
  EXPECT_EQ(b.last<ReportResume>().slept, 0ms);
  EXPECT_EQ(b.state(), State::Active);
}

TEST(SuspendAttempt, ACommitWithoutAnAnswerIsReleasedUntilTheProxyHasHeardIt) {
  Bench b = at_drain(unloading());
  to_commit(b);
  b.wait(10s);
  EXPECT_EQ(b.seen<Release>(), 1U);
  EXPECT_EQ(b.policy().memory().failures, 1);
  EXPECT_TRUE(b.policy().memory().unreported_resume);
  b.done<Release>(false, "connection refused");
  b.wait(3s);
  EXPECT_EQ(b.seen<Release>(), 2U);
  b.wait(10s);
  EXPECT_EQ(b.seen<Release>(), 3U) << "no answer is none";
  b.done<Release>();
  EXPECT_FALSE(b.policy().memory().unreported_resume);
  b.wait(5s);
  EXPECT_EQ(b.seen<Release>(), 3U);
}

TEST(SuspendAttempt, ARefusedCommitIsActivity) {
  Bench b = at_drain(unloading());
  to_commit(b);
  b.done<Commit>(false, "lease_gone");
  EXPECT_EQ(b.policy().memory().failures, 0);
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.seen<Suspend>(), 0U);
  b.done<Release>();
  EXPECT_EQ(b.state(), State::IdleCountdown);
}

TEST(SuspendAttempt, APreflightThatFindsSomebodyIsNoFailure) {
  Bench b = at_drain(unloading());
  to_preflight(b);
  b.step(PreflightDone{b.last<RunPreflight>().op,
                       {{"cpu", Verdict::Idle, "", {}},
                        {"proxy", Verdict::Active, "apt holds an inhibitor: upgrading", {}}},
                       {}});
  EXPECT_EQ(b.policy().memory().failures, 0);
  EXPECT_EQ(b.seen<ArmAlarm>(), 0U);
  EXPECT_EQ(b.seen<Release>(), 1U);
}

TEST(SuspendAttempt, APreflightThatLeavesACheckOutDoesNotPass) {
  Bench b = at_drain(unloading());
  to_preflight(b);
  b.step(PreflightDone{b.last<RunPreflight>().op, {{"cpu", Verdict::Idle, "", {}}}, {}});
  EXPECT_EQ(b.seen<ArmAlarm>(), 0U);
  EXPECT_THAT(b.view().reason, HasSubstr("proxy cannot tell: did not look again"));
}

TEST(SuspendAttempt, AFatalProblemBlocksWithAPause) {
  Settings settings = unloading();
  settings.on_blocked.set = true;
  Bench b = at_drain(settings);
  to_preflight(b);
  const auto actions = b.checked({"eth0 cannot be armed"});
  EXPECT_EQ(b.state(), State::Blocked);
  EXPECT_EQ(b.view().reason, "eth0 cannot be armed");
  EXPECT_EQ(b.view().block->cause, BlockCause::NotReady);
  EXPECT_EQ(b.view().retry_in, 1min);
  EXPECT_THAT(actions, HasTopic(Topic::Blocked));
  EXPECT_EQ(b.last<RunHook>().hook, Hook::OnBlocked);
  b.done<Release>(), b.done<RunHook>();
  b.wait(1min - 1ms);
  EXPECT_EQ(b.state(), State::Blocked);
  b.wait(1ms);
  EXPECT_EQ(b.state(), State::Preparing) << "idle all the time: tries at once";
  to_preflight(b);
  b.checked({"eth0 cannot be armed"});
  EXPECT_EQ(b.view().retry_in, 2min);
  EXPECT_EQ(b.seen<RunHook>(), 1U) << "nobody is told twice of the same";
}

TEST(SuspendAttempt, FailuresBackOffTwiceAsLongEachAndBlockAfterFive) {
  Bench b(unloading());
  const std::vector<Duration> pauses{1min, 2min, 4min, 8min, 1h, 1h};
  for (std::size_t i = 0; i < pauses.size(); ++i) {
    SCOPED_TRACE(i);
    b.wait(i == 0 ? 15min : Duration{1ms});
    ASSERT_EQ(b.seen<RequestDrain>(), i + 1);
    b.granted();
    b.done<Unload>(false, "qwen does not stop");
    b.done<Release>();
    EXPECT_EQ(b.view().failures, static_cast<int>(i) + 1);
    EXPECT_EQ(b.view().retry_in, pauses[i]);
    EXPECT_EQ(b.state(), i < 4 ? State::Active : State::Blocked);
    EXPECT_THAT(b.view().reason, HasSubstr("unload: qwen does not stop"));
    b.wait(pauses[i] - 1ms);
  }
}

TEST(SuspendAttempt, AnUnloadThatARequestOvertookIsNoFailure) {
  Bench b = at_drain(unloading());
  b.granted();
  b.step(ActionDone{b.last<Unload>().op, false, "the lease was taken away", true});
  EXPECT_EQ(b.state(), State::Preparing) << "the lease itself says why";
  b.step(DrainCancelled{Attempt{1}, "request"});
  EXPECT_EQ(b.state(), State::IdleCountdown);
  EXPECT_EQ(b.view().totals.drains_cancelled, 1U);
  EXPECT_EQ(b.policy().memory().failures, 0);
}

TEST(SuspendAttempt, ALeaseThatIsGoneWithoutAWordIsNotWaitedForForEver) {
  Bench b = at_drain(unloading());
  b.granted();
  b.step(ActionDone{b.last<Unload>().op, false, "the lease was taken away", true});
  b.wait(10s);
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.view().totals.failures["unload"], 1U);
}

TEST(SuspendAttempt, EveryWaitEnds) {
  struct Case {
    const char* step;
    void (*go)(Bench&);
    Duration limit;
  };
  const Case cases[] = {{"unload", to_granted, 45s},
                        {"preflight", to_preflight, 30s},
                        {"alarm", to_alarm, 5s},
                        {"commit", to_commit, 10s}};
  for (const Case& each : cases) {
    SCOPED_TRACE(each.step);
    Bench b = at_drain(unloading());
    each.go(b);
    b.wait(each.limit - 1ms);
    EXPECT_EQ(b.state(), State::Preparing);
    b.wait(1ms);
    EXPECT_EQ(b.state(), State::Active);
    EXPECT_THAT(b.view().last_failure, HasSubstr(each.step));
    EXPECT_EQ(b.seen<Release>(), 1U);
    EXPECT_EQ(b.view().totals.failures[each.step], 1U);
  }
}

TEST(SuspendAttempt, ASuspendThatLogindRefusesIsToldAndCounted) {
  Bench b;
  b.to_suspend();
  b.done<Suspend>(false, "Sleep verb not supported");
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.last<ReportResume>().slept, 0ms);
  EXPECT_EQ(b.view().last_failure, "suspend: Sleep verb not supported");
}

TEST(SuspendAttempt, OnlySleepIsSuccess) {
  struct Case {
    Duration slept;
    std::optional<bool> grew;
    bool ok;
  };
  const Case cases[] = {{0ms, true, false}, {499ms, true, false},        {500ms, true, true},
                        {1h, false, false}, {1h, std::nullopt, true},    {0ms, std::nullopt, false},
                        {1h, true, true},   {499ms, std::nullopt, false}};
  for (const Case& each : cases) {
    SCOPED_TRACE(testing::PrintToString(each.slept.count()));
    Bench b;
    b.to_suspend();
    b.sleep(each.slept, {each.grew, "freeze", "EBUSY", WakeReason::Wol, "eth0"});
    EXPECT_EQ(b.view().totals.suspends["ok"], each.ok ? 1U : 0U);
    EXPECT_EQ(b.view().failures, each.ok ? 0 : 1);
    EXPECT_EQ(b.last<ReportResume>().slept, each.slept >= 500ms ? each.slept : 0ms);
    if (!each.ok) {
      EXPECT_THAT(b.view().last_failure, HasSubstr("EBUSY"));
    }
    EXPECT_EQ(b.view().last_suspend->ok, each.ok);
  }
}

TEST(SuspendAttempt, ASuccessForgetsTheFailures) {
  Bench b;
  b.to_suspend();
  b.done<Suspend>(false, "no");
  b.done<ReportResume>();
  EXPECT_EQ(b.view().failures, 1);
  b.to_suspend();
  b.sleep(1h);
  EXPECT_EQ(b.view().failures, 0);
  EXPECT_FALSE(b.view().retry_in);
}

TEST(SuspendAttempt, ASuspendThatNeverComesIsOverAfterAMinuteOfTimeAwake) {
  Bench b;
  b.to_suspend();
  b.done<Suspend>();
  b.wait(60s - 1ms);
  EXPECT_EQ(b.state(), State::Suspending);
  EXPECT_GE(b.seen<Renew>(), 5U) << "the proxy would give up after 30 s";
  b.wait(1ms);
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.view().last_failure, "suspend: the machine did not sleep");
  EXPECT_EQ(b.seen<ReportResume>(), 1U);
}

TEST(SuspendAttempt, ASleepWhoseEndNobodyTellsIsFoundByTheClocks) {
  Bench b;
  b.to_suspend();
  b.done<Suspend>();
  b.step(SleepStarting{});
  b.pass(2h, false);
  b.wait(60s);
  EXPECT_EQ(b.state(), State::Resumed);
  EXPECT_EQ(b.view().last_suspend->slept, 2h);
  EXPECT_TRUE(b.view().last_suspend->ok);
  EXPECT_EQ(b.last<ReportResume>().slept, 2h);
}

TEST(SuspendAttempt, TheProxyIsToldUntilItHasHeard) {
  Bench b;
  b.to_suspend();
  b.step(SleepStarting{});
  b.pass(2h, false);
  b.step(SleepEnded{});
  EXPECT_EQ(b.seen<ReportResume>(), 1U);
  b.done<ReportResume>(false, "connection refused");
  auto all = b.wait(30min);
  EXPECT_GT(b.seen<ReportResume>(), 20U);
  EXPECT_THAT(all, HasTopic(Topic::Proxy));
  EXPECT_EQ(b.state(), State::Active);
  EXPECT_EQ(b.view().reason, "the proxy has not heard yet that the machine is awake");
  const std::size_t before = b.seen<ReportResume>();
  while (b.seen<ReportResume>() == before) b.wait(1s);
  b.done<ReportResume>();
  EXPECT_NE(b.state(), State::Active);
}

TEST(SuspendAttempt, AProxyThatNeedNotBeThereIsNotToldForEver) {
  Settings settings = plain();
  settings.proxy = ProxyUse::IfThere;
  settings.linger_wol = 3min;
  Bench b(settings);
  b.to_suspend();
  b.step(ActionDone{b.last<Suspend>().op, true, ""});
  b.step(SleepStarting{});
  b.pass(1h, false);
  b.step(SleepEnded{Bench::woken_by(WakeReason::Wol, "eth0")});
  const std::size_t before = b.seen<RequestDrain>();
  for (int i = 0; i < 200; ++i) {
    b.done<ReportResume>(false, "nobody listens");
    b.wait(1s);
  }
  EXPECT_GT(b.seen<RequestDrain>(), before) << b.view().next;
  EXPECT_FALSE(b.policy().memory().unreported_resume);
}

TEST(SuspendAttempt, TheFailureOfAHookAbortsOnlyIfItShall) {
  for (const bool first : {true, false}) {
    for (const OnFail on_fail : {OnFail::Warn, OnFail::Abort}) {
      Settings settings = plain();
      (first ? settings.pre_drain : settings.pre_suspend) = {true, on_fail, 30s};
      settings.post_resume.set = true;
      Bench b(settings);
      b.wait(15min);
      if (!first) b.granted();
      const auto actions = b.done<RunHook>(false, "exit status 3");
      EXPECT_THAT(actions, HasTopic(Topic::HookFailed));
      if (on_fail == OnFail::Warn) {
        EXPECT_EQ(b.state(), State::Preparing);
        EXPECT_TRUE(first ? has<RequestDrain>(actions) : has<RunPreflight>(actions));
      } else {
        EXPECT_EQ(b.state(), State::Active);
        EXPECT_EQ(b.view().failures, 1);
        EXPECT_EQ(b.seen<Release>(), first ? 0U : 1U);
        EXPECT_EQ(b.last<RunHook>().hook, Hook::PostResume) << "undoes what the first part did";
      }
    }
  }
}

TEST(SuspendAttempt, AHookThatHangsIsCancelled) {
  Settings settings = plain();
  settings.pre_suspend.set = true;
  Bench b = at_drain(settings);
  b.granted();
  b.wait(35s);
  EXPECT_EQ(b.last<Cancel>().op, b.last<RunHook>().op);
  EXPECT_EQ(b.seen<RunPreflight>(), 1U);
}

TEST(SuspendAttempt, AnAlarmThatCannotBeSetKeepsItAwakeIfOneIsNeeded) {
  Bench b(unloading());
  b.step(WakeupsChanged{{{kNoon + 8h, "morning"}}});
  b.wait(15min);
  to_alarm(b);
  b.done<ArmAlarm>(false, "no CAP_WAKE_ALARM");
  EXPECT_EQ(b.seen<Commit>(), 0U);
  EXPECT_EQ(b.view().last_failure, "alarm: no CAP_WAKE_ALARM");

  Bench none = at_drain(unloading());
  to_alarm(none);
  EXPECT_EQ(none.last<ArmAlarm>().at, std::nullopt);
  none.done<ArmAlarm>(false, "no CAP_WAKE_ALARM");
  EXPECT_EQ(none.seen<Commit>(), 1U);
}

TEST(SuspendAttempt, AnOperatorSkipsTheWaitAndNothingElse) {
  Bench b;
  b.wait(10s);
  b.step(SuspendWanted{CommandId{1}, false, "root"});
  EXPECT_TRUE(b.last<Reply>().accepted);
  EXPECT_EQ(b.last<RequestDrain>().reason, "asked for by root");
  b.step(DrainRefused{b.last<RequestDrain>().op, false, "1 request"});
  EXPECT_EQ(b.state(), State::IdleCountdown);

  b.becomes("cpu", Verdict::Active, "busy");
  b.step(SuspendWanted{CommandId{2}, false, "root"});
  EXPECT_FALSE(b.last<Reply>().accepted);
  EXPECT_THAT(b.last<Reply>().text, HasSubstr("cpu: busy"));
}

TEST(SuspendAttempt, AnOperatorMaySleepThoughAWakeupIsNear) {
  Bench b;
  b.step(WakeupsChanged{{{b.now().realtime + 2min, "the end of the wake test"}}});
  b.step(SuspendWanted{CommandId{1}, false, "root"});
  b.granted(), b.checked();
  EXPECT_TRUE(b.last<ArmAlarm>().at) << b.view().reason;
  b.done<ArmAlarm>(), b.committed();
  EXPECT_EQ(b.seen<Suspend>(), 1U);
}

TEST(SuspendAttempt, ForceOverridesEverythingButRequests) {
  Bench b;
  b.becomes("cpu", Verdict::Active, "busy");
  b.step(HoldWanted{CommandId{1}, "t", "x", "anna", 1h, false});
  b.step(SuspendWanted{CommandId{2}, true, "root"});
  EXPECT_TRUE(b.last<Reply>().accepted);
  b.granted();
  EXPECT_THAT(b.checked({"eth0 cannot be armed"}), HasTopic(Topic::Preflight));
  b.done<ArmAlarm>();
  b.committed();
  EXPECT_EQ(b.seen<Suspend>(), 1U);

  Bench busy;
  busy.step(SuspendWanted{CommandId{2}, true, "root"});
  EXPECT_FALSE(busy.last<RequestDrain>().force);
  busy.step(DrainRefused{busy.last<RequestDrain>().op, false, "1 request"});
  EXPECT_EQ(busy.state(), State::IdleCountdown);
}

}  // namespace
}  // namespace rouse::core::suspend::test
