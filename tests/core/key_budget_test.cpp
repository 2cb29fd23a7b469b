#include "core/key_budget.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace rouse::core {
namespace {

Instant at(std::int64_t ms) {
  return Instant(Duration(ms));
}

/// 0: it has begun.
std::int64_t wait_of(KeyBudget& budget, std::int64_t now) {
  const auto over = budget.begin(at(now));
  return over ? over->retry_after.count() : 0;
}

TEST(KeyBudget, WithoutLimitsAnythingGoes) {
  KeyBudget budget({});
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(budget.begin(at(5)));
  budget.count_tokens(1'000'000'000, at(5));
  EXPECT_FALSE(budget.begin(at(5)));
  EXPECT_EQ(budget.in_flight(), 10'001);
}

TEST(KeyBudget, RequestsInFlightAreCountedUntilTheyEnd) {
  KeyBudget budget({.in_flight = 2});
  EXPECT_FALSE(budget.begin(at(0)));
  EXPECT_FALSE(budget.begin(at(0)));
  const auto over = budget.begin(at(0));
  ASSERT_TRUE(over);
  EXPECT_EQ(over->limit, KeyLimit::InFlight);
  EXPECT_EQ(over->retry_after, Duration{0});
  EXPECT_EQ(budget.in_flight(), 2);
  budget.end();
  EXPECT_FALSE(budget.begin(at(0)));
}

TEST(KeyBudget, TellsExactlyWhenTheNextRequestMayBegin) {
  KeyBudget budget({.requests_per_minute = 2});
  EXPECT_EQ(wait_of(budget, 1'000), 0);
  EXPECT_EQ(wait_of(budget, 11'000), 0);
  EXPECT_EQ(wait_of(budget, 20'000), 41'000);
  EXPECT_EQ(wait_of(budget, 60'999), 1);
  EXPECT_EQ(wait_of(budget, 61'000), 0);
  // The refused ones counted for nothing: the second of the first two is the next to age.
  EXPECT_EQ(wait_of(budget, 61'000), 10'000);
}

TEST(KeyBudget, TokensHoldBackTheNextRequestsAndCutNone) {
  KeyBudget budget({.tokens_per_minute = 100});
  EXPECT_EQ(wait_of(budget, 0), 0);
  budget.count_tokens(60, at(1'000));
  EXPECT_EQ(wait_of(budget, 2'000), 0);
  budget.count_tokens(30, at(5'000));
  EXPECT_EQ(wait_of(budget, 6'000), 0) << "90 of 100";
  budget.count_tokens(500, at(10'000));
  const auto over = budget.begin(at(20'000));
  ASSERT_TRUE(over);
  EXPECT_EQ(over->limit, KeyLimit::Tokens);
  EXPECT_EQ(over->retry_after, Duration(50'000)) << "without the 500 it is below";
  EXPECT_EQ(wait_of(budget, 69'999), 1);
  EXPECT_EQ(wait_of(budget, 70'000), 0);
}

TEST(KeyBudget, OnlyAsManyTokensMustAgeAsAreTooMany) {
  KeyBudget budget({.tokens_per_minute = 100});
  budget.count_tokens(40, at(0));
  budget.count_tokens(40, at(10'000));
  budget.count_tokens(40, at(20'000));
  EXPECT_EQ(wait_of(budget, 30'000), 30'000);
  budget.count_tokens(20, at(30'000));  // 140: the first alone leaves 100, which is not below
  EXPECT_EQ(wait_of(budget, 30'000), 40'000);
}

TEST(KeyBudget, OfSeveralLimitsTheLongestWaitIsTold) {
  KeyBudget budget({.in_flight = 1, .requests_per_minute = 1, .tokens_per_minute = 10});
  EXPECT_FALSE(budget.begin(at(0)));
  budget.count_tokens(10, at(30'000));
  const auto over = budget.begin(at(31'000));
  ASSERT_TRUE(over);
  EXPECT_EQ(over->limit, KeyLimit::Tokens);
  EXPECT_EQ(over->retry_after, Duration(59'000));
}

TEST(KeyBudget, StrangeAmountsDoNoHarm) {
  KeyBudget budget({.tokens_per_minute = 10});
  budget.count_tokens(-5, at(0));
  budget.count_tokens(0, at(0));
  EXPECT_EQ(wait_of(budget, 0), 0);
  budget.count_tokens(12, at(0));
  EXPECT_EQ(wait_of(budget, 0), 60'000) << "nothing makes up for what was used";
  for (int i = 0; i < 100; ++i) {
    budget.count_tokens(std::numeric_limits<std::int64_t>::max(), at(i));
  }
  EXPECT_EQ(wait_of(budget, 100), 59'999);
  EXPECT_EQ(wait_of(budget, 60'099), 0);
  budget.end();
  budget.end();
  budget.end();
  EXPECT_EQ(budget.in_flight(), 0);
}

TEST(KeyBudget, AClockSetBackLeavesAgesAsTheyWere) {
  KeyBudget budget({.requests_per_minute = 1, .tokens_per_minute = 10});
  const std::int64_t hour = 3'600'000;
  EXPECT_EQ(wait_of(budget, 2 * hour), 0);
  EXPECT_EQ(wait_of(budget, 2 * hour + 20'000), 40'000);
  EXPECT_EQ(wait_of(budget, hour), 40'000) << "an hour back: still 40 s, not an hour";
  EXPECT_EQ(wait_of(budget, hour + 39'999), 1);
  EXPECT_EQ(wait_of(budget, hour + 40'000), 0);
}

TEST(KeyBudget, AClockSetForwardForgets) {
  KeyBudget budget({.requests_per_minute = 1});
  EXPECT_EQ(wait_of(budget, 0), 0);
  EXPECT_EQ(wait_of(budget, 1'000'000'000'000), 0);
}

TEST(KeyBudget, NewLimitsCountWhatWas) {
  KeyBudget budget({.in_flight = 5, .requests_per_minute = 5});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(wait_of(budget, i * 1'000), 0);
  budget.set_limits({.requests_per_minute = 2});
  EXPECT_EQ(wait_of(budget, 10'000), 52'000) << "three of four must age";
  budget.set_limits({.in_flight = 4});
  EXPECT_TRUE(budget.begin(at(10'000)));
  budget.set_limits({});
  EXPECT_EQ(wait_of(budget, 10'000), 0);
}

/// A model that keeps every instant, beside the real one, under a clock that also jumps.
TEST(KeyBudget, NoMinuteHasMoreRequestsThanAllowed) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const std::int64_t limit = 1 + static_cast<std::int64_t>(random() % 8);
    KeyBudget budget({.requests_per_minute = limit});
    std::deque<std::int64_t> begun;
    std::int64_t now = 1'000'000;
    for (int step = 0; step < 300; ++step) {
      now += static_cast<std::int64_t>(random() % 9'000);
      while (!begun.empty() && now - begun.front() >= 60'000) begun.pop_front();
      const bool fits = static_cast<std::int64_t>(begun.size()) < limit;
      const std::int64_t wait =
          fits ? 0 : begun[begun.size() - static_cast<std::size_t>(limit)] + 60'000 - now;
      ASSERT_EQ(wait_of(budget, now), wait) << "round " << round << ", step " << step;
      if (fits) begun.push_back(now);
    }
  }
}

}  // namespace
}  // namespace rouse::core
