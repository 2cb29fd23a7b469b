#include "tests/integration/demo_world.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <future>
#include <memory>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr auto kLong = 25s;

/// An engine of another machine, which comes and goes.
class Remote {
 public:
  explicit Remote(std::string options = {}) : options_(std::move(options)) {}
  void start() {
    std::vector<std::string> argv{built_program("fake_engine"), "--name", "big", "--port",
                                  std::to_string(port_)};
    std::istringstream words(options_);
    for (std::string word; words >> word;) argv.push_back(word);
    engine_ = std::make_unique<ChildProcess>(argv);
    EXPECT_TRUE(wait_until([this] { return HttpProbe(port_).connected(); }));
  }
  void stop() { engine_.reset(); }
  [[nodiscard]] std::string config(std::string_view more = {}) const {
    return fmt::format(
        "models: {{}}\npeers:\n  attic:\n    proxy: http://127.0.0.1:{}\n    models: [big]\n{}",
        port_, more);
  }

 private:
  std::uint16_t port_ = free_port();
  std::string options_;
  std::unique_ptr<ChildProcess> engine_;
};

constexpr const char* kWake = "    wake: {command: [/bin/true], debounce: 0s}\n";

std::future<ProbeResponse> ask_later(const World& front) {
  return std::async(std::launch::async, [port = front.port()] {
    return http(port, "POST", "/v1/chat/completions", chat("big"), {}, kLong);
  });
}
bool waits(const World& front) {
  return wait_until(
      [&] { return front.get("/api/peers").body.find(R"("waiting":1)") != std::string::npos; });
}

TEST(PeerEnd, WhoWaitsForOneThatIsNoLongerConfiguredIsToldSo) {
  const Remote remote;
  World front(remote.config(kWake));
  auto answer = ask_later(front);
  ASSERT_TRUE(waits(front));
  front.write_config("models: {}\npeers: {}\n");
  front.signal(SIGHUP);
  const ProbeResponse got = answer.get();
  EXPECT_EQ(got.status, 503) << front.log();
  EXPECT_THAT(got.body, HasSubstr("peer attic was removed from the configuration"));
}

TEST(PeerEnd, WhoWaitsWhenTheProxyStopsDoesNotHoldItUp) {
  const Remote remote;
  World front(remote.config(kWake));
  auto answer = ask_later(front);
  ASSERT_TRUE(waits(front));
  EXPECT_EQ(front.stop(10s), 0) << front.log();
  EXPECT_EQ(answer.get().status, 503) << front.log();
}

TEST(PeerEnd, AnAnswerOnItsWayEndsBeforeTheProxyDoes) {
  Remote remote("--tokens 20 --tps 20");
  remote.start();
  World front(remote.config());
  HttpProbe client = front.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("big", true)));
  ProbeResponse got = client.read_head();
  ASSERT_EQ(got.status, 200);
  front.signal(SIGTERM);
  while (client.read_piece(got)) {
  }
  EXPECT_TRUE(got.clean()) << front.log();
  EXPECT_THAT(got.body, HasSubstr("[DONE]"));
  EXPECT_EQ(front.stop(10s), 0);
}

TEST(PeerEnd, AVisitToOneWhoseServiceIsGoneEndsAtOnce) {
  Remote remote;
  remote.start();
  World front(remote.config());
  ASSERT_EQ(front.post("/v1/chat/completions", chat("big")).status, 200);
  EXPECT_EQ(front.get("/props?model=big").status, 200);
  remote.stop();
  const ProbeResponse got = http(front.port(), "GET", "/props?model=big", {}, {}, 5s);
  EXPECT_EQ(got.status, 502) << got.body;
}

TEST(PeerEnd, AServiceThatComesBackIsUsedAgain) {
  Remote remote;
  remote.start();
  World front(remote.config());
  ASSERT_EQ(front.post("/v1/chat/completions", chat("big")).status, 200);
  remote.stop();
  const ProbeResponse got =
      http(front.port(), "POST", "/v1/chat/completions", chat("big"), {}, 20s);
  EXPECT_EQ(got.status, 503) << got.body;
  EXPECT_THAT(got.body, HasSubstr(R"("code":"peer_unreachable")"));
  remote.start();
  // Who comes within half a second of a refusal shares it.
  EXPECT_TRUE(wait_until([&] {
    return front.post("/v1/chat/completions", chat("big")).status == 200;
  })) << front.log();
}

}  // namespace
}  // namespace rouse::test
