// How the program begins and ends: each start that fails says why and leaves with its status, and a
// signal ends it whatever it is doing.

#include "tests/integration/demo_world.hpp"
#include "tests/support/skip.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

WorldOptions not_yet() {
  WorldOptions options;
  options.start = false;
  return options;
}

// --- starts that fail ----------------------------------------------------------------------------

struct BadStart {
  std::string name;
  std::string config;  // lines beside the models
  std::vector<std::string> args;
  int status = 1;
  std::vector<std::string> says;
};

void PrintTo(const BadStart& start, std::ostream* out) {
  *out << start.name;
}

/// "PORT" stands for a port that somebody has.
std::string with_port(std::string text, std::uint16_t port) {
  const std::size_t at = text.find("PORT");
  return at == std::string::npos ? text : text.replace(at, 4, std::to_string(port));
}

const BadStart kBadStarts[] = {
    {"PortTaken",
     "",
     {"--listen", "127.0.0.1:PORT"},
     1,
     {"cannot listen on 127.0.0.1:PORT: the port is in use by pid ", "(rouse)",
      "choose another port"}},
    {"PortTakenOnAllAddresses", "", {"--listen", ":PORT"}, 1, {"in use by pid ", "(rouse)"}},
    {"NoSuchAddress", "", {"--listen", "192.0.2.1:0"}, 1, {"this machine has no such address"}},
    {"NoSuchName", "", {"--listen", "no-such-host.invalid:0"}, 1, {"no-such-host.invalid"}},
    {"NoAddress", "", {"--listen", "8080"}, 2, {"is no address such as 127.0.0.1:8080"}},
    {"NoCertificate",
     "tls: {cert: /none/cert.pem, key: /none/key.pem}",
     {"--listen", "127.0.0.1:0"},
     1,
     {"TLS: ", "/none/cert.pem"}},
    {"NoFolderForThePowerSocket",
     "power: {socket: /none/power.sock}",
     {"--listen", "127.0.0.1:0"},
     1,
     {"/none/power.sock", "see power.socket"}},
    {"SilentLog",
     "logToStdout: none",
     {"--listen", "127.0.0.1:PORT"},
     1,
     {"cannot listen on 127.0.0.1:PORT"}},
    {"BadConfiguration", "nonsense: [", {"--listen", "127.0.0.1:0"}, 2, {"config.yaml"}},
};

class Start : public testing::TestWithParam<BadStart> {};

/// With a runtime folder, as every installed service has one, where the power socket opens.
TEST_P(Start, ThatFailsEndsWithItsStatusAndAWord) {
  const BadStart& bad = GetParam();
  World other(models({fake_model("a")}));
  World world(models({fake_model("a")}, bad.config), not_yet());
  std::vector<std::string> argv{built_program("rouse"), "serve", "--config", world.config_file()};
  for (const std::string& arg : bad.args) argv.push_back(with_port(arg, other.port()));
  const auto [status, text] = run_program(argv, world.environment(), 10s);
  EXPECT_EQ(status, bad.status) << text;
  for (const std::string& part : bad.says) {
    EXPECT_THAT(text, HasSubstr(with_port(part, other.port())));
  }
  EXPECT_EQ(other.get("/health").status, 200) << "the one that has the port goes on";
}

INSTANTIATE_TEST_SUITE_P(Ways, Start, testing::ValuesIn(kBadStarts),
                         [](const auto& each) { return each.param.name; });

TEST(Start, GoesOnWithoutAFolderForItsStateAndSaysSo) {
  World world(models({fake_model("a")}), not_yet());
  world.dir().write("file", "");
  WorldOptions options = not_yet();
  options.args = {"--state-dir", world.dir() / "file/state"};
  World second(models({fake_model("a")}), options);
  second.start();
  EXPECT_THAT(second.log(), HasSubstr("engines cannot be remembered in"));
  EXPECT_EQ(second.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(second.stop(), 0);
}

// --- SIGTERM at any moment -----------------------------------------------------------------------

/// Ended by the signal itself is well, too, as long as nothing of ours was there to be ended.
void expect_an_end(World& world, std::string_view when) {
  const std::optional<int> status = world.stop(5s);
  ASSERT_TRUE(status) << when;
  if (*status == 128 + SIGTERM) {
    EXPECT_THAT(world.log(), IsEmpty()) << when;
  } else {
    EXPECT_EQ(*status, 0) << when << ": " << world.log();
  }
}

/// From the first instruction on: finer than any two things that it does.
TEST(Sigterm, EndsItInTheFirstMomentsOfItsLife) {
  const std::string config = models({fake_model("a", "--load-ms 100")},
                                    "hooks: {on_startup: {preload: [a]}}\nlogToStdout: both\n");
  int ended_by_itself = 0;
  for (std::chrono::milliseconds delay = 0ms; delay < 240ms; delay += 4ms) {
    World world(config, not_yet());
    world.launch();
    (void)wait_until([&] { return !world.running(); }, delay);
    expect_an_end(world, fmt::format("{} ms after the start", delay.count()));
    ended_by_itself += world.log().find("all engines are gone") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(ended_by_itself, 0) << "all of these moments were before the first of its own";
}

struct Moment {
  std::string name;
  std::string engine;  // options of the engine a
  std::string reached_at;
};

void PrintTo(const Moment& moment, std::ostream* out) {
  *out << moment.name;
}

class SigtermWhen : public testing::TestWithParam<Moment> {};

TEST_P(SigtermWhen, EndsItAndItsEngines) {
  const Moment& moment = GetParam();
  World world(models({fake_model("a", moment.engine, "    unloadTimeout: 1\n"), fake_model("b")},
                     "hooks: {on_startup: {preload: [a]}}\nlogToStdout: both\n"
                     "schedule: {linger: 0s, minResidency: 0s, shutdownDrain: 1s}\n"),
              not_yet());
  world.launch();
  ASSERT_TRUE(world.wait_for_log(moment.reached_at)) << world.log();
  EXPECT_EQ(world.stop(5s), 0) << world.log();
}

INSTANTIATE_TEST_SUITE_P(
    Moments, SigtermWhen,
    testing::Values(Moment{"PowerSocketIsOpen", "", "who may let this machine sleep asks at"},
                    Moment{"ItListens", "", "listening on http"},
                    Moment{"AnEngineStarts", "--load-ms 60000", "start a"},
                    Moment{"AnEngineLoads", "--load-ms 60000", "srv  listening on"},
                    Moment{"AnEngineNeverAnswers", "--hang-health", "srv  listening on"},
                    Moment{"AnEngineIsReady", "--ignore-sigterm", "a is ready"},
                    Moment{"AnEngineHasFailed", "--crash-at-start 3", "a failed"}),
    [](const auto& each) { return each.param.name; });

TEST(Sigterm, EndsItWhileItEndsWhatAnotherLeftBehind) {
  World world(models({fake_model("a", "--double-fork --ignore-sigterm")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  world.kill();
  ASSERT_THAT(world.children(), Not(IsEmpty()));
  world.launch();
  // What ignores SIGTERM would have three seconds.
  ASSERT_TRUE(wait_until([&] { return catches_signal(world.pid(), SIGTERM); }));
  const auto asked = ProbeClock::now();
  EXPECT_EQ(world.stop(5s), 0);
  EXPECT_LT(ProbeClock::now() - asked, 2s);
  EXPECT_THAT(world.log(), AnyOf(HasSubstr("before it has begun to serve"), HasSubstr("bye")));
}

/// The kernel drops what comes for such a process as long as it has no handler.
TEST(Sigterm, IsNotLostOnTheFirstProcessOfAContainer) {
  World world(models({fake_model("a")}), not_yet());
  for (int i = 0; i < 8; ++i) {
    ChildProcess container({"/usr/bin/env", "unshare", "--user", "--map-root-user", "--pid",
                            "--fork", "--kill-child", built_program("rouse"), "serve", "--config",
                            world.config_file(), "--listen", "127.0.0.1:0"},
                           world.environment());
    pid_t rouse = 0;
    const bool is_there = wait_until([&] {
      for (const pid_t pid : world.children(false)) {
        std::error_code gone;
        const auto program = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), gone);
        if (program == built_program("rouse")) rouse = pid;
      }
      return rouse != 0 || !container.running();
    });
    ASSERT_TRUE(is_there) << container.output();
    if (rouse == 0) ROUSE_SKIP("namespaces", container.output());
    // Held back at first, then with a handler.
    ASSERT_TRUE(
        wait_until([&] { return holds_signal(rouse, SIGTERM) || catches_signal(rouse, SIGTERM); }));
    ::kill(rouse, SIGTERM);
    EXPECT_EQ(container.wait(10s), 0) << container.output();
  }
}

TEST(Sigterm, ASecondOneCutsWhatRunsAndSaysWhy) {
  World world(models({fake_model("a", "--prefill-ms 60000")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a")));
  ASSERT_TRUE(wait_until(
      [&] { return world.get("/api/queue").body.find(R"("running":1)") != std::string::npos; }));
  world.signal(SIGINT);
  ASSERT_TRUE(world.wait_for_log("SIGINT: no new connections"));
  EXPECT_FALSE(client.hears(300ms)) << "a first one lets it run";
  world.signal(SIGHUP);  // a terminal that closes meanwhile is not impatient
  EXPECT_FALSE(client.hears(300ms));
  world.signal(SIGINT);
  const ProbeResponse cut = client.read_response();
  EXPECT_EQ(cut.status, 503);
  EXPECT_THAT(cut.body, HasSubstr("a was stopped: the proxy is shutting down, at once"));
  EXPECT_TRUE(wait_until([&] { return !world.running(); }));
  EXPECT_THAT(world.log(), HasSubstr("SIGINT while it ends: running requests are cut"));
  EXPECT_THAT(world.log(), Not(HasSubstr("failed")));
  EXPECT_EQ(world.stop(), 0);
}

TEST(Removed, IsWhatARequestHearsWhoseModelWent) {
  const std::string b = fake_model("b");
  World world(models({fake_model("a", "--load-ms 60000"), b}));
  HttpProbe waits = world.connect();
  ASSERT_TRUE(waits.send_request("POST", kChat, chat("a")));
  ASSERT_TRUE(world.wait_for_log("start a"));
  HttpProbe uploads = world.connect();
  const std::string body = chat("a");
  ASSERT_TRUE(
      uploads.send(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                               "Content-Length: {}\r\n\r\n{{",
                               kChat, body.size())));
  ASSERT_TRUE(wait_until([&] {
    return world.get("/metrics").body.find(R"(phase="reading"} 1)") != std::string::npos;
  }));
  world.write_config(models({b}));
  ASSERT_EQ(world.post("/api/config/reload", "").status, 200);
  ASSERT_TRUE(uploads.send(body.substr(1)));
  for (HttpProbe* const each : {&waits, &uploads}) {
    const ProbeResponse answer = each->read_response();
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(answer.body, HasSubstr("a was removed from the configuration"));
    EXPECT_THAT(answer.body, HasSubstr("model_not_found"));
  }
  EXPECT_TRUE(world.wait_for_log("stop a: it was removed from the configuration"));
}

}  // namespace
}  // namespace rouse::test
