#include "base/duration_text.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using std::chrono::milliseconds;

TEST(DurationText, ReadsUnitsAndPlainSeconds) {
  EXPECT_EQ(parse_duration("90s"), milliseconds(90'000));
  EXPECT_EQ(parse_duration("1m30s"), milliseconds(90'000));
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("1.5h"), milliseconds(5'400'000));
  EXPECT_EQ(parse_duration("2d"), milliseconds(172'800'000));
  EXPECT_EQ(parse_duration("15"), milliseconds(15'000));
  EXPECT_EQ(parse_duration("0.5"), milliseconds(500));
  EXPECT_EQ(parse_duration("0"), milliseconds(0));
}

TEST(DurationText, RefusesTheRest) {
  for (const char* const text : {"", "s", "soon", "-1s", "-0", "1 s", " 1s", "1s ", "1m30", "5x",
                                 "inf", "nan", "1e3", "99999999999h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(DurationText, TheLongestDoesNotOverflowAClock) {
  const auto longest = parse_duration("34000d");
  ASSERT_TRUE(longest);
  EXPECT_GT(std::chrono::nanoseconds(*longest).count(), 0);
  EXPECT_EQ(parse_duration("35000d"), std::nullopt);
}

TEST(DurationText, WritesWhatItReads) {
  for (const char* const text : {"0s", "250ms", "1s", "1m30s", "2h5ms", "48h"}) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(duration_text(*duration), text);
  }
}

TEST(SizeText, ReadsBothKindsOfUnits) {
  EXPECT_EQ(parse_size("64MiB"), 64u * 1024 * 1024);
  EXPECT_EQ(parse_size("64 KiB"), 64u * 1024);
  EXPECT_EQ(parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(parse_size("1.5kB"), 1500u);
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("7B"), 7u);
  for (const char* const text : {"", "MiB", "-1", "5 parsecs", "1MiBx", "99999999GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rouse
