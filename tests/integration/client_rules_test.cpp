// What real clients bear and what they do not, each with their own recorded requests.

#include "tests/integration/recorded_world.hpp"
#include "tests/support/client_trace.hpp"
#include "tests/support/engine_record.hpp"

#include <gmock/gmock.h>

#include <future>
#include <tuple>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view kComment = ": keep-alive\n\n";
constexpr std::string_view kQuick = "waiting: {hold: 200ms, keepAlive: 60ms}";
constexpr std::string_view kNever = "waiting: {hold: 1m}";

/// An API with a streamed request of a real client for local-big.
struct ClientApi {
  const char* name;
  const char* session;
  std::size_t request;

  [[nodiscard]] TraceRequest asks() const { return read_client_trace(session).requests[request]; }
  [[nodiscard]] std::string recorded_file(std::string_view kind) const {
    return test_data(fmt::format("client-traces/responses/{}.{}.sse", name, kind)).string();
  }
};

void PrintTo(const ClientApi& api, std::ostream* out) {
  *out << api.name;
}

class Api : public testing::TestWithParam<ClientApi> {};

INSTANTIATE_TEST_SUITE_P(Each, Api,
                         testing::Values(ClientApi{"chat", "opencode.run-chat", 1},
                                         ClientApi{"messages", "claude-code.print", 0},
                                         ClientApi{"responses", "codex.exec", 0}),
                         [](const auto& info) { return std::string(info.param.name); });

bool send(HttpProbe& client, const World& world, const TraceRequest& request) {
  return client.send(request.head(world.port()) + request.body);
}

ProbeResponse ask(const World& world, const TraceRequest& request) {
  HttpProbe client = world.connect();
  EXPECT_TRUE(send(client, world, request));
  return client.read_response();
}

World big(std::string_view options, std::string_view rest) {
  return World(models({fake_model("local-big", options)}, rest));
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++found;
  return found;
}

// --- the bytes that a waiting stream gets --------------------------------------------------------

/// Comments, at least @p least, and then the recorded answer to the byte.
void expect_comments_and_stream(const ClientApi& api, const ProbeResponse& answer,
                                std::size_t least) {
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/event-stream");
  EXPECT_TRUE(answer.clean());
  const std::size_t comments = count(answer.body, kComment);
  EXPECT_GE(comments, least);
  // The recording has three of them; how many there are depends on the time.
  std::string expected = read_file(api.recorded_file("keepalive-then-stream"));
  ASSERT_EQ(count(expected, kComment), 3u);
  expected.erase(0, 3 * kComment.size());
  for (std::size_t i = 0; i < comments; ++i) expected.insert(0, kComment);
  EXPECT_EQ(answer.body, expected);
}

TEST_P(Api, ASlowLoadIsCommentsAndThenTheEnginesBytes) {
  World world = big("--load-ms 800 --stream-file " + GetParam().recorded_file("stream"), kQuick);
  expect_comments_and_stream(GetParam(), ask(world, GetParam().asks()), 3);
}

TEST_P(Api, AnEngineThatIsSilentAfterItsHeadIsCommentsAndThenItsBytes) {
  World world = big(
      "--prefill-ms 800 --head-first --stream-file " + GetParam().recorded_file("stream"), kQuick);
  expect_comments_and_stream(GetParam(), ask(world, GetParam().asks()), 3);
}

TEST_P(Api, CommentsStandBetweenEventsOnlyAlsoWhenEachByteComesAlone) {
  const std::string stream = read_file(GetParam().recorded_file("stream"));
  // Silence inside a line, between the lines of an event, inside the blank line, and, only there
  // with a comment, between two events.
  const std::size_t second = stream.find("\n\n") + 2;
  const std::size_t third = stream.find("\n\n", second) + 2;
  const std::size_t line_end = stream.find('\n', second) + 1;
  const std::vector<std::size_t> silences{5, second - 1, second, second + 9, line_end, third};
  World world = big(fmt::format("--split 1 --stall-ms 250 --stall-at {} --stream-file {}",
                                fmt::join(silences, ","), GetParam().recorded_file("stream")),
                    "waiting: {hold: 50ms, keepAlive: 50ms}");
  ASSERT_EQ(world.post("/v1/embeddings", R"({"model":"local-big","input":"x"})").status, 200);
  const ProbeResponse answer = ask(world, GetParam().asks());
  EXPECT_TRUE(answer.clean());

  std::string without;
  std::size_t between = 0;
  for (std::size_t at = 0; at < answer.body.size();) {
    if (answer.body.compare(at, kComment.size(), kComment) != 0) {
      without += answer.body[at++];
      continue;
    }
    at += kComment.size();
    EXPECT_TRUE(without.empty() || without.ends_with("\n\n")) << without.substr(without.size() / 2);
    between += without.size() == second || without.size() == third ? 1 : 0;
  }
  EXPECT_EQ(without, stream);
  EXPECT_GE(between, 2u) << "silence between events is filled";
}

// --- what becomes of failures --------------------------------------------------------------------

TEST_P(Api, ARefusalOfTheEngineStaysWhatItIsWithinTheHold) {
  World world = big("--load-ms 100", kNever);
  const std::string no_messages = R"({"model":"local-big","stream":true})";
  const ProbeResponse answer = world.post(GetParam().asks().target, no_messages);
  EXPECT_EQ(answer.status, std::string_view(GetParam().name) == "messages" ? 500 : 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("message":"\"messages\" is required")"));
  EXPECT_THAT(answer.header("x-fake-engine"), StartsWith("local-big:"));
}

TEST_P(Api, ARefusalOfTheEngineAfterTheEarlyHeadIsAnEventOfThatApi) {
  World world = big("--load-ms 600", kQuick);
  const ProbeResponse answer =
      world.post(GetParam().asks().target, R"({"model":"local-big","stream":true})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.clean());
  const std::string event = answer.body.substr(answer.body.rfind(kComment) + kComment.size());
  const std::string name = GetParam().name;
  EXPECT_THAT(event, StartsWith(name == "chat"       ? "data: {\"error\":{"
                                : name == "messages" ? "event: error\ndata: {\"type\":\"error\","
                                                     : "event: response.created\ndata: {"));
  EXPECT_THAT(event, HasSubstr(R"("message":"\"messages\" is required")"));
  EXPECT_THAT(event, EndsWith("}\n\n"));
}

TEST_P(Api, AFailedLoadWithinTheHoldIsAnErrorThatEveryClientReads) {
  World world = big("--crash-while-loading 100", kNever);
  const ProbeResponse answer = ask(world, GetParam().asks());
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, StartsWith(R"({"type":"error","error":{"type":"overloaded_error",)"));
  for (const char* const member : {R"("message":"local-big: )", R"("code":")", R"("param":)"}) {
    EXPECT_THAT(answer.body, HasSubstr(member));
  }
  ASSERT_FALSE(answer.header("retry-after").empty());
  EXPECT_LE(std::stoi(answer.header("retry-after")), 30);
}

TEST_P(Api, AFailedLoadAfterTheEarlyHeadIsACutWithoutALastChunk) {
  World world = big("--crash-while-loading 600", kQuick);
  const ProbeResponse answer = ask(world, GetParam().asks());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.end, ProbeEnd::Cut);
  EXPECT_EQ(answer.body.size(), count(answer.body, kComment) * kComment.size());
}

TEST_P(Api, AnEngineThatDiesInMidStreamIsACutWithoutALastChunk) {
  World world = big("--crash-mid-stream 3 --tps 50", kNever);
  const ProbeResponse answer = ask(world, GetParam().asks());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.end, ProbeEnd::Cut);
  EXPECT_THAT(answer.body, HasSubstr("word-3"));
}

// --- clients that leave
// ---------------------------------------------------------------------------

struct Leaving {
  bool after_head;
  bool by_reset;
};

class Leaves : public testing::TestWithParam<std::tuple<bool, bool>> {};

/// It gives up while its model loads, and is served by that very load when it comes back.
TEST_P(Leaves, TheRequestGoesTheLoadStaysAndServesTheNext) {
  const auto [after_head, by_reset] = GetParam();
  const TempDir dir;
  const ClientTrace trace = read_client_trace("qwen-code.print-no-answer");
  World world = big("--load-ms 1500 --record " + (dir / "record"), after_head ? kQuick : kNever);
  {
    HttpProbe client = world.connect();
    ASSERT_TRUE(send(client, world, trace.requests[0]));
    if (after_head) {
      ProbeResponse early = client.read_head();
      ASSERT_TRUE(client.read_until(early, kComment));
    } else {
      ASSERT_TRUE(wait_until([&] {
        return world.get("/api/queue").body.find(R"("waiting":1)") != std::string::npos;
      }));
    }
    if (by_reset) client.reset();
  }
  EXPECT_TRUE(wait_until(
      [&] { return world.get("/api/queue").body.find(R"("waiting":1)") == std::string::npos; }));
  EXPECT_TRUE(world.wait_for_log("client left"));
  EXPECT_THAT(world.log(), Not(HasSubstr("local-big is ready"))) << "or this shows nothing";
  const ProbeResponse answer = ask(world, trace.requests[1]);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("[DONE]"));
  EXPECT_THAT(starts(world.log()), ElementsAre("local-big"));
  EXPECT_THAT(read_engine_record(dir / "record"), SizeIs(1)) << "the first was dropped";
}

INSTANTIATE_TEST_SUITE_P(Clients, Leaves, testing::Combine(testing::Bool(), testing::Bool()),
                         [](const auto& info) {
                           return fmt::format("{}_by_{}",
                                              std::get<0>(info.param) ? "after_the_head" : "held",
                                              std::get<1>(info.param) ? "RST" : "FIN");
                         });

/// As codex and the SDK of OpenAI do; the last chunk has yet to come then.
TEST_P(Api, ACloseRightAfterTheLastEventIsASuccess) {
  World world = big("--end-ms 2000", kNever);
  const TraceRequest request = GetParam().asks();
  HttpProbe client = world.connect();
  ASSERT_TRUE(send(client, world, request));
  ProbeResponse answer = client.read_head();
  ASSERT_TRUE(client.read_until(answer, last_event(request)));
  client.close();
  ASSERT_TRUE(wait_until([&] {
    return world.get("/api/metrics/activity").body.find(R"("total":1)") != std::string::npos;
  }));
  EXPECT_THAT(world.get("/api/metrics/activity").body, HasSubstr(R"("outcome":"ok")"));
  EXPECT_THAT(world.log(), Not(HasSubstr("client left")));
}

// --- special requests
// -----------------------------------------------------------------------------

TEST(ClientRules, AFallbackWithoutStreamIsHeldWhileTheStreamGetsItsHead) {
  const ClientTrace trace = read_client_trace("claude-code.print-nonstream-fallback");
  World world = big("--load-ms 900", kQuick);
  auto streamed = std::async(std::launch::async, [&] { return ask(world, trace.requests[0]); });
  const auto asked = ProbeClock::now();
  const ProbeResponse held = ask(world, trace.requests[1]);
  EXPECT_GE(held.head_at - asked, 700ms);
  EXPECT_THAT(held.header("content-type"), StartsWith("application/json"));
  EXPECT_THAT(held.header("x-fake-engine"), StartsWith("local-big:")) << "the engine's own head";
  EXPECT_THAT(streamed.get().body, StartsWith(kComment));
  EXPECT_THAT(starts(world.log()), ElementsAre("local-big"));
}

TEST(ClientRules, CurlMayGoOnAtOnceWhileTheModelLoads) {
  const TraceRequest request = read_client_trace("curl.expect-100").requests[0];
  World world = big("--load-ms 1500", kNever);
  auto other = std::async(std::launch::async, [&] {
    return ask(world, ClientApi{"", "codex.exec", 0}.asks());
  });
  ASSERT_TRUE(world.wait_for_log("start local-big"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send(request.head(world.port())));
  ASSERT_TRUE(client.hears(1s)) << "curl sends its body without being told to after a second";
  ASSERT_TRUE(client.send(request.body));
  const ProbeResponse answer = client.read_response();
  EXPECT_THAT(answer.interim, ElementsAre(100));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(other.get().status, 200);
}

TEST(ClientRules, AWebSocketOfCodexIsRefusedAtOnceWith426) {
  const ClientTrace trace = read_client_trace("codex.exec-websocket-426");
  World world = big("--load-ms 300", kNever);
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send(trace.requests[0].head(world.port())));
  EXPECT_EQ(client.read_response(1s).status, 426);
  EXPECT_THAT(world.children(), IsEmpty());
  EXPECT_EQ(ask(world, trace.requests[1]).status, 200);
}

TEST(ClientRules, ProbesAreAnsweredAtOnceAndWakeNothing) {
  World world = big("--load-ms 60000", kNever);
  const auto probe = [&] {
    EXPECT_EQ(http(world.port(), "HEAD", "/api/hello").status, 404);
    EXPECT_EQ(world.get("/v1/models?limit=1000").status, 200);
    EXPECT_EQ(world.get("/models").status, 200);
    EXPECT_EQ(world.get("/api/tags").status, 200);
    for (const char* const foreign : {"/api/v1/models", "/v1/props", "/version"}) {
      EXPECT_EQ(world.get(foreign).status, 404) << foreign;
    }
    EXPECT_EQ(world.get("/props").status, 400);
    EXPECT_EQ(world.get("/props?model=local-big").status, 409);
  };
  probe();
  EXPECT_THAT(starts(world.log()), IsEmpty());
  EXPECT_EQ(world.post("/api/models/load/local-big", "").status, 202);
  probe();
  EXPECT_THAT(world.log(), Not(HasSubstr("local-big is ready"))) << "or this shows nothing";
}

TEST(ClientRules, OpenConnectionsAreNoActivity) {
  World world(models({fake_model("local-big", "", "    ttl: 1\n")}));
  std::vector<HttpProbe> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(world.connect());
    ASSERT_TRUE(idle.back().send_request("POST", "/v1/chat/completions", chat("local-big")));
    ASSERT_EQ(idle.back().read_response().status, 200);
  }
  EXPECT_TRUE(wait_until([&] { return world.children().empty(); }, 10s));
  EXPECT_TRUE(world.wait_for_log("stop local-big: no request for"));
  for (HttpProbe& client : idle) {
    ASSERT_TRUE(client.send_request("GET", "/v1/models"));
    ASSERT_EQ(client.read_response().status, 200);
  }
}

/// Codex tries 30 times in 24 s; here ten times as fast, as are the pauses between starts.
TEST(ClientRules, AStormOfRepetitionsStartsOneEngineForEachPause) {
  const TraceRequest request = ClientApi{"", "codex.exec", 0}.asks();
  World world = big("--crash-at-start 3",
                    "schedule: {backoffFirst: 100ms, backoffMax: 3s, loadFailuresMax: 3}");
  std::vector<ProbeClock::time_point> started;
  std::size_t seen = 0;
  for (int round = 0; round < 6; ++round) {
    for (const int pause_ms : {20, 40, 80, 160, 20}) {
      const ProbeResponse answer = ask(world, request);
      EXPECT_EQ(answer.status, 503);
      EXPECT_LE(std::stoi("0" + answer.header("retry-after")), 30);
      EXPECT_TRUE(answer.has_header("retry-after"));
      if (const std::size_t now = starts(world.log()).size(); now > seen) {
        EXPECT_EQ(now, seen + 1) << "one request starts one engine at most";
        seen = now;
        started.push_back(ProbeClock::now());
      }
      EXPECT_FALSE(wait_until([] { return false; }, std::chrono::milliseconds(pause_ms)));
    }
  }
  ASSERT_GE(started.size(), 3u);
  auto pause = 100ms;
  for (std::size_t i = 1; i < started.size(); ++i, pause = std::min(2 * pause, 3000ms)) {
    EXPECT_GE(started[i] - started[i - 1], pause * 8 / 10) << "start " << i;
  }
}

}  // namespace
}  // namespace rouse::test
