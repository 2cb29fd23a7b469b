#include "proxy/engine/engine.hpp"

#include "base/process/spawn.hpp"
#include "proxy/engine/process_tree.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/logs/log_ring.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/proxy/scripted_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// One engine that is a script of the shell; the test plays its HTTP side where there is one.
class EngineTest : public StreamFixture {
 protected:
  static void SetUpTestSuite() { become_subreaper(); }
  void TearDown() override {
    if (engine_) {
      engine_->stop();
      if (!gone_ && engine_->pid() > 1) ::kill(-engine_->pid(), SIGKILL);
      EXPECT_TRUE(run_until([this] { return gone_.has_value(); }));
    }
    pool_.clear();
    server_.reset();
    StreamFixture::TearDown();
  }

  /// Ready as soon as it runs, unless a test says otherwise; nobody is killed but where that is
  /// what the test is about.
  static Launch shell(const std::string& script) {
    Launch launch;
    launch.model = "m";
    launch.argv = {"sh", "-c", script};
    launch.check_endpoint = "none";
    launch.unload_timeout = 60s;
    return launch;
  }
  /// Which listens where server_ does.
  Launch asked(const std::string& script) {
    Launch launch = shell(script);
    launch.check_endpoint = "/health";
    launch.endpoint.host = "127.0.0.1";
    return launch;
  }

  void start(Launch launch) {
    EngineEvents events;
    events.ready = [this] { ++ready_; };
    events.amiss = [this](const std::string& what) { amiss_.push_back(what); };
    events.gone = [this](const core::EngineFailure& failure) { gone_ = failure.text(); };
    engine_ = std::make_unique<Engine>(std::move(launch), std::move(events), group_, pool_, log_,
                                       registry_);
    engine_->start();
  }
  /// And waits for what it says first.
  void start(Launch launch, const std::string& says) {
    start(std::move(launch));
    ASSERT_TRUE(run_until([&] { return log_.text().find(says) != std::string::npos; })) << says;
  }
  /// Its end, in words; it must come within 5 s.
  std::string end() {
    EXPECT_TRUE(run_until([this] { return gone_.has_value(); })) << "it does not go";
    return gone_.value_or("is still there");
  }
  std::string stopped() {
    engine_->stop();
    return end();
  }

  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  LogRing log_;
  test::TempDir state_;
  EngineRegistry registry_{state_.path()};
  std::unique_ptr<test::ScriptedServer> server_;
  std::unique_ptr<Engine> engine_;
  int ready_ = 0;
  std::vector<std::string> amiss_;
  std::optional<std::string> gone_;
};

/// The rest of a shell that goes on for ever, and hears signals meanwhile.
constexpr const char* kForever = "; sleep 600 & echo up; wait; while :; do sleep 600 & wait; done";

// --- the end -------------------------------------------------------------------------------------

TEST_F(EngineTest, OneThatWasSuspendedIsContinuedSoThatItHearsTheSignal) {
  start(shell(std::string("trap 'echo heard; exit 0' TERM") + kForever), "up");
  const int pid = engine_->pid();
  ASSERT_EQ(::kill(-pid, SIGSTOP), 0);
  ASSERT_TRUE(test::wait_until([&] { return read_process(pid)->state == 'T'; }));
  EXPECT_EQ(stopped(), "");
  EXPECT_THAT(log_.text(), HasSubstr("heard"));
}

TEST_F(EngineTest, OneThatWaitsForASecondSigtermGetsItAfterTwoSeconds) {
  start(shell(std::string("trap 'echo first; trap \"echo second; exit 0\" TERM' TERM") + kForever),
        "up");
  const auto asked_at = std::chrono::steady_clock::now();
  EXPECT_EQ(stopped(), "");
  EXPECT_GE(std::chrono::steady_clock::now() - asked_at, 1'900ms);
  EXPECT_THAT(log_.text(), HasSubstr("first\nsecond"));
}

TEST_F(EngineTest, OneThatIgnoresEverySigtermIsKilledAfterItsUnloadTimeout) {
  Launch launch = shell(std::string("trap '' TERM") + kForever);
  launch.unload_timeout = 200ms;
  start(std::move(launch), "up");
  const int pid = engine_->pid();
  const auto asked_at = std::chrono::steady_clock::now();
  EXPECT_EQ(stopped(), "");
  EXPECT_GE(std::chrono::steady_clock::now() - asked_at, 190ms);
  EXPECT_EQ(engine_->pid(), 0);
  EXPECT_FALSE(read_process(pid));
}

TEST_F(EngineTest, AStopCommandTakesThePlaceOfTheFirstSignal) {
  Launch launch =
      shell(std::string("trap 'echo asked; exit 0' WINCH; trap 'echo term' TERM") + kForever);
  launch.cmd_stop = "sh -c 'echo by command; kill -WINCH $0' ${PID}";
  start(std::move(launch), "up");
  EXPECT_EQ(stopped(), "");
  EXPECT_THAT(log_.text(), AllOf(HasSubstr("asked"), Not(HasSubstr("term"))));
}

TEST_F(EngineTest, AStopCommandThatFailsOrIsNotThereIsFollowedBySigtermAtOnce) {
  for (const char* const command : {"sh -c 'exit 1'", "/nowhere/stop ${PID}"}) {
    SCOPED_TRACE(command);
    gone_.reset();
    Launch launch = shell(std::string("trap 'echo heard; exit 0' TERM") + kForever);
    launch.cmd_stop = command;
    start(std::move(launch), "up");
    const auto asked_at = std::chrono::steady_clock::now();
    EXPECT_EQ(stopped(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - asked_at, 1'500ms) << "not by the second signal";
  }
}

TEST_F(EngineTest, WhatItLeavesBehindIsGoneBeforeItIs) {
  // One that leaves its session, and does not go by SIGTERM.
  start(shell("setsid sh -c \"trap 'echo asked' TERM; echo worker \\$\\$; while :; do sleep 0.02; "
              "done\" & "
              "trap 'exit 0' TERM; while :; do sleep 0.02; done"),
        "worker ");
  const std::string said = log_.text();
  const int worker = std::stoi(said.substr(said.find("worker ") + 7));
  ASSERT_TRUE(read_process(worker));
  EXPECT_EQ(stopped(), "");
  EXPECT_THAT(log_.text(), HasSubstr("asked")) << "before it is killed";
  const auto left = read_process(worker);
  EXPECT_TRUE(!left || left->state == 'Z') << left->state;
}

// --- failures, in words --------------------------------------------------------------------------

TEST_F(EngineTest, OneThatEndsByItselfSaysHowAndWhatItWroteLast) {
  start(shell("echo loading; echo no such file >&2; exit 3"));
  EXPECT_THAT(end(), AllOf(StartsWith("exited with status 3 after"), HasSubstr("loading"),
                           HasSubstr("no such file")));
}

TEST_F(EngineTest, OneThatEndsWithoutAWordSaysThat) {
  log_.append("what an earlier run wrote\n");
  start(shell("exit 1"));
  EXPECT_THAT(end(), AllOf(HasSubstr("it wrote nothing"), Not(HasSubstr("earlier run"))));
}

TEST_F(EngineTest, OneThatEndsAfterItWasReadySaysThatItRan) {
  start(shell(std::string("trap 'exit 5' USR1") + kForever), "up");
  ASSERT_EQ(ready_, 1);
  ASSERT_GT(engine_->pid(), 1);
  ::kill(engine_->pid(), SIGUSR1);
  EXPECT_THAT(end(), StartsWith("exited with status 5 after running"));
}

TEST_F(EngineTest, AProgramThatIsNotThereIsAFailureThatNamesTheKey) {
  Launch launch = shell("");
  launch.argv = {"/nowhere/engine"};
  start(std::move(launch));
  EXPECT_THAT(end(), AllOf(HasSubstr("/nowhere/engine"), HasSubstr("(see cmd of m)")));
}

TEST_F(EngineTest, APortThatSomebodyElseHasIsNotStartedAt) {
  test::ScriptedServer other(group_, [](const std::string&) { return test::http_answer(200); });
  Launch launch = asked(fmt::format("echo started; : --port {}", other.port()));
  launch.endpoint.port = other.port();
  start(std::move(launch));
  EXPECT_THAT(end(), HasSubstr("port " + std::to_string(other.port()) + " is already taken by"));
  EXPECT_EQ(log_.text(), "");
}

TEST_F(EngineTest, AServiceThatIsThereAlreadyIsTakenAsItIs) {
  test::ScriptedServer other(group_, [](const std::string&) { return test::http_answer(200); });
  Launch launch = asked(fmt::format("echo up{}1; sleep 600", other.port()));
  launch.endpoint.port = other.port();
  start(std::move(launch));
  EXPECT_TRUE(run_until([this] { return ready_ == 1; })) << "another number has these digits";
  EXPECT_EQ(stopped(), "");
}

TEST_F(EngineTest, ASocketFileThatAnEarlierOneLeftIsRemovedAndNothingElse) {
  const test::TempDir dir;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (dir / "socket").c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  Launch launch = shell("exit 0");
  launch.endpoint.unix_path = dir / "socket";
  start(launch);
  (void)end();
  EXPECT_FALSE(std::filesystem::exists(dir / "socket"));

  gone_.reset();
  launch.endpoint.unix_path = dir.write("file", "text");
  start(launch);
  (void)end();
  EXPECT_TRUE(std::filesystem::exists(dir / "file"));
}

TEST_F(EngineTest, ItIsWrittenDownAsLongAsItRuns) {
  start(shell(std::string(":") + kForever), "up");
  const std::string journal = state_ / (registry_.instance() + ".engines");
  EXPECT_THAT(test::read_file(journal), HasSubstr(std::to_string(engine_->pid())));
  EXPECT_EQ(stopped(), "");
  EXPECT_THAT(test::read_file(journal), Not(HasSubstr("engine ")));
}

TEST_F(EngineTest, ItsEnvironmentHasItsOwnAndTheMarkByWhichItIsFound) {
  Launch launch = shell("echo OWN=$OWN MARK=$ROUSE_ENGINE");
  launch.env = {"OWN=mine"};
  start(std::move(launch));
  (void)end();
  EXPECT_EQ(log_.text(), "OWN=mine MARK=" + registry_.instance() + ":m\n");
}

// --- ready ---------------------------------------------------------------------------------------

class EngineReadiness : public EngineTest {
 protected:
  /// Its HTTP side comes when the process is there already, as a real one does.
  void listen(std::uint16_t port, test::ScriptedServer::Answer answer) {
    server_ = std::make_unique<test::ScriptedServer>(group_, std::move(answer), port);
  }
  Launch at(std::uint16_t port, const std::string& script = std::string(":") + kForever) {
    Launch launch = asked(script);
    launch.endpoint.port = port;
    return launch;
  }
  const std::uint16_t port_ = test::free_port();
};

TEST_F(EngineReadiness, OnlyA200MakesItReady) {
  Launch launch = at(port_);
  launch.endpoint.base_path = "/base";
  launch.check_endpoint = "/is/it";
  start(std::move(launch), "up");
  int asked = 0;
  listen(port_, [&](const std::string&) {
    ++asked;
    return test::http_answer(asked == 1 ? 503 : asked == 2 ? 204 : asked == 3 ? 404 : 200);
  });
  ASSERT_TRUE(run_until([this] { return ready_ == 1; }));
  EXPECT_EQ(asked, 4);
  EXPECT_THAT(server_->requests().front(), StartsWith("GET /base/is/it HTTP/1.1\r\n"));
  EXPECT_EQ(stopped(), "");
  EXPECT_EQ(ready_, 1);
}

TEST_F(EngineReadiness, OneThatIsStoppedWhileItLoadsIsNeverReady) {
  Launch launch = at(port_, std::string("trap '' TERM") + kForever);
  launch.unload_timeout = 300ms;
  start(std::move(launch), "up");
  listen(port_, [](const std::string&) { return std::nullopt; });
  ASSERT_TRUE(run_until([this] { return !server_->requests().empty(); }));
  engine_->stop();
  server_->say(test::http_answer(200));  // to what was asked before
  EXPECT_EQ(end(), "");
  EXPECT_EQ(ready_, 0);
}

TEST_F(EngineReadiness, OneThatIsNotReadyInTimeIsStoppedAndSaysWhatItAnswered) {
  Launch launch = at(port_);
  launch.health_timeout = 300ms;
  start(std::move(launch), "up");
  listen(port_, [](const std::string&) { return test::http_answer(503); });
  EXPECT_THAT(end(), AllOf(StartsWith("was not ready after 0 s"), HasSubstr("answered 503"),
                           HasSubstr("and was stopped"), HasSubstr("up")));
  EXPECT_EQ(ready_, 0);
}

/// Answers 503 until @p limit has passed since @p begin, then 200.
test::ScriptedServer::Answer ready_after(std::chrono::milliseconds limit) {
  const auto at = std::chrono::steady_clock::now() + limit;
  return [at](const std::string&) {
    return test::http_answer(std::chrono::steady_clock::now() < at ? 503 : 200);
  };
}

TEST_F(EngineReadiness, ALoadThatMakesProgressProlongsItsOwnDeadline) {
  Launch launch = at(port_, "echo up; while :; do sleep 0.05; done");
  launch.health_timeout = 2'200ms;
  start(std::move(launch), "up");
  listen(port_, ready_after(2'800ms));
  EXPECT_TRUE(run_until([this] { return ready_ > 0 || gone_.has_value(); }));
  EXPECT_EQ(ready_, 1) << gone_.value_or("");
}

TEST_F(EngineReadiness, WhatAnswersAmissIsNamedOnceAndFailsAtItsDeadline) {
  Launch launch = at(port_, "echo up; while :; do sleep 0.05; done");
  launch.health_timeout = 2'200ms;
  start(std::move(launch), "up");
  listen(port_, [](const std::string&) { return test::http_answer(404); });
  ASSERT_TRUE(run_until([this] { return !amiss_.empty(); }));
  EXPECT_THAT(end(), HasSubstr("(answered 404 at /health: see checkEndpoint), and was stopped"))
      << "its own probes were taken for progress";
  EXPECT_THAT(amiss_, testing::ElementsAre("answered 404 at /health: see checkEndpoint"));
}

TEST_F(EngineReadiness, NoProgressProlongsItBeyondTheCeiling) {
  Launch launch = at(port_, "echo up; while :; do sleep 0.05; done");
  launch.health_timeout = 2'200ms;
  launch.health_ceiling = 2'400ms;
  start(std::move(launch), "up");
  listen(port_, ready_after(3'500ms));
  EXPECT_TRUE(run_until([this] { return ready_ > 0 || gone_.has_value(); }));
  EXPECT_EQ(ready_, 0);
}

}  // namespace
}  // namespace rouse
