#include "proxy/engine/process_tree.hpp"
#include "tests/integration/demo_world.hpp"
#include "tests/support/skip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/xattr.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

// --- SIGKILL of the proxy, whatever it is doing --------------------------------------------------

struct Moment {
  std::string name;
  /// Brings the world there; the probe's request may stay unanswered.
  std::function<void(World&, HttpProbe&)> reach;
};

void PrintTo(const Moment& moment, std::ostream* out) {
  *out << moment.name;
}

void ask(HttpProbe& client, std::string_view model, bool stream = false) {
  ASSERT_TRUE(client.send_request("POST", kChat, chat(model, stream)));
}

const Moment kMoments[] = {
    {"AsTheEngineStarts",
     [](World& world, HttpProbe& client) {
       ask(client, "slow");
       ASSERT_TRUE(wait_until([&] { return !world.children().empty(); }));
     }},
    {"WhileItLoads",
     [](World& world, HttpProbe& client) {
       ask(client, "slow");
       ASSERT_TRUE(world.wait_for_log("srv  listening on"));
     }},
    {"WhenItIsReady",
     [](World& world, HttpProbe& client) {
       ask(client, "stubborn");
       EXPECT_EQ(client.read_response().status, 200);
       EXPECT_THAT(world.children(), Not(IsEmpty()));
     }},
    {"InTheMiddleOfAStream",
     [](World&, HttpProbe& client) {
       ask(client, "streamer", true);
       ProbeResponse stream = client.read_head();
       ASSERT_TRUE(client.read_until(stream, "data:"));
     }},
    {"WhileItStopsOneForAnother",
     [](World& world, HttpProbe& client) {
       ask(client, "stubborn");
       EXPECT_EQ(client.read_response().status, 200);
       ask(client, "slow");
       ASSERT_TRUE(world.wait_for_log("stop stubborn"));
     }},
    {"InTheMiddleOfItsOwnShutdown",
     [](World& world, HttpProbe& client) {
       ask(client, "stubborn");
       EXPECT_EQ(client.read_response().status, 200);
       world.signal(SIGTERM);
       ASSERT_TRUE(world.wait_for_log("no new connections"));
     }},
};

class Sigkill : public testing::TestWithParam<Moment> {};

TEST_P(Sigkill, LeavesNothingThatTheNextStartDoesNotEnd) {
  const std::string hidden = "--double-fork --leave-worker";
  World world(models({fake_model("stubborn", hidden + " --ignore-sigterm"),
                      fake_model("streamer", hidden + " --tps 5 --tokens 500"),
                      fake_model("slow", hidden + " --load-ms 60000")},
                     "logToStdout: both\nschedule: {linger: 0s, minResidency: 0s}"));
  HttpProbe client = world.connect();
  GetParam().reach(world, client);
  world.kill();
  world.start();
  EXPECT_TRUE(wait_until([&] { return world.children().empty(); }, 20s));
}

INSTANTIATE_TEST_SUITE_P(Moments, Sigkill, testing::ValuesIn(kMoments),
                         [](const auto& each) { return each.param.name; });

// --- the journal ---------------------------------------------------------------------------------

/// A process that is nobody's engine, and what a journal says of it.
class Journal : public testing::Test {
 protected:
  Journal() : stranger_({"/bin/sleep", "600"}) {}

  void write_journal(std::uint64_t start_time) {
    std::filesystem::create_directories(world_.dir() / "state");
    // Pid 2 with that start time is no proxy that lives.
    world_.dir().write("state/2-1.engines", fmt::format("boot {}\nproxy 2 1\nengine {} {} a\n",
                                                        boot_id(), stranger_.pid(), start_time));
  }

  static WorldOptions later() {
    WorldOptions options;
    options.start = false;
    return options;
  }

  ChildProcess stranger_;
  World world_{models({fake_model("a")}), later()};
};

TEST_F(Journal, EndsAnEngineThatItNames) {
  write_journal(read_process(stranger_.pid())->start_time);
  world_.start();
  EXPECT_TRUE(world_.wait_for_log("that an earlier proxy left behind"));
  EXPECT_EQ(stranger_.wait(), 128 + SIGTERM);
}

TEST_F(Journal, IsNotFooledByAPidThatWasUsedAgain) {
  write_journal(read_process(stranger_.pid())->start_time - 1);
  world_.start();
  EXPECT_EQ(world_.post(kChat, chat("a")).status, 200);
  EXPECT_TRUE(stranger_.running());
  EXPECT_FALSE(std::filesystem::exists(world_.dir() / "state/2-1.engines"));
}

// --- cgroups -------------------------------------------------------------------------------------

/// A delegated cgroup, as systemd makes one for Delegate=yes; empty where that is not allowed.
class Delegated : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
      if (line.find(" - cgroup2 ") == std::string::npos) continue;
      std::istringstream words(line);
      std::string word;
      for (int i = 0; i < 5; ++i) words >> word;
      path_ = fmt::format("{}/rouse-test-{}", word, ::getpid());
    }
    std::error_code error;
    if (path_.empty() || !std::filesystem::create_directory(path_, error) ||
        ::setxattr(path_.c_str(), "user.delegate", "1", 1, 0) != 0) {
      std::filesystem::remove(path_, error);
      ROUSE_SKIP("cgroup2", "no such file system that may be written");
    }
    script_ = dir_.write("rouse-in-cgroup",
                         fmt::format("#!/bin/sh\necho $$ > {}/cgroup.procs\nexec {} \"$@\"\n",
                                     path_, built_program("rouse")));
    std::filesystem::permissions(script_, std::filesystem::perms::owner_all);
  }

  void TearDown() override {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }

  [[nodiscard]] WorldOptions inside() const {
    WorldOptions options;
    options.program = script_;
    return options;
  }
  [[nodiscard]] std::vector<std::string> groups() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.is_directory()) found.push_back(entry.path().filename());
    }
    return found;
  }
  /// The pid of the process that was started with exactly these words; 0: none.
  [[nodiscard]] static int process_called(const std::string& words) {
    for (const ProcessStat& each : all_processes()) {
      std::ifstream file(fmt::format("/proc/{}/cmdline", each.pid));
      std::string text{std::istreambuf_iterator<char>(file), {}};
      std::replace(text.begin(), text.end(), '\0', ' ');
      if (text == words + " ") return each.pid;
    }
    return 0;
  }

  TempDir dir_;
  std::string path_;
  std::string script_;
};

TEST_F(Delegated, AProcessThatHidesFromEverythingElseIsSwept) {
  const std::string sleeper = fmt::format("sleep 8{}", ::getpid());
  const std::uint16_t port = free_port();
  World world(models({fmt::format("  a:\n    cmd: sh -c '(env -i setsid {} &); exec {} --name a "
                                  "--port {}'\n    proxy: http://127.0.0.1:{}\n",
                                  sleeper, built_program("fake_engine"), port, port)}),
              inside());
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(groups().size(), 1u);
  ASSERT_TRUE(wait_until([&] { return process_called(sleeper) != 0; }));
  EXPECT_EQ(world.post("/api/models/unload/a", "").status, 200);
  EXPECT_EQ(process_called(sleeper), 0);
  EXPECT_THAT(groups(), IsEmpty());
}

TEST_F(Delegated, AfterSigkillTheCgroupsOfTheDeadOneAreEmptied) {
  const std::string sleeper = fmt::format("sleep 9{}", ::getpid());
  const std::uint16_t port = free_port();
  World world(models({fmt::format("  a:\n    cmd: sh -c '(env -i setsid {} &); exec {} --name a "
                                  "--port {}'\n    proxy: http://127.0.0.1:{}\n",
                                  sleeper, built_program("fake_engine"), port, port)}),
              inside());
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  ASSERT_TRUE(wait_until([&] { return process_called(sleeper) != 0; }));
  world.kill();
  world.start();
  EXPECT_TRUE(wait_until([&] { return process_called(sleeper) == 0; }));
  EXPECT_TRUE(wait_until([&] { return groups().empty(); }));
  EXPECT_EQ(world.stop(), 0);
}

}  // namespace
}  // namespace rouse::test
