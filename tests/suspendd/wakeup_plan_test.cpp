#include "suspendd/wakeup_plan.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using WallTime = WakeupPlan::WallTime;

/// A time of the machine's own zone; day 2 of March 2026 is a Monday.
WallTime at(int day, int hour, int minute = 0, int second = 0) {
  std::tm parts{};
  parts.tm_year = 2026 - 1900;
  parts.tm_mon = 2;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  parts.tm_isdst = -1;
  return std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::from_time_t(std::mktime(&parts)));
}

constexpr std::uint8_t kMonday = 1;
constexpr std::uint8_t kEveryDay = 0x7F;

TEST(WakeupPlan, TheNextOneOfEachComesSoonestFirst) {
  WakeupPlan plan;
  const auto all = plan.plan({{kEveryDay, 18 * 60, "evening"}, {kMonday, 7 * 60, ""}}, at(2, 9));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].at, at(2, 18));
  EXPECT_EQ((*all)[0].what, "evening");
  EXPECT_EQ((*all)[1].at, at(9, 7)) << "this Monday's has been";
  EXPECT_EQ((*all)[1].what, "a wakeup");
}

TEST(WakeupPlan, WhatWasToldIsNotToldAgain) {
  WakeupPlan plan;
  const std::vector<WakeupConfig> daily{{kEveryDay, 18 * 60, "evening"}};
  EXPECT_TRUE(plan.plan(daily, at(2, 9)));
  EXPECT_FALSE(plan.plan(daily, at(2, 17, 59)));
  const auto next = plan.plan(daily, at(2, 18));
  ASSERT_TRUE(next) << "it has passed";
  EXPECT_EQ((*next)[0].at, at(3, 18));
  EXPECT_TRUE(plan.plan({{kEveryDay, 18 * 60, "another reason"}}, at(2, 18)));
  EXPECT_TRUE(plan.plan({}, at(2, 18))) << "there is none any more";
  EXPECT_FALSE(plan.plan({}, at(2, 18)));
}

TEST(WakeupPlan, TheEndOfAWakeTestIsOneOfThem) {
  WakeupPlan plan;
  plan.set_safety_net(at(2, 9, 15));
  const auto all = plan.plan({{kEveryDay, 18 * 60, "evening"}}, at(2, 9));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].at, at(2, 9, 15));
  EXPECT_EQ((*all)[0].what, "the end of the wake test");
  EXPECT_EQ(plan.next_in(at(2, 9)), 9h) << "it is no reason not to sleep";
  plan.drop_safety_net();
  EXPECT_EQ(plan.plan({{kEveryDay, 18 * 60, "evening"}}, at(2, 9))->size(), 1U);
  plan.set_safety_net(at(2, 8));
  EXPECT_FALSE(plan.plan({{kEveryDay, 18 * 60, "evening"}}, at(2, 9))) << "it has passed";
  plan.set_safety_net(std::nullopt);
  EXPECT_FALSE(plan.plan({{kEveryDay, 18 * 60, "evening"}}, at(2, 9)));
}

TEST(WakeupPlan, TheNextIsTheFirstThatIsToCome) {
  WakeupPlan plan;
  EXPECT_FALSE(plan.next_in(at(2, 9)));
  static_cast<void>(plan.plan({{kEveryDay, 18 * 60, ""}, {kEveryDay, 20 * 60, ""}}, at(2, 9)));
  EXPECT_EQ(plan.next_in(at(2, 17)), 1h);
  EXPECT_EQ(plan.next_in(at(2, 18)), 2h) << "not planned anew yet";
  EXPECT_FALSE(plan.next_in(at(2, 20)));
}

}  // namespace
}  // namespace rouse::suspendd
