#pragma once

#include "base/async/task_group.hpp"
#include "suspendd/bus/bus.hpp"
#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/units.hpp"
#include "tests/support/fake_logind.hpp"
#include "tests/support/skip.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace rouse::suspendd {

/// A Bus with Logind and SystemdUnits on a private message bus with a fake logind.
class BusFixture : public testing::Test {
 protected:
  /// As FakeLogind has them.
  explicit BusFixture(int version = 252, bool with_logind = true)
      : fake_(version, with_logind), bus_(io_.get_executor(), options(fake_.address())) {}

  void TearDown() override {
    group_.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([this] { return group_.size() == 0; })) << "a task does not end";
  }

  static BusOptions options(std::string address) {
    using std::chrono::milliseconds;
    return BusOptions{std::move(address), milliseconds(5), milliseconds(20)};
  }

  void SetUp() override {
    if (!test::FakeLogind::usable()) ROUSE_SKIP("dbus-daemon", "it is not installed");
    group_.spawn(bus_.run());
    group_.spawn(logind_.run());
    ASSERT_TRUE(run_until([this] { return logind_.here(); })) << bus_.trouble();
  }

  /// Runs the loop until @p done, at most 10 s.
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }

  /// Begins @p task; its value is in @p result once it has ended.
  template <class T>
  void begin(Task<T> task, std::optional<T>& result) {
    group_.spawn(keep(std::move(task), result));
  }
  /// Runs @p task to its end.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    begin(std::move(task), result);
    EXPECT_TRUE(run_until([&result] { return result.has_value(); })) << "the task hangs";
    if (!result) abort();
    return std::move(*result);
  }

  asio::io_context io_;
  test::FakeLogind fake_;
  Bus bus_;
  Logind logind_{bus_};
  SystemdUnits units_{bus_};
  TaskGroup group_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
};

}  // namespace rouse::suspendd
