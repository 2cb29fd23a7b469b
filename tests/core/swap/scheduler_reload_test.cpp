#include "tests/core/swap/scheduler_bench.hpp"

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SchedulerReload, WhatDidNotChangeGoesOn) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  EXPECT_THAT(s.reconfigure(plain_models(), {}), IsEmpty());
  EXPECT_THAT(s.arrive(2, "a"), ElementsAre(admitted(2, "a")));
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_EQ(s.model("a").running, 1);
}

TEST(SchedulerReload, AChangedLaunchDrainsAndNewcomersGetTheNewOne) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  EXPECT_THAT(s.reconfigure(plain_models(), {"a"}), IsEmpty()) << "somebody is being served";
  EXPECT_TRUE(s.model("a").draining);
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty());
  EXPECT_THAT(s.next(2), HasSubstr("with its new configuration"));
  EXPECT_THAT(s.wait(10min), IsEmpty()) << "a reload cuts nobody";
  EXPECT_THAT(s.leave(1), ElementsAre(stopped("a", StopCause::Reconfigured)));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(2, "a")));
  EXPECT_THAT(s.arrive(3, "a"), ElementsAre(admitted(3, "a")));
}

TEST(SchedulerReload, AnIdleEngineWithAChangedLaunchStopsAtOnce) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.leave(1);
  EXPECT_THAT(s.reconfigure(plain_models(), {"a"}),
              ElementsAre(stopped("a", StopCause::Reconfigured)));
  EXPECT_THAT(s.gone("a"), IsEmpty());
}

TEST(SchedulerReload, ALoadWithAnOldLaunchIsGivenUpForTheNewOne) {
  auto s = exclusive();
  s.arrive(1, "a");
  EXPECT_THAT(s.reconfigure(plain_models(), {"a"}),
              ElementsAre(stopped("a", StopCause::Reconfigured)));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a")));
}

TEST(SchedulerReload, ARemovedModelServesWhoItHasAndIsForgotten) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b");
  Policies rest = plain_models();
  rest.erase("a"), rest.erase("b");
  EXPECT_THAT(s.reconfigure(rest, {}), ElementsAre(refused(2, RefusalCause::UnknownModel)));
  EXPECT_THAT(s.arrive(3, "a"), ElementsAre(refused(3, RefusalCause::UnknownModel)));
  EXPECT_THAT(s.load("a"), IsEmpty());
  EXPECT_EQ(s.model("a").running, 1) << "shown as long as it runs";
  const auto left = s.leave(1);
  EXPECT_THAT(left, ElementsAre(stopped("a", StopCause::Removed)));
  EXPECT_EQ(std::get<Stop>(left.front()).reason, "it was removed from the configuration");
  EXPECT_THAT(s.gone("a"), IsEmpty());
  EXPECT_EQ(s.view().models.size(), 2u);
  const auto late = s.arrive(4, "a");
  ASSERT_THAT(late, ElementsAre(refused(4, RefusalCause::UnknownModel)));
  EXPECT_EQ(std::get<Refuse>(late.front()).detail, "a was removed from the configuration");
}

TEST(SchedulerReload, ALoadOfARemovedModelIsGivenUp) {
  auto s = exclusive();
  s.arrive(1, "a");
  Policies rest = plain_models();
  rest.erase("a");
  EXPECT_THAT(s.reconfigure(rest, {}), ElementsAre(refused(1, RefusalCause::UnknownModel),
                                                   stopped("a", StopCause::Removed)));
}

TEST(SchedulerReload, ARemovedModelThatCrashesTakesItsTicketsAlong) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  Policies rest = plain_models();
  rest.erase("a");
  s.reconfigure(rest, {});
  EXPECT_THAT(s.gone("a", "signal 11"), IsEmpty());
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_THAT(s.reconfigure(plain_models(), {}), IsEmpty());
  EXPECT_THAT(s.arrive(2, "a"), ElementsAre(started("a")));
}

TEST(SchedulerReload, AModelThatComesBackBeforeItIsGoneIsServedAgain) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  Policies rest = plain_models();
  rest.erase("a");
  s.reconfigure(rest, {});
  s.reconfigure(plain_models(), {});
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty()) << "it is on its way out";
  EXPECT_THAT(s.leave(1), ElementsAre(stopped("a", StopCause::Reconfigured)));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
}

TEST(SchedulerReload, ANewModelCanBeAskedFor) {
  auto s = exclusive();
  Policies more = plain_models();
  more.emplace("z", ModelPolicy{});
  s.reconfigure(more, {});
  EXPECT_THAT(s.arrive(1, "z"), ElementsAre(started("z")));
}

TEST(SchedulerReload, ANewRuleDecidesTheNextSwap) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.leave(1);
  const std::vector<std::pair<ModelId, ModelId>> both{{"a", "b"}};
  s.reconfigure(plain_models(), {}, std::make_shared<PairRule>(both));
  EXPECT_THAT(s.arrive(2, "b"), ElementsAre(started("b"))) << "beside a, which may stay now";
}

TEST(SchedulerReload, ARepairedModelIsTriedAtOnce) {
  auto s = exclusive();
  s.arrive(1, "a");
  s.gone("a", "no such file");
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty()) << "it pauses after a failure";
  EXPECT_THAT(s.reconfigure(plain_models(), {"a"}), ElementsAre(started("a")));
}

TEST(SchedulerReload, AShutdownIsNotReconfigured) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.shut_down();
  EXPECT_THAT(s.reconfigure({}, {}), IsEmpty());
  EXPECT_THAT(s.leave(1), ElementsAre(stopped("a", StopCause::Shutdown)));
}

}  // namespace
}  // namespace rouse::core::test
