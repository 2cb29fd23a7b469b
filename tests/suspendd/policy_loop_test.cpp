#include "suspendd/policy_loop.hpp"

#include "base/async/task_group.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rouse::suspendd {
namespace {

namespace policy = core::suspend;
using namespace std::chrono_literals;

policy::Settings quick() {
  policy::Settings settings;
  settings.min_uptime = 0ms;
  settings.idle_time = 300ms;
  settings.proxy = policy::ProxyUse::None;
  return settings;
}

TEST(PolicyLoop, ADeadlineThatIsWantedAgainIsMet) {
  const test::GeneratedTree tree;
  asio::io_context io(1);
  const Root root = tree.root();
  int slept = 0;
  PolicyLoop loop(io.get_executor(), root, quick(), {}, "boot", [&](const policy::Action& action) {
    if (std::holds_alternative<policy::RunPreflight>(action)) ++slept;
  });
  loop.tell(policy::Started{});
  // With nothing to wait for in between.
  policy::Settings never = quick();
  never.idle_time = core::Duration::max();
  loop.tell(policy::Reconfigured{never});
  loop.tell(policy::Reconfigured{quick()});
  const auto latest = std::chrono::steady_clock::now() + 5s;
  while (slept == 0 && std::chrono::steady_clock::now() < latest) io.run_one_for(10ms);
  EXPECT_EQ(slept, 1);
  loop.stop();
}

/// A loop whose decisions are kept; commands are answered by the policy, unless the test is to.
class PolicyLoopTest : public testing::Test {
 protected:
  bool run_until(const std::function<bool()>& done) {
    const auto latest = std::chrono::steady_clock::now() + 5s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > latest) return false;
      io_.restart();
      io_.run_one_for(5ms);
    }
    return true;
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }
  void TearDown() override {
    loop_.stop();
    group_.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([this] { return group_.size() == 0; }));
  }

  test::GeneratedTree tree_;
  Root root_ = tree_.root();
  asio::io_context io_{1};
  TaskGroup group_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  std::vector<policy::Action> decided_;
  std::function<void(const policy::Action&)> then_;
  bool answers_ = true;
  PolicyLoop loop_{
      io_.get_executor(), root_, quick(), {}, "boot", [this](const policy::Action& action) {
        decided_.push_back(action);
        if (then_) then_(action);
        const auto* const reply = std::get_if<policy::Reply>(&action);
        if (reply != nullptr && answers_) loop_.answer(*reply);
      }};
  std::optional<policy::Reply> first_;
  std::optional<policy::Reply> second_;
  std::optional<policy::AnswerGate> gate_;
  std::optional<policy::AnswerGate> other_gate_;
};

TEST_F(PolicyLoopTest, WhatAnActionTellsWaitsItsTurn) {
  std::vector<std::string> order;
  then_ = [&](const policy::Action& action) {
    if (std::holds_alternative<policy::Reply>(action)) {
      order.push_back(std::get<policy::Reply>(action).text);
      return;
    }
    if (!std::holds_alternative<policy::StateChanged>(action) || order.size() > 1) return;
    order.push_back("told");
    loop_.tell(policy::UnblockWanted{policy::CommandId{77}, "the test"});
    order.push_back("back");
  };
  loop_.tell(policy::Started{});
  EXPECT_THAT(order, testing::ElementsAre("told", "back", "nothing was blocked"));
  EXPECT_EQ(loop_.steps(), 2U);
}

TEST_F(PolicyLoopTest, AfterEachStepItCalls) {
  int calls = 0;
  loop_.after_each([&] { ++calls; });
  loop_.tell(policy::Started{});
  EXPECT_EQ(calls, 1);
  loop_.tell(policy::RequestServed{});
  EXPECT_EQ(calls, 2);
}

TEST_F(PolicyLoopTest, StoppedItHearsNothing) {
  loop_.tell(policy::Started{});
  const auto steps = loop_.steps();
  loop_.stop();
  loop_.tell(policy::RequestServed{});
  EXPECT_EQ(loop_.steps(), steps);
  io_.restart();
  io_.poll();
  EXPECT_TRUE(io_.stopped()) << "a timer is left";
  EXPECT_EQ(loop_.steps(), steps);
}

TEST_F(PolicyLoopTest, EachCommandGetsItsOwnAnswer) {
  answers_ = false;
  const policy::CommandId one = loop_.next_command();
  const policy::CommandId two = loop_.next_command();
  EXPECT_NE(one, two);
  group_.spawn(keep(loop_.command(one, policy::UnblockWanted{one, "a"}), first_));
  group_.spawn(keep(loop_.command(two, policy::UnblockWanted{two, "b"}), second_));
  ASSERT_TRUE(run_until([this] { return loop_.steps() == 2; }));
  loop_.answer(policy::Reply{two, false, "the second"});
  ASSERT_TRUE(run_until([this] { return second_.has_value(); }));
  EXPECT_FALSE(second_->accepted);
  EXPECT_EQ(second_->text, "the second");
  EXPECT_FALSE(first_);
  loop_.answer(policy::Reply{policy::CommandId{99}, true, "to nobody"});
  loop_.answer(policy::Reply{one, true, "the first"});
  ASSERT_TRUE(run_until([this] { return first_.has_value(); }));
  EXPECT_EQ(first_->text, "the first");
  EXPECT_EQ(first_->command, one);
}

TEST_F(PolicyLoopTest, AnAnswerAtOnceIsHeard) {
  const policy::CommandId one = loop_.next_command();
  group_.spawn(keep(loop_.command(one, policy::UnblockWanted{one, "a"}), first_));
  ASSERT_TRUE(run_until([this] { return first_.has_value(); }));
  EXPECT_TRUE(first_->accepted);
}

TEST_F(PolicyLoopTest, ACommandThatIsGivenUpWasNotAccepted) {
  answers_ = false;
  const policy::CommandId one = loop_.next_command();
  group_.spawn(keep(loop_.command(one, policy::UnblockWanted{one, "a"}), first_));
  ASSERT_TRUE(run_until([this] { return loop_.steps() == 1; }));
  group_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([this] { return first_.has_value(); }));
  EXPECT_FALSE(first_->accepted);
}

TEST_F(PolicyLoopTest, EachGateGetsItsOwnAnswer) {
  loop_.tell(policy::Started{});
  const policy::GateId one = loop_.next_gate();
  const policy::GateId two = loop_.next_gate();
  group_.spawn(keep(loop_.gate(one), gate_));
  group_.spawn(keep(loop_.gate(two), other_gate_));
  ASSERT_TRUE(run_until([this] { return loop_.steps() == 3; }));
  loop_.answer(policy::AnswerGate{two, false, "the second"});
  ASSERT_TRUE(run_until([this] { return gate_ || other_gate_; }));
  ASSERT_TRUE(other_gate_);
  EXPECT_EQ(other_gate_->reason, "the second");
  EXPECT_FALSE(gate_);

  other_gate_.reset();
  const policy::GateId three = loop_.next_gate();
  group_.spawn(keep(loop_.gate(three), other_gate_));
  ASSERT_TRUE(run_until([this] { return loop_.steps() == 4; }));
  loop_.close_gate(three);
  ASSERT_TRUE(run_until([this] { return gate_ || other_gate_; }));
  EXPECT_TRUE(other_gate_);
  EXPECT_FALSE(gate_);
}

TEST_F(PolicyLoopTest, AGateIsAnsweredOrClosed) {
  loop_.tell(policy::Started{});
  const policy::GateId one = loop_.next_gate();
  group_.spawn(keep(loop_.gate(one), gate_));
  ASSERT_TRUE(run_until([this] { return loop_.steps() == 2; }));
  loop_.answer(policy::AnswerGate{one, false, "busy"});
  ASSERT_TRUE(run_until([this] { return gate_.has_value(); }));
  EXPECT_FALSE(gate_->allow);
  EXPECT_EQ(gate_->reason, "busy");
  EXPECT_EQ(loop_.steps(), 2U) << "an answered gate is not told to be closed";

  gate_.reset();
  const policy::GateId two = loop_.next_gate();
  EXPECT_NE(one, two);
  group_.spawn(keep(loop_.gate(two), gate_));
  ASSERT_TRUE(run_until([this] { return loop_.steps() == 3; }));
  loop_.close_gate(policy::GateId{99});
  EXPECT_FALSE(gate_);
  loop_.close_gate(two);
  ASSERT_TRUE(run_until([this] { return gate_.has_value(); }));
  EXPECT_TRUE(gate_->allow) << "nothing here stands in the way";
  EXPECT_EQ(loop_.steps(), 4U) << "the policy hears of it";
}

}  // namespace
}  // namespace rouse::suspendd
