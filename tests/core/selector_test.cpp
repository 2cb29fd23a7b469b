#include "core/selector.hpp"

#include <gtest/gtest.h>

namespace rouse::core {
namespace {

using Strategy = Selector::Strategy;
constexpr TargetState kOff = TargetState::Stopped;
constexpr TargetState kStarting = TargetState::Starting;
constexpr TargetState kReady = TargetState::Ready;
constexpr TargetState kStopping = TargetState::Stopping;
constexpr TargetState kRemote = TargetState::Remote;

TEST(Selector, APinIsTheFirstWhateverItsState) {
  Selector pin(Strategy::Pin, 2, 1);
  EXPECT_EQ(pin.choose({kStopping, kReady}), 0u);
}

TEST(Selector, WarmTakesWhatIsReadyThenWhatIsStartingThenTheFirst) {
  Selector warm(Strategy::Warm, 3, 1);
  EXPECT_EQ(warm.choose({kOff, kStarting, kReady}), 2u);
  EXPECT_EQ(warm.choose({kOff, kStarting, kStarting}), 1u);
  EXPECT_EQ(warm.choose({kOff, kOff, kStopping}), 0u);
  EXPECT_EQ(warm.choose({kReady, kOff, kReady}), 0u);
}

TEST(Selector, SpilloverStartsWithTheFirstAndGoesOnWhenItIsFull) {
  Selector spill(Strategy::Spillover, 3, 2);
  EXPECT_EQ(spill.choose({kOff, kOff, kOff}), 0u);
  spill.began(0);
  EXPECT_EQ(spill.choose({kStarting, kOff, kOff}), 0u);
  spill.began(0);
  EXPECT_EQ(spill.choose({kReady, kOff, kOff}), 1u) << "two are enough";
  spill.began(1);
  EXPECT_EQ(spill.choose({kReady, kStarting, kOff}), 1u) << "the least busy";
  spill.began(1);
  EXPECT_EQ(spill.choose({kReady, kReady, kOff}), 2u);
  spill.began(2), spill.began(2);
  const auto full = spill.choose({kReady, kReady, kReady});
  EXPECT_TRUE(full.has_value()) << "all are full: the least busy";
  spill.ended(1);
  EXPECT_EQ(spill.choose({kReady, kReady, kReady}), 1u);
}

TEST(Selector, SpilloverKnowsWhatRunsByItsStateOrByItsRequests) {
  Selector spill(Strategy::Spillover, 2, 2);
  EXPECT_EQ(spill.choose({kOff, kStarting}), 1u) << "somebody else has started it";
  spill.began(0);
  spill.began(1);
  EXPECT_EQ(spill.choose({kOff, kReady}), 0u) << "it is about to start";
}

TEST(Selector, OfNothingNothingIsChosen) {
  for (const Strategy strategy : {Strategy::Pin, Strategy::Warm, Strategy::Spillover}) {
    EXPECT_EQ(Selector(strategy, 0, 1).choose({}), std::nullopt);
  }
}

TEST(Selector, SpilloverLetsEqualsTakeTurns) {
  Selector spill(Strategy::Spillover, 2, 5);
  const auto first = spill.choose({kReady, kReady});
  const auto second = spill.choose({kReady, kReady});
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(spill.choose({kReady, kReady}), first);
}

TEST(Selector, SpilloverLeavesWhatIsStoppingAlone) {
  Selector spill(Strategy::Spillover, 2, 1);
  EXPECT_EQ(spill.choose({kStopping, kOff}), 1u);
  EXPECT_EQ(spill.choose({kStopping, kStopping}), std::nullopt);
}

TEST(Selector, SpilloverKnowsARemoteTargetByItsRequestsAlone) {
  Selector spill(Strategy::Spillover, 2, 1);
  EXPECT_EQ(spill.choose({kReady, kRemote}), 0u);
  spill.began(0);
  EXPECT_EQ(spill.choose({kReady, kRemote}), 1u);
  spill.began(1);
  spill.ended(0);
  EXPECT_EQ(spill.choose({kReady, kRemote}), 0u);
}

}  // namespace
}  // namespace rouse::core
