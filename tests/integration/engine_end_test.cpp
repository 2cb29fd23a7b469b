// How an engine's end looks from outside: what is told, what is done again, and what is not.
#include "base/text/sha256.hpp"
#include "proxy/engine/process_tree.hpp"
#include "tests/integration/demo_world.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>

namespace rouse::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";

TEST(EngineEnd, ACrashInAPrefillIsToldByItsStatus) {
  World world(models({fake_model("a", "--crash-at-request 2 --prefill-ms 300")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const ProbeResponse crashed = world.post(kChat, chat("a"));
  EXPECT_EQ(crashed.status, 502);
  EXPECT_THAT(crashed.body, AllOf(HasSubstr("the engine of a exited with status 134"),
                                  Not(HasSubstr("refused"))));
}

/// It is at most to be waited for; a leader is a zombie while other threads still run.
bool has_ended(pid_t pid) {
  const auto process = read_process(pid);
  if (!process) return true;
  std::error_code gone;
  const std::filesystem::directory_iterator threads(fmt::format("/proc/{}/task", pid), gone);
  return process->state == 'Z' && (gone || std::distance(begin(threads), end(threads)) <= 1);
}

TEST(EngineEnd, WhoComesJustBehindItIsServedByTheNext) {
  World world(models({fake_model("a")},
                     "schedule: {backoffFirst: 10ms, backoffMax: 10ms, loadFailuresMax: 99}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a")));
  ASSERT_EQ(client.read_response().status, 200);
  for (int round = 0; round < 5; ++round) {
    const std::vector<pid_t> engine = world.children();
    ASSERT_EQ(engine.size(), 1U);
    ASSERT_EQ(::kill(engine.front(), SIGKILL), 0);
    // Before its last thread has ended, one may still take the request from the kernel.
    ASSERT_TRUE(wait_until([&] { return has_ended(engine.front()); }, 5s));
    ASSERT_TRUE(client.send_request("POST", kChat, chat("a")));
    const ProbeResponse answer = client.read_response();
    EXPECT_EQ(answer.status, 200) << "round " << round << ": " << answer.body;
  }
}

std::string hex_digest(std::string_view key) {
  std::string text;
  for (const auto byte : sha256(key)) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

TEST(EngineEnd, AFailedStartShowsItsOwnLinesToThoseWhoMayReadTheLog) {
  TempDir dir;
  const std::string flaky =
      dir.write("flaky",
                "#!/bin/sh\ncase \"$(cat $1)\" in\n"
                "  oom) echo 'CUDA error: out of memory' >&2; exit 1;;\n"
                "  flag) echo 'error: unknown argument --flash-atn' >&2; exit 2;;\nesac\n");
  ::chmod(flaky.c_str(), 0755);
  const std::string mode = dir.write("mode", "oom");
  World world(
      fmt::format("schedule: {{backoffFirst: 1ms, backoffMax: 1ms, loadFailuresMax: 99}}\n"
                  "keys:\n  all: {{sha256: {}, scopes: [infer, observe]}}\n  some: {{sha256: {}, "
                  "scopes: [infer]}}\n"
                  "models: {{a: {{cmd: \"{} {} ${{PORT}}\"}}}}",
                  hex_digest("all"), hex_digest("some"), flaky, mode));
  const ProbeHeaders all{{"authorization", "Bearer all"}};
  const ProbeHeaders some{{"authorization", "Bearer some"}};
  const ProbeResponse first = world.post(kChat, chat("a"), all);
  EXPECT_EQ(first.status, 503);
  EXPECT_THAT(first.body, HasSubstr("exited with status 1"));
  EXPECT_THAT(first.body, HasSubstr("out of memory"));
  dir.write("mode", "flag");
  const ProbeResponse second = world.post(kChat, chat("a"), all);
  EXPECT_THAT(second.body, AllOf(HasSubstr("--flash-atn"), Not(HasSubstr("out of memory"))));
  const ProbeResponse third = world.post(kChat, chat("a"), some);
  EXPECT_EQ(third.status, 503);
  EXPECT_THAT(third.body, AllOf(HasSubstr("a: exited with status 2"), Not(HasSubstr("flash-atn"))));
}

TEST(EngineEnd, AWrongCheckEndpointIsNamedWhileItsRequestsWait) {
  World world(models({fake_model("a", "--health-sequence 404 --load-ms 1")},
                     "healthCheckTimeout: 15\nwaiting: {hold: 100ms, keepAlive: 100ms}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  EXPECT_TRUE(world.wait_for_log("a is loading, and answered 404 at /health: see checkEndpoint"));
  EXPECT_THAT(world.get("/api/queue").body, HasSubstr(", and answered 404 at /health"));
  const auto [status, text] =
      run_program({built_program("rouse"), "explain", "a", "--url", world.url()});
  EXPECT_EQ(status, 0);
  EXPECT_THAT(text, HasSubstr("answered 404 at /health: see checkEndpoint"));
  ProbeResponse stream = client.read_head();
  EXPECT_TRUE(client.read_until(stream, ": answered 404 at /health: see checkEndpoint\n\n"));
}

// --- unloads -------------------------------------------------------------------------------------

TEST(Unload, IsAnsweredThoughTheModelIsAskedForMeanwhile) {
  World world(models({fake_model("b", "--slow-stop 1000", "    unloadTimeout: 8\n")}));
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  auto unloaded =
      std::async(std::launch::async, [&] { return world.post("/api/models/unload/b", "").status; });
  ASSERT_TRUE(world.wait_for_log("stop b"));
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200) << "by the next run";
  ASSERT_EQ(unloaded.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(unloaded.get(), 200);
}

TEST(Unload, OfAllEndsUnderSteadyRequests) {
  World world(models({fake_model("a")}));
  std::atomic<bool> done = false;
  auto steady = std::async(std::launch::async, [&] {
    int served = 0;
    while (!done) served += world.post(kChat, chat("a")).status == 200 ? 1 : 0;
    return served;
  });
  ASSERT_TRUE(world.wait_for_log("status=200"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.get("/unload").status, 200);
  done = true;
  EXPECT_GE(steady.get(), 1);
}

TEST(Unload, AtOnceCutsWhatRunsAndKeepsWhoWaits) {
  for (const bool in_body : {false, true}) {
    World world(models({fake_model("a", "--tps 1 --tokens 100", "    concurrencyLimit: 1\n")}));
    HttpProbe running = world.connect();
    ASSERT_TRUE(running.send_request("POST", kChat, chat("a", true)));
    ProbeResponse stream = running.read_head();
    ASSERT_TRUE(running.read_until(stream, "data:"));
    HttpProbe waiting = world.connect();
    ASSERT_TRUE(
        waiting.send_request("POST", kChat, R"({"model":"a","max_tokens":1,"messages":[]})"));
    ASSERT_TRUE(wait_until([&] {
      return world.get("/api/queue").body.find("\"running\":1,\"waiting\":1") != std::string::npos;
    }));
    const ProbeResponse unloaded = in_body ? world.post("/api/models/unload/a", R"({"force":true})",
                                                        {{"content-type", "application/json"}})
                                           : world.post("/api/models/unload/a?force=1", "");
    EXPECT_EQ(unloaded.status, 200);
    while (running.read_piece(stream)) {
    }
    EXPECT_EQ(stream.end, ProbeEnd::Cut);
    EXPECT_EQ(waiting.read_response().status, 200);
  }
}

TEST(Unload, ToStayRefusesWhoWaits) {
  World world(models({fake_model("a", "--load-ms 60000")}));
  HttpProbe waiting = world.connect();
  ASSERT_TRUE(waiting.send_request("POST", kChat, chat("a")));
  ASSERT_TRUE(wait_until([&] { return world.children().size() == 1; }));
  EXPECT_EQ(world.post("/api/models/unload/a?stay=1", "").status, 200);
  const ProbeResponse refused = waiting.read_response();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("an operator unloaded a"));
}

TEST(Unload, ALoadThatItsClientLeftHoldsNobodyUp) {
  World world(models({fake_model("slow", "--load-ms 60000"), fake_model("quick")}));
  {
    HttpProbe impatient = world.connect();
    ASSERT_TRUE(impatient.send_request("POST", kChat, chat("slow")));
    ASSERT_TRUE(wait_until([&] { return world.children().size() == 1; }));
  }
  const auto asked_at = std::chrono::steady_clock::now();
  EXPECT_EQ(world.post(kChat, chat("quick")).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - asked_at, 20s) << "it waited for the load";
}

}  // namespace
}  // namespace rouse::test
