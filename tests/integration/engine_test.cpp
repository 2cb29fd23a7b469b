#include "tests/integration/demo_world.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

#include <chrono>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";

TEST(EngineProcess, AUnixSocketServesAsWellAsAPortAlsoAfterACrash) {
  const TempDir dir;
  const std::string socket = dir / "a.sock";
  World world(
      fmt::format("models:\n  a:\n    cmd: {} --name a --unix {} --crash-at-request 2\n"
                  "    proxy: unix:{}\n",
                  built_program("fake_engine"), socket, socket));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 502);
  // The socket file is still there; the next engine could not bind to it.
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
}

TEST(EngineProcess, CmdStopReplacesTheFirstSignal) {
  const TempDir dir;
  const std::string witness = dir / "stopped";
  World world(models({fake_model(
      "a", "--quick-sigterm",
      fmt::format("    cmdStop: sh -c 'echo $0 > {}; kill -TERM $0' ${{PID}}\n", witness))}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post("/api/models/unload/a", "").status, 200);
  EXPECT_THAT(world.children(), IsEmpty());
  EXPECT_GT(std::stoi(read_file(witness)), 1);
}

TEST(EngineProcess, ACmdStopThatFailsIsFollowedBySigterm) {
  World world(models({fake_model("a", "--quick-sigterm", "    cmdStop: /nowhere/stop ${PID}\n")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post("/api/models/unload/a", "").status, 200);
  EXPECT_THAT(world.children(), IsEmpty());
  EXPECT_THAT(world.log(), HasSubstr("/nowhere/stop"));
}

TEST(EngineProcess, WithoutACheckItIsReadyAtOnce) {
  World world(models({fake_model("a", "--hang-health", "    checkEndpoint: none\n")}));
  EXPECT_EQ(world.post("/api/models/load/a", "").status, 202);
  EXPECT_TRUE(world.wait_for_log("a is ready"));
}

TEST(EngineProcess, ItsEnvironmentIsOursAndItsOwn) {
  WorldOptions options;
  options.env = {"ROUSE_TEST_INHERITED=yes"};
  World world(
      models({"  a:\n    cmd: sh -c 'echo inherited=$ROUSE_TEST_INHERITED own=$OWN; exit 4'\n"
              "    proxy: http://127.0.0.1:1\n    env: [OWN=mine]\n"}),
      options);
  EXPECT_THAT(world.post(kChat, chat("a")).body, HasSubstr("inherited=yes own=mine"));
}

TEST(EngineProcess, AFloodOfLogsStopsNobody) {
  World world(models({fake_model("a", "--log-flood 20000000")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  HttpProbe follower = world.connect();
  ASSERT_TRUE(follower.send_request("GET", "/logs/stream/a"));
  ProbeResponse history = follower.read_head();
  ASSERT_TRUE(follower.read_until(history, "listening on"));
  EXPECT_LE(history.body.size(), 200u * 1024);
}

TEST(EngineProcess, ALogIsFollowedWhileItGrows) {
  World world(models({fake_model("a")}));
  HttpProbe follower = world.connect();
  ASSERT_TRUE(follower.send_request("GET", "/logs/stream/a"));
  ProbeResponse stream = follower.read_head();
  EXPECT_EQ(stream.status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_TRUE(follower.read_until(stream, "listening on"));
  EXPECT_EQ(world.get("/logs/stream/nobody").status, 400);
}

TEST(EngineProcess, AnEngineThatBreaksOffIsACutConnection) {
  for (const char* const fault : {"--truncate-body", "--close-after-head", "--bad-chunk"}) {
    SCOPED_TRACE(fault);
    World world(models({fake_model("a", fault)}));
    const ProbeResponse answer = world.post(kChat, chat("a", true));
    EXPECT_TRUE(answer.end == ProbeEnd::Cut || answer.status == 502) << answer.status;
    EXPECT_FALSE(answer.clean() && answer.status == 200);
  }
}

TEST(EngineProcess, AnEngineThatHangsHoldsNobodyWhoLeaves) {
  const TempDir dir;
  const std::string record = dir.write("record", "");
  World world(models({fake_model("a", "--hang --record " + record,
                                 "    checkEndpoint: none\n    unloadTimeout: 1\n")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a")));
  ASSERT_TRUE(wait_until([&] { return !read_file(record).empty(); }))
      << "it has reached the engine";
  EXPECT_THAT(world.get("/api/queue").body, HasSubstr(R"("running":1)"));
  client.close();
  EXPECT_TRUE(wait_until(
      [&] { return world.get("/api/queue").body.find(R"("running":1)") == std::string::npos; }));
}

TEST(EngineProcess, AnAnswerTimeoutIsA504) {
  World world(models(
      {fake_model("a", "--hang", "    checkEndpoint: none\n    timeouts: {responseHeader: 1}\n")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 504);
}

TEST(EngineProcess, KeysAreAskedForAndNotPassedOn) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a", "--record " + record)}, "apiKeys: [secret-1]"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 401);
  EXPECT_EQ(world.get("/v1/models").status, 401);
  EXPECT_EQ(world.get("/health").status, 200);
  EXPECT_EQ(world.post(kChat, chat("a"), {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(world.post(kChat, chat("a"), {{"Authorization", "Bearer secret-1"}}).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a"), {{"x-api-key", "secret-1"}}).status, 200);
  // base64("any:secret-1")
  EXPECT_EQ(world.post(kChat, chat("a"), {{"Authorization", "Basic YW55OnNlY3JldC0x"}}).status,
            200);
  const std::string seen = read_file(record);
  EXPECT_THAT(seen, Not(HasSubstr("secret-1")));
  EXPECT_THAT(seen, Not(HasSubstr("YW55OnNlY3JldC0x")));
  EXPECT_THAT(world.log(), Not(HasSubstr("secret-1")));
}

TEST(EngineProcess, RequestsReachItAsTheyWere) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a", "--record " + record)}));
  const std::string body =
      R"({ "model" : "a",  "messages":[{"role":"user","content":"ä\u20ac"}] })";
  EXPECT_EQ(world
                .post("/v1/chat/completions?beta=true&x=%2F", body,
                      {{"X-Custom", "kept"},
                       {"Connection", "keep-alive, X-Hop"},
                       {"X-Hop", "gone"},
                       {"Accept-Encoding", "gzip"}})
                .status,
            200);
  const std::string seen = read_file(record);
  EXPECT_THAT(seen, HasSubstr("/v1/chat/completions?beta=true&x=%2F"));
  EXPECT_THAT(seen, HasSubstr(R"(["X-Custom","kept"])"));
  EXPECT_THAT(seen, HasSubstr(R"(["x-forwarded-for","127.0.0.1"])"));
  EXPECT_THAT(seen, HasSubstr(fmt::format(R"("body_bytes":{})", body.size())));
  EXPECT_THAT(seen, Not(HasSubstr("X-Hop")));
  EXPECT_THAT(seen, Not(HasSubstr("gzip")));
}

}  // namespace
}  // namespace rouse::test
