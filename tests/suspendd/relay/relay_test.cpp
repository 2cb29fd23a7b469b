#include "base/async/task_group.hpp"
#include "base/http/ask.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/wake/sender.hpp"
#include "suspendd/relay/server.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace rouse::suspendd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char* kMac = "3c:7c:3f:12:34:56";

/// run_relay() in a process of its own.
class RelayProcess {
 public:
  explicit RelayProcess(const RelayOptions& options) {
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) ::_exit(run_relay(options));
  }
  ~RelayProcess() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

  /// Its exit status; -1 when a signal ended it, or nothing did within 10 s.
  int end() {
    int status = 0;
    const bool ended = test::wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; },
                                        std::chrono::seconds(10));
    if (!ended) return -1;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void signal(int number) const { ::kill(pid_, number); }

 private:
  pid_t pid_ = 0;
};

/// The answer to one request; status 0: there was none.
HttpAnswer ask(HttpAsk what) {
  asio::io_context io(1);
  StreamDeadlines deadlines(io.get_executor());
  HttpPool pool(io.get_executor(), HttpLimits{}, deadlines);
  TaskGroup tasks(io.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
  HttpAnswer answer;
  const auto keep = [](HttpPool& the_pool, HttpAsk the_ask, HttpAnswer& out) -> Task<void> {
    Result<HttpAnswer> got = co_await http_ask(the_pool, std::move(the_ask));
    if (got) out = std::move(*got);
  };
  tasks.spawn(keep(pool, std::move(what), answer));
  io.run();
  return answer;
}

HttpAsk wake_request(std::uint16_t port, const std::string& token, std::string body) {
  HttpAsk what;
  what.method = "POST";
  what.url = *Endpoint::parse(fmt::format("http://127.0.0.1:{}/v1/wake", port));
  what.fields.add("content-type", "application/json");
  what.fields.add("authorization", "Bearer " + token);
  what.body = std::move(body);
  return what;
}

bool is_up(std::uint16_t port) {
  HttpAsk health;
  health.url = *Endpoint::parse(fmt::format("http://127.0.0.1:{}/health", port));
  return ask(health).status == 200;
}

class Relay : public test::NetnsTest {};

TEST_F(Relay, SendsWhatAPeersSenderAsksFor) {
  inside([] {
    test::ip("link set lo up");
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::drop_capabilities();
    RelayOptions options;
    options.port = 9009;
    options.token = "secret";
    options.interface = "eth0";
    options.macs = {kMac};
    RelayProcess relay(options);
    ASSERT_TRUE(test::wait_until([] { return is_up(9009); }));

    asio::io_context io(1);
    StreamDeadlines deadlines(io.get_executor());
    TaskGroup tasks(io.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
    WakePlan plan;
    plan.broadcasts = false;
    plan.macs.push_back(*MacAddress::parse(kMac));
    plan.secureon = *SecureOn::parse("01:23:45:67:89:ab");
    plan.relay = WakeRelay{*Endpoint::parse("http://127.0.0.1:9009"), "secret"};
    WakeSender sender(tasks, deadlines, plan);
    std::vector<WakeResult> results;
    sender.volley([&results](const WakeResult& result) { results.push_back(result); });
    io.run();
    ASSERT_THAT(results, SizeIs(1));
    EXPECT_TRUE(results[0].ok);
    EXPECT_EQ(results[0].text, "answered 200: 2 of 2 packets sent");

    std::vector<std::string> seen;
    for (const test::Frame& frame : lan.frames()) {
      const auto packet = find_magic_packet(frame.payload());
      if (!packet) continue;
      EXPECT_EQ(packet->mac.text(), kMac);
      EXPECT_EQ(packet->secureon, plan.secureon);
      seen.push_back(frame.to_ip());
    }
    EXPECT_THAT(seen, testing::UnorderedElementsAre("10.9.1.255", "255.255.255.255"));

    EXPECT_EQ(ask(wake_request(9009, "wrong", "{}")).status, 401);
    EXPECT_EQ(ask(wake_request(9009, "secret", R"({"mac":"3c7c3f123457"})")).status, 403);
    EXPECT_EQ(ask(wake_request(9009, "secret", "{")).status, 400);
    EXPECT_EQ(ask(wake_request(9009, "secret", std::string(100'000, ' '))).status, 413);
    EXPECT_THAT(lan.frames(), testing::Each(testing::Truly([](const test::Frame& frame) {
                  return !find_magic_packet(frame.bytes);
                })));

    relay.signal(SIGTERM);
    EXPECT_EQ(relay.end(), 0);
  });
}

TEST_F(Relay, APortThatIsTakenIsAnError) {
  inside([] {
    test::ip("link set lo up");
    RelayProcess first(RelayOptions{});
    ASSERT_TRUE(test::wait_until([] { return is_up(9009); }));
    RelayProcess second(RelayOptions{});
    EXPECT_EQ(second.end(), 1);
    EXPECT_TRUE(is_up(9009));
  });
}

TEST(RelayStart, IsRefusedWithoutATokenWhereOthersReachIt) {
  RelayOptions options;
  options.host = "0.0.0.0";
  EXPECT_EQ(run_relay(options), 2);
}

}  // namespace
}  // namespace rouse::suspendd
