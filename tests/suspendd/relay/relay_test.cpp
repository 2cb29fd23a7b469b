#include "base/async/task_group.hpp"
#include "base/http/ask.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/wake/sender.hpp"
#include "suspendd/relay/server.hpp"
#include "tests/support/http_probe.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

TEST_F(Relay, SaysWhenItMayBeAskedAgain) {
  inside([] {
    test::ip("link set lo up");
    const test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    RelayOptions options;
    options.packets_per_minute = 1;
    const RelayProcess relay(options);
    ASSERT_TRUE(test::wait_until([] { return is_up(9009); }));
    const std::string body = R"({"mac":"3c:7c:3f:12:34:56"})";
    EXPECT_EQ(test::http(9009, "POST", "/v1/wake", body).status, 200);
    const test::ProbeResponse later = test::http(9009, "POST", "/v1/wake", body);
    EXPECT_EQ(later.status, 429);
    EXPECT_TRUE(later.has_header("retry-after"));
  });
}

/// A relay on a port of its own, of which nothing is woken.
class RelayServer : public testing::Test {
 protected:
  RelayServer() {
    testing::internal::CaptureStderr();
    options_.port = port_;
    options_.token = "secret";
    options_.macs = {kMac};
    relay_ = std::make_unique<RelayProcess>(options_);
    EXPECT_TRUE(test::wait_until([this] { return is_up(port_); }));
  }
  ~RelayServer() override {
    relay_.reset();
    if (is_captured_) (void)log();
  }
  RelayServer(const RelayServer&) = delete;
  RelayServer& operator=(const RelayServer&) = delete;

  std::string log() {
    is_captured_ = false;
    return testing::internal::GetCapturedStderr();
  }
  [[nodiscard]] test::ProbeHeaders known() const { return {{"authorization", "Bearer secret"}}; }

  std::uint16_t port_ = test::free_port();
  RelayOptions options_;
  bool is_captured_ = true;
  std::unique_ptr<RelayProcess> relay_;
};

TEST_F(RelayServer, KeepsAConnectionAsLongAsTheClientWants) {
  test::HttpProbe client(port_);
  for (const char* method : {"GET", "HEAD", "GET"}) {
    ASSERT_TRUE(client.send_request(method, "/health"));
    const bool to_head = method == std::string_view("HEAD");
    const test::ProbeResponse answer = client.read_response(std::chrono::seconds(10), to_head);
    EXPECT_EQ(answer.status, 200) << method;
    EXPECT_TRUE(answer.clean()) << method;
    EXPECT_EQ(answer.header("content-type"), "application/json");
    EXPECT_EQ(answer.body, to_head ? "" : R"({"status":"ok"})");
  }
  ASSERT_TRUE(client.send_request("GET", "/v1/wake"));
  EXPECT_EQ(client.read_response().status, 401) << "a refusal without a body ends nothing";
  ASSERT_TRUE(client.send_request("POST", "/v1/wake", "{}", known()));
  EXPECT_EQ(client.read_response().status, 400) << "nor does a body that was read";
  ASSERT_TRUE(client.send_request("GET", "/health", {}, {{"connection", "close"}}));
  EXPECT_EQ(client.read_response().header("connection"), "close");
  EXPECT_TRUE(client.peer_closes());
}

TEST_F(RelayServer, EndsAConnectionWhoseBodyItDoesNotRead) {
  test::HttpProbe client(port_);
  ASSERT_TRUE(client.send_request("POST", "/v1/wake", R"({"mac":"3c:7c:3f:12:34:56"})"));
  const test::ProbeResponse answer = client.read_response();
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.header("www-authenticate"), HasSubstr("Bearer"));
  EXPECT_EQ(answer.header("connection"), "close");
  client.half_close();
  EXPECT_TRUE(client.peer_closes());
  relay_->signal(SIGTERM);
  EXPECT_EQ(relay_->end(), 0) << "what is logged is gathered, and written at the end at the latest";
  EXPECT_THAT(log(), HasSubstr("relay: 127.0.0.1: refused with 401"));
}

TEST_F(RelayServer, RefusesWhatItCannotRead) {
  struct Case {
    std::string bytes;
    int status;
  };
  const std::string post =
      "POST /v1/wake HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n"
      "Content-Type: application/json\r\n";
  const std::vector<Case> cases{
      {"nonsense\r\n\r\n", 400},
      {"GET /health HTTP/1.1\r\nHost: x\r\nX: " + std::string(17 * 1024, 'x') + "\r\n\r\n", 431},
      {post + "Content-Length: 16385\r\n\r\n" + std::string(16'385, ' '), 413},
      {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
  };
  for (const Case& each : cases) {
    test::HttpProbe client(port_);
    ASSERT_TRUE(client.send(each.bytes));
    const test::ProbeResponse answer = client.read_response();
    EXPECT_EQ(answer.status, each.status) << each.bytes.substr(0, 40);
    EXPECT_THAT(answer.body, HasSubstr("cannot be read"));
    EXPECT_EQ(answer.header("connection"), "close");
  }
}

TEST_F(RelayServer, EndsAtOnceThoughClientsStay) {
  for (const int signal : {SIGTERM, SIGINT}) {
    test::HttpProbe client(port_);
    ASSERT_TRUE(client.send_request("GET", "/health"));
    EXPECT_EQ(client.read_response().status, 200);
    relay_->signal(signal);
    EXPECT_EQ(relay_->end(), 0) << signal;
    EXPECT_TRUE(client.peer_closes());
    if (signal == SIGINT) break;
    relay_ = std::make_unique<RelayProcess>(options_);
    ASSERT_TRUE(test::wait_until([this] { return is_up(port_); }));
  }
  EXPECT_THAT(log(), HasSubstr(fmt::format("listening on 127.0.0.1:{}, for {}", port_, kMac)));
}

TEST(RelayStart, IsRefusedWithoutATokenWhereOthersReachIt) {
  RelayOptions options;
  options.host = "0.0.0.0";
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_relay(options), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("rouse-suspendd relay: a relay that others reach (0.0.0.0) needs a token"));
}

}  // namespace
}  // namespace rouse::suspendd
