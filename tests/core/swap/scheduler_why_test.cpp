#include "tests/core/swap/scheduler_bench.hpp"

namespace rouse::core::test {
namespace {

// The view says why everything is as it is: `rouse explain` invents nothing.

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(SchedulerWhy, ALoadedModelSaysForWhomItWasStarted) {
  auto s = exclusive();
  EXPECT_EQ(s.model("a").reason, "");
  const auto actions = s.arrive(7, "a");
  ASSERT_THAT(actions, SizeIs(1));
  EXPECT_EQ(std::get<Start>(actions[0]).first, ticket(7));
  EXPECT_THAT(s.model("a").reason, StartsWith("1 request waiting"));
  s.ready("a");
  EXPECT_THAT(s.model("a").reason, StartsWith("1 request waiting"));
}

TEST(SchedulerWhy, ALoadNamesWhoWantedIt) {
  auto s = exclusive();
  const auto actions = s.step(LoadWanted{"a", "it is preloaded"});
  ASSERT_THAT(actions, SizeIs(1));
  EXPECT_EQ(std::get<Start>(actions[0]).first, std::nullopt);
  EXPECT_THAT(s.model("a").reason, StartsWith("it is preloaded"));
  EXPECT_TRUE(s.model("a").is_load_requested);
  s.ready("a");
  EXPECT_FALSE(s.model("a").is_load_requested);
  EXPECT_THAT(s.model("a").reason, StartsWith("it is preloaded"));
}

TEST(SchedulerWhy, AnEvictedModelSaysForWhom) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.leave(1);
  s.wait(5s);
  const auto actions = s.arrive(2, "b");
  ASSERT_THAT(actions, SizeIs(1));
  EXPECT_EQ(std::get<Stop>(actions[0]).for_model, "b");
  EXPECT_THAT(s.model("a").reason, HasSubstr("idle for 5 s; makes room for b: 1 request waiting"));
  EXPECT_EQ(s.model("a").stopped_by, StopCause::Evicted);
  EXPECT_EQ(s.model("b").held, "loads when a has stopped");
  s.gone("a");
  EXPECT_THAT(s.model("a").reason, HasSubstr("makes room for b")) << "also when it has gone";
  EXPECT_EQ(s.model("b").held, "");
  s.ready("b"), s.leave(2);
  s.arrive(3, "a"), s.gone("b"), s.ready("a");
  EXPECT_EQ(s.model("a").stopped_by, std::nullopt) << "it runs again";
}

TEST(SchedulerWhy, AnIdleModelIsUnloadedByItsTtl) {
  auto models = plain_models();
  models.at("a").ttl = 30s;
  auto s = exclusive(plain_policy(), models);
  s.arrive(1, "a"), s.ready("a"), s.leave(1);
  s.wait(31s);
  EXPECT_EQ(s.model("a").stopped_by, StopCause::Idle);
  EXPECT_EQ(s.model("a").reason, "no request for 30 s");
}

TEST(SchedulerWhy, AFailureSaysWhenAndHowOften) {
  auto s = exclusive();
  s.arrive(1, "a");
  const Instant failed = s.now();
  s.gone("a", "status 3");
  EXPECT_EQ(s.model("a").state, EngineState::Failed);
  EXPECT_EQ(s.model("a").reason, "status 3");
  EXPECT_EQ(s.model("a").failed_at, failed);
  EXPECT_EQ(s.model("a").failures, 1);
  EXPECT_FALSE(s.model("a").circuit_open);
  for (int n = 2; n < 4; ++n) {
    s.wait(1min);
    s.arrive(n, "a"), s.gone("a", "status 3");
  }
  EXPECT_EQ(s.model("a").failures, 3);
  EXPECT_TRUE(s.model("a").circuit_open);
  s.wait(1min);
  EXPECT_FALSE(s.model("a").circuit_open) << "one start is tried";
}

TEST(SchedulerWhy, WhatIsAboutToLeaveSaysWhy) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  EXPECT_EQ(s.model("a").leaves, "");
  s.arrive(2, "b");
  EXPECT_EQ(s.model("a").leaves, "") << "b can wait";
  s.wait(61s);
  EXPECT_EQ(s.model("a").leaves, "b has been waited for longer than 60 s");
  s.unload("a");
  EXPECT_EQ(s.model("a").leaves, "an operator unloads it, in 10 s at the latest");
}

TEST(SchedulerWhy, AChangedConfigurationIsAReason) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  s.reconfigure(plain_models(), {"a"});
  EXPECT_EQ(s.model("a").leaves, "its configuration has changed");
  auto without = plain_models();
  without.erase("a");
  s.reconfigure(without, {});
  EXPECT_EQ(s.model("a").leaves, "it was removed from the configuration");
  s.shut_down();
  EXPECT_EQ(s.model("a").leaves, "the proxy is shutting down");
}

TEST(SchedulerWhy, ALoadThatNobodyWaitsForSaysHowLongItIsKept) {
  auto s = exclusive();
  s.arrive(1, "a"), s.wait(100s);
  EXPECT_EQ(s.model("a").abandoned_at, std::nullopt);
  s.leave(1);
  EXPECT_EQ(s.model("a").abandoned_at, s.now());
  s.ready("a"), s.unload("a"), s.gone("a");
  s.arrive(2, "a"), s.wait(85s), s.leave(2);
  EXPECT_EQ(s.model("a").abandoned_at, s.now() + 15s);
}

}  // namespace
}  // namespace rouse::core::test
