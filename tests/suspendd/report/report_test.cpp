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

policy::WallTime wall(int seconds) {
  return policy::WallTime(std::chrono::seconds(seconds));
}

/// One in which no two things are alike, so that none can stand for another.
Report a_full_report() {
  Report report = a_report();
  policy::View& view = report.view;
  view.state = policy::State::Preparing;
  view.step = "drain";
  view.sleep_in = Duration(1'500);
  view.idle_for = Duration(60'000);
  view.dry_run = true;
  view.block = policy::Block{policy::BlockCause::NotReady, "no card", wall(10)};
  view.failures = 1;
  view.last_failure = "unload: no answer";
  view.retry_in = Duration(30'000);
  view.checks.push_back({"gpu", policy::Verdict::Unknown, "no answer", Duration(7'000), {}});
  view.holds.push_back({"3c4d", "backup", "bob", {}});
  view.wakeups = {{wall(20), "backup.timer"}};
  view.last_suspend->at = wall(30);
  view.last_suspend->ours = false;
  view.last_wake = policy::SleepRecord();
  view.last_wake->at = wall(40);
  view.last_wake->detail = "a device is busy";
  view.wake_proof = wall(50);
  view.totals.failures = {{"drain", 4}};
  view.totals.resumes = {{"wol", 5}};
  view.totals.spurious = {{"eth0", 6}};
  view.totals.drains_cancelled = 7;
  view.totals.gpu_probe_failures = 8;
  report.now.realtime = wall(1'000);
  report.nics[0].ip = "10.0.0.2";
  report.nics[0].broadcast = "10.0.0.255";
  report.nics[0].modes.supported = kWolMagic | kWolPhy;
  report.nics.push_back(Nic());
  report.nics[1].name = "eth1";
  report.nics[1].why = "asking failed";
  report.inhibitors[0].uid = 1000;
  report.inhibitors.push_back({"idle", "player", "plays", "block", 0, 79});
  report.inhibitors.push_back({"sleep", "network", "tells others", "delay", 0, 80});
  report.posts.resize(1);
  report.posts[0].name = "gpu";
  report.posts[0].took_total = 1.5;
  report.posts[0].looks = 9;
  report.posts[0].unknowns = 2;
  report.proxy_error = "no proxy";
  report.lock_trouble = "no lock";
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

TEST(Report, AllOfItIsInTheJson) {
  EXPECT_EQ(
      status_json(a_full_report()),
      R"j({"state":"preparing","in_state_ms":192000,"reason":"proxy: 2 running","step":"drain",)j"
      R"j("next":"stays awake until this ends","sleep_in_ms":1500,"idle_for_ms":60000,)j"
      R"j("dry_run":true,"blocked":{"cause":"not_ready","reason":"no card",)j"
      R"j("since":"1970-01-01T00:00:10Z"},"failures":1,"last_failure":"unload: no answer",)j"
      R"j("retry_in_ms":30000,"checks":[{"name":"cpu","verdict":"idle",)j"
      R"j("reason":"0.01 of one core","since_ms":5000,"looked_ms":1},{"name":"proxy",)j"
      R"j("verdict":"active","reason":"2 running","since_ms":192000,"looked_ms":1},)j"
      R"j({"name":"gpu","verdict":"unknown","reason":"no answer","since_ms":7000,)j"
      R"j("looked_ms":null}],"holds":[{"token":"1a2b","why":"fine-tuning","by":"alice (pid 4)",)j"
      R"j("left_ms":3600000},{"token":"3c4d","why":"backup","by":"bob","left_ms":null}],)j"
      R"j("wakeups":[{"at":"1970-01-01T00:00:20Z","what":"backup.timer"}],"wol":[{"if":"eth0",)j"
      R"j("mac":"3c:ec:ef:12:34:56","ip":"10.0.0.2","broadcast":"10.0.0.255","state":"armed",)j"
      R"j("armed":"g","supported":"pg","why":""},{"if":"eth1","mac":"","ip":"","broadcast":"",)j"
      R"j("state":"unknown","armed":"d","supported":"d","why":"asking failed"}],)j"
      R"j("inhibitors":[{"what":"sleep:idle","who":"backup","why":"runs","mode":"block",)j"
      R"j("uid":1000,"pid":77},{"what":"shutdown","who":"apt","why":"upgrades","mode":"block",)j"
      R"j("uid":0,"pid":78},{"what":"idle","who":"player","why":"plays","mode":"block","uid":0,)j"
      R"j("pid":79},{"what":"sleep","who":"network","why":"tells others","mode":"delay","uid":0,)j"
      R"j("pid":80}],"last_suspend":{"at":"1970-01-01T00:00:30Z","slept_ms":3600000,"ok":true,)j"
      R"j("ours":false,"detail":"","wake":"wol","source":"network card eth0"},)j"
      R"j("last_wake":{"at":"1970-01-01T00:00:40Z","slept_ms":0,"ok":false,"ours":true,)j"
      R"j("detail":"a device is busy","wake":"unknown","source":""},)j"
      R"j("wake_proof":"1970-01-01T00:00:50Z","asleep_ms":3600000,)j"
      R"j("energy_saved_joules_estimate":259200.000,"trouble":["no proxy","no lock"]})j"
      "\n");
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

TEST(Report, EachMetricIsItsOwn) {
  Report report = a_full_report();
  const std::string text = metrics_text(report);
  for (const char* const line : {"state{state=\"preparing\"} 1",
                                 "state{state=\"active\"} 0",
                                 "idle_seconds 60",
                                 "next_suspend_timestamp_seconds 1001.5",
                                 "dry_run 1",
                                 "holds 2",
                                 "proxy_reachable 0",
                                 "check_active{check=\"cpu\"} 0",
                                 "check_active{check=\"proxy\"} 1",
                                 "check_active{check=\"gpu\"} 1",
                                 "check_seconds_total{check=\"gpu\"} 1.5",
                                 "check_looks_total{check=\"gpu\"} 9",
                                 "check_errors_total{check=\"gpu\"} 2",
                                 "inhibitors 2",
                                 "wol_armed{interface=\"eth0\"} 1",
                                 "wol_armed{interface=\"eth1\"} 0",
                                 "suspend_failures_total{step=\"drain\"} 4",
                                 "resumes_total{reason=\"wol\"} 5",
                                 "spurious_wakes_total{source=\"eth0\"} 6",
                                 "drain_cancelled_total 7",
                                 "gpu_probe_failures_total 8"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\nrouse_suspendd_") + line + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("\nprocess_cpu_seconds_total "));
  report.view.sleep_in.reset();
  EXPECT_THAT(metrics_text(report), HasSubstr("next_suspend_timestamp_seconds 0\n"));
  Config alone;
  alone.proxy.socket.clear();
  report.config = std::make_shared<const Config>(alone);
  EXPECT_THAT(metrics_text(report), Not(HasSubstr("proxy_reachable"))) << "there is no proxy";
}

TEST(Report, ThePageTellsWhatWentWrong) {
  Report report = a_full_report();
  report.view.last_suspend->ok = false;
  report.log_only = "/srv/tree";
  const std::string page = explain_text(report);
  for (const char* const part :
       {"about to sleep (step: drain), for 3 min 12 s\n  (looks at the tree /srv/tree)\n",
        "dry run: it decides everything", "unknown  gpu", "not looked yet", "until released",
        "player (pid 79)", "eth1  unknown", "no address", "a packet last woke this machine",
        "did not sleep: reason unknown (asked for by somebody else)\n",
        "did not sleep: a device is busy\n", "1: unload: no answer", "tries again in", "30 s\n",
        " for backup.timer\n", "no proxy", "no lock"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("not looked yet  no answer\nunknown")));
  EXPECT_EQ(status_text(report), "about to sleep (step: drain) (dry run): proxy: 2 running\n");
}

TEST(Report, ThePageSaysNothingOfWhatIsNotThere) {
  Report report = a_report();
  report.view.holds.clear();
  report.view.last_wake = policy::SleepRecord();
  report.view.last_wake->detail = "the wake of that sleep";
  report.nics.clear();
  report.proxy_error = "no proxy";
  Config alone;
  alone.proxy.socket.clear();
  report.config = std::make_shared<const Config>(alone);
  std::string page = explain_text(report);
  EXPECT_THAT(page, HasSubstr("no wired network card was found"));
  for (const char* const part :
       {"holds (", "last wake", "asked for by", "trouble", "dry run", "looks at", "failures"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
  report.inhibitors_error = "no bus";
  page = explain_text(report);
  EXPECT_THAT(page, HasSubstr("inhibitors\n  not known: no bus\n"));
  report.view.state = policy::State::IdleCountdown;
  EXPECT_EQ(status_text(report), "idle: proxy: 2 running\n");
  report.view.sleep_in = Duration(90'000);
  EXPECT_EQ(status_text(report), "idle, sleeps in 1 min 30 s: proxy: 2 running\n");
}

TEST(Report, SleepThatCostsMoreSavesNothing) {
  Report report = a_report();
  Config config;
  config.power.idle_watts = 3;
  config.power.sleep_watts = 75;
  report.config = std::make_shared<const Config>(config);
  EXPECT_EQ(saved_joules(report), 0);
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
