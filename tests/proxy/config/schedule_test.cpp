#include "proxy/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

core::SchedulePolicy schedule_of(const std::string& keys) {
  const LoadedConfig loaded = parse_config("schedule: {" + keys + "}\n", "c.yaml");
  EXPECT_TRUE(loaded.problems.empty()) << loaded.problems.front().text;
  return loaded.config ? loaded.config->schedule : core::SchedulePolicy{};
}

std::string fault_of(const std::string& keys) {
  const LoadedConfig loaded = parse_config("schedule: {" + keys + "}\n", "c.yaml");
  EXPECT_EQ(loaded.problems.size(), 1U);
  return loaded.problems.empty() ? "" : loaded.problems.front().text;
}

TEST(ConfigSchedule, AMaxWaitOfItsOwnIsExact) {
  EXPECT_GT(schedule_of("").swap_budget, 0);
  EXPECT_GT(schedule_of("maxWait: auto").swap_budget, 0);
  EXPECT_EQ(schedule_of("maxWait: auto").max_wait, 2min);
  EXPECT_EQ(schedule_of("maxWait: 5m").max_wait, 5min);
  EXPECT_EQ(schedule_of("maxWait: 5m").swap_budget, 0) << "no turn ends sooner";
  EXPECT_EQ(schedule_of("maxWait: 5m, swapBudget: 0.1").swap_budget, 0.1);
  EXPECT_EQ(schedule_of("swapBudget: 0").swap_budget, 0);
}

TEST(ConfigSchedule, WhatIsAutoHasNoBoundOfItsOwn) {
  EXPECT_EQ(schedule_of("linger: auto, minResidency: auto").linger, core::Duration::max());
  EXPECT_EQ(schedule_of("linger: auto, minResidency: auto").min_residency, core::Duration::max());
  EXPECT_EQ(schedule_of("linger: 1s").linger, 1s);
}

TEST(ConfigSchedule, WhatIsNoTimeSaysWhatMayStandThere) {
  EXPECT_THAT(fault_of("linger: automatic"), HasSubstr("auto or a duration such as 90s"));
  EXPECT_THAT(fault_of("gather: auto"), HasSubstr("expected a duration such as 90s"));
  EXPECT_THAT(fault_of("swapBudget: 25"), HasSubstr("is a part of the time, as 0.25"));
  EXPECT_THAT(fault_of("swapBudget: -1"), HasSubstr("a number from 0 on"));
}

}  // namespace
}  // namespace rouse
