#include "core/swap/gaps.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;

TEST(Gaps, BoundsGrowByAFifth) {
  EXPECT_EQ(Gaps::bound(0), 10ms);
  for (std::size_t i = 1; i < Gaps::kBounds; ++i) {
    EXPECT_GT(Gaps::bound(i), Gaps::bound(i - 1));
    EXPECT_LE(Gaps::bound(i).count(), Gaps::bound(i - 1).count() * 5 / 4 + 1);
  }
  EXPECT_GT(Gaps::bound(Gaps::kBounds - 1), 2min);
}

TEST(Gaps, WhatWasSeenSoonCountsMoreThanWhatIsUsual) {
  Gaps gaps;
  EXPECT_LT(gaps.beyond(1100ms), 0.5) << "agents come back soon";
  EXPECT_GT(gaps.beyond(1100ms), 0.2);
  gaps.add(5s);
  EXPECT_GT(gaps.beyond(4s), 0.7);
  gaps.add(5s);
  EXPECT_GT(gaps.beyond(4s), 0.8);
  EXPECT_LT(gaps.beyond(6s), 0.2);
}

TEST(Gaps, WhatIsLongAgoIsForgotten) {
  Gaps gaps;
  for (int i = 0; i < 100; ++i) gaps.add(100ms);
  for (int i = 0; i < 12; ++i) gaps.add(20s);
  EXPECT_GT(gaps.beyond(1s), 0.5);
}

TEST(Gaps, AGapIsWithinItsBound) {
  Gaps gaps = Gaps::of_nobody();
  EXPECT_DOUBLE_EQ(gaps.beyond(1h), 1);
  gaps.add(1500ms);
  const double all = gaps.beyond(1400ms);
  EXPECT_DOUBLE_EQ(all, 1);
  EXPECT_LT(gaps.beyond(1800ms), 0.5);
  gaps.add(3min);
  EXPECT_GT(gaps.beyond(2h), 0.6) << "what takes that long is never";
}

TEST(Gaps, SomebodyNewIsTakenForOneOfTheOthersUntilTheyAreSeen) {
  Gaps others;
  for (int i = 0; i < 30; ++i) others.add(300ms);
  Gaps fresh = Gaps::like(others);
  EXPECT_LT(fresh.beyond(400ms), 0.1);
  fresh.add(8s);
  EXPECT_GT(fresh.beyond(400ms), 0.6);
}

TEST(Gaps, WhatWasKeptIsTakenBackUnlessItIsBroken) {
  Gaps gaps;
  gaps.add(300ms), gaps.add(2s);
  EXPECT_EQ(Gaps::of(gaps.weights()).weights(), gaps.weights());
  const Gaps fresh;
  EXPECT_EQ(Gaps::of({}).weights(), fresh.weights());
  EXPECT_EQ(Gaps::of(std::vector<float>(Gaps::kBounds, 1)).weights(), fresh.weights());
  EXPECT_EQ(Gaps::of(std::vector<float>(Gaps::kBounds + 1, 0)).weights(), fresh.weights());
  std::vector<float> broken(Gaps::kBounds + 1, 1);
  broken[3] = -1;
  EXPECT_EQ(Gaps::of(broken).weights(), fresh.weights());
  broken[3] = std::nanf("");
  EXPECT_EQ(Gaps::of(broken).weights(), fresh.weights());
}

}  // namespace
}  // namespace rouse::core::test
