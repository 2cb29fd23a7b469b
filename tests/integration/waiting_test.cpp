#include "tests/integration/demo_world.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <future>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kQuick = "waiting: {hold: 300ms, keepAlive: 200ms}";

struct StreamRoute {
  const char* path;
  const char* body;
};

void PrintTo(const StreamRoute& route, std::ostream* out) {
  *out << route.path;
}

class EarlyHead : public testing::TestWithParam<StreamRoute> {};

TEST_P(EarlyHead, AStreamThatWaitsGetsAHeadAndCommentsAndThenItsEvents) {
  World world(models({fake_model("a", "--load-ms 1500")}, kQuick));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", GetParam().path, GetParam().body));
  ProbeResponse answer = client.read_head(1200ms);
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/event-stream");
  while (client.read_piece(answer)) {
  }
  EXPECT_TRUE(answer.clean());
  EXPECT_THAT(answer.body, StartsWith(": keep-alive\n\n: keep-alive\n\n"));
  const std::size_t events = answer.body.rfind(": keep-alive\n\n") + 14;
  EXPECT_THAT(answer.body.substr(events), Not(IsEmpty()));
  EXPECT_THAT(answer.body.substr(events),
              testing::AnyOf(StartsWith("data:"), StartsWith("event:")));
}

INSTANTIATE_TEST_SUITE_P(
    Dialects, EarlyHead,
    testing::Values(
        StreamRoute{"/v1/chat/completions",
                    R"({"model":"a","messages":[{"role":"user","content":"x"}],"stream":true})"},
        StreamRoute{"/v1/completions", R"({"model":"a","prompt":"x","stream":true})"},
        StreamRoute{
            "/v1/messages",
            R"({"max_tokens":9,"messages":[{"role":"user","content":"x"}],"stream":true,"model":"a"})"},
        StreamRoute{"/v1/responses", R"({"model":"a","input":"x","stream":true})"}));

TEST(Waiting, ARequestThatIsNoStreamIsHeldInSilence) {
  World world(models({fake_model("a", "--load-ms 1200")}, kQuick));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a")));
  ProbeResponse early = client.read_head(700ms);
  EXPECT_EQ(early.status, 0);
  EXPECT_EQ(early.end, ProbeEnd::TimedOut);
  const ProbeResponse answer = client.read_response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.header("content-type"), StartsWith("application/json"));
}

TEST(Waiting, AShortWaitPassesTheEnginesOwnHead) {
  World world(models({fake_model("a", "--load-ms 50")}, "waiting: {hold: 10s}"));
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("a", true));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("a:"));
  EXPECT_THAT(answer.body, Not(HasSubstr("keep-alive")));
}

TEST(Waiting, CommentsFillTheSilenceOfALongPrefill) {
  World world(models({fake_model("a", "--prefill-ms 1200 --head-first")}, kQuick));
  ASSERT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200);
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("a", true));
  EXPECT_TRUE(answer.clean());
  EXPECT_THAT(answer.body, StartsWith(": keep-alive\n\n"));
}

TEST(Waiting, AFailedLoadWithinTheHoldIsA503WithRetryAfter) {
  World world(models({fake_model("a", "--crash-at-start 3")}, "waiting: {hold: 10s}"));
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("a", true));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("status 3"));
  EXPECT_FALSE(answer.header("retry-after").empty());
  EXPECT_LE(std::stoi(answer.header("retry-after")), 30);
}

TEST(Waiting, AFailedLoadAfterTheEarlyHeadCutsTheConnection) {
  World world(models({fake_model("a", "--crash-while-loading 900")}, kQuick));
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("a", true));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.end, ProbeEnd::Cut);
}

TEST(Waiting, AnEngineThatRefusesAfterTheEarlyHeadIsHeardInsideTheStream) {
  World world(models({fake_model("a", "--load-ms 800")}, kQuick));
  const ProbeResponse answer =
      world.post("/v1/messages", R"({"model":"a","stream":true})");  // no messages: 4xx or 5xx
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.clean());
  EXPECT_THAT(answer.body, HasSubstr("event: error\ndata: {\"type\":\"error\""));
}

TEST(Waiting, AClientThatLeavesGivesUpItsPlaceButNotTheLoad) {
  World world(models({fake_model("a", "--load-ms 1000")}, kQuick));
  {
    HttpProbe client = world.connect();
    ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a")));
    ASSERT_TRUE(wait_until(
        [&] { return world.get("/api/queue").body.find(R"("waiting":1)") != std::string::npos; }));
    client.close();
  }
  EXPECT_TRUE(wait_until(
      [&] { return world.get("/api/queue").body.find(R"("waiting":1)") == std::string::npos; }));
  const ProbeResponse again = world.post("/v1/chat/completions", chat("a"));
  EXPECT_EQ(again.status, 200);
  const std::string log = world.log();
  EXPECT_EQ(log.find("start a"), log.rfind("start a"));
}

TEST(Waiting, AClientThatLeavesInMidStreamStopsTheGeneration) {
  World world(models({fake_model("a", "--tps 50")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a", true, "LOOP")));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  client.reset();
  EXPECT_TRUE(wait_until(
      [&] { return world.get("/api/queue").body.find(R"("running":1)") == std::string::npos; }));
  EXPECT_TRUE(world.wait_for_log("client left"));
}

TEST(Waiting, LoadingStateIsShownToWhoWantsIt) {
  World world(models({fake_model("a", "--load-ms 1700", "    sendLoadingState: true\n")}));
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("a", true));
  EXPECT_TRUE(answer.clean());
  EXPECT_THAT(answer.body, StartsWith("data: {\"choices\":[{\"delta\":{\"reasoning_content\":"));
  EXPECT_THAT(answer.body, HasSubstr("loading model: a"));
  EXPECT_THAT(answer.body, HasSubstr("[DONE]"));
}

TEST(Waiting, ExpectContinueIsAnsweredWhileTheModelLoads) {
  World world(models({fake_model("a", "--load-ms 1000")}));
  const std::string body = chat("a");
  HttpProbe client = world.connect();
  ASSERT_TRUE(
      client.send(fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nExpect: "
                              "100-continue\r\nContent-Length: {}\r\n\r\n",
                              body.size())));
  ASSERT_TRUE(client.send(body));
  const ProbeResponse answer = client.read_response();
  EXPECT_THAT(answer.interim, testing::ElementsAre(100));
  EXPECT_EQ(answer.status, 200);
}

TEST(Waiting, AModelNameAtTheFarEndOfALargeBodyIsFound) {
  World world(models({fake_model("a")}));
  const std::string text(4'000'000, 'x');
  const std::string body =
      R"({"messages":[{"role":"user","content":")" + text + R"("}],"model":"a"})";
  const ProbeResponse answer = world.post("/v1/chat/completions", body);
  EXPECT_EQ(answer.status, 200);
}

TEST(Waiting, AModelThatIsAskedForWithoutPauseDoesNotStarveTheOther) {
  World world(models({fake_model("a", "--tps 100 --tokens 20"), fake_model("b")},
                     "schedule: {maxWait: 1s, minResidency: 0s}"));
  ASSERT_EQ(world.post("/v1/chat/completions", chat("a")).status, 200);
  std::atomic<bool> over = false;
  std::vector<std::future<int>> agents;
  for (int i = 0; i < 3; ++i) {
    agents.push_back(std::async(std::launch::async, [&] {
      int failures = 0;
      while (!over) failures += world.post("/v1/chat/completions", chat("a")).status != 200;
      return failures;
    }));
  }
  const auto asked = std::chrono::steady_clock::now();
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("b"));
  const auto waited = std::chrono::steady_clock::now() - asked;
  over = true;
  EXPECT_EQ(answer.status, 200);
  EXPECT_LT(waited, 6s);  // the bound, one request to drain, a stop and a load, on a busy machine
  for (auto& agent : agents) EXPECT_EQ(agent.get(), 0);
}

}  // namespace
}  // namespace rouse::test
