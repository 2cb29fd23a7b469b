#pragma once

#include "base/async/task_group.hpp"
#include "base/http/stream.hpp"
#include "base/http/stream_deadlines.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rouse {

/// An HttpStream at one end of a real connection; the test holds the other end as a blocking
/// socket.
class StreamFixture : public testing::Test {
 public:
  using Generic = HttpStream::Protocol::socket;

 protected:
  /// Runs the io_context until @p done, at most 5 s.
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  static Task<void> keep_done(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }

  /// Runs @p task to its end and returns its value.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    group_.spawn(keep(std::move(task), result));
    EXPECT_TRUE(run_until([&result] { return result.has_value(); })) << "the task hangs";
    if (!result) abort();
    return std::move(*result);
  }
  void run(Task<void> task) {
    bool done = false;
    group_.spawn(keep_done(std::move(task), done));
    EXPECT_TRUE(run_until([&done] { return done; })) << "the task hangs";
    if (!done) abort();
  }

  /// Makes `stream_` and `peer_` the two ends of a loopback TCP connection.
  void connect_tcp(HttpStream::Role role, HttpLimits limits = {}) {
    using tcp = asio::ip::tcp;
    tcp::acceptor acceptor(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket ours(io_);
    ours.connect(acceptor.local_endpoint());
    tcp::socket theirs = acceptor.accept();
    theirs.set_option(tcp::no_delay(true));
    peer_.reset(theirs.release());
    adopt(ours.release(), AF_INET, IPPROTO_TCP, role, limits);
  }
  void connect_unix(HttpStream::Role role, HttpLimits limits = {}) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    peer_.reset(fds[1]);
    adopt(fds[0], AF_UNIX, 0, role, limits);
  }

  void adopt(int fd, int family, int protocol, HttpStream::Role role, HttpLimits limits) {
    HttpStream::Socket socket(io_.get_executor(), HttpStream::Protocol(family, protocol), fd);
    stream_ = std::make_unique<HttpStream>(std::move(socket), role, limits, &deadlines_);
  }

  /// Writes @p bytes at the peer's end; must fit into the kernel's buffers.
  void say(std::string_view bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// What has arrived at the peer's end by now.
  std::string heard() {
    std::string bytes;
    char buffer[65536];
    while (true) {
      const ssize_t n = ::recv(peer_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n <= 0) return bytes;
      bytes.append(buffer, static_cast<std::size_t>(n));
    }
  }
  /// Everything up to the end of the stream, which must come within 5 s.
  std::string heard_to_end() {
    std::string bytes;
    bool end = false;
    run_until([this, &bytes, &end] {
      char buffer[65536];
      const ssize_t n = ::recv(peer_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) bytes.append(buffer, static_cast<std::size_t>(n));
      end = n == 0;
      return n == 0 || (n < 0 && errno != EAGAIN);
    });
    EXPECT_TRUE(end) << "no clean end of the stream";
    return bytes;
  }
  void hang_up() { peer_.reset(); }
  void half_close() { ::shutdown(peer_.get(), SHUT_WR); }
  void reset_connection() {
    const linger hard{1, 0};
    ::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    peer_.reset();
  }

  /// The rest of the body; fails the test on an error.
  Task<std::string> whole_body(HttpStream& stream) {
    std::string body;
    while (true) {
      auto piece = co_await stream.read_body();
      EXPECT_TRUE(piece) << piece.error().message();
      if (!piece || piece->empty()) co_return body;
      body += *piece;
    }
  }

  class Peer {
   public:
    ~Peer() { reset(); }
    void reset(int fd = -1) {
      if (fd_ >= 0) ::close(fd_);
      fd_ = fd;
    }
    [[nodiscard]] int get() const { return fd_; }

   private:
    int fd_ = -1;
  };

  asio::io_context io_{1};
  std::vector<std::string> errors_;
  TaskGroup group_{io_.get_executor(),
                   [this](const std::string& text) { errors_.push_back(text); }};
  StreamDeadlines deadlines_{io_.get_executor()};
  Peer peer_;
  std::unique_ptr<HttpStream> stream_;

  void TearDown() override {
    group_.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([this] { return group_.size() == 0; })) << "a task ignores cancellation";
    EXPECT_TRUE(errors_.empty()) << errors_.front();
  }
};

}  // namespace rouse
