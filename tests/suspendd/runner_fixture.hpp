#pragma once

#include "suspendd/action_runner.hpp"
#include "suspendd/box/clock.hpp"
#include "tests/suspendd/box/fake_nic_port.hpp"
#include "tests/suspendd/bus/bus_fixture.hpp"
#include "tests/suspendd/generated_tree.hpp"
#include "tests/suspendd/scripted_proxy.hpp"
#include "tests/tree/tree.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rouse::suspendd {

namespace policy = core::suspend;

/// A check that finds what the test says.
class SaidCheck final : public Check {
 public:
  explicit SaidCheck(std::shared_ptr<Finding> says) : says_(std::move(says)) {}
  Task<Finding> look() override { co_return *says_; }

 private:
  std::shared_ptr<Finding> says_;
};

/// The whole of what the policy's actions reach: a logind and a proxy that do what the test says, a
/// machine of files, a real GPU helper on a make-believe driver. What is told to the policy lands
/// in events_; the policy itself decides nothing here.
class RunnerFixture : public BusFixture {
 protected:
  using Then = test::ScriptedProxy::Then;

  RunnerFixture() {
    runner_.attach(loop_);
    runner_.configure(config_);
    notices_.configure(config_);
  }
  void SetUp() override {
    BusFixture::SetUp();
    EXPECT_TRUE(state_.open());
  }
  void TearDown() override {
    proxy_.stop();
    checks_.stop();
    loop_.stop();
    actions_.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([this] { return actions_.size() == 0; })) << "an action does not end";
    group_.spawn(gpu_.close());
    BusFixture::TearDown();
    pool_.clear();
  }

  /// The next event, which has to be a @p T.
  template <class T>
  T next() {
    EXPECT_TRUE(run_until([this] { return !events_.empty(); })) << "nothing is told";
    if (events_.empty()) return {};
    const policy::Event event = std::move(events_.front());
    events_.pop_front();
    const T* const wanted = std::get_if<T>(&event);
    EXPECT_NE(wanted, nullptr) << "another event: number " << event.index();
    return wanted == nullptr ? T() : *wanted;
  }
  /// Until nothing is under way any more.
  void settle() {
    EXPECT_TRUE(run_until([this] { return actions_.size() == 0; })) << "an action does not end";
  }
  /// Until the proxy was asked for @p path so often.
  [[nodiscard]] bool asked(const std::string& path, long times = 1) {
    return run_until([&] { return proxy_.asked(path) >= times; });
  }
  [[nodiscard]] policy::Op op() { return policy::Op{++op_}; }

  test::GeneratedTree tree_;
  Root root_ = tree_.root();
  test::TempDir dir_;
  StreamDeadlines deadlines_{io_.get_executor()};
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  TaskGroup actions_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  test::ScriptedProxy proxy_{group_, deadlines_};
  PowerClient power_{
      io_.get_executor(),
      pool_,
      deadlines_,
      proxy_.socket(),
      {std::chrono::milliseconds(500), std::chrono::milliseconds(10'000)},
  };
  SleepLock lock_{logind_, "the test", "to be let go"};
  GpuProbe gpu_{io_.get_executor(), [this] {
                  GpuProbeSettings settings;
                  settings.program = test::built_program("gpu_probe_program");
                  settings.nvml = test::built_program("libfake_nvml.so");
                  settings.cuda.clear();
                  settings.root = root_.prefix();
                  return settings;
                }()};
  test::FakeNicPort port_;
  std::vector<std::string> found_;  ///< names of checks, as they look
  CheckRunner checks_{group_,
                      [this](const CheckRunner::Post& post) { found_.push_back(post.name); }};
  Preflight preflight_{checks_, logind_, root_, port_};
  StateDir state_{dir_ / "state"};
  Notices notices_{group_, pool_, state_};
  std::shared_ptr<Config> config_ = std::make_shared<Config>();
  std::deque<policy::Event> events_;
  ActionRunner runner_{
      {actions_, power_, logind_, lock_, gpu_, preflight_, checks_, state_, notices_, root_},
      "1234abcd-5678-90ef",
      [this](policy::Event event) { events_.push_back(std::move(event)); }};
  PolicyLoop loop_{io_.get_executor(), root_, {}, {}, "boot", [this](const policy::Action& action) {
                     decided_.push_back(action);
                     const bool is_answer = std::holds_alternative<policy::Reply>(action) ||
                                            std::holds_alternative<policy::AnswerGate>(action);
                     if (is_answer) runner_.perform(action);
                   }};
  std::vector<policy::Action> decided_;  ///< by the loop's own policy; only answers are done
  std::uint64_t op_ = 0;
};

}  // namespace rouse::suspendd
