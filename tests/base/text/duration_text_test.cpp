#include "base/text/duration_text.hpp"

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

TEST(DurationText, ReadsWhatSystemdReads) {
  using namespace std::chrono_literals;
  const std::pair<const char*, milliseconds> spans[] = {
      {"15min", 15min},
      {"15 minutes", 15min},
      {"1h 30min", 90min},
      {"1h30min", 90min},
      {" 1 hour  30 minutes ", 90min},
      {"2 days", 48h},
      {"1day", 24h},
      {"500 ms", 500ms},
      {"500msec", 500ms},
      {"1week", 168h},
      {"2w", 336h},
      {"90sec", 90s},
      {"1 second", 1s},
      {"3 hr", 3h},
      {"300ms20s 5day", 120h + 20s + 300ms},
      {"1500us", 2ms},
      {"2500 usec", 3ms},
      {"4000\u00b5s", 4ms},
      {"4000\u03bcs", 4ms},
      {"1m", 1min},
      {"1M", milliseconds(2'629'800'000)},
      {"1 month", milliseconds(2'629'800'000)},
      {"1y", milliseconds(31'557'600'000)},
      {"2 years", milliseconds(63'115'200'000)},
  };
  for (const auto& [text, span] : spans) EXPECT_EQ(parse_duration(text), span) << text;
}

TEST(DurationText, WhatIsMoreThanNothingNeverBecomesIt) {
  EXPECT_EQ(parse_duration("1us"), milliseconds(1));
  EXPECT_EQ(parse_duration("0.0001"), milliseconds(1));
  EXPECT_EQ(parse_duration("0us"), milliseconds(0));
}

TEST(DurationText, RefusesTheRest) {
  for (const char* const text :
       {"", " ", "s", "soon", "-1s", "-0", "1m30", "1min 30", "5x", "5mins", "5Min", "1 2",
        "1h,30min", "infinity", "inf", "nan", "1e3", "s1", "99999999999h"}) {
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
