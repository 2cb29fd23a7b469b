#include "base/http/pool.hpp"

#include "tests/base/http/stream_fixture.hpp"

#include <boost/asio/error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

namespace rouse {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class HttpPoolTest : public StreamFixture {
 protected:
  using tcp = asio::ip::tcp;

  HttpPoolTest() {
    endpoint_.host = "127.0.0.1";
    endpoint_.port = acceptor_.local_endpoint().port();
  }
  void TearDown() override {
    pool_.clear();
    StreamFixture::TearDown();
  }

  HttpPool::Lease connect(bool fresh = false) {
    auto lease = run(pool_.connect(endpoint_, milliseconds(2000), fresh));
    EXPECT_TRUE(lease) << lease.error().message();
    if (lease && !lease->reused) peer_.reset(acceptor_.accept().release());
    return lease ? std::move(*lease) : HttpPool::Lease();
  }
  /// One whole exchange, so that the connection may be reused.
  void exchange(HttpStream& stream) {
    RequestHead head;
    head.method = "GET";
    head.target = "/";
    EXPECT_TRUE(run(stream.write_request(head, "", false)));
    say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(run(stream.read_response(false)));
    EXPECT_FALSE(heard().empty());
  }
  void give_back(HttpPool::Lease lease, milliseconds idle = milliseconds(60000)) {
    pool_.give_back(endpoint_, std::move(lease.stream), idle);
  }
  bool peer_sees_the_end() {
    return run_until([this] {
      char byte = 0;
      return ::recv(peer_.get(), &byte, 1, MSG_DONTWAIT) == 0;
    });
  }

  /// And not only when the pool looks through what is idle.
  bool peer_sees_the_end_at_once() {
    const auto began = std::chrono::steady_clock::now();
    return peer_sees_the_end() && std::chrono::steady_clock::now() - began < milliseconds(500);
  }

  tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  Endpoint endpoint_;
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
};

TEST_F(HttpPoolTest, KeepsAConnectionForTheNextRequest) {
  auto lease = connect();
  EXPECT_FALSE(lease.reused);
  const int fd = lease.stream->socket().native_handle();
  exchange(*lease.stream);
  give_back(std::move(lease));
  lease = connect();
  EXPECT_TRUE(lease.reused);
  EXPECT_EQ(lease.stream->socket().native_handle(), fd);
  exchange(*lease.stream);
}

TEST_F(HttpPoolTest, AFreshConnectionIsNeverAPooledOne) {
  auto lease = connect();
  exchange(*lease.stream);
  give_back(std::move(lease));
  EXPECT_FALSE(connect(true).reused);
}

TEST_F(HttpPoolTest, WhatTheServerClosedMeanwhileIsNotHandedOut) {
  auto lease = connect();
  exchange(*lease.stream);
  give_back(std::move(lease));
  hang_up();
  EXPECT_FALSE(connect().reused);
}

TEST_F(HttpPoolTest, WhatTheServerHadClosedAlreadyIsNotHandedOut) {
  auto lease = connect();
  exchange(*lease.stream);
  hang_up();
  give_back(std::move(lease));
  EXPECT_FALSE(connect().reused);
}

TEST_F(HttpPoolTest, WhatHasStrayBytesIsNotHandedOut) {
  auto lease = connect();
  exchange(*lease.stream);
  give_back(std::move(lease));
  say("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_FALSE(connect().reused);
}

TEST_F(HttpPoolTest, AnUnfinishedExchangeIsClosedInsteadOfKept) {
  auto lease = connect();
  give_back(std::move(lease));
  lease = connect();
  RequestHead head;
  head.method = "GET";
  head.target = "/";
  EXPECT_TRUE(run(lease.stream->write_request(head, "", false)));
  EXPECT_FALSE(heard().empty());
  give_back(std::move(lease));
  EXPECT_TRUE(peer_sees_the_end_at_once());
  EXPECT_FALSE(connect().reused);
}

TEST_F(HttpPoolTest, TheLastOneGivenBackIsTheFirstOut) {
  auto one = connect();
  auto two = connect();
  const int fd = two.stream->socket().native_handle();
  give_back(std::move(one));
  give_back(std::move(two));
  EXPECT_EQ(connect().stream->socket().native_handle(), fd);
}

TEST_F(HttpPoolTest, IdleConnectionsAreClosedWhenTheirTimeIsOver) {
  auto lease = connect();
  give_back(std::move(lease), milliseconds(1));
  EXPECT_TRUE(peer_sees_the_end());
  lease = connect();
  EXPECT_FALSE(lease.reused);
  give_back(std::move(lease), milliseconds(0));
  EXPECT_TRUE(peer_sees_the_end_at_once());
}

TEST_F(HttpPoolTest, WhatWasIdleForTooLongIsNotHandedOutThoughNobodyHasLooked) {
  auto lease = connect();
  exchange(*lease.stream);
  give_back(std::move(lease), milliseconds(5));
  const auto over = std::chrono::steady_clock::now() + milliseconds(5);
  ASSERT_TRUE(run_until([&] { return std::chrono::steady_clock::now() > over; }));
  EXPECT_FALSE(connect().reused);
}

TEST_F(HttpPoolTest, OfTooManyIdleConnectionsTheOldestIsClosed) {
  std::vector<HttpPool::Lease> leases;
  std::vector<tcp::socket> peers;
  for (int i = 0; i < 66; ++i) {
    auto lease = run(pool_.connect(endpoint_, milliseconds(2000), true));
    ASSERT_TRUE(lease) << lease.error().message();
    leases.push_back(std::move(*lease));
    peers.push_back(acceptor_.accept());
    peers.back().non_blocking(true);
  }
  for (HttpPool::Lease& lease : leases) give_back(std::move(lease));
  const auto has_ended = [](tcp::socket& peer) {
    char byte = 0;
    return ::recv(peer.native_handle(), &byte, 1, MSG_DONTWAIT) == 0;
  };
  EXPECT_TRUE(run_until([&] { return has_ended(peers[0]) && has_ended(peers[1]); }));
  EXPECT_FALSE(has_ended(peers[2]));
}

TEST_F(HttpPoolTest, ForgetsAnEndpoint) {
  give_back(connect());
  pool_.forget(endpoint_);
  EXPECT_TRUE(peer_sees_the_end());
  EXPECT_FALSE(connect().reused);
}

TEST_F(HttpPoolTest, ARefusedConnectionSaysWhere) {
  acceptor_.close();
  const auto lease = run(pool_.connect(endpoint_, milliseconds(2000), false));
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, asio::error::connection_refused);
  EXPECT_THAT(lease.error().message(), HasSubstr("connecting to " + endpoint_.authority()));
}

TEST_F(HttpPoolTest, AConnectionThatNobodyAnswersTimesOut) {
  // A queue of one that is full: the kernel drops further attempts.
  tcp::acceptor full(io_, tcp::v4());
  full.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  full.listen(0);
  endpoint_.port = full.local_endpoint().port();
  std::vector<HttpPool::Lease> leases;
  for (int i = 0; i < 4; ++i) {
    auto lease = run(pool_.connect(endpoint_, milliseconds(100), true));
    if (!lease) {
      EXPECT_EQ(lease.error().code, make_error_code(HttpErrc::Timeout));
      return;
    }
    leases.push_back(std::move(*lease));
  }
  FAIL() << "all of them connected";
}

TEST_F(HttpPoolTest, LocalhostIsTriedWithoutALookUp) {
  endpoint_.host = "localhost";
  auto lease = connect();
  exchange(*lease.stream);
}

TEST_F(HttpPoolTest, AnUnknownNameIsAnError) {
  endpoint_.host = "no-such-host.invalid";
  const auto lease = run(pool_.connect(endpoint_, milliseconds(3000), false));
  ASSERT_FALSE(lease);
  EXPECT_THAT(lease.error().message(), HasSubstr("no-such-host.invalid"));
}

TEST_F(HttpPoolTest, ConnectsToUnixSockets) {
  const std::string path = testing::TempDir() + "rouse-pool-" + std::to_string(::getpid());
  ::unlink(path.c_str());
  using local = asio::local::stream_protocol;
  local::acceptor acceptor(io_, local::endpoint(path));
  Endpoint endpoint;
  endpoint.unix_path = path;
  auto lease = run(pool_.connect(endpoint, milliseconds(1000), false));
  ASSERT_TRUE(lease) << lease.error().message();
  peer_.reset(acceptor.accept().release());
  exchange(*lease->stream);
  ::unlink(path.c_str());
}

TEST_F(HttpPoolTest, CancellationEndsAConnect) {
  acceptor_.close();
  std::optional<Result<HttpPool::Lease>> lease;
  endpoint_.host = "192.0.2.1";  // RFC 5737: nobody answers, or the network says so
  group_.spawn(keep(pool_.connect(endpoint_, milliseconds(0), false), lease));
  io_.restart();
  io_.poll();
  group_.cancel(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([&lease] { return lease.has_value(); }));
  EXPECT_FALSE(*lease);
}

}  // namespace
}  // namespace rouse
