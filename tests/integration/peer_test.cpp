#include "tests/integration/peer_world.hpp"

#include <gmock/gmock.h>

#include <strings.h>

#include <atomic>
#include <future>
#include <thread>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr auto kLong = 30s;

std::future<ProbeResponse> ask_later(const World& front, std::string body,
                                     ProbeHeaders headers = {}) {
  return std::async(std::launch::async,
                    [port = front.port(), body = std::move(body), headers = std::move(headers)] {
                      return http(port, "POST", "/v1/chat/completions", body, headers, kLong);
                    });
}

TEST(Peer, ServesItsModelsByBothNames) {
  PeerWorld world;
  const ProbeResponse first = world.front.post("/v1/chat/completions", chat("big"));
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.header("x-rouse-cold-start"), "load");
  EXPECT_THAT(first.header("server-timing"), HasSubstr("queue;dur="));
  const ProbeResponse second = world.front.post("/v1/chat/completions", chat("attic/big", true));
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(second.header("x-rouse-cold-start"), "none");
  EXPECT_THAT(second.body, HasSubstr("[DONE]"));
  EXPECT_THAT(world.front.get("/v1/models").body, HasSubstr(R"("id":"attic/big")"));
  EXPECT_EQ(world.engine_requests(), 2U);
}

TEST(Peer, IsWokenByARequestThatThenIsAnswered) {
  PeerWorld world;
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  ASSERT_TRUE(world.becomes("awake"));
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep")) << "it has announced it";
  auto answer = ask_later(world.front, chat("big"), {{"User-Agent", "a test"}});
  ASSERT_TRUE(world.wakes_when_told());
  const ProbeResponse got = answer.get();
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.header("x-rouse-cold-start"), "wake");
  EXPECT_THAT(got.header("server-timing"), HasSubstr("wake;dur="));
  EXPECT_EQ(world.engine_requests(), 2U);
  const std::string wakes = world.front.get("/api/wakes").body;
  EXPECT_THAT(wakes, HasSubstr(R"("peer":"attic")"));
  EXPECT_THAT(wakes, HasSubstr(R"("outcome":"ok")"));
  EXPECT_THAT(wakes, HasSubstr(R"("agent":"a test","model":"big")"));
  EXPECT_THAT(wakes, HasSubstr(R"("answered":true)"));
}

TEST(Peer, NothingButInferenceWakesIt) {
  PeerWorld world("", "debounce: 0s");
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep"));
  for (const char* target :
       {"/v1/models", "/models", "/v1/models/attic/big", "/running", "/health", "/livez", "/readyz",
        "/metrics", "/api/queue", "/api/peers", "/api/wakes", "/api/version", "/logs", "/",
        "/api/metrics/activity", "/api/performance", "/v1/power", "/props?model=big"}) {
    const ProbeResponse got = world.front.get(target);
    const int expected = std::string_view(target).starts_with("/props") ? 409 : 200;
    EXPECT_EQ(got.status, expected) << target << ": " << got.body;
  }
  EXPECT_THAT(world.front.get("/v1/models").body, HasSubstr(R"("peerState":"asleep")"));
  EXPECT_THAT(world.front.get("/props?model=big").body, HasSubstr("peer_asleep"));
  EXPECT_EQ(world.front.get("/api/wakes").body, R"({"wakes":[]})");
  EXPECT_FALSE(world.was_woken());
}

TEST(Peer, ARequestThatMayNotWakeItIsToldSoAtOnce) {
  PeerWorld world("", "debounce: 0s");
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep"));
  const ProbeResponse never = http(world.front.port(), "POST", "/v1/chat/completions", chat("big"),
                                   {{"X-Wake", "never"}}, kLong);
  EXPECT_EQ(never.status, 503);
  EXPECT_THAT(never.body, HasSubstr(R"("code":"peer_asleep")"));
  EXPECT_THAT(never.body, HasSubstr("x-wake: never"));
  EXPECT_FALSE(world.was_woken());
  const ProbeResponse async = http(world.front.port(), "POST", "/v1/chat/completions", chat("big"),
                                   {{"X-Wake", "async"}}, kLong);
  EXPECT_EQ(async.status, 503);
  EXPECT_EQ(async.header("retry-after"), "5");
  EXPECT_THAT(async.body, HasSubstr(R"("code":"peer_waking")"));
  ASSERT_TRUE(world.wakes_when_told());
  EXPECT_TRUE(world.becomes("awake"));
}

TEST(Peer, AWithdrawnRequestWakesNothing) {
  PeerWorld world("", "debounce: 2s");
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep"));
  HttpProbe client = world.front.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("big")));
  ASSERT_TRUE(wait_until([&] {
    return world.front.get("/api/peers").body.find(R"("waiting":1)") != std::string::npos;
  }));
  client.reset();
  ASSERT_TRUE(wait_until([&] {
    return world.front.get("/api/peers").body.find(R"("waiting":0)") != std::string::npos;
  }));
  // Whoever waits now begins anew: 2 s after the first came, nothing must have been sent.
  auto answer = ask_later(world.front, chat("big"));
  const auto asked_at = ProbeClock::now();
  ASSERT_TRUE(world.wakes_when_told());
  EXPECT_GE(ProbeClock::now() - asked_at, 1900ms);
  EXPECT_EQ(answer.get().status, 200);
}

TEST(Peer, OneThatNeverWakesIsAnErrorInTime) {
  PeerWorld world("", "debounce: 0s, timeout: 1s");
  world.sleep();
  const ProbeResponse got =
      http(world.front.port(), "POST", "/v1/chat/completions", chat("big"), {}, kLong);
  EXPECT_EQ(got.status, 503);
  EXPECT_THAT(got.body, HasSubstr(R"("code":"peer_wake_failed")"));
  EXPECT_THAT(got.body, HasSubstr("did not wake within 1 s"));
  EXPECT_EQ(got.header("retry-after"), "15");
  const ProbeResponse again =
      http(world.front.port(), "POST", "/v1/chat/completions", chat("big"), {}, 2s);
  EXPECT_EQ(again.status, 503) << "at once, until the pause is over";
  EXPECT_THAT(world.front.get("/api/wakes").body, HasSubstr(R"("outcome":"timeout")"));
  world.wake();
}

TEST(Peer, ARequestDuringTheDrainKeepsItAwake) {
  PeerWorld world;
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  PowerDrain drain = world.box.drain("D");
  ASSERT_EQ(drain.status(), 200);
  ASSERT_TRUE(world.becomes("draining"));
  EXPECT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  EXPECT_THAT(drain.last_line(), HasSubstr(R"("event":"cancelled")"));
  EXPECT_TRUE(world.becomes("awake"));
  EXPECT_FALSE(world.was_woken());
}

TEST(Peer, AFrontThatIsRestartedKnowsThatItSleeps) {
  PeerWorld world("", "debounce: 0s", "    probe: /health\n");
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep"));
  world.front.kill();
  world.front.start();
  EXPECT_EQ(world.state(), "asleep");
  auto answer = ask_later(world.front, chat("big"));
  ASSERT_TRUE(world.wakes_when_told());
  EXPECT_EQ(answer.get().status, 200);
}

TEST(Peer, TheNextOneIsAskedWhenTheFirstMayNotBeWoken) {
  PowerWorld sleeper({fake_model("big")});
  PowerWorld other({fake_model("big")});
  World front(
      fmt::format("models: {{}}\npeers:\n"
                  "  first:\n    proxy: {}\n    models: [big]\n"
                  "  second:\n    proxy: {}\n    models: [big]\n",
                  sleeper.world.url(), other.world.url()));
  PowerDrain held = sleeper.suspend("L");
  const ProbeResponse got =
      http(front.port(), "POST", "/v1/chat/completions", chat("big"), {}, 30s);
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_THAT(front.get("/metrics").body,
              HasSubstr(R"(rouse_peer_requests_total{code="200",peer="second"} 1)"));
  const ProbeResponse only =
      http(front.port(), "POST", "/v1/chat/completions", chat("first/big"), {}, 30s);
  EXPECT_EQ(only.status, 503) << "that one, and no other";
  EXPECT_EQ(sleeper.resumed(0).status, 200);
}

TEST(Peer, AnEngineThatKnowsNothingOfUsIsAPeerToo) {
  TempDir dir;
  const std::uint16_t port = free_port();
  ChildProcess engine({built_program("fake_engine"), "--name", "big", "--port",
                       std::to_string(port), "--record", dir / "record"});
  World front(
      fmt::format("models: {{}}\npeers:\n  attic:\n    proxy: http://127.0.0.1:{}\n"
                  "    apiKey: sesame\n    models: [big]\n    filters: {{setParams: "
                  "{{temperature: 0.5}}}}\n",
                  port));
  ASSERT_TRUE(wait_until([&] { return HttpProbe(port).connected(); }));
  const ProbeResponse got = front.post("/v1/chat/completions", chat("attic/big"),
                                       {{"Authorization", "Bearer of-the-client"}});
  EXPECT_EQ(got.status, 200) << got.body;
  const std::vector<EngineRequest> requests = read_engine_record(dir / "record");
  ASSERT_EQ(requests.size(), 1U);
  const auto header = [&](std::string_view name) {
    for (const auto& [field, value] : requests[0].headers) {
      if (::strcasecmp(field.c_str(), std::string(name).c_str()) == 0) return value;
    }
    return std::string();
  };
  EXPECT_EQ(header("authorization"), "Bearer sesame");
  EXPECT_EQ(header("x-api-key"), "sesame");
  EXPECT_EQ(header("host"), fmt::format("127.0.0.1:{}", port));
  EXPECT_THAT(header("x-request-attempt"), HasSubstr(";n=1"));
}

TEST(Peer, AModelWithoutACommandGivesItsModelNamesAndFilters) {
  TempDir dir;
  const std::uint16_t port = free_port();
  ChildProcess engine({built_program("fake_engine"), "--name", "big", "--port",
                       std::to_string(port), "--record", dir / "record"});
  World front(
      fmt::format("peers:\n  attic:\n    proxy: http://127.0.0.1:{}\n    models: [big]\n"
                  "    filters: {{setParams: {{t: 1, u: 1}}}}\n"
                  "models:\n  big:\n    aliases: [vast]\n    filters:\n      setParams: {{u: 2}}\n"
                  "      setParamsByID: {{\"${{MODEL_ID}}:fast\": {{v: 3}}}}\n",
                  port));
  ASSERT_TRUE(wait_until([&] { return HttpProbe(port).connected(); }));
  for (const char* const name : {"big", "vast", "big:fast"}) {
    EXPECT_EQ(front.post("/v1/chat/completions", chat(name)).status, 200) << name;
  }
  EXPECT_EQ(front.get("/upstream/vast/health").status, 200);
  EXPECT_EQ(front.post("/upstream/vast/v1/chat/completions", chat("vast")).status, 200);
  const std::string seen = read_file(dir / "record");
  EXPECT_THAT(seen, HasSubstr(R"(\"t\":1,\"u\":2})"));
  EXPECT_THAT(seen, HasSubstr(R"(\"t\":1,\"u\":2,\"v\":3})"));
  EXPECT_THAT(seen, Not(HasSubstr(R"(\"model\":\"vast)"))) << "the peer knows its own name only";
}

TEST(Peer, ItsModelsAreLearnedAndRememberedWhileItSleeps) {
  TempDir dir;
  PowerWorld box({fake_model("big"), fake_model("small")});
  World front(
      fmt::format("models: {{}}\npeers:\n  attic:\n    proxy: {}\n    wake: {{command: "
                  "[/usr/bin/touch, {}], debounce: 0s}}\n",
                  box.world.url(), dir / "packet"));
  // Nobody has met it yet, so nobody knows what it has: an operator's wake makes them meet.
  ASSERT_EQ(front.post("/api/peers/attic/wake", "").status, 202);
  const auto lists = [&](std::string_view id) {
    return front.get("/v1/models").body.find(fmt::format(R"("id":"attic/{}")", id)) !=
           std::string::npos;
  };
  ASSERT_TRUE(wait_until([&] { return lists("big") && lists("small"); }));
  EXPECT_EQ(front.post("/v1/chat/completions", chat("small")).status, 200);
  PowerDrain held = box.suspend("L");
  front.kill();
  front.start();
  EXPECT_TRUE(lists("big"));
  EXPECT_THAT(front.get("/api/peers").body, HasSubstr(R"("models_age_s":)"));
  EXPECT_EQ(box.resumed(0).status, 200);
}

/// A request at every moment around falling asleep and waking: each is answered, and each was
/// executed once.
TEST(Peer, EveryRequestAroundItsSleepIsAnsweredOnce) {
  constexpr int kRequests = 500;
  constexpr int kClients = 10;
  PeerWorld world("--tps 0", "debounce: 0s");
  ASSERT_EQ(world.front.post("/v1/chat/completions", chat("big")).status, 200);
  std::atomic<int> next{0};
  std::atomic<int> answered{0};
  std::atomic<int> sleeps{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&] {
      while (next < kRequests || sleeps == 0) {
        ++next;
        const ProbeResponse got =
            http(world.front.port(), "POST", "/v1/chat/completions", chat("big"), {}, kLong);
        EXPECT_EQ(got.status, 200) << got.body;
        EXPECT_TRUE(got.clean());
        if (got.status == 200) ++answered;
      }
    });
  }
  while (next < kRequests || sleeps == 0) {
    PowerDrain drain = world.box.drain("S");
    if (drain.status() != 200) continue;
    std::filesystem::remove(world.packet());
    const PowerReply committed = world.box.call("commit", R"({"lease":"S"})");
    if (committed.status != 200) continue;
    ++sleeps;
    EXPECT_TRUE(wait_until([&] { return world.was_woken() || next >= kRequests; }));
    world.wake();
    const std::size_t before = world.engine_requests();
    EXPECT_TRUE(wait_until(
        [&] { return world.engine_requests() >= before + kClients || next >= kRequests; }));
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, next);
  EXPECT_EQ(world.engine_requests(), static_cast<std::size_t>(next) + 1);
  RecordProperty("sleeps", sleeps.load());
}

}  // namespace
}  // namespace rouse::test
