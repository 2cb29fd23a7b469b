#include "proxy/request/beyond.hpp"

#include "proxy/config/http_limits.hpp"
#include "tests/support/exchange_world.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>

#include <deque>
#include <optional>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const char* const kKeys =
    "models: {}\nlimits: {connectionsMax: 2}\n"
    "keys: {mine: {sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}}\n";

class Beyond : public ExchangeWorld {
 protected:
  void serve_up(const std::string& config) { serve_up(config, deadlines_); }
  void serve_up(const std::string& config, StreamDeadlines& deadlines) {
    start(config);
    server_.emplace(
        proxy().sessions,
        [this](std::unique_ptr<HttpStream> client, std::string remote) {
          return serve_client(std::move(client), std::move(remote), proxy());
        },
        http_limits(*proxy().config), deadlines, 1);
    set_limits(*server_, *proxy().config);
    places_.take_over(*server_, proxy());
    const auto address = server_->listen("127.0.0.1", 0);
    ASSERT_TRUE(address);
    port_ = static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
    for (int i = 0; i < 2; ++i) dial(silent_.emplace_back());
    ASSERT_TRUE(run_until([this] { return server_->connections() == 2; }));
  }
  void TearDown() override {
    if (server_) server_->stop_accepting();
    ExchangeWorld::TearDown();
  }

  void dial(Peer& peer) {
    asio::ip::tcp::socket socket(io_);
    socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port_));
    peer.reset(socket.release());
  }
  /// All that comes until the connection ends.
  std::string rest_of(Peer& peer) {
    std::string text;
    EXPECT_TRUE(run_until([&] {
      char buffer[4096];
      const ssize_t n = ::recv(peer.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
      return n == 0 || (n < 0 && errno != EAGAIN);
    }));
    return text;
  }
  std::string ask(const std::string& line, const std::string& fields = {}) {
    Peer peer;
    dial(peer);
    const std::string text = line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    return rest_of(peer);
  }

  /// Nobody runs it.
  asio::io_context stopped_{1};
  StreamDeadlines never_{stopped_.get_executor()};
  BeyondPlaces places_;
  std::optional<HttpServer> server_;
  std::deque<Peer> silent_;
  std::uint16_t port_ = 0;
};

TEST_F(Beyond, HealthChecksAndKeysAreAnswered) {
  serve_up(kKeys);
  for (const char* const line : {"GET /health", "GET /livez", "GET /readyz"}) {
    EXPECT_THAT(ask(line), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Connection: close\r\n")))
        << line;
  }
  EXPECT_THAT(ask("GET /v1/models", "Authorization: Bearer secret\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Connection: close\r\n")));
}

TEST_F(Beyond, OthersAreToldToComeAgain) {
  serve_up(kKeys);
  for (const char* const fields : {"", "Authorization: Bearer wrong\r\n"}) {
    EXPECT_THAT(ask("GET /v1/models", fields),
                AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("retry-after: 1\r\n"),
                      HasSubstr("limits.connectionsMax")));
  }
  EXPECT_THAT(ask("POST /api/models/unload", "X-Api-Key: secret\r\nContent-Length: 0\r\n"),
              StartsWith("HTTP/1.1 503 "))
      << "a key without the scope for it";
  EXPECT_THAT(ask("GET /nowhere", "X-Api-Key: secret\r\n"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(Beyond, WithoutKeysOnlyHealthChecksAreAnswered) {
  serve_up("models: {}\nlimits: {connectionsMax: 2}\n");
  EXPECT_THAT(ask("GET /v1/models"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ask("GET /health"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Beyond, OfTheSilentTheLongestThereGivesWay) {
  serve_up(kKeys, never_);  // so that nobody is closed because its time is over
  std::deque<Peer> crowd;
  for (int i = 0; i < 100; ++i) {
    dial(crowd.emplace_back());
    if (i % 10 == 9) EXPECT_THAT(ask("GET /health"), StartsWith("HTTP/1.1 200 ")) << i;
  }
  EXPECT_EQ(rest_of(crowd.front()), "") << "closed without a word";
  char byte = 0;
  EXPECT_EQ(::recv(crowd.back().get(), &byte, 1, MSG_DONTWAIT), -1);
  EXPECT_EQ(errno, EAGAIN) << "the last has its time";
}

}  // namespace
}  // namespace rouse
