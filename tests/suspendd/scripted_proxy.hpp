#pragma once

#include "base/async/task_group.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::test {

/// Stands for whoever the daemon asks over HTTP: answers each path as the test says, or is silent,
/// or hangs up; keeps what it was asked. On a unix socket, or on TCP. Single thread; the group and
/// the deadlines outlive it.
class ScriptedProxy {
 public:
  enum class Then {
    Close,   ///< the answer is whole
    Stay,    ///< its body goes on: see say() and cut()
    Silent,  ///< no answer at all, while the connection stays
    HangUp,  ///< no answer, and no connection
  };
  struct Reply {
    int status = 200;
    std::string body = "{}";
    Then then = Then::Close;
  };
  struct Request {
    std::string method;
    std::string path;
    std::string query;
    std::string body;
    Fields fields;
  };

  ScriptedProxy(TaskGroup& tasks, StreamDeadlines& deadlines)
      : server_(
            tasks,
            [this](std::unique_ptr<HttpStream> client, const std::string&) {
              return serve(std::move(client));
            },
            HttpLimits(), deadlines, 100) {
    const auto listening = server_.listen_unix(socket());
    EXPECT_TRUE(listening) << listening.error().message();
  }

  [[nodiscard]] std::string socket() const { return dir_ / "power.sock"; }
  /// "127.0.0.1:45678"
  [[nodiscard]] std::string listen_tcp() {
    const auto address = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(address) << address.error().message();
    return address ? *address : std::string();
  }
  void stop() { server_.stop_accepting(); }

  /// How @p path is answered from now on. What nothing was said of is answered with {}.
  void answers(const std::string& path, Reply reply) {
    replies_[path] = [reply = std::move(reply)] { return reply; };
  }
  /// The same, with an answer that depends on when it is given.
  void answers_now(const std::string& path, std::function<Reply()> reply) {
    replies_[path] = std::move(reply);
  }

  /// How @p path is answered once, before that.
  void next(const std::string& path, Reply reply) { once_[path].push_back(std::move(reply)); }

  /// More of the body that stays open at @p path.
  void say(const std::string& path, std::string_view text) {
    ASSERT_EQ(open_.count(path), 1U) << path;
    EXPECT_TRUE(open_[path]->try_write_body(text));
  }
  /// Breaks that connection off.
  void cut(const std::string& path) {
    ASSERT_EQ(open_.count(path), 1U) << path;
    open_[path]->close();
  }

  [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }
  /// How often @p path was asked.
  [[nodiscard]] long asked(std::string_view path) const {
    return std::count_if(requests_.begin(), requests_.end(),
                         [path](const Request& each) { return each.path == path; });
  }
  /// The body of the last request for @p path.
  [[nodiscard]] std::string body(std::string_view path) const {
    for (auto each = requests_.rbegin(); each != requests_.rend(); ++each) {
      if (each->path == path) return each->body;
    }
    return "never asked";
  }
  /// How many have gone away while @p path was silent or stayed open.
  [[nodiscard]] int left(const std::string& path) const {
    const auto found = left_.find(path);
    return found == left_.end() ? 0 : found->second;
  }

 private:
  Reply reply_to(const std::string& path) {
    std::deque<Reply>& once = once_[path];
    if (!once.empty()) {
      Reply reply = std::move(once.front());
      once.pop_front();
      return reply;
    }
    const auto found = replies_.find(path);
    return found == replies_.end() ? Reply() : found->second();
  }

  Task<void> serve(std::unique_ptr<HttpStream> client) {
    const auto head = co_await client->read_request();
    if (!head || !head->has_value()) co_return;
    Request request{(*head)->method,
                    std::string((*head)->path()),
                    std::string((*head)->query()),
                    {},
                    (*head)->fields};
    for (;;) {
      const auto piece = co_await client->read_body();
      if (!piece) co_return;
      if (piece->empty()) break;
      request.body += *piece;
    }
    const std::string path = request.path;
    requests_.push_back(std::move(request));
    const Reply reply = reply_to(path);
    if (reply.then == Then::HangUp) co_return;
    if (reply.then != Then::Silent) {
      ResponseHead answer;
      answer.status = reply.status;
      answer.framing = Framing::Chunked;
      answer.keep_alive = false;
      const bool more = reply.then == Then::Stay;
      const auto written = co_await client->write_response(answer, reply.body, more);
      if (!written || !more) co_return;
    }
    open_[path] = client.get();
    co_await client->wait_gone();
    open_.erase(path);
    ++left_[path];
  }

  TempDir dir_;
  std::map<std::string, std::function<Reply()>> replies_;
  std::map<std::string, std::deque<Reply>> once_;
  std::map<std::string, HttpStream*> open_;
  std::map<std::string, int> left_;
  std::vector<Request> requests_;
  HttpServer server_;
};

}  // namespace rouse::test
