#include "suspendd/systemd/sleep_rules.hpp"

#include "tests/suspendd/bus/bus_fixture.hpp"

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;

constexpr const char* kGate = "rouse-suspendd-gate.service";

class SleepRulesTest : public BusFixture {
 protected:
  void ask() {
    group_.spawn(rules_.ask());
    // The two tasks of the connection stay.
    EXPECT_TRUE(run_until([this] { return group_.size() == 2; }));
  }
  core::suspend::Settings applied(core::Duration delay = 4s) {
    core::suspend::Settings settings;
    settings.sleep_delay = delay;
    rules_.apply(settings);
    return settings;
  }

  SleepRules rules_{logind_, units_};
};

TEST_F(SleepRulesTest, UntilTheyAnswerTheirDefaultsAreTaken) {
  EXPECT_FALSE(rules_.known());
  EXPECT_FALSE(applied().gate);
  EXPECT_EQ(applied(1h).sleep_delay, 4s);
  EXPECT_EQ(applied(2s).sleep_delay, 2s);
}

TEST_F(SleepRulesTest, LogindIsNotKeptWaitingToTheEnd) {
  fake_.set_delay_max(30s);
  ask();
  EXPECT_TRUE(rules_.known());
  EXPECT_EQ(applied(1h).sleep_delay, 29s);
  EXPECT_EQ(applied(4s).sleep_delay, 4s) << "as configured";
  fake_.set_delay_max(2s);
  ask();
  EXPECT_EQ(applied(4s).sleep_delay, 1500ms) << "a quarter of little";
  fake_.set_delay_max(0s);
  ask();
  EXPECT_EQ(applied(4s).sleep_delay, 0s);
}

TEST_F(SleepRulesTest, AGateIsOneThatSuspendsAsk) {
  fake_.set_unit(kGate, {{"load", "loaded"}, {"file", "enabled"}});
  ask();
  EXPECT_TRUE(applied().gate);
  for (const char* file : {"disabled", "masked", "masked-runtime"}) {
    fake_.set_unit(kGate, {{"load", "loaded"}, {"file", file}});
    ask();
    EXPECT_FALSE(applied().gate) << file;
  }
  fake_.set_unit(kGate, {{"load", "not-found"}});
  ask();
  EXPECT_FALSE(applied().gate);
  EXPECT_TRUE(rules_.known()) << "that there is none is known";
}

TEST_F(SleepRulesTest, WhoDoesNotAnswerIsAskedAgain) {
  fake_.set_delay_max(30s);
  fake_.set_unit(kGate, {{"load", "loaded"}, {"file", "enabled"}});
  fake_.fail("InhibitDelayMaxUSec", "org.freedesktop.DBus.Error.NoMemory", "not yet");
  ask();
  EXPECT_FALSE(rules_.known());
  EXPECT_TRUE(applied().gate) << "what was said counts";
  EXPECT_EQ(applied(1h).sleep_delay, 4s);
  fake_.fail("LoadUnit", "org.freedesktop.DBus.Error.NoMemory", "not yet");
  ask();
  EXPECT_FALSE(rules_.known());
  EXPECT_TRUE(applied().gate) << "as it was";
  EXPECT_EQ(applied(1h).sleep_delay, 29s);
  ask();
  EXPECT_TRUE(rules_.known());
}

}  // namespace
}  // namespace rouse::suspendd
