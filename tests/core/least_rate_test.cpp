#include "core/least_rate.hpp"

#include <gtest/gtest.h>

namespace rouse::core {
namespace {

using namespace std::chrono_literals;

TEST(LeastRate, AWindowWithTooLittleIsTooSlow) {
  LeastRate rate(100, 10s);
  rate.add(999, 9s);
  EXPECT_FALSE(rate.is_too_slow()) << "the window has not ended";
  rate.add(0, 1s);
  EXPECT_TRUE(rate.is_too_slow());
}

TEST(LeastRate, AWindowWithEnoughIsNot) {
  LeastRate rate(100, 10s);
  rate.add(1000, 1ms);
  rate.add(0, 60s);
  EXPECT_FALSE(rate.is_too_slow());
}

TEST(LeastRate, EachWindowIsJudgedByItself) {
  LeastRate rate(100, 10s);
  rate.add(1'000'000, 10s);
  EXPECT_FALSE(rate.is_too_slow());
  rate.add(999, 10s);
  EXPECT_TRUE(rate.is_too_slow()) << "what came long ago";
  rate.add(1000, 10s);
  EXPECT_FALSE(rate.is_too_slow());
}

TEST(LeastRate, ManySmallWaitsAreALongOne) {
  LeastRate rate(100, 10s);
  for (int i = 0; i < 100'000; ++i) rate.add(0, 100us);
  EXPECT_TRUE(rate.is_too_slow());
}

TEST(LeastRate, OnlyWhatIsWaitedForCounts) {
  LeastRate rate(100, 10s);
  for (int i = 0; i < 1000; ++i) rate.add(1, 0s);
  EXPECT_FALSE(rate.is_too_slow());
  EXPECT_EQ(rate.patience(), LeastRate::Span::max());
}

TEST(LeastRate, PatienceLastsToTheEndOfTheWindow) {
  LeastRate rate(100, 10s);
  EXPECT_EQ(rate.patience(), 10s);
  rate.add(999, 4s);
  EXPECT_EQ(rate.patience(), 6s);
  rate.add(1, 1s);
  EXPECT_EQ(rate.patience(), LeastRate::Span::max()) << "this window has enough";
}

TEST(LeastRate, WithoutARateNobodyIsTooSlow) {
  LeastRate rate(0, 10s);
  EXPECT_EQ(rate.patience(), LeastRate::Span::max());
  rate.add(0, 1000s);
  EXPECT_FALSE(rate.is_too_slow());
}

}  // namespace
}  // namespace rouse::core
