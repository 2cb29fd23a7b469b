#pragma once

#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rouse::test {

/// The other side of an HTTP conversation: what it answers to each request is the test's to say.
/// Lives in the io_context of the test; its tasks in @p group.
class ScriptedServer {
 public:
  /// Gets a whole request; gives the bytes to send. Nothing: it stays silent. An empty text: it
  /// hangs up.
  using Answer = std::function<std::optional<std::string>(const std::string& request)>;

  ScriptedServer(TaskGroup& group, Answer answer, std::uint16_t port = 0)
      : group_(group), shared_(std::make_shared<Shared>(group.executor(), std::move(answer))) {
    const tcp::endpoint where(asio::ip::address_v4::loopback(), port);
    shared_->acceptor.open(where.protocol());
    shared_->acceptor.set_option(tcp::acceptor::reuse_address(true));
    shared_->acceptor.bind(where);
    shared_->acceptor.listen();
    port_ = shared_->acceptor.local_endpoint().port();
    group_.spawn(accept(shared_, group_));
  }
  ~ScriptedServer() {
    boost::system::error_code ignored;
    shared_->acceptor.close(ignored);
    hang_up();
    shared_->answer = [](const std::string&) { return std::nullopt; };  // to what is read by now
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// What was asked, in the order in which it came.
  [[nodiscard]] const std::vector<std::string>& requests() const { return shared_->requests; }
  [[nodiscard]] int connections() const { return shared_->connections; }

  void answer(Answer answer) { shared_->answer = std::move(answer); }
  /// Sends @p bytes to everybody who is connected.
  void say(std::string bytes) {
    for (const auto& socket : shared_->open) group_.spawn(write(socket, bytes));
  }
  /// Closes every connection.
  void hang_up() {
    boost::system::error_code ignored;
    for (const auto& socket : shared_->open) socket->close(ignored);
    shared_->open.clear();
  }

 private:
  using tcp = asio::ip::tcp;
  using Socket = asio::basic_stream_socket<tcp, Executor>;
  using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
  struct Shared {
    Shared(const Executor& executor, Answer the_answer)
        : acceptor(executor), answer(std::move(the_answer)) {}
    Acceptor acceptor;
    Answer answer;
    std::vector<std::string> requests;
    std::vector<std::shared_ptr<Socket>> open;
    int connections = 0;
  };

  static Task<void> accept(std::shared_ptr<Shared> shared, TaskGroup& group) {
    for (;;) {
      auto socket = std::make_shared<Socket>(group.executor());
      const auto [error] = co_await shared->acceptor.async_accept(*socket, use_task);
      if (error) co_return;
      ++shared->connections;
      shared->open.push_back(socket);
      group.spawn(serve(shared, socket));
    }
  }

  static Task<void> serve(std::shared_ptr<Shared> shared, std::shared_ptr<Socket> socket) {
    std::string unread;
    std::array<char, 4096> piece{};
    for (;;) {
      const std::size_t size = request_size(unread);
      if (size == 0) {
        const auto [error, got] = co_await socket->async_read_some(asio::buffer(piece), use_task);
        if (error) co_return;
        unread.append(piece.data(), got);
        continue;
      }
      shared->requests.push_back(unread.substr(0, size));
      unread.erase(0, size);
      std::optional<std::string> bytes = shared->answer(shared->requests.back());
      if (!bytes) continue;
      if (bytes->empty()) {
        boost::system::error_code ignored;
        socket->close(ignored);
        co_return;
      }
      co_await write(socket, std::move(*bytes));
    }
  }

  static Task<void> write(std::shared_ptr<Socket> socket, std::string bytes) {
    const auto [error, sent] = co_await asio::async_write(*socket, asio::buffer(bytes), use_task);
    (void)error;
    (void)sent;
  }

  /// Of the first request in @p bytes; 0: it is not whole yet.
  static std::size_t request_size(const std::string& bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    std::size_t size = end + 4;
    for (const char* const name : {"content-length: ", "Content-Length: "}) {
      const std::size_t at = bytes.find(name);
      if (at < end) size += std::strtoul(bytes.c_str() + at + 16, nullptr, 10);
    }
    return bytes.size() < size ? 0 : size;
  }

  TaskGroup& group_;
  std::shared_ptr<Shared> shared_;
  std::uint16_t port_ = 0;
};

/// An answer with a length.
inline std::string http_answer(int status, const std::string& body = {},
                               const std::string& fields = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace rouse::test
