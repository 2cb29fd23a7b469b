#include "base/http/tunnel.hpp"

#include "tests/base/http/stream_fixture.hpp"

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using Role = HttpStream::Role;

/// A tunnel between two connections whose other ends the test holds.
class TunnelTest : public StreamFixture {
 protected:
  void connect() {
    connect_tcp(Role::Client);
    upstream_ = std::move(stream_);
    const int fd = ::dup(peer_.get());
    engine_.reset(fd);
    connect_tcp(Role::Server);
  }
  void start(std::chrono::steady_clock::duration idle = 1h) {
    group_.spawn(keep(tunnel(*stream_, *upstream_, idle), ended_));
  }
  static std::size_t write_some(int fd, std::string_view bytes) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  /// What came; `state`: 0 open, 1 end, 2 error.
  static void read_some(int fd, std::string& into, int& state) {
    if (state != 0) return;  // the kernel tells an error only once
    char buffer[65536];
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
    if (n == 0) state = 1;
    if (n < 0 && errno != EAGAIN) state = 2;
  }
  bool done() const { return ended_.has_value(); }

  std::unique_ptr<HttpStream> upstream_;
  Peer engine_;
  std::optional<TunnelBytes> ended_;
};

TEST_F(TunnelTest, TenMegabytesBothWaysAtOnceAndEnds) {
  connect();
  start();
  std::string up(10 << 20, 'u'), down(10 << 20, 'd');
  for (std::size_t i = 0; i < up.size(); i += 97)
    up[i] = static_cast<char>(i), down[i] = static_cast<char>(i * 3);
  std::size_t up_at = 0, down_at = 0;
  std::string got_up, got_down;
  int up_state = 0, down_state = 0;
  ASSERT_TRUE(run_until([&] {
    up_at += write_some(peer_.get(), std::string_view(up).substr(up_at));
    down_at += write_some(engine_.get(), std::string_view(down).substr(down_at));
    if (up_at == up.size()) ::shutdown(peer_.get(), SHUT_WR);
    if (down_at == down.size()) ::shutdown(engine_.get(), SHUT_WR);
    for (int i = 0; i < 8; ++i) {
      read_some(engine_.get(), got_up, up_state);
      read_some(peer_.get(), got_down, down_state);
    }
    return done() && up_state != 0 && down_state != 0;
  })) << got_up.size()
      << " " << got_down.size();
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
  EXPECT_EQ(up_state, 1);
  EXPECT_EQ(down_state, 1);
  EXPECT_EQ(ended_->up, up.size());
  EXPECT_EQ(ended_->down, down.size());
}

TEST_F(TunnelTest, HalfCloseGoesOnAndTheOtherWayStaysOpen) {
  connect();
  start();
  ::shutdown(peer_.get(), SHUT_WR);
  std::string up, down;
  int up_state = 0, down_state = 0;
  ASSERT_TRUE(run_until([&] {
    read_some(engine_.get(), up, up_state);
    return up_state == 1;
  }));
  EXPECT_FALSE(done());
  ASSERT_EQ(write_some(engine_.get(), "later"), 5U);
  ASSERT_TRUE(run_until([&] {
    read_some(peer_.get(), down, down_state);
    return down == "later";
  }));
  ::shutdown(engine_.get(), SHUT_WR);
  ASSERT_TRUE(run_until([&] {
    read_some(peer_.get(), down, down_state);
    return done() && down_state != 0;
  }));
  EXPECT_EQ(down_state, 1);
}

TEST_F(TunnelTest, AResetEndsBoth) {
  connect();
  start();
  reset_connection();
  std::string up;
  int state = 0;
  ASSERT_TRUE(run_until([&] {
    read_some(engine_.get(), up, state);
    return done() && state != 0;
  }));
  EXPECT_EQ(state, 2);
}

TEST_F(TunnelTest, TheIdleLimitEndsBothAlsoWithBytesStuck) {
  connect();
  start(1s);
  const std::string lots(1 << 20, 'x');
  std::size_t sent = 1;
  int rounds = 0;
  // The client never reads: the downward direction waits for room.
  ASSERT_TRUE(run_until([&] {
    sent = write_some(engine_.get(), lots);
    return sent == 0 ? ++rounds > 20 : false;
  }));
  ASSERT_TRUE(run_until([&] { return done(); })) << "idle limit does not end a stuck tunnel";
}

TEST_F(TunnelTest, OneDirectionThatSpeaksKeepsBothAlive) {
  connect();
  start(2s);
  // Well beyond the limit, whose resolution is half a second.
  const auto end = std::chrono::steady_clock::now() + 3500ms;
  auto next = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next) {
      next = now + 200ms;
      write_some(engine_.get(), "x");
    }
    return done() || now > end;
  }));
  EXPECT_FALSE(done()) << "the silent client is taken for an idle one";
}

TEST_F(TunnelTest, BytesBehindBothHeadsComeFirst) {
  connect();
  ASSERT_GT(write_some(
                peer_.get(),
                "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nup-first"),
            0U);
  auto request = run(stream_->read_request());
  ASSERT_TRUE(request && *request);
  RequestHead ask = **request;
  ask.fields.erase("connection");
  ASSERT_TRUE(run(upstream_->write_request(ask, "", false)));
  ASSERT_GT(write_some(engine_.get(),
                       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                       "x\r\n\r\ndown-first"),
            0U);
  auto answer = run(upstream_->read_response(false));
  ASSERT_TRUE(answer);
  ResponseHead head = *answer;
  head.fields.erase("connection");
  ASSERT_TRUE(run(stream_->write_response(head, "", false)));
  start();
  std::string up, down;
  int a = 0, b = 0;
  ASSERT_TRUE(run_until([&] {
    read_some(engine_.get(), up, a);
    read_some(peer_.get(), down, b);
    return up.ends_with("up-first") && down.ends_with("down-first");
  })) << up
      << down;
  EXPECT_NE(up.find("pgrade: x\r\n"), std::string::npos) << up;
  EXPECT_NE(down.find("onnection: "), std::string::npos) << down;
}

TEST_F(TunnelTest, CancellationEndsItIdleAndStuck) {
  for (const bool stuck : {false, true}) {
    connect();
    ended_.reset();
    start();
    if (stuck) {
      const std::string lots(1 << 20, 'x');
      int rounds = 0;
      ASSERT_TRUE(run_until([&] { return write_some(engine_.get(), lots) == 0 && ++rounds > 20; }));
    } else {
      int rounds = 0;
      run_until([&] { return ++rounds > 3; });
    }
    group_.cancel(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&] { return group_.size() == 0; })) << stuck;
    EXPECT_TRUE(done());
  }
}

TEST_F(TunnelTest, CancellationBeforeItRanEndsIt) {
  connect();
  start();
  group_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([&] { return group_.size() == 0; }));
}

}  // namespace
}  // namespace rouse
