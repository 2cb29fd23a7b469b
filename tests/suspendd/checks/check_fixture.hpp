#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "suspendd/checks/checks.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::suspendd {

inline void PrintTo(const Finding& finding, std::ostream* out) {
  constexpr const char* kNames[] = {"Active", "Idle", "Unknown"};
  *out << kNames[static_cast<int>(finding.verdict)] << ": " << finding.reason;
}

MATCHER_P(IsActive, reason, "") {
  return arg.verdict == Verdict::Active &&
         testing::ExplainMatchResult(reason, arg.reason, result_listener);
}
MATCHER_P(IsIdle, reason, "") {
  return arg.verdict == Verdict::Idle &&
         testing::ExplainMatchResult(reason, arg.reason, result_listener);
}
MATCHER_P(IsUnknown, reason, "") {
  return arg.verdict == Verdict::Unknown &&
         testing::ExplainMatchResult(reason, arg.reason, result_listener);
}

/// A tree of files to stand for /proc, /sys and /dev, a clock that the test moves, an HTTP server
/// that says what it is told to, and the loop in which checks look.
class CheckFixture : public testing::Test {
 protected:
  CheckFixture() {
    context_.now = [this] { return now_; };
    context_.wall = [this] { return wall_; };
  }

  /// @p path begins with a slash: "/proc/stat".
  void file(std::string_view path, std::string_view text) {
    const std::filesystem::path whole = dir_.path() / path.substr(1);
    std::filesystem::create_directories(whole.parent_path());
    dir_.write(path.substr(1), text);
  }
  void remove(std::string_view path) { std::filesystem::remove_all(dir_.path() / path.substr(1)); }

  std::unique_ptr<Check> make(CheckSettings settings) {
    config_.settings = std::move(settings);
    return make_check(config_, context_);
  }

  Finding look(Check& check) {
    std::optional<Finding> finding;
    group_.spawn(keep(check, finding));
    EXPECT_TRUE(run_until([&finding] { return finding.has_value(); })) << "the look hangs";
    return finding.value_or(Finding());
  }
  Finding look(const std::unique_ptr<Check>& check) { return look(*check); }
  /// The same, cancelled by its caller once @p when holds.
  Finding look_cancelled(Check& check, const std::function<bool()>& when) {
    std::optional<Finding> finding;
    TaskGroup group(io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
    group.spawn(keep(check, finding));
    EXPECT_TRUE(run_until(when)) << "what should come before the deadline does not";
    EXPECT_FALSE(finding.has_value());
    group.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([&group] { return group.size() == 0; })) << "it ignores its deadline";
    return finding.value_or(Finding());
  }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    wall_ += time;
  }

  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  /// Serves @p answers: by path, status and body. Returns the address of the server.
  struct Answer {
    int status = 200;
    std::string body;
    bool more = false;  ///< the body does not end
  };
  Endpoint serve(std::function<Answer(const RequestHead&)> answers) {
    answers_ = std::move(answers);
    const auto address = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(address) << address.error().message();
    return *Endpoint::parse("http://" + *address);
  }
  Endpoint serve_unix(std::function<Answer(const RequestHead&)> answers) {
    answers_ = std::move(answers);
    const std::string path = dir_ / "power.sock";
    const auto listening = server_.listen_unix(path);
    EXPECT_TRUE(listening) << listening.error().message();
    return *Endpoint::parse("unix:" + path);
  }

  void TearDown() override {
    server_.stop_accepting();
    group_.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([this] { return group_.size() == 0; })) << "a task ignores cancellation";
    pool_.clear();
  }

  static Task<void> keep(Check& check, std::optional<Finding>& finding) {
    finding = co_await check.look();
  }
  Task<void> answer(std::unique_ptr<HttpStream> stream, std::string) {
    const auto request = co_await stream->read_request();
    if (!request || !request->has_value()) co_return;
    ++asked_;
    last_request_ = **request;
    const Answer answer = answers_(**request);
    ResponseHead head;
    head.status = answer.status;
    head.framing = Framing::Chunked;
    head.keep_alive = false;
    const auto sent = co_await stream->write_response(head, answer.body, answer.more);
    if (sent && answer.more) co_await stream->wait_gone();
  }

  asio::io_context io_{1};
  TaskGroup group_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  StreamDeadlines deadlines_{io_.get_executor()};
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  test::TempDir dir_;
  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
  /// 2026-03-02 09:30 UTC, a Monday.
  std::chrono::system_clock::time_point wall_ =
      std::chrono::system_clock::time_point(std::chrono::seconds(1772443800));
  CheckContext context_{io_.get_executor(), pool_, Endpoint(), Root(dir_.path().string())};
  CheckConfig config_;
  std::function<Answer(const RequestHead&)> answers_;
  int asked_ = 0;
  RequestHead last_request_;
  HttpServer server_{group_,
                     [this](std::unique_ptr<HttpStream> stream, std::string remote) {
                       return answer(std::move(stream), std::move(remote));
                     },
                     HttpLimits(), deadlines_, 100};
};

}  // namespace rouse::suspendd
