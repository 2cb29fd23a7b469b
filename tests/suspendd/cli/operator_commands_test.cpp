#include "suspendd/cli/operator_commands.hpp"

#include "tests/suspendd/cli/beside_a_daemon.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using Then = test::ScriptedProxy::Then;

constexpr const char* kHold = "/v1/hold";
constexpr const char* kStatus = "/v1/status";
constexpr const char* kRelease = "/v1/release";
constexpr const char* kWakeTest = "/v1/wake-test";
constexpr const char* kGate = "/v1/gate";

class OperatorCommands : public test::BesideADaemon {};

TEST_F(OperatorCommands, AHoldPrintsItsToken) {
  daemon_.answers(kHold, {200, R"({"token":"ab12","message":"held"})"});
  EXPECT_EQ(run([&] { return hold_awake(options_, {1h, "a job"}); }), 0);
  EXPECT_EQ(daemon_.body(kHold), R"({"why":"a job","for_ms":3600000})");
  EXPECT_EQ(out_, "ab12: stays awake for 1 h 0 min\n");
  EXPECT_EQ(run([&] { return hold_awake(options_, {std::nullopt, "a job"}); }), 0);
  EXPECT_EQ(daemon_.body(kHold), R"({"why":"a job"})");
  EXPECT_EQ(out_, "ab12: stays awake until `rouse-suspendd release`\n");
  daemon_.answers(kHold, {200, R"({"token":"ab12","message":"held, but it is on its way"})"});
  EXPECT_EQ(run([&] { return hold_awake(options_, {std::nullopt, ""}); }), 0);
  EXPECT_THAT(out_, HasSubstr("\nheld, but it is on its way\n"));
  options_.json = true;
  EXPECT_EQ(run([&] { return hold_awake(options_, {std::nullopt, ""}); }), 0);
  EXPECT_EQ(out_, R"({"token":"ab12","message":"held, but it is on its way"})");
}

TEST_F(OperatorCommands, ARefusalIsPrintedForAPerson) {
  daemon_.answers(kHold, {403, R"({"code":"forbidden","message":"not you"})"});
  EXPECT_EQ(run([&] { return hold_awake(options_, {1h, ""}); }), 1);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(err_, "rouse-suspendd: not you\n");
  daemon_.answers(kHold, {502, "<html>"});
  EXPECT_EQ(run([&] { return hold_awake(options_, {1h, ""}); }), 1);
  EXPECT_THAT(err_, HasSubstr("status 502"));
}

TEST_F(OperatorCommands, WithoutADaemonTheySayWhatToDo) {
  options_.socket = dir_ / "no.sock";
  EXPECT_EQ(run([&] { return hold_awake(options_, {1h, ""}); }), 3);
  EXPECT_THAT(err_, HasSubstr("systemctl start rouse-suspendd"));
  daemon_.answers(kStatus, {0, "", Then::HangUp});
  options_.socket = daemon_.socket();
  EXPECT_EQ(run([&] { return release_hold(options_, ""); }), 3);
  EXPECT_THAT(err_, testing::Not(HasSubstr("systemctl start")));
}

TEST_F(OperatorCommands, ReleaseTakesTheTokenOrTheOnlyHold) {
  daemon_.answers(kRelease, {200, R"({"code":"ok","message":"released"})"});
  EXPECT_EQ(run([&] { return release_hold(options_, "t\"1"); }), 0);
  EXPECT_EQ(daemon_.body(kRelease), R"({"token":"t\"1"})");
  EXPECT_EQ(out_, "released\n");
  EXPECT_EQ(daemon_.asked(kStatus), 0);
  daemon_.answers(kStatus, {200, R"({"holds":[{"token":"only","why":"x"}]})"});
  EXPECT_EQ(run([&] { return release_hold(options_, ""); }), 0);
  EXPECT_EQ(daemon_.body(kRelease), R"({"token":"only"})");
  options_.json = true;
  EXPECT_EQ(run([&] { return release_hold(options_, "t"); }), 0);
  EXPECT_EQ(out_, R"({"code":"ok","message":"released"})");
}

TEST_F(OperatorCommands, ReleaseGuessesNothing) {
  daemon_.answers(kStatus,
                  {200, R"({"holds":[{"token":"a","why":"one"},{"token":"b","why":"two"}]})"});
  EXPECT_EQ(run([&] { return release_hold(options_, ""); }), 1);
  EXPECT_THAT(err_, AllOf(HasSubstr("a  one"), HasSubstr("b  two")));
  daemon_.answers(kStatus, {200, R"({"holds":[]})"});
  EXPECT_EQ(run([&] { return release_hold(options_, ""); }), 0);
  EXPECT_EQ(out_, "there is no hold\n");
  EXPECT_EQ(daemon_.asked(kRelease), 0);
}

TEST_F(OperatorCommands, HistoryIsForPeople) {
  daemon_.answers("/v1/history",
                  {200,
                   "{\"at\":\"T1\",\"topic\":\"suspended\",\"text\":\"slept\"}\n"
                   "{\"at\":\"T2\",\"topic\":\"command\",\"command\":\"suspend\",\"by\":\"anna\","
                   "\"accepted\":false,\"text\":\"a hold\"}\n"
                   "{\"at\":\"T3\",\"topic\":\"command\",\"command\":\"unblock\",\"by\":\"anna\","
                   "\"accepted\":true,\"text\":\"unblocked\"}\n"
                   "half a li"});
  EXPECT_EQ(run([&] { return print_history(options_, 7); }), 0);
  EXPECT_EQ(out_,
            "T1  suspended      slept\n"
            "T2  command        suspend by anna: refused: a hold\n"
            "T3  command        unblock by anna: unblocked\n"
            "half a li\n");
  EXPECT_EQ(daemon_.requests().back().query, "last=7");
  options_.json = true;
  EXPECT_EQ(run([&] { return print_history(options_, 7); }), 0);
  EXPECT_THAT(out_, testing::StartsWith("{\"at\":\"T1\""));
}

TEST_F(OperatorCommands, AWakeTestTellsWhatHasWokenIt) {
  const std::string old = R"({"last_suspend":{"at":"T1","ok":true,"wake":"other"}})";
  for (const auto& [wake, status] : {std::pair{"wol", 0}, {"rtc", 1}}) {
    daemon_.next(kStatus, {200, old});
    daemon_.answers(kStatus,
                    {200, R"({"last_suspend":{"at":"T2","ok":true,"source":"eth0","wake":")" +
                              std::string(wake) + "\"}}"});
    EXPECT_EQ(run([&] { return test_wake(options_, 10min, true); }), status) << wake;
    EXPECT_THAT(out_, HasSubstr("woken by eth0: "));
    EXPECT_EQ(out_.find("a packet wakes this machine") != out_.npos, status == 0);
  }
  EXPECT_EQ(daemon_.body(kWakeTest), R"({"net_ms":600000})");
  daemon_.next(kStatus, {200, old});
  daemon_.next(kStatus, {200, old});
  daemon_.answers(kStatus, {200, R"({"last_suspend":{"at":"T2","ok":true,"wake":"wol"}})"});
  EXPECT_EQ(run([&] { return test_wake(options_, 10min, true); }), 0) << "that was another sleep";
}

TEST_F(OperatorCommands, AWakeTestThatDoesNotSleepSaysWhy) {
  daemon_.next(kStatus, {200, "{}"});
  daemon_.answers(kStatus, {200, R"({"last_suspend":{"at":"T2","ok":false,"detail":"too busy"}})"});
  EXPECT_EQ(run([&] { return test_wake(options_, 10min, true); }), 1);
  EXPECT_THAT(out_, HasSubstr("it did not sleep: too busy"));
  daemon_.answers(kWakeTest, {409, R"({"message":"a hold"})"});
  EXPECT_EQ(run([&] { return test_wake(options_, 10min, true); }), 1);
  EXPECT_EQ(err_, "rouse-suspendd: a hold\n");
  daemon_.answers(kStatus, {0, "", Then::HangUp});
  const long asked = daemon_.asked(kWakeTest);
  EXPECT_EQ(run([&] { return test_wake(options_, 10min, true); }), 3);
  EXPECT_EQ(daemon_.asked(kWakeTest), asked) << "nobody would see the end of it";
}

TEST_F(OperatorCommands, TheGateOnlyStopsWhatIsDenied) {
  daemon_.answers(kGate, {200, R"({"allow":true,"message":"all is prepared"})"});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  EXPECT_EQ(out_, "allowed: all is prepared\n");
  daemon_.answers(kGate, {200, R"({"allow":false,"message":"a request runs"})"});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 1);
  EXPECT_EQ(out_, "denied: a request runs\n");
  daemon_.answers(kGate, {403, R"({"message":"not you"})"});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  EXPECT_EQ(err_, "gate: the suspend goes on: not you\n");
  daemon_.answers(kGate, {200, "nonsense"});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  daemon_.answers(kGate, {0, "", Then::HangUp});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  EXPECT_THAT(err_, HasSubstr("nobody could be asked, so the suspend goes on"));
}

TEST_F(OperatorCommands, AWakeEventAfterTheGateStopsTheSuspendWhereWanted) {
  daemon_.answers(kGate, {200, R"({"allow":true})"});
  const auto count = [&] { return tree_.text("/sys/power/wakeup_count"); };
  tree_.file("/sys/power/wakeup_count", "117\n");
  tree_.file("/etc/systemd/sleep.conf.d/a.conf", "[Sleep]\nSuspendState=mem\n");
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  EXPECT_EQ(count(), "117\n") << "not wanted";
  options_.config_file = dir_.write("on.yaml", "gate: {abort_on_wake: true}\n");
  tree_.file("/etc/systemd/sleep.conf.d/a.conf", "[Sleep]\nSuspendState=mem standby\n");
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  EXPECT_EQ(count(), "117\n") << "the next state would be tried";
  EXPECT_THAT(err_, HasSubstr("abort_on_wake is left out"));
  tree_.file("/etc/systemd/sleep.conf.d/a.conf", "[Sleep]\nSuspendState=mem\n");
  daemon_.answers(kGate, {200, R"({"allow":false})"});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 1);
  EXPECT_EQ(count(), "117\n") << "nothing is about to sleep";
  daemon_.answers(kGate, {200, R"({"allow":true})"});
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0);
  EXPECT_EQ(count(), "117") << "written back";
  tree_.remove("/sys/power/wakeup_count");
  EXPECT_EQ(run([&] { return open_gate(options_); }), 0) << "no reason to stop it";
  EXPECT_THAT(err_, HasSubstr("gate: "));
}

}  // namespace
}  // namespace rouse::suspendd
