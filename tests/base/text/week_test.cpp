#include "base/text/week.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

constexpr int kMonday = 0;
constexpr int kSunday = 6;

WeekSpan span(const char* text) {
  const auto read = parse_span(text);
  EXPECT_TRUE(read) << text;
  return read.value_or(WeekSpan());
}

TEST(WeekSpan, DaysGoAroundTheWeek) {
  EXPECT_EQ(parse_days("mon"), 1);
  EXPECT_EQ(parse_days("Mon-Fri"), 0x1F);
  EXPECT_EQ(parse_days("sat-mon"), 0x61);
  EXPECT_EQ(parse_days("sun,tue"), 0x42);
  for (const char* const text : {"", "mon-", "xyz", "mon,,tue"})
    EXPECT_FALSE(parse_days(text)) << text;
}

TEST(WeekSpan, TimesAreWithinADay) {
  EXPECT_EQ(parse_time_of_day("07:30"), 450);
  EXPECT_EQ(parse_time_of_day("24:00"), 1440);
  for (const char* const text : {"7", "24:01", "25:00", "07:60", "7:5x", "-1:00", "007:00"}) {
    EXPECT_FALSE(parse_time_of_day(text)) << text;
  }
}

TEST(WeekSpan, IsReadWithAndWithoutDays) {
  EXPECT_EQ(span("22:00-06:00").days, 0x7F);
  EXPECT_EQ(span(" mon-fri  08:00-18:00 ").days, 0x1F);
  EXPECT_EQ(span("sat,sun").to, 1440);
  for (const char* const text :
       {"", "08:00", "08:00-08:00", "24:00-06:00", "mon 8-9", "mon-fri 08:00"}) {
    EXPECT_FALSE(parse_span(text)) << text;
  }
}

TEST(WeekSpan, ItsEndIsNotWithinAndANightIsOfTheDayItBeganOn) {
  const std::vector<WeekSpan> day{span("mon 08:00-18:00")};
  EXPECT_TRUE(is_within(day, kMonday, 8 * 60));
  EXPECT_TRUE(is_within(day, kMonday, 18 * 60 - 1));
  EXPECT_FALSE(is_within(day, kMonday, 18 * 60));
  EXPECT_FALSE(is_within(day, kMonday + 1, 9 * 60));
  const std::vector<WeekSpan> night{span("sun 22:00-06:00")};
  EXPECT_TRUE(is_within(night, kSunday, 23 * 60));
  EXPECT_TRUE(is_within(night, kMonday, 5 * 60));
  EXPECT_FALSE(is_within(night, kMonday, 6 * 60));
  EXPECT_FALSE(is_within(night, kSunday, 5 * 60));
  EXPECT_FALSE(is_within(night, kMonday, 23 * 60));
}

TEST(WeekSpan, TheRestOfTheWeekIsAllThatIsInNone) {
  const std::vector<WeekSpan> spans{span("sun 22:00-06:00"), span("mon-fri 08:00-18:00")};
  const std::vector<WeekSpan> rest = complement(spans);
  for (int day = 0; day < 7; ++day) {
    for (int minute = 0; minute < 1440; minute += 15) {
      EXPECT_NE(is_within(spans, day, minute), is_within(rest, day, minute))
          << day << " " << minute;
    }
  }
  EXPECT_TRUE(complement({span("mon-sun")}).empty());
}

}  // namespace
}  // namespace rouse
