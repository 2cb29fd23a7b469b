#include "base/http/server.hpp"

#include "tests/base/http/stream_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace rouse {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HttpServerTest : public StreamFixture {
 protected:
  /// Answers every request with the address of its client.
  static Task<void> serve(std::unique_ptr<HttpStream> stream, std::string remote_address) {
    while (true) {
      auto head = co_await stream->read_request();
      if (!head || !*head) co_return;
      ResponseHead answer;
      answer.framing = Framing::Length;
      answer.content_length = remote_address.size();
      auto sent = co_await stream->write_response(answer, remote_address, false);
      if (!sent) co_return;
    }
  }
  /// Port of a server that listens on 127.0.0.1.
  std::uint16_t listen() {
    const auto address = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(address) << address.error().message();
    if (!address) return 0;
    EXPECT_THAT(*address, StartsWith("127.0.0.1:"));
    return static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
  }
  void dial(std::uint16_t port, Peer& peer) {
    asio::ip::tcp::socket socket(io_);
    socket.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
    peer.reset(socket.release());
  }
  std::string ask(Peer& peer) {
    const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(::send(peer.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    std::string answer;
    EXPECT_TRUE(run_until([&] {
      char buffer[4096];
      const ssize_t n = ::recv(peer.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) answer.append(buffer, static_cast<std::size_t>(n));
      return n == 0 || (n > 0 && answer.find("\r\n\r\n") != std::string::npos);
    }));
    return answer;
  }

  HttpServer server_{group_, serve, HttpLimits(), deadlines_, 2};
};

TEST_F(HttpServerTest, ServesConnectionsAndCountsThem) {
  const std::uint16_t port = listen();
  Peer one;
  Peer two;
  dial(port, one);
  dial(port, two);
  EXPECT_THAT(ask(one), EndsWith("\r\n\r\n127.0.0.1"));
  EXPECT_THAT(ask(two), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(one), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server_.connections(), 2U);
  one.reset();
  EXPECT_TRUE(run_until([this] { return server_.connections() == 1; }));
}

TEST_F(HttpServerTest, OneConnectionTooManyGetsAnAnswer) {
  const std::uint16_t port = listen();
  Peer one;
  Peer two;
  Peer three;
  dial(port, one);
  ask(one);
  dial(port, two);
  ask(two);
  dial(port, three);
  const std::string answer = ask(three);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("too many connections"));
  two.reset();
  EXPECT_TRUE(run_until([this] { return server_.connections() == 1; }));
  dial(port, two);
  EXPECT_THAT(ask(two), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, StoppingLeavesConnectionsAlone) {
  const std::uint16_t port = listen();
  Peer one;
  dial(port, one);
  ask(one);
  server_.stop_accepting();
  EXPECT_TRUE(run_until([this] { return group_.size() == 1; }));
  Peer two;
  EXPECT_ANY_THROW(dial(port, two));
  EXPECT_THAT(ask(one), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, APauseServesWhoIsThereAndRefusesTheRest) {
  const std::uint16_t port = listen();
  Peer early;
  dial(port, early);  // in the kernel's queue only: nothing has run yet
  bool closed = false;
  const auto pause = [](HttpServer& server, bool& done) -> Task<void> {
    co_await server.pause();
    done = true;
  };
  group_.spawn(pause(server_, closed));
  EXPECT_TRUE(run_until([&] { return closed; }));
  Peer late;
  EXPECT_ANY_THROW(dial(port, late));
  EXPECT_THAT(ask(early), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(server_.resume());
  dial(port, late);
  EXPECT_THAT(ask(late), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, APauseThatIsTakenBackClosesNothing) {
  const std::uint16_t port = listen();
  bool ended = false;
  const auto pause = [](HttpServer& server, bool& done) -> Task<void> {
    co_await server.pause();
    done = true;
  };
  group_.spawn(pause(server_, ended));
  EXPECT_TRUE(server_.resume());
  Peer one;
  dial(port, one);
  EXPECT_TRUE(run_until([&] { return ended; }));
  EXPECT_THAT(ask(one), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, APortThatWasTakenMeanwhileIsTriedAgain) {
  const std::uint16_t port = listen();
  bool closed = false;
  const auto pause = [](HttpServer& server, bool& done) -> Task<void> {
    co_await server.pause();
    done = true;
  };
  group_.spawn(pause(server_, closed));
  EXPECT_TRUE(run_until([&] { return closed; }));
  {
    HttpServer thief(group_, serve, HttpLimits(), deadlines_, 2);
    ASSERT_TRUE(thief.listen("127.0.0.1", port));
    const Result<void> failed = server_.resume();
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message(), HasSubstr("Address already in use"));
  }
  EXPECT_TRUE(server_.resume());
  Peer one;
  dial(port, one);
  EXPECT_THAT(ask(one), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, APortThatIsTakenIsAnError) {
  const std::uint16_t port = listen();
  const auto again = server_.listen("127.0.0.1", port);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message(),
              HasSubstr("listening on 127.0.0.1:" + std::to_string(port) + ": Address already"));
  const auto nowhere = server_.listen("192.0.2.1", 0);
  ASSERT_FALSE(nowhere);
  const auto unknown = server_.listen("no-such-host.invalid", 0);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("no-such-host.invalid"));
}

TEST_F(HttpServerTest, ListensOnAUnixSocketAndReplacesAStaleOne) {
  const std::string path = testing::TempDir() + "rouse-server-" + std::to_string(::getpid());
  ::unlink(path.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* const plain = reinterpret_cast<const sockaddr*>(&address);
  {
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(stale, plain, sizeof address), 0);
    ::close(stale);
  }
  const auto listening = server_.listen_unix(path);
  ASSERT_TRUE(listening) << listening.error().message();
  EXPECT_EQ(*listening, "unix:" + path);
  EXPECT_FALSE(server_.listen_unix(path)) << "somebody listens there";
  Peer one;
  one.reset(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(one.get(), plain, sizeof address), 0);
  EXPECT_THAT(ask(one), EndsWith("\r\n\r\nunix"));
  run(server_.pause());
  Peer two;
  two.reset(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(two.get(), plain, sizeof address), 0) << "a pause leaves it open";
  EXPECT_THAT(ask(two), EndsWith("\r\n\r\nunix"));
  server_.stop_accepting();
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the file is left behind";

  const int file = ::open(path.c_str(), O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
  ::close(file);
  const auto refused = server_.listen_unix(path);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("not a socket"));
  ::unlink(path.c_str());
}

TEST_F(HttpServerTest, WithoutDescriptorsItPausesAndGoesOnLater) {
  const std::uint16_t port = listen();
  Peer one;
  dial(port, one);
  ask(one);
  Peer two;
  dial(port, two);  // in the kernel's queue
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int highest = ::dup(one.get());
  ::close(highest);
  const rlimit none{static_cast<rlim_t>(highest), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::size_t handlers = 0;
  for (int i = 0; i < 100; ++i) {
    io_.restart();
    handlers += io_.poll_one();
  }
  EXPECT_EQ(server_.connections(), 1U);
  EXPECT_LT(handlers, 20U) << "it spins";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(run_until([this] { return server_.connections() == 2; }));
  EXPECT_THAT(ask(two), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace rouse
