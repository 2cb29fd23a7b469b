#include "suspendd/action_runner.hpp"

#include "tests/suspendd/box/alarm_timers.hpp"
#include "tests/suspendd/runner_fixture.hpp"

#include <filesystem>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using policy::Attempt;
using test::alarm_timers;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kDrain = "/v1/power/drain";
constexpr const char* kUnload = "/v1/power/unload";
constexpr const char* kCommit = "/v1/power/commit";
constexpr const char* kRelease = "/v1/power/release";
constexpr const char* kResumed = "/v1/power/resumed";
constexpr const char* kBusy =
    R"({"code":"busy","busy":[{"kind":"inflight","model":"qwen","age_ms":1200}]})";

class ActionRunnerTest : public RunnerFixture {
 protected:
  /// A lease of attempt 7 that was granted.
  policy::DrainGranted grant(const std::string& line = "{\"event\":\"granted\"}\n") {
    proxy_.answers(kDrain, {200, line, Then::Stay});
    runner_.perform(policy::RequestDrain{op(), Attempt{7}, 60s, false, "idle for 15 min"});
    return next<policy::DrainGranted>();
  }
  /// The call of @p path stays without an answer, and is given up for @p op.
  void cancel_while_silent(const std::string& path, const policy::Action& action, policy::Op op) {
    proxy_.answers(path, {0, "", Then::Silent});
    runner_.perform(action);
    ASSERT_TRUE(asked(path));
    runner_.perform(policy::Cancel{op, "given up"});
    settle();
    EXPECT_TRUE(run_until([&] { return proxy_.left(path) == 1; })) << "the call goes on";
  }
};

// --- the lease -----------------------------------------------------------------------------------

TEST_F(ActionRunnerTest, ADrainAsksForALeaseWithAllThatTheProxyMustKnow) {
  const auto granted = grant("{\"event\":\"granted\",\"last_activity_ms\":913000}\n");
  EXPECT_EQ(granted.op, policy::Op{1});
  EXPECT_EQ(granted.idle, 913s);
  EXPECT_EQ(proxy_.body(kDrain),
            R"({"lease":"1234abcd-7","ttl_ms":60000,"reason":"idle for 15 min","force":false})");
  EXPECT_EQ(runner_.proxy().error, "");
  EXPECT_EQ(actions_.size(), 1U) << "it is held";
  runner_.perform(policy::RequestDrain{op(), Attempt{8}, 30s, true, "now"});
  ASSERT_TRUE(asked(kDrain, 2));
  EXPECT_EQ(proxy_.body(kDrain),
            R"({"lease":"1234abcd-8","ttl_ms":30000,"reason":"now","force":true})");
}

TEST_F(ActionRunnerTest, ABusyProxyRefusesTheDrainInWords) {
  proxy_.answers(kDrain, {409, kBusy});
  runner_.perform(policy::RequestDrain{op(), Attempt{7}, 60s, false, ""});
  const auto refused = next<policy::DrainRefused>();
  EXPECT_EQ(refused.op, policy::Op{1});
  EXPECT_FALSE(refused.unreachable);
  EXPECT_EQ(refused.why, "1 running (qwen) for 1s");
  EXPECT_EQ(runner_.proxy().error, "") << "it was reached";
  settle();
}

TEST_F(ActionRunnerTest, AProxyThatDoesNotAnswerADrainIsUnreachable) {
  for (const Then then : {Then::Silent, Then::HangUp}) {
    proxy_.answers(kDrain, {0, "", then});
    runner_.perform(policy::RequestDrain{op(), Attempt{7}, 60s, false, ""});
    const auto refused = next<policy::DrainRefused>();
    EXPECT_EQ(refused.op, policy::Op{op_});
    EXPECT_TRUE(refused.unreachable);
    EXPECT_NE(refused.why, "");
    EXPECT_EQ(runner_.proxy().error, refused.why);
    settle();
  }
}

TEST_F(ActionRunnerTest, ALeaseThatARequestTakesAwayIsCancelled) {
  grant();
  proxy_.say(kDrain,
             "\n{\"event\":\"cancelled\",\"by\":\"request\",\"message\":\"qwen is asked\"}\n");
  const auto cancelled = next<policy::DrainCancelled>();
  EXPECT_EQ(cancelled.attempt, Attempt{7});
  EXPECT_EQ(cancelled.by, "qwen is asked");
  settle();
  grant();
  proxy_.say(kDrain, "{\"event\":\"cancelled\",\"by\":\"request\"}\n");
  EXPECT_EQ(next<policy::DrainCancelled>().by, "request");
}

TEST_F(ActionRunnerTest, ALeaseThatEndsOtherwiseHasEnded) {
  grant();
  proxy_.say(kDrain, "{\"event\":\"cancelled\",\"by\":\"ttl\",\"message\":\"it ran out\"}\n");
  const auto ended = next<policy::DrainEnded>();
  EXPECT_EQ(ended.attempt, Attempt{7});
  EXPECT_EQ(ended.why, "it ran out");
  grant();
  proxy_.say(kDrain, "{\"event\":\"awake\",\"by\":\"clock\"}\n");
  EXPECT_EQ(next<policy::DrainEnded>().why, "clock");
  grant();
  proxy_.cut(kDrain);
  EXPECT_NE(next<policy::DrainEnded>().why, "") << "the proxy has died";
  settle();
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(ActionRunnerTest, ADrainThatIsGivenUpIsNotHeardOfAgain) {
  const policy::Op asked_for = op();
  cancel_while_silent(kDrain, policy::RequestDrain{asked_for, Attempt{7}, 60s, false, ""},
                      asked_for);
  EXPECT_THAT(events_, IsEmpty());
  const policy::DrainGranted granted = grant();
  runner_.perform(policy::Cancel{granted.op, "a lease that is held is given up, too"});
  settle();
  EXPECT_TRUE(run_until([&] { return proxy_.left(kDrain) == 2; }));
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(ActionRunnerTest, CancelEndsWhatItNamesAndNothingElse) {
  proxy_.answers(kRelease, {0, "", Then::Silent});
  proxy_.answers(kUnload, {0, "", Then::Silent});
  runner_.perform(policy::Unload{op(), Attempt{7}, ""});
  runner_.perform(policy::Release{op(), Attempt{7}, ""});
  ASSERT_TRUE(asked(kUnload) && asked(kRelease));
  runner_.perform(policy::Cancel{policy::Op{2}, ""});
  runner_.perform(policy::Cancel{policy::Op{99}, "of nothing"});
  EXPECT_TRUE(run_until([this] { return proxy_.left(kRelease) == 1; }));
  EXPECT_EQ(proxy_.left(kUnload), 0);
}

TEST_F(ActionRunnerTest, RenewCommitsAgainWithoutANewTime) {
  runner_.perform(policy::Renew{op(), Attempt{7}, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_EQ(done.op, policy::Op{1});
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(proxy_.body(kCommit), R"({"lease":"1234abcd-7","expect_wake":null})");
  proxy_.answers(kCommit, {409, R"({"code":"lease_gone","message":"no such lease"})"});
  runner_.perform(policy::Renew{op(), Attempt{7}, ""});
  const auto refused = next<policy::ActionDone>();
  EXPECT_FALSE(refused.ok);
  EXPECT_EQ(refused.detail, "no such lease");
  const policy::Op silent = op();
  proxy_.answers(kCommit, {0, "", Then::HangUp});
  runner_.perform(policy::Renew{silent, Attempt{7}, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
}

TEST_F(ActionRunnerTest, ReleaseGivesTheLeaseBackAndDropsItsStream) {
  grant();
  runner_.perform(policy::Release{op(), Attempt{7}, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_EQ(done.op, policy::Op{2});
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(proxy_.body(kRelease), R"({"lease":"1234abcd-7"})");
  settle();
  EXPECT_TRUE(run_until([this] { return proxy_.left(kDrain) == 1; }));
  EXPECT_THAT(events_, IsEmpty()) << "nobody asks any more how that lease ended";
}

TEST_F(ActionRunnerTest, AReleaseThatFailsDropsTheStreamAllTheSame) {
  grant();
  proxy_.answers(kRelease, {0, "", Then::HangUp});
  runner_.perform(policy::Release{op(), Attempt{7}, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
  settle();
  EXPECT_TRUE(run_until([this] { return proxy_.left(kDrain) == 1; }));
}

TEST_F(ActionRunnerTest, ALeaseThatIsGoneAlreadyIsReleased) {
  proxy_.answers(kRelease, {409, R"({"code":"lease_gone","message":"no such lease"})"});
  runner_.perform(policy::Release{op(), Attempt{7}, ""});
  EXPECT_TRUE(next<policy::ActionDone>().ok);
  proxy_.answers(kRelease, {409, R"({"code":"odd","message":"no"})"});
  runner_.perform(policy::Release{op(), Attempt{7}, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
}

TEST_F(ActionRunnerTest, UnloadHasTheTimeThatItIsConfigured) {
  proxy_.answers(kRelease, {0, "", Then::Silent});
  proxy_.answers(kUnload, {0, "", Then::Silent});
  config_->proxy.unload_timeout = 60s;
  const policy::Op unload = op();
  runner_.perform(policy::Unload{unload, Attempt{7}, ""});
  runner_.perform(policy::Release{op(), Attempt{7}, ""});
  EXPECT_EQ(next<policy::ActionDone>().op, policy::Op{2})
      << "the other call has long run out of time";
  EXPECT_EQ(proxy_.left(kUnload), 0);
  EXPECT_EQ(proxy_.body(kUnload), R"({"lease":"1234abcd-7","policy":"auto"})");
  runner_.perform(policy::Cancel{unload, ""});
  settle();
  EXPECT_TRUE(run_until([this] { return proxy_.left(kUnload) == 1; }));
  config_->proxy.unload_timeout = -4'980ms;  // five seconds are added
  runner_.perform(policy::Unload{op(), Attempt{7}, ""});
  while (!events_.empty()) events_.pop_front();
  EXPECT_FALSE(next<policy::ActionDone>().ok) << "and no longer";
}

TEST_F(ActionRunnerTest, UnloadTellsWhatBecameOfIt) {
  runner_.perform(policy::Unload{op(), Attempt{7}, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(done.op, policy::Op{1});
  proxy_.answers(kUnload, {504, R"({"code":"unload_timeout","message":"qwen does not stop"})"});
  runner_.perform(policy::Unload{op(), Attempt{7}, ""});
  const auto failed = next<policy::ActionDone>();
  EXPECT_FALSE(failed.ok);
  EXPECT_EQ(failed.detail, "qwen does not stop");
}

// --- the sleep -----------------------------------------------------------------------------------

TEST_F(ActionRunnerTest, ACommitSaysWhenTheMachineWakesAndTellsTheEpoch) {
  proxy_.answers(kCommit, {200, R"({"epoch":123456789012,"acks":0})"});
  const policy::WallTime morning{std::chrono::seconds(1'700'000'000)};
  runner_.perform(policy::Commit{op(), Attempt{7}, morning, ""});
  const auto committed = next<policy::Committed>();
  EXPECT_EQ(committed.op, policy::Op{1});
  EXPECT_EQ(committed.epoch, 123456789012U);
  EXPECT_THAT(proxy_.body(kCommit),
              AllOf(HasSubstr(R"({"lease":"1234abcd-7","expect_wake":"2023-11-14T22:13:20)")));
  settle();
  EXPECT_THAT(events_, IsEmpty()) << "one answer";
  runner_.perform(policy::Commit{op(), Attempt{7}, std::nullopt, ""});
  next<policy::Committed>();
  EXPECT_THAT(proxy_.body(kCommit), HasSubstr(R"("expect_wake":null)"));
}

TEST_F(ActionRunnerTest, ACommitThatIsRefusedOrBringsNoAnswerIsToldSo) {
  proxy_.answers(kCommit, {409, kBusy});
  runner_.perform(policy::Commit{op(), Attempt{7}, std::nullopt, ""});
  const auto refused = next<policy::ActionDone>();
  EXPECT_EQ(refused.op, policy::Op{1});
  EXPECT_FALSE(refused.ok);
  EXPECT_EQ(refused.detail, "1 running (qwen) for 1s");
  proxy_.answers(kCommit, {0, "", Then::HangUp});
  runner_.perform(policy::Commit{op(), Attempt{7}, std::nullopt, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
  const policy::Op silent = op();
  cancel_while_silent(kCommit, policy::Commit{silent, Attempt{7}, std::nullopt, ""}, silent);
}

TEST_F(ActionRunnerTest, SuspendClosesTheDriverBeforeItCallsLogind) {
  const Result<GpuReading> warm = run(gpu_.read());
  ASSERT_TRUE(warm) << warm.error().message();
  const auto helpers = [] {
    int count = 0;
    for (const std::string& pid : Root().list("/proc")) {
      const auto stat = Root().read("/proc/" + pid + "/stat");
      const std::string ours = " " + std::to_string(::getpid()) + " ";
      if (stat && stat->find("(gpu-probe)") != std::string::npos &&
          stat->find(ours) != std::string::npos) {
        ++count;
      }
    }
    return count;
  };
  ASSERT_EQ(helpers(), 1);
  runner_.perform(policy::Suspend{op(), Attempt{7}, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(done.op, policy::Op{1});
  EXPECT_EQ(helpers(), 0);
  EXPECT_THAT(fake_.calls(), testing::Contains("SuspendWithFlags(t) 0"));
}

TEST_F(ActionRunnerTest, ASuspendThatLogindRefusesIsToldInItsWords) {
  fake_.fail("SuspendWithFlags", "org.freedesktop.login1.OperationInProgress", "one is under way");
  runner_.perform(policy::Suspend{op(), Attempt{7}, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_FALSE(done.ok);
  EXPECT_THAT(done.detail, HasSubstr("one is under way"));
  EXPECT_EQ(fake_.sleeps(), 0);
}

TEST_F(ActionRunnerTest, ASuspendThatIsGivenUpIsNotWaitedFor) {
  fake_.hang("SuspendWithFlags");
  runner_.perform(policy::Suspend{op(), Attempt{7}, ""});
  ASSERT_TRUE(run_until([this] {
    const auto calls = fake_.calls();
    return std::find(calls.begin(), calls.end(), "SuspendWithFlags(t) 0") != calls.end();
  }));
  runner_.perform(policy::Cancel{policy::Op{1}, ""});
  settle();
}

TEST_F(ActionRunnerTest, TheDelayLockIsLetGoAfterTheDriver) {
  group_.spawn(lock_.keep());
  ASSERT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  const Result<GpuReading> warm = run(gpu_.read());
  ASSERT_TRUE(warm);
  runner_.perform(policy::ReleaseDelayLock{"all is done"});
  EXPECT_TRUE(lock_.held()) << "the driver is still open";
  settle();
  EXPECT_FALSE(lock_.held());
  EXPECT_TRUE(fake_.wait_for_locks(0));
}

TEST_F(ActionRunnerTest, ResumedSaysHowLongItSleptAndWhatWokeIt) {
  runner_.perform(
      policy::ReportResume{op(), 41, 8h, policy::WakeReason::PowerButton, "it is awake"});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(done.op, policy::Op{1});
  EXPECT_EQ(proxy_.body(kResumed), R"({"epoch":41,"slept_ms":28800000,"wake":"power_button"})");
  proxy_.answers(kResumed, {409, R"({"code":"stale_epoch","message":"awake long since"})"});
  runner_.perform(policy::ReportResume{op(), 41, 8h, policy::WakeReason::Wol, ""});
  EXPECT_TRUE(next<policy::ActionDone>().ok) << "it knows already";
  proxy_.answers(kResumed, {409, R"({"code":"lease_gone","message":"odd"})"});
  runner_.perform(policy::ReportResume{op(), 41, 8h, policy::WakeReason::Wol, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
  proxy_.answers(kResumed, {0, "", Then::Silent});
  runner_.perform(policy::ReportResume{op(), 41, 8h, policy::WakeReason::Wol, ""});
  const auto silent = next<policy::ActionDone>();
  EXPECT_FALSE(silent.ok);
  EXPECT_NE(silent.detail, "");
}

TEST_F(ActionRunnerTest, ATreeHasNoAlarmClock) {
  runner_.perform(policy::ArmAlarm{op(), policy::WallTime{std::chrono::seconds(1)}, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(done.op, policy::Op{1});
  EXPECT_THAT(alarm_timers(), IsEmpty());
}

TEST_F(ActionRunnerTest, TheAlarmIsSetForItsTimeAndCleared) {
  const Root machine;
  ActionRunner runner(
      {actions_, power_, logind_, lock_, gpu_, preflight_, checks_, state_, notices_, machine},
      "boot", [this](policy::Event event) { events_.push_back(std::move(event)); });
  runner.perform(policy::ArmAlarm{op(), std::nullopt, "there was none"});
  EXPECT_TRUE(next<policy::ActionDone>().ok);
  EXPECT_THAT(alarm_timers(), IsEmpty());
  const policy::WallTime in_an_hour = read_now(machine).realtime + 1h;
  runner.perform(policy::ArmAlarm{op(), in_an_hour, "morning"});
  const auto done = next<policy::ActionDone>();
  EXPECT_EQ(done.op, policy::Op{2});
  if (const auto may = may_wake_by_alarm(); !may) {
    EXPECT_FALSE(done.ok);
    EXPECT_THAT(done.detail, HasSubstr("CAP_WAKE_ALARM"));
    return;
  }
  EXPECT_TRUE(done.ok) << done.detail;
  ASSERT_THAT(alarm_timers(), SizeIs(1));
  EXPECT_NEAR(static_cast<double>(alarm_timers()[0].left.count()), 3600, 5);
  const policy::WallTime in_two_hours = in_an_hour + 1h;
  runner.perform(policy::ArmAlarm{op(), in_two_hours, "another"});
  EXPECT_TRUE(next<policy::ActionDone>().ok);
  ASSERT_THAT(alarm_timers(), SizeIs(1));
  EXPECT_NEAR(static_cast<double>(alarm_timers()[0].left.count()), 7200, 5);
  // Cleared, it is never due, whatever was set before.
  runner.perform(policy::ArmAlarm{op(), read_now(machine).realtime + 20ms, "soon"});
  EXPECT_TRUE(next<policy::ActionDone>().ok);
  runner.perform(policy::ArmAlarm{op(), std::nullopt, "not any more"});
  EXPECT_TRUE(next<policy::ActionDone>().ok);
  auto later = WakeAlarm::open();
  ASSERT_TRUE(later);
  ASSERT_TRUE(later->set((read_now(machine).realtime + 40ms).time_since_epoch()));
  EXPECT_TRUE(run_until([] { return alarm_timers().back().is_due; }));
  EXPECT_FALSE(alarm_timers().front().is_due);
}

// --- hooks and the GPU ---------------------------------------------------------------------------

TEST_F(ActionRunnerTest, EachHookRunsItsOwnCommandWithWhatItMayKnow) {
  const std::string note = dir_ / "note";
  const auto command = [&](const char* word) {
    return std::vector<std::string>{
        "sh", "-c",
        "echo " + std::string(word) + " $ROUSE_HOOK $ROUSE_REASON $ROUSE_SLEPT_MS $ROUSE_WAKE > " +
            note};
  };
  config_->hooks.pre_drain.argv = command("a");
  config_->hooks.pre_suspend.argv = command("b");
  config_->hooks.post_resume.argv = command("c");
  config_->hooks.on_blocked.argv = command("d");
  const auto run = [&](policy::Hook hook) {
    runner_.perform(policy::RunHook{op(), hook, 10s, 5s, policy::WakeReason::Rtc, "because"});
    const auto done = next<policy::ActionDone>();
    EXPECT_TRUE(done.ok) << done.detail;
    EXPECT_EQ(done.op, policy::Op{op_});
    EXPECT_EQ(done.detail, "");
    return test::read_file(note);
  };
  EXPECT_EQ(run(policy::Hook::PreDrain), "a pre_drain because 5000 rtc\n");
  EXPECT_EQ(run(policy::Hook::PreSuspend), "b pre_suspend because 5000 rtc\n");
  EXPECT_EQ(run(policy::Hook::PostResume), "c post_resume because 5000 rtc\n");
  EXPECT_EQ(run(policy::Hook::OnBlocked), "d on_blocked because 5000 rtc\n");
}

TEST_F(ActionRunnerTest, AHookThatFailsSaysWhatItSaidLast) {
  config_->hooks.pre_drain.argv = {"sh", "-c",
                                   "echo first; echo second; echo not now; echo; exit 3"};
  runner_.perform(policy::RunHook{op(), policy::Hook::PreDrain, 10s, 0s, {}, ""});
  const auto failed = next<policy::ActionDone>();
  EXPECT_FALSE(failed.ok);
  EXPECT_THAT(failed.detail, testing::EndsWith(": not now"));
  EXPECT_THAT(failed.detail, HasSubstr("3"));
  config_->hooks.pre_drain.argv = {"/no/such/program"};
  runner_.perform(policy::RunHook{op(), policy::Hook::PreDrain, 10s, 0s, {}, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
  config_->hooks.pre_drain.argv = {"sh", "-c", "sleep 60"};
  runner_.perform(policy::RunHook{op(), policy::Hook::PreDrain, 50ms, 0s, {}, ""});
  const auto late = next<policy::ActionDone>();
  EXPECT_FALSE(late.ok);
  EXPECT_EQ(late.detail, "did not end in time");
}

TEST_F(ActionRunnerTest, AHookThatIsGivenUpIsKilled) {
  const std::string started = dir_ / "started";
  config_->hooks.pre_suspend.argv = {"sh", "-c", "echo $$ > " + started + "; exec sleep 60"};
  runner_.perform(policy::RunHook{op(), policy::Hook::PreSuspend, 60s, 0s, {}, ""});
  ASSERT_TRUE(run_until(
      [&] { return std::filesystem::exists(started) && !test::read_file(started).empty(); }));
  const pid_t pid = std::atoi(test::read_file(started).c_str());
  runner_.perform(policy::Cancel{policy::Op{1}, "too slow"});
  settle();
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(ActionRunnerTest, TheProbeOfTheGpuTellsWhatItSaw) {
  runner_.perform(policy::ProbeGpu{op(), ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_EQ(done.op, policy::Op{1});
  EXPECT_TRUE(done.ok) << done.detail;
  EXPECT_NE(done.detail, "");
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/power/runtime_status", "active\n");
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/power/control", "on\n");
  tree_.folder("/sys/bus/pci/drivers/nvidia");
  tree_.link("/sys/bus/pci/devices/0000:01:00.0/driver", "/sys/bus/pci/drivers/nvidia");
  ::setenv("FAKE_NVML", dir_.write("nvml", "init 999\n").c_str(), 1);
  runner_.perform(policy::ProbeGpu{op(), ""});
  const auto failed = next<policy::ActionDone>();
  ::unsetenv("FAKE_NVML");
  EXPECT_EQ(failed.op, policy::Op{2});
  EXPECT_FALSE(failed.ok);
  EXPECT_THAT(failed.detail, HasSubstr("NVML 999"));
}

TEST_F(ActionRunnerTest, TheCommandThatRevivesTheGpuRunsWithinItsTime) {
  config_->gpu.recover = {"sh", "-c", "echo reset"};
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::Command, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok);
  EXPECT_THAT(done.detail, HasSubstr("reset"));
  EXPECT_EQ(done.op, policy::Op{1});
  EXPECT_THAT(proxy_.requests(), IsEmpty());
  config_->gpu.recover = {"sh", "-c", "echo still lost; exit 1"};
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::Command, ""});
  const auto failed = next<policy::ActionDone>();
  EXPECT_FALSE(failed.ok);
  EXPECT_THAT(failed.detail, HasSubstr("still lost"));
  config_->gpu.recover = {"sleep", "60"};
  config_->gpu.recover_timeout = 50ms;
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::Command, ""});
  EXPECT_EQ(next<policy::ActionDone>().detail, "did not end in time");
  config_->gpu.recover = {"/no/such/program"};
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::Command, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
}

TEST_F(ActionRunnerTest, EnginesAreRestartedUnderALeaseOfItsOwn) {
  config_->gpu.recover = {"sh", "-c", "exit 1"};
  proxy_.answers(kDrain, {200, "{\"event\":\"granted\"}\n", Then::Stay});
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::RestartEngines, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_TRUE(done.ok) << done.detail;
  EXPECT_EQ(done.op, policy::Op{1});
  const std::string lease = R"({"lease":"1234abcd-recover-1")";
  EXPECT_EQ(proxy_.body(kDrain),
            lease + R"(,"ttl_ms":45500,"reason":"the GPU is to be brought back","force":false})");
  EXPECT_EQ(proxy_.body(kUnload), lease + R"(,"policy":"auto"})");
  EXPECT_EQ(proxy_.body(kRelease), lease + "}");
}

TEST_F(ActionRunnerTest, EnginesThatAreUsedAreNotRestarted) {
  proxy_.answers(kDrain, {409, kBusy});
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::RestartEngines, ""});
  const auto done = next<policy::ActionDone>();
  EXPECT_FALSE(done.ok);
  EXPECT_EQ(done.detail, "1 running (qwen) for 1s");
  EXPECT_EQ(proxy_.asked(kUnload), 0);
  proxy_.answers(kDrain, {0, "", Then::HangUp});
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::RestartEngines, ""});
  EXPECT_FALSE(next<policy::ActionDone>().ok);
  proxy_.answers(kDrain, {200, "{\"event\":\"granted\"}\n", Then::Stay});
  proxy_.answers(kUnload, {504, R"({"message":"qwen does not stop"})"});
  runner_.perform(policy::RecoverGpu{op(), policy::GpuRecovery::RestartEngines, ""});
  const auto stuck = next<policy::ActionDone>();
  EXPECT_FALSE(stuck.ok);
  EXPECT_EQ(stuck.detail, "qwen does not stop");
  EXPECT_EQ(proxy_.asked(kRelease), 1) << "the lease is given back, whatever came of it";
}

// --- what needs no answer ------------------------------------------------------------------------

TEST_F(ActionRunnerTest, MemoryIsOnDiskWhenSaveReturns) {
  policy::Memory memory;
  memory.boot_id = "b-1";
  memory.attempts = 41;
  runner_.perform(policy::Save{memory});
  EXPECT_EQ(state_.peek()->attempts, 41U);
}

TEST_F(ActionRunnerTest, ThePreflightBringsFindingsAndProblems) {
  const auto says = std::make_shared<Finding>(Finding{Verdict::Active, "it is hot", 3s});
  std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks;
  CheckConfig config;
  config.name = "oven";
  checks.emplace_back(config, std::make_unique<SaidCheck>(says));
  checks_.start(std::move(checks));
  runner_.note_proxy("the proxy is away");
  runner_.perform(policy::RunPreflight{op(), ""});
  const auto done = next<policy::PreflightDone>();
  EXPECT_EQ(done.op, policy::Op{1});
  ASSERT_THAT(done.findings, SizeIs(1));
  EXPECT_EQ(done.findings[0].check, "oven");
  EXPECT_THAT(done.problems, testing::Contains(HasSubstr("the proxy is away")));
}

TEST_F(ActionRunnerTest, APreflightThatIsGivenUpTellsNothing) {
  fake_.hang("CanSuspend", -1);
  runner_.perform(policy::RunPreflight{op(), ""});
  ASSERT_TRUE(run_until([this] {
    const auto calls = fake_.calls();
    return std::any_of(calls.begin(), calls.end(),
                       [](const std::string& call) { return call.starts_with("CanSuspend"); });
  }));
  runner_.perform(policy::Cancel{policy::Op{1}, ""});
  settle();
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(ActionRunnerTest, RepliesAndGatesGoToWhoWaitsForThem) {
  std::optional<policy::Reply> reply;
  const policy::CommandId command = loop_.next_command();
  begin(loop_.command(command, policy::Tick()), reply);
  std::optional<policy::AnswerGate> gate;
  const policy::GateId gate_id = loop_.next_gate();
  begin(loop_.gate(gate_id), gate);
  io_.poll();
  runner_.perform(policy::Reply{command, false, "no"});
  runner_.perform(policy::AnswerGate{gate_id, false, "a request runs"});
  ASSERT_TRUE(run_until([&] { return reply.has_value() && gate.has_value(); }));
  EXPECT_FALSE(reply->accepted);
  EXPECT_EQ(reply->text, "no");
  EXPECT_FALSE(gate->allow);
  EXPECT_EQ(gate->reason, "a request runs");
}

TEST_F(ActionRunnerTest, ANoticeGoesIntoTheHistory) {
  runner_.perform(policy::Notify{policy::Severity::Info, policy::Topic::Suspended, "slept well"});
  EXPECT_THAT(state_.history(9), ElementsAre(HasSubstr("slept well")));
}

TEST_F(ActionRunnerTest, ChecksRestWhileItSuspends) {
  const auto says = std::make_shared<Finding>(Finding{Verdict::Idle, "", {}});
  std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks;
  for (const char* name : {"one", "two"}) {
    CheckConfig config;
    config.name = name;
    config.every = 1ms;
    checks.emplace_back(config, std::make_unique<SaidCheck>(says));
  }
  using policy::State;
  runner_.perform(policy::StateChanged{State::Preparing, State::Suspending, "now"});
  checks_.start(std::move(checks));
  // Whoever asks for a look gets it; none comes by itself.
  const auto posts = run(checks_.look_again());
  EXPECT_THAT(posts, SizeIs(2));
  EXPECT_THAT(found_, SizeIs(2));
  runner_.perform(policy::StateChanged{State::Suspending, State::Resumed, "awake"});
  EXPECT_TRUE(run_until([this] { return found_.size() > 20; }));
}

}  // namespace
}  // namespace rouse::suspendd
