#include "suspendd/checks/check_runner.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>

#include <functional>

namespace rouse::suspendd {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

/// A check whose looks the test ends.
class FakeCheck final : public Check {
 public:
  struct Hands {
    explicit Hands(const Executor& executor) : bell(executor, Clock::time_point::max()) {}
    Timer bell;
    int looks = 0;
    int cancelled = 0;
    bool answers = true;       ///< at once
    bool heeds_cancel = true;  ///< else it comes back only when the bell is rung
    Verdict verdict = Verdict::Idle;
    bool throws = false;
  };
  explicit FakeCheck(std::shared_ptr<Hands> hands) : hands_(std::move(hands)) {}

  Task<Finding> look() override {
    ++hands_->looks;
    if (hands_->throws) throw std::runtime_error("the sensor is on fire");
    while (!hands_->answers) {
      const auto [rung] = co_await hands_->bell.async_wait(use_task);
      static_cast<void>(rung);
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() == asio::cancellation_type::none) continue;
      if (hands_->cancelled++ == 0 && hands_->heeds_cancel) break;
      if (hands_->answers) break;
      // Deaf: cancelled operations would end at once from here on.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    }
    Finding finding;
    finding.verdict = hands_->verdict;
    finding.reason = "looked";
    co_return finding;
  }

 private:
  std::shared_ptr<Hands> hands_;
};

class LookoutTest : public testing::Test {
 protected:
  LookoutTest()
      : hands_(std::make_shared<FakeCheck::Hands>(io_.get_executor())),
        tasks_(io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }),
        check_runner_(tasks_, [this](const CheckRunner::Post& post) { found_.push_back(post); }) {}
  ~LookoutTest() override {
    hands_->answers = true;
    check_runner_.stop();
    hands_->bell.cancel();
    tasks_.cancel(asio::cancellation_type::terminal);
    io_.run();
  }

  void start(std::chrono::milliseconds every, std::chrono::milliseconds timeout) {
    CheckConfig config{"fake", ProxyCheck{}, timeout, every};
    std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks;
    checks.emplace_back(config, std::make_unique<FakeCheck>(hands_));
    check_runner_.start(std::move(checks));
  }
  /// Runs the loop until @p condition holds; a failure after 5 s.
  void run_until(const std::function<bool()>& condition) {
    const Clock::time_point latest = Clock::now() + 5s;
    while (!condition() && Clock::now() < latest) io_.run_one_for(10ms);
    EXPECT_TRUE(condition());
  }

  asio::io_context io_{1};
  std::shared_ptr<FakeCheck::Hands> hands_;
  std::vector<CheckRunner::Post> found_;
  TaskGroup tasks_;
  CheckRunner check_runner_;
};

TEST_F(LookoutTest, LooksAgainAndAgain) {
  start(1ms, 5s);
  run_until([&] { return found_.size() >= 3; });
  EXPECT_EQ(found_.at(0).finding.reason, "looked");
  EXPECT_EQ(found_.at(2).looks, 3u);
}

TEST_F(LookoutTest, ALateLookIsUnknownAndCancelled) {
  hands_->answers = false;
  start(1ms, 20ms);
  run_until([&] { return !found_.empty() && hands_->cancelled > 0; });
  EXPECT_EQ(found_.at(0).finding.verdict, Verdict::Unknown);
  EXPECT_THAT(found_.at(0).finding.reason, HasSubstr("did not answer within 20ms"));
  run_until([&] { return hands_->looks >= 2; });
  EXPECT_GE(found_.back().unknowns, 1u);
}

TEST_F(LookoutTest, ALookThatDoesNotComeBackIsNotStartedTwice) {
  hands_->answers = false;
  hands_->heeds_cancel = false;
  start(1ms, 10ms);
  run_until([&] { return !found_.empty() && hands_->cancelled > 0; });
  bool done = false;
  std::vector<CheckRunner::Post> posts;
  const auto again = [](CheckRunner& check_runner, std::vector<CheckRunner::Post>& out,
                        bool& flag) -> Task<void> {
    out = co_await check_runner.look_again();
    flag = true;
  };
  tasks_.spawn(again(check_runner_, posts, done));
  run_until([&] { return done; });
  EXPECT_EQ(hands_->looks, 1);
  EXPECT_EQ(posts.at(0).finding.verdict, Verdict::Unknown);
}

TEST_F(LookoutTest, ACheckThatIsReplacedDuringALastLookHasNotLooked) {
  start(1h, 5s);
  run_until([&] { return found_.size() == 1; });
  hands_->answers = false;
  bool done = false;
  std::vector<CheckRunner::Post> posts;
  const auto again = [](CheckRunner& check_runner, std::vector<CheckRunner::Post>& out,
                        bool& flag) -> Task<void> {
    out = co_await check_runner.look_again();
    flag = true;
  };
  tasks_.spawn(again(check_runner_, posts, done));
  run_until([&] { return hands_->looks == 2; });
  check_runner_.stop();
  run_until([&] { return done; });
  EXPECT_TRUE(posts.empty()) << "what it has found before is old";
}

TEST_F(LookoutTest, WhatALateLookFindsDoesNotCount) {
  hands_->answers = false;
  hands_->heeds_cancel = false;
  start(1h, 10ms);
  run_until([&] { return found_.size() == 1 && hands_->cancelled > 0; });
  hands_->answers = true;
  hands_->bell.cancel();
  bool done = false;
  std::vector<CheckRunner::Post> posts;
  const auto again = [](CheckRunner& check_runner, std::vector<CheckRunner::Post>& out,
                        bool& flag) -> Task<void> {
    out = co_await check_runner.look_again();
    flag = true;
  };
  io_.poll();
  tasks_.spawn(again(check_runner_, posts, done));
  run_until([&] { return done; });
  EXPECT_EQ(posts.at(0).looks, 2u) << "one that was late, and one that was asked for";
  EXPECT_EQ(posts.at(0).unknowns, 1u);
  EXPECT_GE(posts.at(0).took_total, 0.01);
}

TEST_F(LookoutTest, ALookUnderWayIsNotTheOneThatIsAskedFor) {
  hands_->answers = false;
  start(1h, 5s);
  run_until([&] { return hands_->looks == 1; });
  bool done = false;
  std::vector<CheckRunner::Post> posts;
  const auto again = [](CheckRunner& check_runner, std::vector<CheckRunner::Post>& out,
                        bool& flag) -> Task<void> {
    out = co_await check_runner.look_again();
    flag = true;
  };
  tasks_.spawn(again(check_runner_, posts, done));
  io_.poll();
  hands_->answers = true;
  hands_->bell.cancel();
  run_until([&] { return done; });
  EXPECT_EQ(posts.at(0).looks, 2u);
}

TEST_F(LookoutTest, OneThatIsStoppedHasNoFindings) {
  start(1h, 5s);
  run_until([&] { return found_.size() == 1; });
  EXPECT_EQ(check_runner_.posts().size(), 1u);
  check_runner_.stop();
  EXPECT_TRUE(check_runner_.posts().empty());
}

TEST_F(LookoutTest, AfterAPauseItLooksAtOnce) {
  start(1h, 5s);
  run_until([&] { return found_.size() == 1; });
  check_runner_.pause(true);
  check_runner_.pause(false);
  run_until([&] { return found_.size() == 2; });
}

TEST_F(LookoutTest, AnExceptionIsUnknown) {
  hands_->throws = true;
  start(1ms, 5s);
  run_until([&] { return found_.size() >= 2; });
  EXPECT_EQ(found_.at(0).finding.verdict, Verdict::Unknown);
  EXPECT_EQ(found_.at(0).finding.reason, "the sensor is on fire");
}

TEST_F(LookoutTest, LooksAgainAtOnceWhenAskedAlsoWhilePaused) {
  start(1h, 5s);
  run_until([&] { return found_.size() == 1; });
  check_runner_.pause(true);
  hands_->verdict = Verdict::Active;
  bool done = false;
  std::vector<CheckRunner::Post> posts;
  const auto again = [](CheckRunner& check_runner, std::vector<CheckRunner::Post>& out,
                        bool& flag) -> Task<void> {
    out = co_await check_runner.look_again();
    flag = true;
  };
  tasks_.spawn(again(check_runner_, posts, done));
  run_until([&] { return done; });
  EXPECT_EQ(hands_->looks, 2);
  EXPECT_EQ(posts.at(0).finding.verdict, Verdict::Active);
}

TEST_F(LookoutTest, PausedItDoesNotLook) {
  start(1ms, 5s);
  run_until([&] { return found_.size() >= 1; });
  check_runner_.pause(true);
  const int looks = hands_->looks;
  Timer timer(io_.get_executor(), 30ms);
  bool fired = false;
  timer.async_wait([&](const boost::system::error_code&) { fired = true; });
  run_until([&] { return fired; });
  EXPECT_LE(hands_->looks, looks + 1);
  check_runner_.pause(false);
  run_until([&] { return hands_->looks > looks + 1; });
}

}  // namespace
}  // namespace rouse::suspendd
