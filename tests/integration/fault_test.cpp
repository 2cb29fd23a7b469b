#include "tests/integration/demo_world.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <future>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";

TEST(Fault, AnEngineThatDiesInMidStreamCutsTheStream) {
  World world(models({fake_model("a", "--crash-mid-stream 3 --tps 50")}));
  const ProbeResponse answer = world.post(kChat, chat("a", true));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.end, ProbeEnd::Cut);
  EXPECT_TRUE(world.wait_for_log("a failed"));
}

TEST(Fault, AnEngineThatCrashedIsStartedAgainForTheNextRequest) {
  World world(models({fake_model("a", "--crash-at-request 2")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 502);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
}

TEST(Fault, ACrashLoopOpensTheCircuit) {
  World world(models({fake_model("a", "--crash-at-start 7")},
                     "schedule: {backoffFirst: 10ms, backoffMax: 30s, loadFailuresMax: 2}"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 503);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 503);
  const std::string log = world.log();
  const ProbeResponse refused = world.post(kChat, chat("a"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.header("retry-after").empty());
  EXPECT_THAT(refused.body, HasSubstr("in a row"));
}

TEST(Fault, AMissingProgramIsNamed) {
  World world("models: {a: {cmd: /nowhere/llama-server --port 1, proxy: \"http://127.0.0.1:1\"}}");
  const ProbeResponse answer = world.post(kChat, chat("a"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("/nowhere/llama-server"));
  EXPECT_THAT(answer.body, HasSubstr("does not exist: there is no folder /nowhere"));
}

TEST(Fault, ATakenPortIsNamed) {
  const std::uint16_t port = free_port();
  const ChildProcess squatter({built_program("fake_engine"), "--port", std::to_string(port)});
  ASSERT_TRUE(wait_until([&] { return http(port, "GET", "/health").status == 200; }));
  World world(fmt::format("models: {{a: {{cmd: {} --port {}, proxy: \"http://127.0.0.1:{}\"}}}}",
                          built_program("fake_engine"), port, port));
  const ProbeResponse answer = world.post(kChat, chat("a"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr(std::to_string(port)));
}

TEST(Fault, BadRequestsGetClearAnswersAndTheProxyLives) {
  World world(models({fake_model("a")}, "limits: {bodyMax: 1000, headMax: 4096}"));
  EXPECT_EQ(world.post(kChat, R"({"model": "nobody"})").status, 404);
  EXPECT_EQ(world.post(kChat, R"({"model": )").status, 400);
  EXPECT_EQ(world.post(kChat, R"({"messages": []})").status, 400);
  EXPECT_EQ(world.post(kChat, "").status, 400);
  EXPECT_EQ(world.post(kChat, "[1]").status, 400);
  EXPECT_EQ(world.post(kChat, chat("a", false, std::string(2000, 'x'))).status, 413);
  EXPECT_EQ(world.get("/v1/models", {{"x-long", std::string(5000, 'x')}}).status, 431);
  EXPECT_EQ(world.get("/nothing").status, 404);
  EXPECT_EQ(world.get(kChat).status, 405);
  EXPECT_EQ(world.get(kChat).header("allow"), "POST");
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
}

TEST(Fault, AChunkedBodyOverTheLimitIsRefused) {
  World world(models({fake_model("a")}, "limits: {bodyMax: 1000}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(
      client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string piece(600, ' ');
  client.send("258\r\n" + piece + "\r\n");
  client.send("258\r\n" + piece + "\r\n");
  EXPECT_EQ(client.read_response().status, 413);
}

TEST(Fault, AnEngineThatIgnoresSigtermIsKilled) {
  World world(models({fake_model("a", "--ignore-sigterm", "    unloadTimeout: 1\n")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post("/api/models/unload/a", "").status, 200);
  EXPECT_THAT(world.children(), IsEmpty());
}

TEST(Fault, WhatAnEngineLeavesBehindIsSwept) {
  World world(models({fake_model("a", "--double-fork --leave-worker", "    unloadTimeout: 1\n")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_GT(world.children().size(), 1u);
  EXPECT_EQ(world.post("/api/models/unload/a", "").status, 200);
  EXPECT_THAT(world.children(), IsEmpty());
}

TEST(Fault, NonsenseFromTheEngineIsA502) {
  World world(models({fake_model("a", "--bad-status")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 502);
}

TEST(Fault, SigtermEndsEverything) {
  World world(
      models({fake_model("a"), fake_model("b")}, "groups: {both: {swap: false, members: [a, b]}}"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  EXPECT_EQ(world.stop(), 0);
}

TEST(Fault, SigtermLetsARunningStreamEnd) {
  World world(models({fake_model("a", "--tps 20 --tokens 20")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  world.signal(SIGTERM);
  while (client.read_piece(stream)) {
  }
  EXPECT_TRUE(stream.clean());
  EXPECT_THAT(stream.body, HasSubstr("[DONE]"));
  EXPECT_EQ(world.stop(), 0);
}

TEST(Fault, AfterSigkillTheNextStartFindsWhatWasLeft) {
  World world(models({fake_model("a", "--double-fork")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  world.kill();
  world.start();
  EXPECT_TRUE(wait_until([&] { return world.children().empty(); }, 10s));
}

TEST(Fault, AThousandIdleConnectionsHarmNobody) {
  World world(models({fake_model("a")}));
  std::vector<HttpProbe> idle;
  for (int i = 0; i < 1000; ++i) idle.push_back(world.connect());
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  ASSERT_TRUE(idle.back().send_request("GET", "/health"));
  EXPECT_EQ(idle.back().read_response().status, 200);
}

}  // namespace
}  // namespace rouse::test
