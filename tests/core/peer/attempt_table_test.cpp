#include "core/peer/attempt_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rouse::core {
namespace {

using namespace std::chrono_literals;

TEST(Attempt, IsAnIdAndANumber) {
  const auto attempt = parse_attempt("0a1b-2c;n=2");
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->id, "0a1b-2c");
  EXPECT_EQ(attempt->n, 2U);
  EXPECT_TRUE(parse_attempt(" x ; n=1 "));
  EXPECT_TRUE(parse_attempt("AZ_az-09;n=1"));
  EXPECT_TRUE(parse_attempt(std::string(64, 'x') + ";n=1"));
}

TEST(Attempt, AnythingElseIsNone) {
  for (const std::string text :
       {"", "2", "x", "x;", "x;n", "x;n=", "x;n=-1", "x;n=1x", "x;m=1", ";n=1", "x y;n=1",
        "x\";n=1", "x;n=99999999999999999999999", "x;n=1;n=2"}) {
    EXPECT_FALSE(parse_attempt(text)) << text;
  }
  EXPECT_FALSE(parse_attempt(std::string(65, 'x') + ";n=1"));
}

TEST(AttemptTable, AHigherAttemptCancelsTheOneThatRuns) {
  AttemptTable table;
  const Instant now{1s};
  EXPECT_FALSE(table.begin({"x", 1}, 10, now).cancel);
  const auto second = table.begin({"x", 2}, 11, now);
  EXPECT_EQ(second.cancel, 10U);
  EXPECT_FALSE(second.superseded);
  EXPECT_EQ(table.begin({"x", 2}, 12, now).cancel, 11U);  // the same once more: one of them counts
  EXPECT_FALSE(table.begin({"y", 1}, 13, now).cancel);
}

TEST(AttemptTable, ALowerAttemptComesTooLate) {
  AttemptTable table;
  const Instant now{1s};
  (void)table.begin({"x", 2}, 10, now);
  table.end("x", 10, now);
  const auto late = table.begin({"x", 1}, 11, now + 1min);
  EXPECT_TRUE(late.superseded);
  EXPECT_EQ(late.highest, 2U);
  EXPECT_FALSE(late.cancel);
}

TEST(AttemptTable, OneThatHasEndedIsNotCancelled) {
  AttemptTable table;
  const Instant now{1s};
  (void)table.begin({"x", 1}, 10, now);
  table.end("x", 10, now);
  EXPECT_FALSE(table.begin({"x", 2}, 11, now).cancel);
  table.end("x", 10, now);  // of the first: says nothing of the second
  EXPECT_EQ(table.begin({"x", 3}, 12, now).cancel, 11U);
}

TEST(AttemptTable, StaysWithinItsBounds) {
  AttemptTable table(4, 10s);
  Instant now{1s};
  for (std::uint64_t i = 0; i < 4; ++i) {
    (void)table.begin({"old" + std::to_string(i), 1}, i, now);
    if (i > 0) table.end("old" + std::to_string(i), i, now += 1s);
  }
  (void)table.begin({"new", 1}, 9, now);
  EXPECT_EQ(table.size(), 4U);
  // The one that ended first gave way, the one that runs did not.
  EXPECT_EQ(table.begin({"old0", 2}, 20, now).cancel, 0U);
  EXPECT_FALSE(table.begin({"old2", 0}, 21, now).superseded == false);
  now += 11s;
  (void)table.begin({"newer", 1}, 30, now);
  EXPECT_EQ(table.size(), 3U);  // old0, new and newer: the others had expired
}

TEST(AttemptTable, CountsTheAgeOfAnAttemptFromItsEnd) {
  AttemptTable table(2);
  (void)table.begin({"long", 1}, 1, Instant{1s});
  (void)table.begin({"short", 1}, 2, Instant{2s});
  table.end("short", 2, Instant{3s});
  table.end("long", 1, Instant{20s});
  (void)table.begin({"new", 1}, 3, Instant{21s});
  EXPECT_TRUE(table.begin({"long", 0}, 4, Instant{21s}).superseded) << "the other has gone";
}

TEST(AttemptTable, GivesUpTheOldestWhenAllOfThemRun) {
  AttemptTable table(2, 10s);
  (void)table.begin({"a", 1}, 1, Instant{1s});
  (void)table.begin({"b", 1}, 2, Instant{2s});
  (void)table.begin({"c", 1}, 3, Instant{3s});
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.begin({"b", 2}, 4, Instant{4s}).cancel, 2U);
}

}  // namespace
}  // namespace rouse::core
