#include "proxy/engine/probe_pace.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using Clock = ProbePace::Clock;

const Clock::time_point kStart = Clock::time_point(1h);

/// How long after @p loading the next probe is due.
Clock::duration pause_after(Clock::duration loading, bool has_spoken = false) {
  ProbePace pace(kStart);
  pace.asked(kStart + loading);
  if (has_spoken) pace.heard_line();
  return pace.due() - (kStart + loading);
}

TEST(ProbePace, IsAHundredthOfTheLoadWithinItsBounds) {
  EXPECT_EQ(ProbePace(kStart).due(), kStart + 5ms);
  EXPECT_EQ(pause_after(5ms), 5ms);
  EXPECT_EQ(pause_after(500ms), 5ms);
  EXPECT_EQ(pause_after(2s), 20ms);
  EXPECT_EQ(pause_after(10s), 100ms);
  EXPECT_EQ(pause_after(10min), 100ms);
}

TEST(ProbePace, ALineIsAskedAboutAtOnceButAFloodOfThemIsNot) {
  EXPECT_EQ(pause_after(10s, true), 20ms) << "when that has passed, at once";
  EXPECT_EQ(pause_after(100ms, true), 5ms) << "a line makes nothing later";
  ProbePace pace(kStart);
  pace.heard_line();
  pace.asked(kStart + 10s);
  EXPECT_EQ(pace.due(), kStart + 10s + 100ms) << "that line has had its answer";
}

}  // namespace
}  // namespace rouse
