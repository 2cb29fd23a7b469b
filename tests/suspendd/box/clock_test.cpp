#include "suspendd/box/clock.hpp"

#include "suspendd/box/clocks.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using core::suspend::WallTime;

/// The zone of this process, for as long as it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* const old = std::getenv("TZ")) old_ = old;
    set(name);
  }
  ~Zone() { set(old_ ? old_->c_str() : nullptr); }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  static void set(const char* name) {
    if (name != nullptr) {
      ::setenv("TZ", name, 1);
    } else {
      ::unsetenv("TZ");
    }
    ::tzset();
  }
  std::optional<std::string> old_;
};

constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr unsigned kEveryDay = 0x7F;

WallTime utc(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

TEST(Clock, TimeAsleepIsPlayedInATreeOnly) {
  const test::GeneratedTree tree;
  const auto gap = [](const core::suspend::Now& now) {
    return now.boottime.time_since_epoch() - now.monotonic.time_since_epoch();
  };
  const auto awake = gap(read_now(tree.root()));
  tree.file("/asleep_ms", "28800000\n");
  EXPECT_NEAR(static_cast<double>((gap(read_now(tree.root())) - awake).count()), 28'800'000, 5);
  EXPECT_NEAR(static_cast<double>((gap(read_now(Root())) - awake).count()), 0, 5);
  EXPECT_GT(read_now(Root()).realtime, utc(1'700'000'000));
}

TEST(Clock, SpansAreForPeople) {
  EXPECT_EQ(span_text(0ms), "0.0 s");
  EXPECT_EQ(span_text(340ms), "0.3 s");
  EXPECT_EQ(span_text(9'999ms), "10.0 s");
  EXPECT_EQ(span_text(12s), "12 s");
  EXPECT_EQ(span_text(59'999ms), "59 s");
  EXPECT_EQ(span_text(60s), "1 min 0 s");
  EXPECT_EQ(span_text(250s), "4 min 10 s");
  EXPECT_EQ(span_text(1h), "1 h 0 min");
  EXPECT_EQ(span_text(3h + 12min), "3 h 12 min");
  EXPECT_EQ(span_text(48h - 1s), "47 h 59 min");
  EXPECT_EQ(span_text(48h), "2 d 0 h");
  EXPECT_EQ(span_text(75h), "3 d 3 h");
}

TEST(Clock, TimesAreThoseOfTheMachinesZone) {
  const Zone zone(kBerlin);
  EXPECT_EQ(local_text(utc(1'772'443'800)), "2026-03-02 10:30");
  EXPECT_EQ(local_text(utc(1'788'082'200)), "2026-08-30 11:30");
}

TEST(Clock, TheNextTimeOfDayIsLaterThanNow) {
  const Zone zone(kBerlin);
  const WallTime monday = utc(1'772'443'800);  // 2026-03-02 10:30
  EXPECT_EQ(next_time_of_day(10 * 60 + 31, kEveryDay, monday) - monday, 1min);
  EXPECT_EQ(next_time_of_day(10 * 60 + 30, kEveryDay, monday) - monday, 24h);
  EXPECT_EQ(next_time_of_day(9 * 60, kEveryDay, monday) - monday, 22h + 30min);
  EXPECT_EQ(next_time_of_day(12 * 60, 1U << 1, monday) - monday, 25h + 30min) << "Tuesday";
  EXPECT_EQ(next_time_of_day(9 * 60, 1U, monday) - monday, 7 * 24h - 90min) << "next Monday";
  EXPECT_EQ(next_time_of_day(12 * 60, 1U << 6, monday) - monday, 6 * 24h + 90min) << "Sunday";
  EXPECT_EQ(next_time_of_day(12 * 60, 0, monday), WallTime::max());
  EXPECT_EQ(next_time_of_day(12 * 60, kEveryDay, monday + 17s) - monday, 90min) << "to the minute";
}

TEST(Clock, ATimeThatTheSummerSkipsIsTheOneAfterIt) {
  const Zone zone(kBerlin);
  const WallTime saturday = utc(1'774'717'200);  // 2026-03-28 18:00 CET
  ASSERT_EQ(local_text(saturday), "2026-03-28 18:00");
  EXPECT_EQ(local_text(next_time_of_day(2 * 60 + 30, kEveryDay, saturday)), "2026-03-29 03:30");
  EXPECT_EQ(next_time_of_day(7 * 60, kEveryDay, saturday) - saturday, 12h) << "an hour is missing";
}

}  // namespace
}  // namespace rouse::suspendd
