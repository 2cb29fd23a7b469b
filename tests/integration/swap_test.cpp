#include "tests/integration/demo_world.hpp"
#include "tests/support/cold_file.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <future>
#include <thread>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";

TEST(Swap, AModelLoadsOnDemandAndAnswers) {
  World world(models({fake_model("a")}));
  const ProbeResponse answer = world.post(kChat, chat("a"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.clean());
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("a:"));
  EXPECT_THAT(answer.body, HasSubstr("chat.completion"));
}

TEST(Swap, ListingsAndHealthLoadNothing) {
  World world(models({fake_model("a"), fake_model("b")}));
  for (const std::string_view target : {"/v1/models", "/models", "/running", "/health", "/livez",
                                        "/readyz", "/api/queue", "/logs", "/api/version", "/"}) {
    const ProbeResponse answer = world.get(target);
    EXPECT_EQ(answer.status, 200) << target;
    EXPECT_TRUE(answer.clean()) << target;
  }
  EXPECT_THAT(world.children(), SizeIs(0));
  EXPECT_THAT(world.get("/v1/models").body, HasSubstr(R"("id":"a")"));
}

TEST(Swap, AskingForTheSecondModelStopsTheFirst) {
  World world(models({fake_model("a"), fake_model("b")}, "schedule: {minResidency: 0s}"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  const std::string running = world.get("/running").body;
  EXPECT_THAT(running, HasSubstr(R"("model":"b")"));
  EXPECT_THAT(running, Not(HasSubstr(R"("model":"a")")));
  EXPECT_THAT(world.children(), SizeIs(1));
}

TEST(Swap, WhatItTookIsToldToTheClientAndAfterwards) {
  World world(models({fake_model("a", "--tps 20 --tokens 4"), fake_model("b", "--load-ms 60")},
                     "schedule: {minResidency: 0s, linger: 0s}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  const ProbeResponse swapped = world.post(kChat, chat("b"));
  EXPECT_EQ(swapped.status, 200);
  const std::string timing(swapped.header("server-timing"));
  EXPECT_THAT(timing, HasSubstr(", drain;dur=")) << "the stream of a had to end";
  EXPECT_THAT(timing, HasSubstr(", stop;dur="));
  EXPECT_THAT(timing, HasSubstr(", load;dur="));
  EXPECT_THAT(world.get("/api/metrics/activity?model=b").body, HasSubstr(R"("swap":"drain=)"));
  EXPECT_THAT(world.get("/api/explain/b").body, HasSubstr(R"("swap":{"drain_ms":)"));
  EXPECT_THAT(world.get("/metrics").body,
              HasSubstr(R"(rouse_swap_phase_seconds_count{phase="drain"} 1)"))
      << "the start of a had nobody in its way";
  const auto [status, page] =
      run_program({built_program("rouse"), "explain", "b", "--url", world.url()});
  EXPECT_THAT(page, HasSubstr("until those in its way could go")) << page;
}

TEST(Swap, AClientThatGoesFromModelToModelWaitsForNobody) {
  World world(models({fake_model("a"), fake_model("b")}));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
    EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  }
  // Each stop says why it came when it did: nobody else could have followed.
  const std::string log = world.log();
  std::size_t stops = 0;
  for (std::size_t at = log.find(": idle for "); at != std::string::npos;
       at = log.find(": idle for ", at + 1)) {
    const std::string line = log.substr(at, log.find('\n', at) - at);
    EXPECT_THAT(line, HasSubstr("and whoever used it waits for another model; makes room for "));
    ++stops;
  }
  EXPECT_EQ(stops, 5U);
}

TEST(Swap, AMatrixLetsTheEmbeddingModelStay) {
  World world(models({fake_model("a"), fake_model("b"), fake_model("emb")},
                     "schedule: {minResidency: 0s}\n"
                     "matrix: {sets: {default: \"(a | b) & emb\"}}"));
  EXPECT_EQ(world.post("/v1/embeddings", R"({"model":"emb","input":"x"})").status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  const std::string running = world.get("/running").body;
  EXPECT_THAT(running, HasSubstr(R"("model":"emb")"));
  EXPECT_THAT(running, HasSubstr(R"("model":"b")"));
  EXPECT_THAT(world.log(), Not(HasSubstr("stop emb")));
}

TEST(Swap, AliasesAndUseModelNameReachTheEngine) {
  World world(
      models({fake_model("a", "", "    aliases: [gpt-4]\n    useModelName: org/real \"x\"\n")}));
  const ProbeResponse answer = world.post(kChat, chat("gpt-4"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"(org/real \"x\")"));
}

TEST(Swap, ABusyModelIsNotEvictedBeforeItsStreamHasEnded) {
  World world(models({fake_model("a", "--tps 20 --tokens 20"), fake_model("b")},
                     "schedule: {minResidency: 0s}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  auto other = std::async(std::launch::async, [&] { return world.post(kChat, chat("b")); });
  while (client.read_piece(stream)) {
  }
  EXPECT_TRUE(stream.clean());
  EXPECT_THAT(stream.body, HasSubstr("[DONE]"));
  EXPECT_EQ(other.get().status, 200);
}

TEST(Swap, WhatIsLoadedNextIsReadFromTheDiskWhileItWaits) {
  constexpr std::uint64_t kSize = 3'000'000;
  const ColdFile file(kSize);
  if (!file.is_cold()) ROUSE_SKIP("disk", "the file system here keeps all files in memory");
  World world(models({fake_model("a", "--tps 20 --tokens 100000"),
                      fake_model("b", "", fmt::format("    prefetch: [{}]\n", file.path()))}));
  HttpProbe busy = world.connect();
  ASSERT_TRUE(busy.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = busy.read_head();
  ASSERT_TRUE(busy.read_until(stream, "data:"));
  EXPECT_FALSE(file.is_warm_at(kSize - 1)) << "nobody wants it yet";
  HttpProbe waiting = world.connect();
  ASSERT_TRUE(waiting.send_request("POST", kChat, chat("b")));
  EXPECT_TRUE(wait_until([&] { return file.is_warm_at(kSize - 1); }));
  EXPECT_THAT(world.log(), Not(HasSubstr("stop a")));
  busy.close();
  EXPECT_EQ(waiting.read_response().status, 200);
}

TEST(Swap, TwoModelsThatMayCoexistLoadSideBySide) {
  World world(models({fake_model("a", "--load-ms 600"), fake_model("b", "--load-ms 600")},
                     "groups: {both: {swap: false, members: [a, b]}}"));
  auto other = std::async(std::launch::async, [&] { return world.post(kChat, chat("b")); });
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(other.get().status, 200);
  const std::string log = world.log();
  EXPECT_LT(log.find("start b"), log.find("is ready"));
  EXPECT_LT(log.find("start a"), log.find("is ready"));
}

TEST(Swap, LoadAndUnloadByTheOperator) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(world.post("/api/models/load/a", "").status, 202);
  EXPECT_TRUE(wait_until(
      [&] { return world.get("/running").body.find(R"("state":"ready")") != std::string::npos; }));
  const ProbeResponse unloaded = world.post("/api/models/unload/a", "");
  EXPECT_EQ(unloaded.status, 200);
  EXPECT_THAT(world.children(), SizeIs(0));
  EXPECT_EQ(world.post("/api/models/load/nobody", "").status, 404);
  EXPECT_EQ(world.post("/api/models/unload/nobody", "").status, 404);
  EXPECT_EQ(world.post("/api/models/unload", "").body, R"({"msg":"ok"})");
}

TEST(Swap, TtlUnloadsAfterTheLastRequest) {
  World world(models({fake_model("a", "", "    ttl: 1\n")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_THAT(world.children(), SizeIs(1));
  EXPECT_TRUE(wait_until([&] { return world.children().empty(); }, 8s));
  EXPECT_TRUE(world.wait_for_log("stop a: no request for"));
}

TEST(Swap, TheQueueSaysWhatWaitsAndWhatHappensNext) {
  World world(models({fake_model("a", "--load-ms 3000"), fake_model("b")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a"), {{"x-request-id", "my-request"}}));
  std::string queue;
  EXPECT_TRUE(wait_until([&] {
    queue = world.get("/api/queue").body;
    return queue.find("my-request") != std::string::npos;
  }));
  EXPECT_THAT(queue, HasSubstr(R"("state":"starting")"));
  EXPECT_THAT(queue, HasSubstr("starts when a is loaded"));
  const auto [status, text] = run_program({built_program("rouse"), "status", "--url", world.url()});
  EXPECT_EQ(status, 0);
  EXPECT_THAT(text, HasSubstr("MODEL"));
  EXPECT_THAT(text, HasSubstr("starting"));
  EXPECT_THAT(text, HasSubstr("my-request"));
  EXPECT_EQ(client.read_response().status, 200);
}

TEST(Swap, KeptAliveConnectionsCarryManyRequests) {
  World world(models({fake_model("a")}));
  HttpProbe client = world.connect();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(client.send_request("POST", kChat, chat("a", i % 2 == 1)));
    const ProbeResponse answer = client.read_response();
    ASSERT_EQ(answer.status, 200) << i;
    ASSERT_TRUE(answer.clean()) << i;
  }
}

TEST(Swap, AnUnevictableModelIsUnloadedByPeopleOnly) {
  World world(models({fake_model("a", "", "    unevictable: true\n"), fake_model("b")}));
  ASSERT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200);
  const ProbeResponse refused = world.post("/v1/chat/completions", chat("b"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, testing::HasSubstr("unload a first"));
  EXPECT_THAT(refused.body, testing::HasSubstr(R"("code":"no_room")"));
  ASSERT_EQ(world.post("/api/models/unload/a", "").status, 200);
  EXPECT_EQ(world.post("/v1/chat/completions", chat("b")).status, 200);
  EXPECT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200) << "it may evict others";
}

}  // namespace
}  // namespace rouse::test
