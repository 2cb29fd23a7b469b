#include "suspendd/systemd/units.hpp"

#include "tests/suspendd/bus/bus_fixture.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>

namespace rouse::suspendd {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

class SystemdUnitsTest : public BusFixture {
 protected:
  TimerNext next(const std::string& realtime, const std::string& monotonic) {
    fake_.set_unit("a.timer", {{"realtime", realtime}, {"monotonic", monotonic}});
    const auto told = run(units_.timer_next("a.timer"));
    EXPECT_TRUE(told) << told.error().message();
    return told ? *told : TimerNext();
  }
};

TEST_F(SystemdUnitsTest, AUnitHasFourStates) {
  fake_.set_unit(
      "a.service",
      {{"active", "activating"}, {"sub", "start"}, {"load", "loaded"}, {"file", "masked"}});
  const auto state = run(units_.unit_state("a.service"));
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->active, "activating");
  EXPECT_EQ(state->sub, "start");
  EXPECT_EQ(state->load, "loaded");
  EXPECT_EQ(state->file, "masked");
  EXPECT_TRUE(state->is_disabled());
  const auto missing = run(units_.unit_state("missing.service"));
  ASSERT_TRUE(missing) << missing.error().message();
  EXPECT_EQ(missing->load, "not-found");
}

TEST_F(SystemdUnitsTest, ErrorsNameTheUnit) {
  const auto state = run(units_.unit_state("no such/name"));
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().doing, HasSubstr("unit no such/name: "));
  const auto timer = run(units_.timer_next("missing.timer"));
  ASSERT_FALSE(timer);
  EXPECT_EQ(timer.error().code, BusErrc::NoSuchUnit);
}

TEST_F(SystemdUnitsTest, ATimerElapsesOnEitherClock) {
  EXPECT_FALSE(next("0", "0").realtime);
  EXPECT_FALSE(next("0", "0").monotonic);
  const std::string never = std::to_string(UINT64_MAX);
  EXPECT_FALSE(next(never, never).realtime);
  EXPECT_FALSE(next(never, never).monotonic);
  EXPECT_EQ(next("0", "17").monotonic, microseconds(17));
  const TimerNext at = next("1800000000000000", never);
  ASSERT_TRUE(at.realtime);
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*at.realtime), 1'800'000'000);
  EXPECT_FALSE(at.monotonic);
}

}  // namespace
}  // namespace rouse::suspendd
