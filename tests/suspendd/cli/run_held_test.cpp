#include "suspendd/cli/operator_commands.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/cli/beside_a_daemon.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

namespace rouse::suspendd {
namespace {

using testing::HasSubstr;
using Then = test::ScriptedProxy::Then;

constexpr const char* kHold = "/v1/hold";

class RunHeld : public test::BesideADaemon {
 protected:
  RunHeld() { daemon_.answers(kHold, {200, R"({"token":"t","message":"held"})", Then::Stay}); }
  void TearDown() override {
    std::signal(SIGINT, SIG_DFL);  // which a command at work has taken from us
    std::signal(SIGQUIT, SIG_DFL);
    BesideADaemon::TearDown();
  }

  int held(const std::string& script, const std::string& why = {}) {
    return run([&] { return run_held(options_, why, {"/bin/sh", "-c", script}); });
  }
  /// A script that waits until @p name is there, at most 10 s.
  [[nodiscard]] std::string until(const std::string& name) const {
    return "i=0; until test -e " + (dir_ / name) +
           " || test $i = 1000; do sleep 0.01; i=$((i + 1)); done; ";
  }

  std::string flag_ = dir_ / "flag";
};

TEST_F(RunHeld, TheStatusIsTheCommands) {
  EXPECT_EQ(held("echo done; exit 7", "a job"), 7);
  EXPECT_EQ(out_, "done\n");
  EXPECT_EQ(err_, "");
  EXPECT_EQ(daemon_.body(kHold), R"({"why":"a job","bound":true})");
  EXPECT_EQ(held("kill -KILL $$"), 137);
  EXPECT_EQ(daemon_.body(kHold), R"({"why":"/bin/sh runs","bound":true})");
  EXPECT_EQ(type({"run-held", "--why", "w", "--", "sh", "-c", "exit 8"}), 8);
  EXPECT_EQ(daemon_.body(kHold), R"({"why":"w","bound":true})");
}

TEST_F(RunHeld, TheHoldLastsAsLongAsTheCommand) {
  EXPECT_EQ(held("exit 0"), 0);
  EXPECT_EQ(daemon_.asked(kHold), 1);
  EXPECT_TRUE(test::wait_until([this] {
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(5));
    return daemon_.left(kHold) == 1;
  }));
}

TEST_F(RunHeld, WhoMayNotHoldDoesNotRunIt) {
  daemon_.answers(kHold, {403, R"({"message":"not you"})"});
  EXPECT_EQ(held("touch " + flag_), 125);
  EXPECT_FALSE(std::filesystem::exists(flag_));
  EXPECT_EQ(err_, "rouse-suspendd run-held: not you\n");
}

TEST_F(RunHeld, WithoutAHoldItRunsAllTheSame) {
  options_.socket = dir_ / "none.sock";
  EXPECT_EQ(held("exit 3"), 3);
  EXPECT_THAT(err_, HasSubstr("nothing keeps the machine awake"));
}

TEST_F(RunHeld, WhatTheDaemonAddsIsSaid) {
  daemon_.answers(kHold,
                  {200, R"({"token":"t","message":"held, but it sleeps first"})", Then::Stay});
  EXPECT_EQ(held("exit 0"), 0);
  EXPECT_EQ(err_, "rouse-suspendd run-held: held, but it sleeps first\n");
}

TEST_F(RunHeld, WhatCannotBeRunHasTheStatusOfAShell) {
  EXPECT_EQ(run([&] { return run_held(options_, "", {"/none/such"}); }), 127);
  EXPECT_THAT(err_, HasSubstr("/none/such: No such file or directory"));
  EXPECT_EQ(run([&] { return run_held(options_, "", {dir_.path().string()}); }), 126);
  EXPECT_THAT(err_, HasSubstr("Permission denied"));
}

TEST_F(RunHeld, ADaemonThatComesBackIsAskedAgain) {
  daemon_.next(kHold, {200, R"({"message":"held"})", Then::Close});
  daemon_.answers_now(kHold, [this] {
    std::ofstream{flag_};
    return test::ScriptedProxy::Reply{200, R"({"message":"held"})", Then::Stay};
  });
  EXPECT_EQ(held(until("flag") + "exit 5"), 5);
  EXPECT_EQ(daemon_.asked(kHold), 2);
  EXPECT_EQ(err_, "");
}

TEST_F(RunHeld, ADaemonThatRefusesIsAskedAgainAndComplainedOfOnce) {
  daemon_.answers_now(kHold, [this] {
    if (daemon_.asked(kHold) == 2) std::ofstream{flag_};
    return test::ScriptedProxy::Reply{409, R"({"message":"not now"})"};
  });
  EXPECT_EQ(held(until("flag") + "exit 5"), 5);
  EXPECT_EQ(daemon_.asked(kHold), 2);
  EXPECT_EQ(err_, "rouse-suspendd run-held: not now\n");
}

/// What is told to us is the command's: SIGTERM and SIGHUP are passed on, and what a terminal sends
/// to both is left to it.
class RunHeldSignals : public RunHeld {
 protected:
  int told(int number, const std::string& script) {
    std::thread teller([&] {
      const auto is_ready = [&] {
        struct sigaction now {};
        ::sigaction(SIGQUIT, nullptr, &now);
        return std::filesystem::exists(flag_) && now.sa_handler == SIG_IGN;
      };
      const bool is_there = test::wait_until(is_ready);
      EXPECT_TRUE(is_there);
      if (is_there) ::kill(::getpid(), number);
      std::ofstream{dir_ / "told"};
    });
    const int status = held(script);
    teller.join();
    return status;
  }
};

TEST_F(RunHeldSignals, ArePassedOn) {
  for (const auto& [number, name] : {std::pair{SIGTERM, "TERM"}, {SIGHUP, "HUP"}}) {
    std::filesystem::remove(flag_);
    const std::string script = std::string("trap 'exit 9' ") + name + "; touch " + flag_ +
                               "; i=0; until test $i = 1000; do sleep 0.01; i=$((i + 1)); done";
    EXPECT_EQ(told(number, script), 9) << name;
  }
}

TEST_F(RunHeldSignals, OfATerminalAreLeftToTheCommand) {
  for (const int number : {SIGINT, SIGQUIT}) {
    std::filesystem::remove(flag_);
    std::filesystem::remove(dir_ / "told");
    EXPECT_EQ(told(number, "touch " + flag_ + "; " + until("told") + "exit 6"), 6) << number;
  }
}

}  // namespace
}  // namespace rouse::suspendd
