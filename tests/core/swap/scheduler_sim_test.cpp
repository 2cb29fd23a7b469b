#include "tests/core/swap/sim_checks.hpp"
#include "tests/core/swap/sim_settings.hpp"
#include "tests/core/swap/sim_world.hpp"

#include <gtest/gtest.h>

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;

class SchedulerSim : public testing::TestWithParam<unsigned> {};

// Each case is a block of seeds; a failure names its seed.
TEST_P(SchedulerSim, KeepsItsPromisesInRandomWorlds) {
  for (unsigned seed = GetParam(); seed < GetParam() + 50 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Dice dice(seed);
    SimWorld world(random_settings(dice), dice);
    world.live(40s);
    if (seed % 3 != 0) world.drain();  // else everything is in flight when the shutdown comes
    world.shut_down();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerSim, testing::Values(0U, 50U, 100U, 150U, 200U, 250U));

TEST(SchedulerSimulated, EndlessLoadOnOneModelStarvesNobody) {
  Dice dice(1);
  SimSettings settings;
  settings.models = {{"a", {.concurrency = 1'000}}, {"b", {.concurrency = 1'000}}};
  settings.rule = std::make_shared<PairRule>();
  settings.exclusive = settings.roomy = true;
  settings.policy.max_wait = 20s;
  settings.favourite_percent = 97;
  settings.pause_max = 100ms;
  SimWorld world(settings, dice);
  world.live(10min);  // the world checks that each wait ends within its bound
  world.drain();
  EXPECT_GT(world.served, 5'000);
  EXPECT_GE(world.started, 10);
  EXPECT_LE(world.longest, 20s + 2 * settings.service_max + settings.stop_max + settings.load_max);
}

}  // namespace
}  // namespace rouse::core::test
