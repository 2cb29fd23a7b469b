#include "tests/integration/demo_world.hpp"
#include "tests/integration/power_world.hpp"
#include "tests/support/skip.hpp"

#include <gmock/gmock.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

TEST(Power, AnIdleBoxIsDrainedUnloadedAndCommitted) {
  PowerWorld box({fake_model("a")});
  ASSERT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  PowerDrain drain = box.drain("L1");
  ASSERT_EQ(drain.status(), 200);
  EXPECT_THAT(drain.first_line(), StartsWith(R"({"event":"granted","lease":"L1","epoch":)"));
  EXPECT_EQ(box.state(), "draining");
  const PowerReply unloaded = box.call("unload", R"({"lease":"L1","policy":"auto"})");
  EXPECT_EQ(unloaded.status, 200);
  EXPECT_EQ(unloaded.body, R"({"unloaded":["a"]})");
  EXPECT_THAT(box.world.children(), testing::IsEmpty());
  const PowerReply committed = box.call("commit", R"({"lease":"L1","expect_wake":null})");
  EXPECT_EQ(committed.status, 200) << committed.body;
  EXPECT_THAT(committed.body, HasSubstr(R"("acks":0,"subscribers":0)"));
  EXPECT_FALSE(box.world.connect().connected());
  EXPECT_THAT(box.activity(), HasSubstr(R"("state":"suspending")"));

  const PowerReply resumed = box.resumed(0);
  EXPECT_EQ(resumed.status, 200) << resumed.body;
  EXPECT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  EXPECT_THAT(drain.last_line(), HasSubstr(R"({"event":"awake","lease":"L1","by":"resumed")"));
}

TEST(Power, ADrainIsRefusedWhileARequestRuns) {
  PowerWorld box({fake_model("a", "--tps 50")});
  HttpProbe client = box.world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a", true, "LOOP")));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  PowerDrain drain = box.drain("L1");
  EXPECT_EQ(drain.status(), 409);
  EXPECT_THAT(drain.body(), HasSubstr(R"("code":"busy")"));
  EXPECT_THAT(drain.body(), HasSubstr(R"("busy":[{"kind":"inflight","model":"a","age_ms":)"));
  EXPECT_THAT(box.activity(), HasSubstr(R"("last_activity_ms":0,"busy":[{"kind":"inflight")"));
  client.reset();
  EXPECT_TRUE(box.becomes_idle());
}

TEST(Power, ADrainIsRefusedWhileARequestWaitsOrAnEngineStarts) {
  PowerWorld box({fake_model("a", "--load-ms 1500")});
  HttpProbe client = box.world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a")));
  ASSERT_TRUE(wait_until([&] { return box.activity().find("starting") != std::string::npos; }));
  const PowerReply refused = box.drain("L1").reply();
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr(R"({"kind":"queued","model":"a")"));
  EXPECT_THAT(refused.body, HasSubstr(R"({"kind":"starting","model":"a")"));
  client.close();  // the load goes on without it
  ASSERT_TRUE(wait_until([&] { return box.activity().find("queued") == std::string::npos; }));
  EXPECT_THAT(box.drain("L2").body(), HasSubstr(R"("busy":[{"kind":"starting")"));
  EXPECT_TRUE(box.becomes_idle());
  EXPECT_EQ(box.drain("L3").status(), 200);
}

TEST(Power, ADrainIsRefusedWhileABodyIsOnItsWay) {
  PowerWorld box({fake_model("a")});
  HttpProbe client = box.world.connect();
  ASSERT_TRUE(
      client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"));
  ASSERT_TRUE(wait_until([&] { return box.activity().find("upload") != std::string::npos; }));
  EXPECT_THAT(box.drain("L1").body(),
              HasSubstr(R"("busy":[{"kind":"upload","model":"","age_ms":)"));
}

TEST(Power, OnlyWorkKeepsTheBoxAwake) {
  PowerWorld box({fake_model("a")}, "upstream: {ignorePaths: ['\\.js$']}\n");
  HttpProbe events = box.world.connect();
  ASSERT_TRUE(events.send_request("GET", "/api/events"));
  ProbeResponse stream = events.read_head();
  ASSERT_EQ(stream.status, 200);
  PowerDrain drain = box.drain("L1");
  ASSERT_EQ(drain.status(), 200);
  for (const char* path : {"/v1/models", "/health", "/running", "/metrics", "/api/queue", "/",
                           "/v1/power", "/props?model=a", "/upstream/a/app.js"}) {
    (void)box.world.get(path);
    EXPECT_EQ(box.state(), "draining") << path;
  }
  // An operator who loads a model wants it to stay.
  EXPECT_EQ(box.world.post("/api/models/load/a", "").status, 202);
  EXPECT_THAT(drain.last_line(), HasSubstr(R"("by":"request")"));
  EXPECT_EQ(box.state(), "awake");
}

TEST(Power, ARequestTakesTheLeaseAwayAndIsAnswered) {
  PowerWorld box({fake_model("a")});
  PowerDrain drain = box.drain("L1");
  ASSERT_EQ(drain.status(), 200);
  EXPECT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  EXPECT_THAT(drain.last_line(),
              StartsWith(R"({"event":"cancelled","lease":"L1","by":"request","message":"POST )"));
  EXPECT_EQ(box.call("commit", R"({"lease":"L1"})").status, 409);
}

TEST(Power, ARequestDuringTheUnloadIsAnsweredAndEndsIt) {
  PowerWorld box({fake_model("a", "--slow-stop 700")});
  ASSERT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  PowerDrain drain = box.drain("L1");
  auto unload =
      std::async(std::launch::async, [&] { return box.call("unload", R"({"lease":"L1"})"); });
  ASSERT_TRUE(wait_until([&] { return box.activity().find("stopping") != std::string::npos; }));
  EXPECT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  const PowerReply answer = unload.get();
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("lease_gone"));
}

TEST(Power, TheLeaseEndsWithItsHolder) {
  PowerWorld box({fake_model("a")});
  {
    PowerDrain drain = box.drain("L1");
    ASSERT_EQ(drain.status(), 200);
    EXPECT_EQ(box.drain("L2").status(), 409);
  }
  EXPECT_TRUE(wait_until([&] { return box.state() == "awake"; }));
  PowerDrain drain = box.drain("L2");
  EXPECT_EQ(drain.status(), 200);
  EXPECT_EQ(box.call("release", R"({"lease":"L2"})").status, 200);
  EXPECT_THAT(drain.last_line(), HasSubstr(R"("by":"release")"));
}

TEST(Power, TheLeaseEndsAfterItsTime) {
  PowerWorld box({fake_model("a")});
  PowerDrain drain = box.drain("L1", 50ms);
  ASSERT_EQ(drain.status(), 200);
  EXPECT_THAT(drain.last_line(), HasSubstr(R"("by":"ttl")"));
  EXPECT_EQ(box.state(), "awake");
}

TEST(Power, IdleConnectionsEndWithTheCommit) {
  PowerWorld box({fake_model("a")});
  HttpProbe idle = box.world.connect();
  ASSERT_TRUE(idle.send_request("GET", "/health"));
  ASSERT_TRUE(idle.read_response().clean());
  const PowerDrain drain = box.suspend("L1");
  EXPECT_TRUE(idle.peer_closes());
}

TEST(Power, AConnectionThatIsNotIdleGetsTheRefusal) {
  PowerWorld box({fake_model("a")});
  HttpProbe client = box.world.connect();
  // Half a head: not idle, and no work yet.
  ASSERT_TRUE(client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"));
  const std::string body = chat("a");
  PowerDrain drain = box.suspend("L1");
  ASSERT_TRUE(client.send(fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body)));
  const ProbeResponse answer = client.read_response();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "2");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"suspending")"));
  EXPECT_TRUE(client.peer_closes());
  EXPECT_THAT(box.world.get("/metrics").body, testing::IsEmpty());  // nobody can connect
  box.resumed(0);
  EXPECT_THAT(box.world.get("/metrics").body,
              HasSubstr(R"(rouse_rejected_requests_total{client="",reason="suspending"} 1)"));
}

TEST(Power, SubscribersHearEveryChangeAndAcknowledgeTheLast) {
  PowerWorld box({fake_model("a")});
  PowerEvents events(box);
  EXPECT_THAT(events.next(), StartsWith("event: snapshot\ndata: {\"state\":\"awake\",\"epoch\":"));
  PowerDrain drain = box.drain("L1");
  EXPECT_THAT(events.next(), StartsWith("event: draining\ndata: {\"state\":\"draining\""));
  HttpProbe own = box.world.connect();  // the doors may be closed when it would connect
  auto commit = std::async(std::launch::async, [&] {
    return box.call("commit", R"({"lease":"L1","expect_wake":"2026-12-01T06:00:00Z"})");
  });
  const std::string suspending = events.next();
  EXPECT_THAT(suspending, StartsWith("event: suspending\ndata: {\"state\":\"suspending\""));
  EXPECT_THAT(suspending, HasSubstr(R"("expect_wake":"2026-12-01T06:00:00Z")"));
  ASSERT_TRUE(own.send_request("POST", "/v1/power/ack",
                               fmt::format(R"({{"epoch":{}}})", epoch_in(suspending))));
  EXPECT_EQ(own.read_response().status, 200);
  EXPECT_THAT(commit.get().body, HasSubstr(R"("acks":1,"subscribers":1)"));
  box.resumed(1234, "wol");
  const std::string awake = events.next();
  EXPECT_THAT(awake, StartsWith("event: awake\ndata: {\"state\":\"awake\""));
  EXPECT_GT(epoch_in(awake), epoch_in(suspending));
  EXPECT_THAT(events.next(), HasSubstr(R"("slept_ms":1234,"wake":"wol"})"));
}

TEST(Power, FactsAreToldToSubscribers) {
  PowerWorld box({fake_model("a")});
  PowerEvents events(box);
  (void)events.next();
  const std::string mac =
      R"({"if":"eth0","mac":"02:00:00:00:00:01","ip":"192.0.2.2","broadcast":"192.0.2.255","wol":"g"})";
  EXPECT_EQ(box.call("facts", R"({"wake":{"macs":[)" + mac + R"(]},"blocked":"no wol"})").status,
            200);
  EXPECT_THAT(events.next(), HasSubstr(R"("blocked":"no wol","wake":{"macs":[)" + mac + "]}"));
  EXPECT_EQ(box.call("facts", R"({"sleep_in_ms":60000,"blocked":null})").status, 200);
  EXPECT_THAT(
      box.world.get("/v1/power").body,
      testing::ContainsRegex(R"("sleep_in_ms":(60000|59[0-9]{3}),"blocked":null,"wake":.*eth0)"));
  for (const char* wrong : {"", "[]", R"({"sleep_in_ms":-1})", R"({"wake":{"macs":[{}]}})",
                            R"({"blocked":7})", R"({"last_sleep":"x"})"}) {
    EXPECT_EQ(box.call("facts", wrong).status, 400) << wrong;
  }
}

TEST(Power, ASleepThatDoesNotComeEndsByItself) {
  PowerWorld box({fake_model("a")});
  PowerDrain drain = box.suspend("L1");
  drain.close();  // the daemon has died
  EXPECT_FALSE(box.world.connect().connected());
  EXPECT_TRUE(wait_until([&] { return box.world.connect().connected(); }, 40s));
  EXPECT_EQ(box.state(), "awake");
  EXPECT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
}

/// Sends requests one after the other until @p over; what was wrong with an answer.
std::string send_until(const std::atomic<bool>& over, const World& world, int& refused) {
  while (!over) {
    HttpProbe probe = world.connect();
    if (!probe.connected()) continue;
    probe.send_request("POST", "/v1/chat/completions", chat("a"));
    const ProbeResponse answer = probe.read_response();
    const bool is_refusal =
        answer.status == 503 && answer.body.find("\"suspending\"") != std::string::npos;
    if (is_refusal) ++refused;
    if (!answer.clean() || (answer.status != 200 && !is_refusal)) {
      return fmt::format("status {}, end {}: {}", answer.status, static_cast<int>(answer.end),
                         answer.body);
    }
  }
  return {};
}

TEST(Power, EveryRequestAroundACommitIsAnsweredOrRefused) {
  PowerWorld box({fake_model("a")});
  ASSERT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  int commits = 0;
  int refused[2] = {0, 0};
  const auto round = [&] {
    if (!box.becomes_idle()) return false;
    const PowerDrain drain = box.drain("L1");
    EXPECT_EQ(drain.status(), 200);
    std::atomic<bool> over = false;
    auto commit =
        std::async(std::launch::async, [&] { return box.call("commit", R"({"lease":"L1"})"); });
    auto one =
        std::async(std::launch::async, [&] { return send_until(over, box.world, refused[0]); });
    auto two =
        std::async(std::launch::async, [&] { return send_until(over, box.world, refused[1]); });
    const PowerReply answer = commit.get();
    if (answer.status == 200) {
      ++commits;
      EXPECT_FALSE(box.world.connect().connected());
      box.resumed(0);
    } else {
      EXPECT_THAT(answer.body, HasSubstr("lease_gone"));
    }
    over = true;
    EXPECT_EQ(one.get(), "");
    EXPECT_EQ(two.get(), "");
    return commits == 10;
  };
  EXPECT_TRUE(wait_until(round, 60s)) << commits << " commits";
  EXPECT_GT(refused[0] + refused[1], 0);
}

TEST(Power, ModelsComeBackAfterASleepWhereThatIsWanted) {
  PowerWorld box({fake_model("a"), fake_model("b")}, "", "onWake: [last]");
  ASSERT_EQ(box.world.post("/v1/chat/completions", chat("b")).status, 200);
  PowerDrain drain = box.drain("L1");
  ASSERT_EQ(box.call("unload", R"({"lease":"L1"})").body, R"({"unloaded":["b"]})");
  ASSERT_EQ(box.call("commit", R"({"lease":"L1"})").status, 200);
  box.resumed(60'000, "wol");
  EXPECT_TRUE(wait_until([&] {
    return box.world.get("/running").body.find(R"("state":"ready")") != std::string::npos;
  }));
  EXPECT_THAT(box.world.get("/running").body, HasSubstr(R"("model":"b")"));
  EXPECT_THAT(box.world.get("/v1/power").body, HasSubstr(R"("slept_ms":60000,"wake":"wol"})"));
}

TEST(Power, EnginesThatDidNotLiveThroughTheSleepAreReplaced) {
  PowerWorld box({fake_model("dead", "--bad-status"), fake_model("alive")},
                 "hooks: {on_startup: {preload: [dead]}}\n");
  ASSERT_TRUE(wait_until([&] {
    return box.world.get("/running").body.find(R"("state":"ready")") != std::string::npos;
  }));
  const std::vector<pid_t> before = box.world.children();
  PowerDrain drain = box.drain("L1");
  ASSERT_EQ(box.call("unload", R"({"lease":"L1","policy":"never"})").status, 200);
  ASSERT_EQ(box.call("commit", R"({"lease":"L1"})").status, 200);
  box.resumed(60'000);
  EXPECT_TRUE(box.world.wait_for_log("dead did not live through the sleep"));
  EXPECT_TRUE(wait_until([&] {
    const std::vector<pid_t> now = box.world.children();
    return now.size() == 1 && now != before;
  }));
}

TEST(Power, AnEngineThatAnswersAfterTheSleepStays) {
  PowerWorld box({fake_model("a")});
  ASSERT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  const std::vector<pid_t> before = box.world.children();
  PowerDrain drain = box.suspend("L1");
  box.resumed(60'000);
  EXPECT_TRUE(box.world.wait_for_log("a lived through the sleep"));
  EXPECT_EQ(box.world.children(), before);
}

/// Somebody who has a port.
class TakenPort {
 public:
  explicit TakenPort(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
  }
  ~TakenPort() { ::close(fd_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;

 private:
  int fd_;
};

TEST(Power, AnEngineThatGotAnotherPortIsLookedForThere) {
  const std::uint16_t first = free_port(2);
  const TakenPort taken(first);
  const std::string given =
      fmt::format("  a:\n    cmd: {} --name a --port ${{PORT}}\n", built_program("fake_engine"));
  PowerWorld box({given}, fmt::format("startPort: {}\n", first));
  ASSERT_EQ(box.world.post("/v1/chat/completions", chat("a")).status, 200);
  EXPECT_THAT(box.world.get("/running").body, HasSubstr(fmt::format("--port {}", first + 1)));
  const std::vector<pid_t> before = box.world.children();
  PowerDrain drain = box.suspend("L1");
  box.resumed(60'000);
  EXPECT_TRUE(box.world.wait_for_log("a lived through the sleep"));
  EXPECT_EQ(box.world.children(), before);
}

TEST(Power, AForcedDrainTurnsWorkAway) {
  PowerWorld box({fake_model("a", "--tps 50")});
  HttpProbe client = box.world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a", true, "LOOP")));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  PowerDrain drain(box.socket(), R"({"lease":"lid","ttl_ms":60000,"force":true})");
  ASSERT_EQ(drain.status(), 200);
  EXPECT_THAT(box.world.post("/v1/chat/completions", chat("a")).body, HasSubstr("suspending"));
  EXPECT_EQ(box.call("commit", R"({"lease":"lid"})").status, 200);
  box.resumed(5000);
  const std::size_t seen = stream.body.size();
  ASSERT_TRUE(client.read_piece(stream));  // it goes on where it was
  EXPECT_GT(stream.body.size(), seen);
  client.reset();
}

TEST(Power, ALaterAttemptCutsTheEarlierOne) {
  PowerWorld box({fake_model("a", "--tps 50")});
  HttpProbe first = box.world.connect();
  ASSERT_TRUE(first.send_request("POST", "/v1/chat/completions", chat("a", true, "LOOP"),
                                 {{"X-Request-Attempt", "0d9f;n=1"}}));
  ProbeResponse stream = first.read_head();
  ASSERT_TRUE(first.read_until(stream, "data:"));
  const ProbeResponse second =
      box.world.post("/v1/chat/completions", chat("a"), {{"X-Request-Attempt", "0d9f;n=2"}});
  EXPECT_EQ(second.status, 200);
  while (first.read_piece(stream)) {
  }
  EXPECT_EQ(stream.end, ProbeEnd::Cut);
  EXPECT_TRUE(box.becomes_idle());  // the engine was cut, too: it would go on for ever
  const ProbeResponse late =
      box.world.post("/v1/chat/completions", chat("a"), {{"X-Request-Attempt", "0d9f;n=1"}});
  EXPECT_EQ(late.status, 409);
  EXPECT_THAT(late.body, HasSubstr("attempt_superseded"));
  EXPECT_EQ(
      box.world.post("/v1/chat/completions", chat("a"), {{"X-Request-Attempt", "nonsense"}}).status,
      200);
}

TEST(Power, StrangersAreRefused) {
  if (::geteuid() != 0) ROUSE_SKIP("root", "only root can become somebody else");
  PowerWorld box({fake_model("a")}, "", "users: ['12345'], groups: ['23456']");
  EXPECT_EQ(box.call_as(1, 1, "GET", "activity").status, 403);
  EXPECT_THAT(box.call_as(1, 1, "POST", "drain").body, HasSubstr("user 1 may not use this socket"));
  EXPECT_EQ(box.call_as(12345, 1, "GET", "activity").status, 200);
  EXPECT_EQ(box.call_as(1, 23456, "GET", "activity").status, 200);
  EXPECT_EQ(box.call_as(0, 0, "GET", "activity").status, 200);
}

TEST(Power, BadCallsAreToldWhatIsWrong) {
  PowerWorld box({fake_model("a")});
  EXPECT_THAT(box.call("drain", "{}").body, HasSubstr(R"(\"lease\" is missing)"));
  EXPECT_THAT(box.call("drain", R"({"lease":"x"})").body, HasSubstr(R"(\"ttl_ms\" must be)"));
  EXPECT_THAT(box.call("drain", "[").body, HasSubstr("expected a JSON object"));
  EXPECT_THAT(box.call("unload", R"({"lease":"x","policy":"y"})").body, HasSubstr("auto or never"));
  EXPECT_EQ(box.call("unload", R"({"lease":"x"})").status, 409);
  EXPECT_EQ(box.call("commit", R"({"lease":"x"})").status, 409);
  EXPECT_EQ(box.call("release", R"({"lease":"x"})").status, 409);
  EXPECT_EQ(box.call("resumed", R"({"epoch":1,"slept_ms":0})").status, 409);
  EXPECT_EQ(box.call("nothing", "{}").status, 404);
  EXPECT_EQ(box.call("drain", std::string(70'000, ' ')).status, 413);
  EXPECT_EQ(box.world.post("/v1/power/ack", "{}").status, 400);
}

TEST(Power, TheSocketIsNotOnTheListener) {
  PowerWorld box({fake_model("a")});
  EXPECT_EQ(box.world.post("/v1/power/drain", R"({"lease":"x","ttl_ms":1})").status, 404);
  EXPECT_EQ(box.world.get("/v1/power/activity").status, 404);
}

TEST(Power, AKeyThatMayObserveMaySubscribe) {
  PowerWorld box({fake_model("a")}, "apiKeys: [secret]\n");
  EXPECT_EQ(box.world.get("/v1/power").status, 401);
  EXPECT_EQ(box.world.get("/v1/power", {{"Authorization", "Bearer secret"}}).status, 200);
}

TEST(Power, ASocketThatCannotBeIsAnErrorIfItWasAskedFor) {
  WorldOptions options;
  options.start = false;
  World world(models({fake_model("a")}, "power: {socket: /nowhere/at/all/power.sock}\n"), options);
  ChildProcess rouse(
      {built_program("rouse"), "serve", "--config", world.config_file(), "--listen", "127.0.0.1:0"},
      {});
  EXPECT_EQ(rouse.wait(10s), 1);
}

}  // namespace
}  // namespace rouse::test
