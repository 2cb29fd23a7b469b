// The vectors S1 to S14 of the peer's scheduler: where ours differs, the test says so and why.

#include "tests/core/swap/scheduler_bench.hpp"

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(SwapVector, S1_AWaitingRequestStartsWhenTheLastOneInItsWayEnds) {
  auto s = exclusive();
  EXPECT_THAT(s.arrive(1, "a"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a")));
  EXPECT_THAT(s.arrive(2, "b"), IsEmpty());
  EXPECT_THAT(s.leave(1), ElementsAre(evicted("a")));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
  EXPECT_THAT(s.ready("b"), ElementsAre(admitted(2, "b")));
}

// The peer lets newcomers pass without end; here they pass until the waiter has waited max_wait.
TEST(SwapVector, S2_NewcomersPassAWaiterOnlyInsideItsBound) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b");
  EXPECT_THAT(s.wait(59s), IsEmpty());
  EXPECT_THAT(s.arrive(3, "a"), ElementsAre(admitted(3, "a")));
  EXPECT_THAT(s.wait(1s), ElementsAre(hurried("a")));
  EXPECT_TRUE(s.model("a").draining);
  EXPECT_THAT(s.arrive(4, "a"), IsEmpty());
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_THAT(s.leave(3), ElementsAre(evicted("a")));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
  EXPECT_THAT(s.ready("b"), ElementsAre(admitted(2, "b")));
  EXPECT_THAT(s.leave(2), ElementsAre(evicted("b")));
  EXPECT_THAT(s.gone("b"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(4, "a")));
}

TEST(SwapVector, S3_ALoadInProgressServesItsOwnFirst) {
  auto s = exclusive();
  s.arrive(1, "a");
  EXPECT_THAT(s.arrive(2, "b"), IsEmpty());
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a")));
  EXPECT_THAT(s.leave(1), ElementsAre(evicted("a")));
}

// As the peer where the load is nearly done (below it is not), except that min_residency gives the
// client that left a moment to come back.
TEST(SwapVector, S4_ALoadWhoseClientLeftIsFinishedAndThenEvicted) {
  SchedulePolicy policy = plain_policy();
  policy.min_residency = 2s;
  auto s = exclusive(policy);
  s.arrive(1, "a"), s.wait(60s), s.ready("a"), s.leave(1), s.unload("a"), s.gone("a");
  s.arrive(1, "a"), s.wait(50s), s.arrive(2, "b");
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_THAT(s.wait(9s), IsEmpty());
  EXPECT_THAT(s.ready("a"), IsEmpty());
  EXPECT_THAT(s.wait(1999ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(evicted("a")));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
}

TEST(SwapVector, S4_ALoadThatNobodyWaitsForGivesWayWhenItsClientDoesNotTryAgain) {
  SchedulePolicy policy = plain_policy();
  policy.linger = 1s;
  auto s = exclusive(policy);
  s.arrive(1, "a"), s.arrive(2, "b"), s.leave(1);
  EXPECT_THAT(s.wait(999ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(stopped("a", StopCause::Abandoned)));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
}

TEST(SwapVector, S5_ModelsThatMayCoexistLoadAtTheSameTime) {
  auto s = pairs({{"a", "b"}});
  EXPECT_THAT(s.arrive(1, "a"), ElementsAre(started("a")));
  EXPECT_THAT(s.arrive(2, "b"), ElementsAre(started("b")));
}

// The peer starts nothing else until the first swap has ended; here two targets that coexist share
// the eviction, and both load when the room is free.
TEST(SwapVector, S6_TwoTargetsThatEvictTheSameModelShareItsStop) {
  auto s = pairs({{"a", "b"}});
  s.arrive(1, "x"), s.ready("x"), s.leave(1);
  EXPECT_THAT(s.arrive(2, "a"), ElementsAre(evicted("x")));
  EXPECT_THAT(s.arrive(3, "b"), IsEmpty());
  EXPECT_THAT(s.gone("x"), ElementsAre(started("a"), started("b")));
}

TEST(SwapVector, S7_TheHigherPriorityIsLoadedFirst) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b"), s.arrive(3, "c", 5);
  EXPECT_THAT(s.order(), ElementsAre(3, 2));
  EXPECT_THAT(s.leave(1), ElementsAre(evicted("a")));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("c")));
}

// The peer counts the waiting against the limit and answers 429; here they wait for a slot.
TEST(SwapVector, S8_TheLimitCountsRunningRequestsOnly) {
  auto s = exclusive(plain_policy(), {{"a", {.concurrency = 2}}});
  s.arrive(1, "a"), s.arrive(2, "a");
  EXPECT_THAT(s.arrive(3, "a"), IsEmpty());
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a"), admitted(2, "a")));
  EXPECT_THAT(s.leave(2), ElementsAre(admitted(3, "a")));
}

TEST(SwapVector, S9_RequestsForOneModelShareItsLoad) {
  auto s = exclusive();
  EXPECT_THAT(s.arrive(1, "a"), ElementsAre(started("a")));
  s.arrive(2, "b"), s.arrive(3, "c"), s.arrive(4, "a"), s.arrive(5, "b"), s.arrive(6, "c");
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a"), admitted(4, "a")));
  s.leave(1), s.leave(4);
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
  EXPECT_THAT(s.ready("b"), ElementsAre(admitted(2, "b"), admitted(5, "b")));
  s.leave(2), s.leave(5);
  EXPECT_THAT(s.gone("b"), ElementsAre(started("c")));
  EXPECT_THAT(s.ready("c"), ElementsAre(admitted(3, "c"), admitted(6, "c")));
}

TEST(SwapVector, S10_UnloadingAModelThatLoadsKeepsItsWaitersUnlessItIsToStayUnloaded) {
  auto s = exclusive();
  s.arrive(1, "a"), s.arrive(2, "a");
  EXPECT_THAT(s.unload("a"), ElementsAre(stopped("a", StopCause::Unloaded)));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
  EXPECT_THAT(s.step(UnloadWanted{"a", "an operator", false, true}),
              ElementsAre(refused(1, RefusalCause::Unloaded), refused(2, RefusalCause::Unloaded),
                          stopped("a", StopCause::Unloaded)));
  EXPECT_THAT(s.ready("a"), IsEmpty());
  EXPECT_THAT(s.gone("a"), IsEmpty());
}

TEST(SwapVector, S11_ARequestForAStoppingModelWaitsAndRestartsIt) {
  auto s = exclusive(plain_policy(), {{"a", {.ttl = 10s}}});
  s.arrive(1, "a"), s.ready("a"), s.leave(1);
  EXPECT_THAT(s.wait(10s), ElementsAre(stopped("a", StopCause::Idle)));
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty());
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(2, "a")));
}

// Whether an open socket counts is the shell's to say: one that does not count has no ticket.
TEST(SwapVector, S12_WhatHoldsNoTicketDelaysNoSwap) {
  auto s = exclusive();
  s.load("a"), s.ready("a");
  EXPECT_THAT(s.arrive(1, "b"), ElementsAre(evicted("a")));
}

// The ladder that ends in SIGKILL is the engine's; here nothing is loaded until the old one is
// gone.
TEST(SwapVector, S13_AnEngineThatWillNotStopKeepsItsRoom) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.leave(1), s.arrive(2, "b");
  EXPECT_THAT(s.wait(300s), IsEmpty());
  EXPECT_EQ(s.next(2), "loads when a has stopped");
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
}

TEST(SwapVector, S14_ACrashMakesRoomForWhoWaits) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b");
  EXPECT_THAT(s.gone("a", "signal 11"), ElementsAre(started("b")));
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_EQ(s.model("a").state, EngineState::Failed);
  EXPECT_EQ(s.model("a").last_failure, "signal 11");
}

}  // namespace
}  // namespace rouse::core::test
