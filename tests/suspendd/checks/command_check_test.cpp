#include "suspendd/checks/command_answer.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace rouse::suspendd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class CommandCheckTest : public CheckFixture {
 protected:
  CommandCheckTest() { config_.timeout = seconds(20); }

  std::unique_ptr<Check> shell(const std::string& script) {
    CommandCheck settings;
    settings.argv = {"/bin/sh", "-c", script, "sh", dir_.path().string()};
    return make(settings);
  }
  Finding run(const std::string& script) { return look(shell(script)); }

  /// The number that a script wrote into the file @p name; 0 as long as there is none.
  pid_t number(const std::string& name) const {
    const auto text = Root(dir_.path().string()).read_number("/" + name);
    return text ? static_cast<pid_t>(*text) : 0;
  }
  static bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }
};

TEST_F(CommandCheckTest, TheExitStatusSaysIt) {
  EXPECT_THAT(run("exit 0"), IsActive("sh exited with status 0"));
  EXPECT_THAT(run("exit 1"), IsIdle("sh exited with status 1"));
  EXPECT_THAT(run("exit 2"), IsUnknown("sh exited with status 2"));
  EXPECT_THAT(run("kill -SEGV $$"), IsUnknown(HasSubstr("was killed by signal 11")));
}

TEST_F(CommandCheckTest, WhatItSaysIsTheReason) {
  EXPECT_THAT(run("echo first; echo '2 backups run'; echo; exit 0"), IsActive("sh: 2 backups run"));
  EXPECT_THAT(run("echo no lock; exit 1"), IsIdle("sh: no lock"));
  EXPECT_THAT(run("echo oops >&2; exit 3"), IsUnknown("sh exited with status 3: oops"));
}

TEST_F(CommandCheckTest, MayAnswerInJson) {
  EXPECT_THAT(run(R"(echo '{"active":true,"reason":"rsync"}'; exit 1)"), IsActive("sh: rsync"));
  EXPECT_THAT(run(R"(echo '{"active":false,"reason":"none"}')"), IsIdle("sh: none"));
  EXPECT_THAT(run(R"(echo '{"active":null,"reason":"no server"}')"), IsUnknown("sh: no server"));
  EXPECT_THAT(run(R"(echo '{"active":false}')"), IsIdle("sh says so"));
  EXPECT_THAT(run(R"(echo '{"active":false}'; exit 9)"), IsUnknown(HasSubstr("status 9")));
}

TEST(CommandAnswer, IsTheLastOneThatIsOne) {
  EXPECT_EQ(json_answer("{\"active\":true}\n{\"active\":false}\n{\"a\":1}\nbye\n")->verdict,
            Verdict::Idle);
  for (const char* text : {"", "{", "{}", "[true]", "{\"active\":1}", "{\"active\":\"yes\"}",
                           "active", "\"active\"", "{\"active\":true"}) {
    EXPECT_FALSE(json_answer(text)) << text;
  }
}

TEST_F(CommandCheckTest, OneThatCannotBeRunIsUnknown) {
  CommandCheck settings;
  EXPECT_THAT(look(make(settings)), IsUnknown("it names no command"));
  settings.argv = {"/no/such/thing"};
  EXPECT_THAT(look(make(settings)),
              IsUnknown("cannot run /no/such/thing: No such file or directory"));
}

TEST_F(CommandCheckTest, OneThatHangsIsKilled) {
  config_.timeout = milliseconds(300);
  const auto check = shell("echo $$ >$1/pid; trap '' TERM INT HUP; while :; do sleep 1000; done");
  EXPECT_THAT(look(check), IsUnknown("sh did not end within 300ms"));
  EXPECT_TRUE(is_gone(number("pid")));
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("did not end"))) << "and it can be run again";
}

TEST_F(CommandCheckTest, ItsCallerMayEndIt) {
  const auto check = shell("echo $$ >$1/pid; sleep 1000");
  EXPECT_THAT(look_cancelled(*check, [this] { return number("pid") != 0; }),
              IsUnknown(StartsWith("running /bin/sh")));
  EXPECT_TRUE(is_gone(number("pid")));
}

TEST_F(CommandCheckTest, AFloodIsReadAndDropped) {
  EXPECT_THAT(run("head -c 20000000 /dev/zero; exit 1"), IsIdle(StartsWith("sh: ")));
  config_.timeout = milliseconds(300);
  EXPECT_THAT(run("yes"), IsUnknown(HasSubstr("did not end within 300ms")));
}

TEST_F(CommandCheckTest, WhatItLeavesBehindEndsWithIt) {
  EXPECT_EQ(run("sleep 1000 & echo $! >$1/pid; exit 1").verdict, Verdict::Idle);
  EXPECT_TRUE(is_gone(number("pid")));
}

TEST_F(CommandCheckTest, WhatLeavesItsGroupAndSessionEndsToo) {
  EXPECT_EQ(run("setsid sh -c '(sleep 1000 & echo $! >'$1'/deep); echo $$ >'$1'/pid; sleep 1000' &"
                "while [ ! -s $1/pid ]; do :; done; exit 1")
                .verdict,
            Verdict::Idle);
  ASSERT_NE(number("pid"), 0);
  ASSERT_NE(number("deep"), 0);
  EXPECT_TRUE(is_gone(number("pid")));
  EXPECT_TRUE(is_gone(number("deep")));
}

TEST_F(CommandCheckTest, OneThatHangsEndsWithAllThatLeftIt) {
  config_.timeout = milliseconds(500);
  EXPECT_EQ(
      run("setsid sh -c 'echo $$ >'$1'/pid; trap \"\" TERM; sleep 1000' & sleep 1000").verdict,
      Verdict::Unknown);
  ASSERT_NE(number("pid"), 0);
  EXPECT_TRUE(is_gone(number("pid")));
}

TEST_F(CommandCheckTest, LeavesNoZombies) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(run("sleep 1000 & exit 1").verdict, Verdict::Idle);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(CommandCheckTest, HasNothingToReadAndNoDescriptorsOfOurs) {
  EXPECT_EQ(run("cat; [ $(ls /proc/self/fd | wc -l) -le 4 ]").verdict, Verdict::Active);
}

/// Its keeper ends everything when we are gone, however we go.
TEST_F(CommandCheckTest, EndsWithUs) {
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    const auto check = shell("setsid sh -c 'echo $$ >'$1'/pid; sleep 1000' & sleep 1000");
    static_cast<void>(look(check));
    ::_exit(0);
  }
  EXPECT_TRUE(test::wait_until([this] { return number("pid") != 0; }, seconds(10)));
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  EXPECT_TRUE(test::wait_until([this] { return is_gone(number("pid")); }));
}

}  // namespace
}  // namespace rouse::suspendd
