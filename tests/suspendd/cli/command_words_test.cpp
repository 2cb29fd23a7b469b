#include "tests/support/http_probe.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/cli/beside_a_daemon.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <sstream>

namespace rouse::suspendd {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// What a person types, and what the daemon is then asked.
class CommandWords : public test::BesideADaemon {
 protected:
  /// What was asked last: "POST /v1/hold {…}".
  [[nodiscard]] std::string asked() const {
    if (daemon_.requests().empty()) return {};
    const test::ScriptedProxy::Request& last = daemon_.requests().back();
    return last.method + " " + last.path + (last.query.empty() ? "" : "?" + last.query) +
           (last.body.empty() ? "" : " " + last.body);
  }
};

TEST_F(CommandWords, PagesAreForPeopleUnlessJsonIsWanted) {
  daemon_.answers("/v1/brief", {200, "awake: a hold\n"});
  daemon_.answers("/v1/explain", {200, "a page\n"});
  daemon_.answers("/v1/status", {200, R"({"state":"active"})"});
  EXPECT_EQ(type({"status"}), 0);
  EXPECT_EQ(out_, "awake: a hold\n");
  EXPECT_EQ(type({"explain"}), 0);
  EXPECT_EQ(out_, "a page\n");
  for (const char* command : {"status", "explain"}) {
    EXPECT_EQ(type({command, "--json"}), 0);
    EXPECT_EQ(asked(), "GET /v1/status");
    EXPECT_EQ(out_, R"({"state":"active"})");
  }
}

TEST_F(CommandWords, HistoryHasAsManyLinesAsWanted) {
  EXPECT_EQ(type({"history"}), 0);
  EXPECT_EQ(asked(), "GET /v1/history?last=50");
  EXPECT_EQ(type({"history", "-n", "999999999"}), 0);
  EXPECT_EQ(asked(), "GET /v1/history?last=999999999");
  for (const char* none : {"x", "5x", "-5", "0x5", "", "1000000000"}) {
    EXPECT_EQ(type({"history", "-n", none}), 2) << none;
    EXPECT_THAT(err_, HasSubstr("is no whole number")) << none;
  }
}

TEST_F(CommandWords, ASuspendIsForcedOnlyWhenSaid) {
  daemon_.answers("/v1/suspend", {200, R"({"message":"on its way"})"});
  EXPECT_EQ(type({"suspend"}), 0);
  EXPECT_EQ(asked(), R"(POST /v1/suspend {"force":false})");
  EXPECT_EQ(out_, "on its way\n");
  EXPECT_EQ(type({"suspend", "--force", "--json"}), 0);
  EXPECT_EQ(asked(), R"(POST /v1/suspend {"force":true})");
  EXPECT_EQ(out_, R"({"message":"on its way"})");
  EXPECT_EQ(type({"unblock"}), 0);
  EXPECT_EQ(asked(), "POST /v1/unblock {}");
}

TEST_F(CommandWords, TheGateIsItsOwnCall) {
  daemon_.answers("/v1/gate", {200, R"({"allow":false,"message":"busy"})"});
  EXPECT_EQ(type({"--config", options_.config_file, "--root", options_.root, "gate"}), 1);
  EXPECT_EQ(out_, "denied: busy\n");
}

TEST_F(CommandWords, AWakeTestAsksFirst) {
  daemon_.answers("/v1/wake-test", {409, R"({"message":"not now"})"});
  std::istringstream typed("no\nyes\n");
  std::streambuf* const terminal = std::cin.rdbuf(typed.rdbuf());
  EXPECT_EQ(type({"wake-test", "--net", "20m"}), 1);
  EXPECT_THAT(out_, HasSubstr("its clock does after 20 min"));
  EXPECT_THAT(out_, HasSubstr("nothing was done"));
  EXPECT_EQ(daemon_.asked("/v1/wake-test"), 0);
  EXPECT_EQ(type({"wake-test"}), 1);
  EXPECT_EQ(asked(), R"(POST /v1/wake-test {"net_ms":900000})");
  EXPECT_EQ(type({"wake-test"}), 1) << "nobody types any more";
  EXPECT_THAT(out_, HasSubstr("nothing was done"));
  std::cin.rdbuf(terminal);
  std::cin.clear();
  EXPECT_EQ(type({"wake-test", "--net", "20m", "-y"}), 1);
  EXPECT_EQ(asked(), R"(POST /v1/wake-test {"net_ms":1200000})");
  EXPECT_THAT(out_, testing::Not(HasSubstr("Type yes")));
  EXPECT_EQ(type({"wake-test", "--net", "soon"}), 2);
  EXPECT_THAT(err_, HasSubstr("is no time such as"));
}

TEST_F(CommandWords, AHoldSaysWhyAndMayHaveATime) {
  daemon_.answers("/v1/hold", {200, R"({"token":"t","message":"held"})"});
  EXPECT_EQ(type({"hold", "--why", "a job"}), 0);
  EXPECT_EQ(asked(), R"(POST /v1/hold {"why":"a job"})");
  EXPECT_EQ(type({"hold", "--for", "90s", "--why", "a job"}), 0);
  EXPECT_EQ(asked(), R"(POST /v1/hold {"why":"a job","for_ms":90000})");
  EXPECT_EQ(type({"hold"}), 2);
  EXPECT_EQ(type({"hold", "--why", "a job", "--for", "long"}), 2);
  EXPECT_EQ(type({"release", "t"}), 0);
  EXPECT_EQ(asked(), R"(POST /v1/release {"token":"t"})");
}

TEST_F(CommandWords, TheSchemaIsPrinted) {
  EXPECT_EQ(type({"schema"}), 0);
  EXPECT_THAT(out_, StartsWith("{"));
  EXPECT_THAT(out_, HasSubstr("unknown_max"));
}

TEST_F(CommandWords, AConfigurationIsNamedOnce) {
  const std::string bad = dir_.write("bad.yaml", "idel: 3\n");
  EXPECT_EQ(type({"check", bad}), 2);
  EXPECT_THAT(err_, HasSubstr("bad.yaml:1:1: idel: unknown key"));
  EXPECT_EQ(type({"check", bad, "--config", bad}), 2);
  EXPECT_THAT(err_, HasSubstr("cannot both be given"));
}

// --- the relay -----------------------------------------------------------------------------------

TEST_F(CommandWords, ARelayIsRefusedAsItsKeysAre) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"listen: here", "HOST:PORT"},
      {"listen: \"0.0.0.0:0\"", "needs a token"},
      {"token: a, token_file: b", "give one of them"},
      {"token_file: /none/such", "/none/such"},
      {"macs: [x]", "x"},
      {"interface: a-name-that-is-too-long", "a-name-that-is-too-long"},
      {"source: nowhere", "nowhere"},
      {"broadcast: [nowhere]", "nowhere"},
  };
  for (const auto& [keys, word] : cases) {
    const std::string file = dir_.write("relay.yaml", fmt::format("relay: {{{}}}\n", keys));
    EXPECT_EQ(type({"relay", file}), 2) << keys;
    EXPECT_THAT(err_, HasSubstr(word)) << keys;
  }
}

TEST_F(CommandWords, ARelayListensWhereItsKeySays) {
  const std::uint16_t port = test::free_port();
  const std::string file = dir_.write(
      "relay.yaml",
      fmt::format(
          "relay: {{listen: \"127.0.0.1:{}\", token: secret, macs: [\"3c:7c:3f:12:34:56\"]}}\n"
          "log_level: error\n",
          port));
  testing::internal::CaptureStderr();
  const pid_t pid = ::fork();
  if (pid == 0) {
    CommandLine line(suspendd_program());
    add_commands(line);
    const char* const argv[] = {"rouse-suspendd", "relay", file.c_str()};
    ::_exit(line.run(3, argv));
  }
  EXPECT_TRUE(
      test::wait_until([port] { return test::http(port, "GET", "/health").status == 200; }));
  const std::string body = R"({"mac":"3c:7c:3f:12:34:57"})";
  EXPECT_EQ(test::http(port, "POST", "/v1/wake", body).status, 401);
  EXPECT_EQ(test::http(port, "POST", "/v1/wake", body, {{"authorization", "Bearer secret"}}).status,
            403);
  ::kill(pid, SIGTERM);
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "nothing is an error";
}

}  // namespace
}  // namespace rouse::suspendd
