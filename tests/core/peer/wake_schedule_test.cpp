#include "core/peer/wake_schedule.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace rouse::core {
namespace {

using testing::ElementsAre;

/// When the volleys of a wake go out, in milliseconds, up to and including @p last.
std::vector<long> volleys(long last) {
  std::vector<long> times;
  for (Duration at{0}; at <= Duration{last}; at = next_volley(at)) times.push_back(at.count());
  return times;
}

TEST(WakeSchedule, OftenAtFirstAndThenEveryTwoSeconds) {
  EXPECT_THAT(volleys(11'000),
              ElementsAre(0, 200, 1'000, 2'000, 3'000, 5'000, 7'000, 9'000, 11'000));
}

TEST(WakeSchedule, AfterHalfAMinuteEveryFiveSeconds) {
  const std::vector<long> all = volleys(120'000);
  const std::vector<long> late(all.end() - 21, all.end());
  EXPECT_THAT(late, ElementsAre(27'000, 29'000, 30'000, 35'000, 40'000, 45'000, 50'000, 55'000,
                                60'000, 65'000, 70'000, 75'000, 80'000, 85'000, 90'000, 95'000,
                                100'000, 105'000, 110'000, 115'000, 120'000));
}

TEST(WakeSchedule, ALateVolleyIsNotMadeUpFor) {
  EXPECT_EQ(next_volley(Duration{199}), Duration{200});
  EXPECT_EQ(next_volley(Duration{4'999}), Duration{5'000});
  EXPECT_EQ(next_volley(Duration{12'345}), Duration{13'000});
  EXPECT_EQ(next_volley(Duration{33'333}), Duration{35'000});
}

TEST(WakeSchedule, TheNextOneIsAlwaysLater) {
  for (long at = 0; at < 100'000; at += 7) {
    EXPECT_GT(next_volley(Duration{at}), Duration{at});
    EXPECT_LE(next_volley(Duration{at}) - Duration{at}, Duration{5'000});
  }
}

TEST(WakeSchedule, BeforeTheStartItIsTheStart) {
  EXPECT_EQ(next_volley(Duration{-5}), Duration{0});
}

}  // namespace
}  // namespace rouse::core
