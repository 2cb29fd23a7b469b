#include "suspendd/report/report.hpp"

#include "suspendd/box/clock.hpp"
#include "suspendd/proxy_watch.hpp"
#include "suspendd/wakeup_plan.hpp"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <cstdlib>
#include <ctime>

namespace rouse::suspendd {
namespace {

namespace policy = core::suspend;
using core::Duration;
using core::Instant;
using policy::WallTime;
using testing::HasSubstr;
using testing::Not;

Report a_report() {
  Report report;
  Config config;
  config.power.idle_watts = 75;
  config.power.sleep_watts = 3;
  report.config = std::make_shared<const Config>(config);
  report.view.state = policy::State::Active;
  report.view.reason = "proxy: 2 running";
  report.view.next = "stays awake until this ends";
  report.view.in_state = Duration(192'000);
  report.view.checks = {
      {"cpu", policy::Verdict::Idle, "0.01 of one core", Duration(5'000), Duration(1)},
      {"proxy", policy::Verdict::Active, "2 running", Duration(192'000), Duration(1)}};
  report.view.holds = {{"1a2b", "fine-tuning", "alice (pid 4)", Duration(3'600'000)}};
  report.view.totals.asleep = Duration(3'600'000);
  report.view.totals.suspends = {{"ok", 3}};
  policy::SleepRecord record;
  record.ok = true;
  record.slept = Duration(3'600'000);
  record.wake = policy::WakeReason::Wol;
  record.source = "network card eth0";
  report.view.last_suspend = record;
  Nic nic;
  nic.name = "eth0";
  nic.mac = "3c:ec:ef:12:34:56";
  nic.wol = Nic::Wol::Armed;
  nic.modes.armed = kWolMagic;
  report.nics = {nic};
  report.inhibitors = {{"sleep:idle", "backup", "runs", "block", 0, 77},
                       {"shutdown", "apt", "upgrades", "block", 0, 78}};
  return report;
}

TEST(Report, ExplainsWhatKeepsItAwakeFirst) {
  const std::string page = explain_text(a_report());
  EXPECT_THAT(page, HasSubstr("awake, for 3 min 12 s\n  because:  proxy: 2 running\n"
                              "  next:     stays awake until this ends\n"));
  EXPECT_LT(page.find("active  proxy"), page.find("idle    cpu"));
  EXPECT_THAT(page, HasSubstr("1a2b  alice (pid 4)  for 1 h 0 min  fine-tuning"));
  EXPECT_THAT(page, HasSubstr("block  sleep:idle  backup (pid 77)  runs"));
  EXPECT_THAT(page, Not(HasSubstr("apt"))) << "that lock is not about sleep";
  EXPECT_THAT(page, HasSubstr("slept 1 h 0 min, woken by network card eth0"));
  EXPECT_THAT(page, HasSubstr("about 0.07 kWh saved (an estimate)"));
}

TEST(Report, ABlockSaysWhy) {
  Report report = a_report();
  report.view.state = policy::State::Blocked;
  report.view.block = policy::Block{policy::BlockCause::Failures, "5 failures in a row", {}};
  const std::string page = explain_text(report);
  EXPECT_THAT(page, HasSubstr("will not sleep: blocked"));
  EXPECT_THAT(page, HasSubstr("blocked:  5 failures in a row"));
}

TEST(Report, StatusIsJson) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const simdjson::padded_string json(status_json(a_report()));
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS);
  EXPECT_EQ(std::string_view(root["state"]), "active");
  EXPECT_EQ(std::string_view(root.at_pointer("/wol/0/armed")), "g");
  EXPECT_EQ(std::int64_t(root.at_pointer("/holds/0/left_ms")), 3'600'000);
  EXPECT_TRUE(root["blocked"].is_null());
}

TEST(Report, MetricsSayWhatIsAnEstimate) {
  const std::string text = metrics_text(a_report());
  EXPECT_THAT(text, HasSubstr("rouse_suspendd_state{state=\"active\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("rouse_suspendd_suspends_total{result=\"ok\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("rouse_suspendd_asleep_seconds_total 3600\n"));
  EXPECT_THAT(text, HasSubstr("# HELP rouse_suspendd_energy_saved_joules_total An estimate"));
  EXPECT_THAT(text, HasSubstr("rouse_suspendd_energy_saved_joules_total 259200\n"));
  EXPECT_THAT(text, HasSubstr("rouse_suspendd_inhibitors 1\n"));
  EXPECT_THAT(text, HasSubstr("rouse_suspendd_wol_armed{interface=\"eth0\"} 1\n"));
}

TEST(Report, WithoutWattsNothingIsClaimed) {
  Report report = a_report();
  report.config = std::make_shared<const Config>();
  EXPECT_EQ(saved_joules(report), 0);
  EXPECT_THAT(explain_text(report), Not(HasSubstr("kWh")));
}

TEST(PowerFacts, ACountdownThatCountsDownIsNoNews) {
  policy::View view;
  policy::Now now;
  now.monotonic = Instant(Duration(1'000'000));
  view.sleep_in = Duration(60'000);
  const PowerFactsText first = power_facts(view, now, {});
  now.monotonic += Duration(500);
  view.sleep_in = Duration(59'500);
  const PowerFactsText second = power_facts(view, now, {});
  EXPECT_NE(first.json, second.json);
  EXPECT_EQ(first.gist, second.gist);
  view.sleep_in.reset();
  EXPECT_NE(power_facts(view, now, {}).gist, first.gist);
}

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
  }
  ~PlanTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static WallTime at(const char* utc) {
    std::tm parts{};
    ::strptime(utc, "%Y-%m-%d %H:%M", &parts);
    return WallTime(std::chrono::seconds(::timegm(&parts)));
  }
};

TEST_F(PlanTest, TheNextTimeOfDayIsInTheMachinesZone) {
  EXPECT_EQ(next_time_of_day(7 * 60 + 30, 0x7F, at("2026-01-05 06:00")), at("2026-01-05 06:30"));
  EXPECT_EQ(next_time_of_day(7 * 60 + 30, 0x7F, at("2026-01-05 06:30")), at("2026-01-06 06:30"));
  // 2026-01-09 is a Friday.
  EXPECT_EQ(next_time_of_day(7 * 60 + 30, 0x1F, at("2026-01-09 12:00")), at("2026-01-12 06:30"));
  EXPECT_EQ(next_time_of_day(7 * 60 + 30, 0x10, at("2026-01-09 12:00")), at("2026-01-16 06:30"));
}

TEST_F(PlanTest, DaylightSavingMovesIt) {
  EXPECT_EQ(next_time_of_day(7 * 60 + 30, 0x7F, at("2026-03-28 12:00")), at("2026-03-29 05:30"));
}

TEST_F(PlanTest, OnlyChangesAreTold) {
  WakeupPlan plan;
  const std::vector<WakeupConfig> wakeups{{0x7F, 7 * 60 + 30, "work"}};
  const auto first = plan.plan(wakeups, at("2026-01-05 05:00"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->at(0).what, "work");
  EXPECT_FALSE(plan.plan(wakeups, at("2026-01-05 05:10")));
  EXPECT_TRUE(plan.plan(wakeups, at("2026-01-05 06:31")));
  EXPECT_EQ(plan.next_in(at("2026-01-06 06:00")), std::chrono::minutes(30));
}

TEST_F(PlanTest, ASafetyNetWakesButIsNoReasonToStayAwake) {
  WakeupPlan plan;
  plan.set_safety_net(at("2026-01-05 05:15"));
  const auto planned = plan.plan({}, at("2026-01-05 05:00"));
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->size(), 1u);
  EXPECT_FALSE(plan.next_in(at("2026-01-05 05:00")));
  plan.drop_safety_net();
  EXPECT_TRUE(plan.plan({}, at("2026-01-05 05:01")));
}

TEST(Clock, SpansReadLikeAPersonSaysThem) {
  EXPECT_EQ(span_text(Duration(300)), "0.3 s");
  EXPECT_EQ(span_text(Duration(12'345)), "12 s");
  EXPECT_EQ(span_text(Duration(250'000)), "4 min 10 s");
  EXPECT_EQ(span_text(Duration(11'520'000)), "3 h 12 min");
}

}  // namespace
}  // namespace rouse::suspendd
