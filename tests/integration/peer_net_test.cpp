#include "tests/integration/net_box.hpp"
#include "tests/support/client_trace.hpp"
#include "tests/support/netns.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <optional>
#include <thread>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto kLong = 25s;

ProbeResponse ask(const World& front, std::chrono::milliseconds limit = kLong) {
  return http(front.port(), "POST", "/v1/chat/completions", chat("big"), {}, limit);
}
std::future<ProbeResponse> ask_later(const World& front) {
  return std::async(std::launch::async, [port = front.port()] {
    return http(port, "POST", "/v1/chat/completions", chat("big"), {}, kLong);
  });
}
bool becomes(const World& front, std::string_view state) {
  const bool did = wait_until([&] { return peer_state(front) == state; }, kLong);
  EXPECT_TRUE(did) << "it is " << peer_state(front) << "\n" << front.log();
  return did;
}
bool hears(const PeerNet& net, int packets) {
  return wait_until([&] { return net.packets() >= packets; }, kLong);
}

/// An engine alone in the box, which knows nothing of sleep.
class NetEngine {
 public:
  explicit NetEngine(PeerNet& net) : net_(net) { start(); }
  void start() {
    net_.in_box([this] {
      engine_ = std::make_unique<ChildProcess>(
          std::vector<std::string>{built_program("fake_engine"), "--name", "big", "--host", kBoxIp,
                                   "--port", std::to_string(kBoxPort), "--record", record()});
    });
  }
  void stop() { engine_.reset(); }
  void sleep(int nth = 1) { net_.sleep({engine_->pid()}, nth); }
  [[nodiscard]] std::string record() const { return dir_ / "record"; }
  [[nodiscard]] std::size_t executed() const { return read_engine_record(record()).size(); }

 private:
  PeerNet& net_;
  TempDir dir_;
  std::unique_ptr<ChildProcess> engine_;
};

/// A front and a box with a cable between them. All of a test runs inside.
class PeerNetTest : public NetnsTest {};

TEST_F(PeerNetTest, ASleepWithoutAWordIsFoundByTheNextRequest) {
  inside([] {
    PeerNet net;
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    for (std::size_t round = 2; round <= 3; ++round) {
      // Longer than a pooled connection is used: the next request needs a new one.
      ASSERT_TRUE(becomes(front, "awake"));
      box.sleep();
      net.forget_packets();
      const auto asked_at = ProbeClock::now();
      // Its last connection is pooled still, or closed by its age: both are met.
      const ProbeResponse got = ask(front);
      EXPECT_EQ(got.status, 200) << got.body << "\n" << front.log();
      EXPECT_GE(net.packets(), 1);
      const auto took = net.first_packet_at() - asked_at;
      EXPECT_LT(took, 8s) << "TCP_USER_TIMEOUT, one connect, one probe";
      EXPECT_EQ(box.executed(), round) << "once, however often it was sent";
    }
  });
}

TEST_F(PeerNetTest, AnUnannouncedSleepIsFoundWithinTwoSeconds) {
  inside([] {
    PeerNet net;
    NetBox box(net);
    World front(net_config("debounce: 0s", "    timeouts: {idleConn: 0}\n"));
    ASSERT_EQ(ask(front).status, 200);
    box.sleep();
    const auto asked_at = ProbeClock::now();
    const ProbeResponse got = ask(front);
    EXPECT_EQ(got.status, 200) << got.body << "\n" << front.log();
    const auto took = net.first_packet_at() - asked_at;
    EXPECT_GE(took, 1s) << "it was thought to be awake";
    EXPECT_LT(took, 2'500ms) << "two connects of a second each; " << front.log();
    EXPECT_EQ(box.executed(), 2U);
  });
}

TEST_F(PeerNetTest, AnAnnouncedSleepLosesNoRequestAndDoublesNone) {
  inside([] {
    constexpr int kRequests = 150;
    constexpr int kClients = 6;
    PeerNet net;
    NetBox box(net, "--tps 0");
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(becomes(front, "awake"));
    std::atomic<int> next{0};
    std::atomic<int> answered{0};
    std::atomic<int> sleeps{0};
    std::vector<std::thread> clients;
    for (int c = 0; c < kClients; ++c) {
      clients.emplace_back([&] {
        while (next < kRequests || sleeps == 0) {
          ++next;
          const ProbeResponse got = ask(front, 10s);
          EXPECT_EQ(got.status, 200) << got.body << front.log();
          if (got.status == 200 && got.clean()) ++answered;
        }
      });
    }
    while (next < kRequests || sleeps == 0) {
      if (!box.commits(fmt::format("L{}", sleeps.load()))) continue;
      box.sleep();
      ++sleeps;
      const bool woke = wait_until([&] { return !net.asleep() || next >= kRequests; }, kLong);
      EXPECT_TRUE(woke) << front.log();
      if (net.asleep()) net.wake();
      const std::size_t before = box.executed();
      box.resumed();
      // A daemon leaves those who woke it the time to come.
      EXPECT_TRUE(wait_until([&] { return box.executed() > before || next >= kRequests; }, kLong));
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(answered, next) << front.log();
    EXPECT_EQ(box.executed(), static_cast<std::size_t>(next) + 1);
  });
}

TEST_F(PeerNetTest, NineOfTenPacketsMayBeLost) {
  inside([] {
    PeerNet net;
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(becomes(front, "awake"));
    ASSERT_TRUE(box.commits("L"));
    ASSERT_TRUE(becomes(front, "asleep"));
    box.sleep(10);
    auto answer = ask_later(front);
    ASSERT_TRUE(wait_until([&] { return !net.asleep(); }, kLong)) << front.log();
    EXPECT_GE(net.packets(), 10);
    box.resumed();
    const ProbeResponse got = answer.get();
    EXPECT_EQ(got.status, 200) << got.body;
    EXPECT_EQ(box.executed(), 2U);
  });
}

TEST_F(PeerNetTest, TwoFrontsWakeOneBox) {
  inside([] {
    PeerNet net;
    NetBox box(net);
    World first(net_config());
    World second(net_config());
    ASSERT_EQ(ask(first).status, 200);
    ASSERT_EQ(ask(second).status, 200);
    ASSERT_TRUE(becomes(first, "awake"));
    ASSERT_TRUE(becomes(second, "awake"));
    ASSERT_TRUE(box.commits("L"));
    ASSERT_TRUE(becomes(first, "asleep"));
    ASSERT_TRUE(becomes(second, "asleep"));
    box.sleep(3);
    auto one = ask_later(first);
    auto two = ask_later(second);
    ASSERT_TRUE(wait_until([&] { return !net.asleep(); }, kLong));
    box.resumed();
    EXPECT_EQ(one.get().status, 200) << first.log();
    EXPECT_EQ(two.get().status, 200) << second.log();
    EXPECT_EQ(box.executed(), 4U);
  });
}

TEST_F(PeerNetTest, AFrontThatIsKilledKnowsWhomItHasToWake) {
  inside([] {
    PeerNet net;
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(becomes(front, "awake"));
    ASSERT_TRUE(box.commits("L"));
    ASSERT_TRUE(becomes(front, "asleep"));
    box.sleep();
    front.kill();
    front.start();
    EXPECT_EQ(peer_state(front), "asleep");
    const auto asked_at = ProbeClock::now();
    auto answer = ask_later(front);
    ASSERT_TRUE(wait_until([&] { return !net.asleep(); }, kLong));
    EXPECT_LT(net.first_packet_at() - asked_at, 1s) << "it need not be asked first";
    box.resumed();
    EXPECT_EQ(answer.get().status, 200) << front.log();
    EXPECT_EQ(box.executed(), 2U);
  });
}

TEST_F(PeerNetTest, WithoutItsAnnouncementsItIsFoundAsleepAllTheSame) {
  inside([] {
    PeerNet net;
    net.lose_connections_with("GET /v1/power/events");
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(wait_until([&] { return net.lost_connections() == 1; }));
    ASSERT_TRUE(box.commits("L"));
    box.sleep();
    EXPECT_EQ(peer_state(front), "awake") << "nobody has told it";
    auto answer = ask_later(front);
    ASSERT_TRUE(wait_until([&] { return !net.asleep(); }, kLong));
    box.resumed();
    EXPECT_EQ(answer.get().status, 200) << front.log();
    EXPECT_EQ(box.executed(), 2U);
  });
}

TEST_F(PeerNetTest, ALostStreamOfAnnouncementsIsOpenedAgain) {
  inside([] {
    PeerNet net;
    net.lose_connections_with("GET /v1/power/events");
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(wait_until([&] { return net.lost_connections() == 1; }));
    // Nothing comes on that one, now or later; 11 s of silence end it.
    ASSERT_TRUE(wait_until([&] { return net.lost_connections() == 2; }, kLong)) << front.log();
    net.lose_connections_with("");
    ASSERT_TRUE(box.commits("L"));
    EXPECT_TRUE(becomes(front, "asleep")) << "it heard that";
    box.resumed();
  });
}

TEST_F(PeerNetTest, AServiceThatComesLateIsWaitedFor) {
  inside([] {
    PeerNet net;
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(becomes(front, "awake"));
    ASSERT_TRUE(box.commits("L"));
    ASSERT_TRUE(becomes(front, "asleep"));
    net.wakes_late(true);
    box.sleep();
    auto answer = ask_later(front);
    ASSERT_TRUE(wait_until([&] { return !net.asleep(); }, kLong));
    const int packets = net.packets();
    // The machine is up and its programs are not: packets go on, for about 5 s.
    ASSERT_TRUE(hears(net, packets + 5));
    net.go_on();
    box.resumed();
    EXPECT_EQ(answer.get().status, 200) << front.log();
    EXPECT_EQ(box.executed(), 2U);
  });
}

TEST_F(PeerNetTest, OneThatNeverWakesIsToldOfInTimeAndTheNextOneServes) {
  inside([] {
    PeerNet net;
    NetEngine engine(net);
    const std::uint16_t port = free_port();
    ChildProcess other(
        {built_program("fake_engine"), "--name", "big", "--port", std::to_string(port)});
    ASSERT_TRUE(wait_until([&] { return HttpProbe(port).connected(); }));
    World front(
        net_config("debounce: 0s, timeout: 2s") +
        fmt::format("  cellar:\n    proxy: http://127.0.0.1:{}\n    models: [big]\n", port));
    ASSERT_EQ(ask(front).status, 200);
    EXPECT_EQ(engine.executed(), 1U);
    engine.sleep(1'000'000);
    const ProbeResponse served = ask(front);
    EXPECT_EQ(served.status, 200) << served.body << front.log();
    EXPECT_GE(net.packets(), 3);
    const ProbeResponse got =
        http(front.port(), "POST", "/v1/chat/completions", chat("attic/big"), {}, kLong);
    EXPECT_EQ(got.status, 503) << "that one alone was asked for";
    EXPECT_THAT(got.body, HasSubstr(R"("code":"peer_wake_failed")"));
    EXPECT_GE(std::stoi(got.header("retry-after")), 1);
    EXPECT_LE(std::stoi(got.header("retry-after")), 30);
    EXPECT_EQ(engine.executed(), 1U);
  });
}

TEST_F(PeerNetTest, ARefusedConnectionDoesNotStopThePackets) {
  inside([] {
    PeerNet net;
    NetEngine engine(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    engine.stop();  // the machine itself is up, and says no at once
    auto answer = ask_later(front);
    ASSERT_TRUE(hears(net, 6)) << front.log();
    EXPECT_EQ(peer_state(front), "waking");
    engine.start();
    const ProbeResponse got = answer.get();
    EXPECT_EQ(got.status, 200) << got.body << front.log();
    EXPECT_EQ(engine.executed(), 2U);
  });
}

TEST_F(PeerNetTest, WhatIsConfirmedIsNotSentAgain) {
  inside([] {
    PeerNet net;
    NetEngine engine(net);
    World front(net_config("debounce: 0s", "    timeouts: {responseHeader: 3}\n"));
    ASSERT_EQ(ask(front).status, 200);
    // Its kernel takes the request, and nobody executes it yet.
    net.wakes_late(true);
    engine.sleep();
    net.wake();
    const ProbeResponse got = ask(front);
    EXPECT_EQ(got.status, 504) << got.body << front.log();
    net.go_on();
    ASSERT_TRUE(wait_until([&] { return engine.executed() >= 2; }, kLong)) << "later, and once";
    EXPECT_EQ(ask(front).status, 200);
    EXPECT_EQ(engine.executed(), 3U);
  });
}

/// What clients ask of themselves, while nobody works: a day of it, without the pauses.
TEST_F(PeerNetTest, ADayOfProbesWakesNothing) {
  inside([] {
    constexpr int kHours = 24;
    PeerNet net;
    NetBox box(net);
    World front(net_config());
    ASSERT_EQ(ask(front).status, 200);
    ASSERT_TRUE(becomes(front, "awake"));
    ASSERT_TRUE(box.commits("L"));
    ASSERT_TRUE(becomes(front, "asleep"));
    box.sleep();
    std::vector<TraceRequest> startup;
    for (const std::string& name : client_trace_names()) {
      for (const TraceRequest& each : read_client_trace(name).requests) {
        if (each.method == "GET" || each.method == "HEAD") startup.push_back(each);
      }
    }
    EXPECT_FALSE(startup.empty());
    HttpProbe tab = front.connect();
    ASSERT_TRUE(tab.send_request("GET", "/api/events"));
    ASSERT_EQ(tab.read_head().status, 200);
    for (int hour = 0; hour < kHours; ++hour) {
      for (const TraceRequest& each : startup) {
        HttpProbe client = front.connect();
        ASSERT_TRUE(client.send(each.head(front.port())));
        EXPECT_NE(client.read_response(10s, each.method == "HEAD").status, 0) << each.target;
      }
      for (const char* target :
           {"/", "/ui", "/ui/", "/v1/models", "/api/tags", "/props?model=big", "/health", "/livez",
            "/readyz", "/running", "/metrics", "/api/version", "/api/peers", "/api/queue",
            "/favicon.ico", "/v1/models/attic/big"}) {
        EXPECT_NE(front.get(target).status, 0) << target;
      }
      HttpProbe monitor = front.connect();
      ASSERT_TRUE(monitor.send_request("HEAD", "/health"));
      EXPECT_NE(monitor.read_response(10s, true).status, 0);
      ASSERT_EQ(net.packets(), 0) << "hour " << hour;
    }
    EXPECT_EQ(peer_state(front), "asleep");
    auto answer = ask_later(front);
    ASSERT_TRUE(wait_until([&] { return !net.asleep(); }, kLong)) << "it could have woken";
    box.resumed();
    EXPECT_EQ(answer.get().status, 200);
    EXPECT_EQ(box.executed(), 2U);
  });
}

}  // namespace
}  // namespace rouse::test
