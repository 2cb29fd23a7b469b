#include "core/held_bytes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>

namespace rouse::core {
namespace {

TEST(HeldBytes, WhatDoesNotFitChangesNothing) {
  HeldBytes all(100);
  HeldBytes::Share one(all);
  HeldBytes::Share two(all);
  EXPECT_TRUE(one.add(60));
  EXPECT_FALSE(two.add(41));
  EXPECT_EQ(all.used(), 60U);
  EXPECT_TRUE(two.add(40));
  EXPECT_FALSE(one.add(1));
  EXPECT_TRUE(one.add(0));
  EXPECT_FALSE(one.add(std::numeric_limits<std::uint64_t>::max()));
  EXPECT_EQ(all.used(), 100U);
}

TEST(HeldBytes, WhoGoesGivesBack) {
  HeldBytes all(100);
  std::optional<HeldBytes::Share> one(all);
  HeldBytes::Share two(all);
  EXPECT_TRUE(one->add(50));
  EXPECT_TRUE(one->add(20));
  EXPECT_TRUE(two.add(30));
  one.reset();
  EXPECT_EQ(all.used(), 30U);
  two.set(10);
  EXPECT_EQ(all.used(), 10U);
}

TEST(HeldBytes, ThereIsPlentyWhileHalfIsFree) {
  HeldBytes all(100);
  HeldBytes::Share one(all);
  one.set(49);
  EXPECT_TRUE(all.has_plenty());
  one.set(50);
  EXPECT_FALSE(all.has_plenty());
}

TEST(HeldBytes, WhatIsThereMayBeMoreThanFits) {
  HeldBytes all(100);
  HeldBytes::Share one(all);
  HeldBytes::Share two(all);
  EXPECT_TRUE(one.add(90));
  all.set_most(50);
  EXPECT_EQ(all.used(), 90U);
  EXPECT_FALSE(two.add(1)) << "a reload has made it smaller";
  one.set(40);
  EXPECT_TRUE(two.add(10));
}

}  // namespace
}  // namespace rouse::core
