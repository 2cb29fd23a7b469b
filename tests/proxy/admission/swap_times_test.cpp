#include "proxy/admission/swap_times.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using core::Duration;
using core::Instant;

Instant at(int ms) {
  return Instant(Duration(10'000 + ms));
}

SwapTimes swap() {
  SwapTimes times;
  times.evicts = true;
  times.wanted = at(0);
  times.told = at(100);
  times.exited = at(130);
  times.started = at(134);
  times.spawned = at(137);
  times.ready = at(637);
  times.seen = Duration(6);
  return times;
}

TEST(SwapTimes, AreAsManyPartsAsItTook) {
  EXPECT_EQ(swap().phases().text(), "drain=100 stop=30 sweep=4 spawn=3 load=500 seen=6");
  EXPECT_TRUE(swap().phases().evicts);
}

TEST(SwapTimes, WhoCameInTheMiddleSawTheRestOnly) {
  EXPECT_EQ(swap().phases_since(at(120)).text(),
            "drain=0 stop=10 sweep=4 spawn=3 load=500 seen=6");
  EXPECT_EQ(swap().phases_since(at(634)).text(), "drain=0 stop=0 sweep=0 spawn=0 load=3 seen=3");
  EXPECT_EQ(swap().phases_since(at(700)).text(), "drain=0 stop=0 sweep=0 spawn=0 load=0 seen=0");
}

}  // namespace
}  // namespace rouse
