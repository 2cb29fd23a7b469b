// How long an idle model is kept for its next request while somebody waits for its room, and how
// long one may keep it that is never idle.

#include "tests/core/swap/scheduler_bench.hpp"

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Caller kOne{1, 11};
constexpr Caller kOther{2, 21};

SchedulePolicy by_itself() {
  SchedulePolicy policy;
  policy.swap_budget = 0;
  return policy;
}

std::string reason_of(const std::vector<Action>& actions) {
  EXPECT_THAT(actions, SizeIs(1));
  const auto* stop = actions.empty() ? nullptr : std::get_if<Stop>(&actions.front());
  return stop == nullptr ? "not stopped" : stop->reason;
}

/// a is loaded in @p load, and has been used by @p who as often as told, @p pause apart.
struct Used : SchedulerBench {
  Used(const Caller& who, Duration load, int times, Duration pause,
       const SchedulePolicy& policy = by_itself())
      : SchedulerBench(plain_models(), policy, std::make_shared<PairRule>()) {
    arrive(101, "a", who), wait(load), ready("a"), wait(1s), leave(101);
    for (int i = 1; i < times; ++i) {
      wait(pause), arrive(101 + i, "a", who), wait(1s), leave(101 + i);
    }
  }
};

TEST(SchedulerStay, WhoWaitsForAnotherModelCannotFollow) {
  Used s(kOne, 10s, 5, 300ms);
  const auto actions = s.arrive(1, "b", kOne);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
  EXPECT_THAT(reason_of(actions), HasSubstr("idle for 0 ms, and whoever used it waits for another "
                                            "model; makes room for b: 1 request waiting"));
}

TEST(SchedulerStay, TheSameClientOverAnotherConnectionCannotFollowEither) {
  Used s(kOne, 10s, 5, 300ms);
  EXPECT_THAT(s.arrive(1, "b", Caller{1, 12}), ElementsAre(evicted("a")));
}

TEST(SchedulerStay, AClientThatIsSeveralMayFollowOverAnotherConnection) {
  Used s(kOne, 10s, 5, 300ms);
  s.arrive(1, "a", kOne), s.arrive(2, "a", Caller{1, 12}), s.wait(1s), s.leave(1), s.leave(2);
  EXPECT_THAT(s.arrive(3, "b", Caller{1, 13}), IsEmpty()) << "there are two of them";
  EXPECT_THAT(s.arrive(4, "a", Caller{1, 12}), ElementsAre(admitted(4, "a")));
  s.leave(4);
  EXPECT_THAT(s.arrive(5, "b", Caller{1, 12}), ElementsAre(evicted("a")))
      << "who had it last waits now";
}

TEST(SchedulerStay, WhoseLastRequestIsAboutToEndIsNotSeveral) {
  Used s(kOne, 10s, 5, 300ms);
  s.arrive(1, "a", kOne);
  EXPECT_THAT(s.arrive(2, "b", Caller{1, 12}), IsEmpty()) << "a is in use";
  EXPECT_THAT(s.leave(1), ElementsAre(evicted("a")));
}

TEST(SchedulerStay, WhoHasAnotherRequestInFlightMayFollow) {
  SchedulePolicy policy = by_itself();
  auto s = pairs({{"a", "x"}}, policy);
  s.arrive(1, "a", kOne), s.wait(10s), s.ready("a"), s.leave(1);
  for (int i = 2; i < 6; ++i) s.wait(300ms), s.arrive(i, "a", kOne), s.leave(i);
  s.arrive(6, "x", Caller{1, 13}), s.ready("x");
  EXPECT_THAT(s.arrive(7, "b", Caller{1, 12}), IsEmpty());
  EXPECT_THAT(s.arrive(8, "a", kOne), ElementsAre(admitted(8, "a")));
}

TEST(SchedulerStay, ThatAClientWasSeveralIsForgotten) {
  Used s(kOne, 10s, 5, 300ms);
  s.arrive(1, "a", kOne), s.arrive(2, "a", Caller{1, 12}), s.wait(1s), s.leave(1), s.leave(2);
  s.wait(11min);
  s.arrive(3, "a", kOne), s.leave(3);
  EXPECT_THAT(s.arrive(4, "b", Caller{1, 13}), ElementsAre(evicted("a")));
}

TEST(SchedulerStay, NobodyCanTellWhoIsNotKnown) {
  Used s({}, 10s, 5, 300ms);
  EXPECT_THAT(s.arrive(1, "b"), IsEmpty()) << "it may be anybody";
  EXPECT_THAT(s.arrive(2, "a"), ElementsAre(admitted(2, "a")));
}

TEST(SchedulerStay, AnothersLoopGoesOnUntilItsNextRequestIsLate) {
  Used s(kOne, 10s, 5, 300ms);
  EXPECT_THAT(s.arrive(1, "b", kOther), IsEmpty());
  EXPECT_THAT(s.wait(300ms), IsEmpty());
  EXPECT_THAT(s.arrive(2, "a", kOne), ElementsAre(admitted(2, "a")));
  EXPECT_THAT(s.leave(2), IsEmpty());
  const auto actions = s.wait(10s);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
  EXPECT_THAT(reason_of(actions), HasSubstr(", and its next request was likely within "));
}

TEST(SchedulerStay, AModelThatIsSoonBackIsNotKept) {
  Used s(kOne, 100ms, 5, 300ms);
  const auto actions = s.arrive(1, "b", kOther);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
  EXPECT_THAT(
      reason_of(actions),
      HasSubstr("and sooner loaded again (100 ms) than its next request is likely to come"));
}

TEST(SchedulerStay, NobodyIsWaitedForLongerThanALoadTakes) {
  Used s({}, 500ms, 5, 300ms);
  EXPECT_THAT(s.arrive(1, "b"), IsEmpty());
  EXPECT_THAT(s.wait(499ms), SizeIs(1));
}

TEST(SchedulerStay, TheTimeToStopCountsToo) {
  Used s(kOne, 100ms, 5, 300ms);
  s.unload("a"), s.wait(5s), s.gone("a");
  s.arrive(1, "a", kOne), s.wait(100ms), s.ready("a"), s.leave(1);
  EXPECT_THAT(s.arrive(2, "b", kOther), IsEmpty());
  EXPECT_THAT(s.wait(200ms), IsEmpty());
  EXPECT_THAT(s.arrive(3, "a", kOne), SizeIs(1));
}

TEST(SchedulerStay, ASlowClientIsNotWaitedFor) {
  Used s(kOne, 10s, 5, 15s);
  const auto actions = s.arrive(1, "b", kOther);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
}

TEST(SchedulerStay, AModelThatHasBeenIdleForLongIsEvictedAtOnce) {
  Used s(kOne, 10s, 5, 300ms);
  s.wait(30s);
  EXPECT_THAT(s.arrive(2, "b", kOther), ElementsAre(evicted("a")));
}

TEST(SchedulerStay, TwoWhoUseItAreBothWaitedFor) {
  Used s(kOne, 10s, 5, 3s);
  s.arrive(1, "a", kOther), s.leave(1);
  s.wait(2500ms);
  EXPECT_THAT(s.arrive(2, "b", kOther), IsEmpty()) << "the first one is due";
  EXPECT_THAT(s.wait(400ms), IsEmpty());
  EXPECT_THAT(s.arrive(3, "a", kOne), ElementsAre(admitted(3, "a")));
}

TEST(SchedulerStay, ThoseWhoAskOnceAreWaitedForWhereOneFollowsTheOther) {
  auto s = exclusive(by_itself());
  s.arrive(101, "a", Caller{101, 101}), s.wait(10s), s.ready("a"), s.leave(101);
  for (std::uint64_t i = 102; i < 112; ++i) {
    s.wait(1s), s.arrive(static_cast<int>(i), "a", Caller{i, i}), s.leave(static_cast<int>(i));
  }
  EXPECT_THAT(s.arrive(1, "b", kOther), IsEmpty());
  EXPECT_THAT(s.wait(1s), IsEmpty());
  EXPECT_THAT(s.arrive(2, "a", kOne), ElementsAre(admitted(2, "a")));
}

TEST(SchedulerStay, WhatWasLoadedForNobodyStaysForAMoment) {
  auto s = exclusive(by_itself());
  s.load("a"), s.wait(10s), s.ready("a");
  EXPECT_THAT(s.arrive(1, "b"), IsEmpty());
  EXPECT_THAT(s.wait(100ms), IsEmpty());
  EXPECT_THAT(s.wait(10s), ElementsAre(evicted("a")));
}

TEST(SchedulerStay, TheConfigurationBoundsWhatFollowsTheLoad) {
  SchedulePolicy policy = by_itself();
  policy.min_residency = 200ms;
  policy.linger = 0ms;
  auto s = exclusive(policy);
  s.load("a"), s.wait(10s), s.ready("a");
  s.arrive(1, "b");
  EXPECT_EQ(s.next(1), "loads in 200 ms unless a is used again first");
  EXPECT_THAT(s.wait(199ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(evicted("a")));
}

TEST(SchedulerStay, TheConfigurationBoundsWhatFollowsARequest) {
  SchedulePolicy policy = by_itself();
  policy.min_residency = 0ms;
  policy.linger = 200ms;
  Used s(kOne, 10s, 5, 300ms, policy);
  s.arrive(1, "b", kOther);
  EXPECT_THAT(s.wait(199ms), IsEmpty());
  const auto actions = s.wait(1ms);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
  EXPECT_THAT(reason_of(actions), HasSubstr("as long as the configuration lets it stay"));
}

TEST(SchedulerStay, NobodyWaitsForALoopBeyondTheBound) {
  SchedulePolicy policy = by_itself();
  policy.max_wait = 200ms;
  Used s(kOne, 10s, 5, 300ms, policy);
  s.arrive(1, "b", kOther);
  EXPECT_THAT(s.wait(199ms), IsEmpty());
  const auto actions = s.wait(1ms);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
  EXPECT_THAT(reason_of(actions), HasSubstr("and b has been waited for longer than 200 ms"));
}

// --- turns ---------------------------------------------------------------------------------------

TEST(SchedulerTurn, ALoopEndsWhenTwoSwapsTakeTheirPartOfItsTime) {
  Used s(kOne, 2s, 1, 0s, SchedulePolicy{});  // a second of its turn is over
  s.arrive(1, "b", kOther), s.arrive(2, "a", kOne);
  EXPECT_EQ(s.next(1),
            "loads when a (1 running) is idle; newcomers are kept out in 11 s at the "
            "latest");
  EXPECT_THAT(s.wait(10999ms), IsEmpty());
  EXPECT_THAT(s.arrive(3, "a", kOne), ElementsAre(admitted(3, "a")));
  EXPECT_THAT(s.wait(1ms), IsEmpty()) << "nobody is hurried: that is for the bound";
  EXPECT_THAT(s.arrive(4, "a", kOne), IsEmpty());
  EXPECT_EQ(s.model("a").leaves, "b waits, and a has had its turn of 12 s");
  s.leave(2);
  const auto actions = s.leave(3);
  EXPECT_THAT(actions, ElementsAre(evicted("a")));
  EXPECT_THAT(reason_of(actions), HasSubstr("and b waits, and a has had its turn of 12 s"));
}

TEST(SchedulerTurn, WhoComesAfterItIsServedNext) {
  Used s(kOne, 2s, 12, 300ms, SchedulePolicy{});
  EXPECT_THAT(s.arrive(1, "b", kOther), ElementsAre(evicted("a"))) << "it has had its turn";
}

TEST(SchedulerTurn, ItIsLongerThanTheBoundForNobody) {
  SchedulePolicy policy;
  policy.max_wait = 5s;
  auto s = exclusive(policy);
  s.arrive(1, "a", kOne), s.wait(10s), s.ready("a");
  s.arrive(2, "b", kOther);
  EXPECT_THAT(s.wait(4999ms), IsEmpty());
  EXPECT_THAT(s.arrive(3, "a", kOne), SizeIs(1));
  EXPECT_THAT(s.wait(1ms), ElementsAre(hurried("a")));
  EXPECT_THAT(s.arrive(4, "a", kOne), IsEmpty());
}

TEST(SchedulerTurn, ALoadIsNotATurn) {
  Used s(kOne, 2s, 1, 0s, SchedulePolicy{});
  s.unload("a"), s.gone("a");
  s.arrive(1, "a", kOne), s.arrive(2, "b", kOther);
  EXPECT_THAT(s.wait(30s), IsEmpty());
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a")));
  EXPECT_EQ(s.model("a").leaves, "");
}

TEST(SchedulerTurn, NobodyHasOneWithoutABudget) {
  Used s(kOne, 2s, 1, 0s);
  s.arrive(1, "b", kOther), s.arrive(2, "a", kOne);
  s.wait(119s);
  EXPECT_THAT(s.arrive(3, "a", kOne), SizeIs(1));
}

}  // namespace
}  // namespace rouse::core::test
