#include "suspendd/config/config.hpp"

#include "base/text/week.hpp"

#include <gmock/gmock.h>

namespace rouse::suspendd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> all;
  for (const Problem& problem : parse_config(text, "suspendd.yaml").problems) {
    all.push_back(problem.str());
  }
  return all;
}

Config config_of(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "suspendd.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config ? *loaded.config : Config();
}

template <class Settings>
Settings only(const Config& config) {
  EXPECT_EQ(config.checks.size(), 1u);
  const auto* const settings = std::get_if<Settings>(&config.checks.at(0).settings);
  EXPECT_NE(settings, nullptr);
  return settings == nullptr ? Settings() : *settings;
}

std::vector<std::string> names_of(const Config& config) {
  std::vector<std::string> names;
  for (const CheckConfig& check : config.checks) names.push_back(check.name);
  return names;
}

TEST(SuspenddConfig, AnEmptyFileIsFine) {
  const Config config = config_of("");
  EXPECT_EQ(config.idle.time, 15min);
  EXPECT_THAT(names_of(config), ElementsAre("proxy", "sessions", "ssh", "inhibitors", "gpu", "cpu",
                                            "net", "upcoming"));
}

TEST(SuspenddConfig, WithoutAProxyNobodyAsksOne) {
  const Config config = config_of("proxy: {socket: none}");
  EXPECT_THAT(config.proxy.socket, IsEmpty());
  EXPECT_THAT(names_of(config),
              ElementsAre("sessions", "ssh", "inhibitors", "gpu", "cpu", "net", "upcoming"));
}

TEST(SuspenddConfig, AFileThatIsNotThereIsAFault) {
  const LoadedConfig loaded = load_config("/nowhere/suspendd.yaml");
  EXPECT_EQ(loaded.config, nullptr);
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems[0].str(), HasSubstr("/nowhere/suspendd.yaml"));
  EXPECT_THAT(loaded.problems[0].str(), HasSubstr("No such file"));
}

TEST(SuspenddConfig, TellsAllFaultsAtOnceWithTheirPlaces) {
  EXPECT_THAT(
      problems_of("idle:\n"
                  "  tyme: 5m\n"
                  "  poll: soon\n"
                  "suspend:\n"
                  "  max_failures: 0\n"
                  "wol:\n"
                  "  require: perhaps\n"),
      ElementsAre(
          "suspendd.yaml:2:3: idle.tyme: unknown key; did you mean \"time\"?",
          "suspendd.yaml:3:9: idle.poll: expected a duration such as 90s, 15min, 1h 30min or "
          "250ms, got \"soon\"",
          "suspendd.yaml:5:17: suspend.max_failures: expected a whole number from 1 on, "
          "got \"0\": failures in a row, then it is blocked",
          "suspendd.yaml:7:12: wol.require: expected true or false, got \"perhaps\""));
}

TEST(SuspenddConfig, AMisspeltKeyIsAFaultBecauseItMeantToKeepAwake) {
  EXPECT_EQ(parse_config("windws: {awake: [\"08:00-18:00\"]}", "f").config, nullptr);
  EXPECT_EQ(parse_config("idel: 15m", "f").config, nullptr);
}

TEST(SuspenddConfig, AbsurdTimesAreRefused) {
  EXPECT_THAT(problems_of("idle: {time: 1s, poll: 10s}"),
              ElementsAre(HasSubstr("idle.poll: is longer than idle.time (1s)")));
  EXPECT_THAT(problems_of("idle: {poll: 0}"),
              ElementsAre(HasSubstr("idle.poll: must be at least 100ms, got 0")));
  EXPECT_THAT(problems_of("gate: {wait: 5m}"),
              ElementsAre(HasSubstr("gate.wait: must be at most 1m40s")));
  EXPECT_THAT(problems_of("suspend: {backoff: 1h, backoff_max: 1m}"),
              ElementsAre(HasSubstr("suspend.backoff_max: is shorter than backoff (1h)")));
  EXPECT_THAT(problems_of("power: {idle_watts: 5, sleep_watts: 50}"),
              ElementsAre(HasSubstr("power.sleep_watts: is more than idle_watts")));
  EXPECT_THAT(problems_of("power: {idle_watts: -5}"),
              ElementsAre(HasSubstr("expected a number from 0 on, got \"-5\"")));
}

TEST(SuspenddConfig, ChecksAreKindsOrMappings) {
  const Config config = config_of(
      "idle: {poll: 2s}\n"
      "checks:\n"
      "  - proxy\n"
      "  - kind: ssh\n"
      "    idle: 30m\n"
      "    ports: [22, 2222]\n"
      "  - {kind: ssh, name: other, every: 7s, timeout: 1s}\n");
  EXPECT_THAT(names_of(config), ElementsAre("proxy", "ssh", "other"));
  EXPECT_EQ(config.checks[0].every, 2s);
  EXPECT_EQ(config.checks[2].every, 7s);
  EXPECT_EQ(config.checks[2].timeout, 1s);
  const auto& ssh = std::get<SshCheck>(config.checks[1].settings);
  EXPECT_EQ(ssh.idle, 30min);
  EXPECT_THAT(ssh.ports, ElementsAre(22, 2222));
}

TEST(SuspenddConfig, FaultsOfChecksNameWhatWasMeant) {
  EXPECT_THAT(problems_of("checks: [proxi]"),
              ElementsAre("suspendd.yaml:1:10: checks[0]: \"proxi\" is no kind; did you mean "
                          "\"proxy\"?"));
  EXPECT_THAT(problems_of("checks:\n  - {kind: ssh, cores: 3}"),
              ElementsAre(HasSubstr("checks[0].cores: unknown key")));
  EXPECT_THAT(problems_of("checks: [proxy, proxy]"),
              ElementsAre(HasSubstr("another check is called \"proxy\", too")));
  EXPECT_THAT(problems_of("checks:\n  - idle: 3m"), ElementsAre(HasSubstr("has no kind, one of")));
}

TEST(SuspenddConfig, KnowsWhetherAFileSaysAnything) {
  for (const char* const text : {"", "\n\n", "# idle: {time: 20m}\n", "---\n", "~\n"}) {
    EXPECT_TRUE(parse_config(text, "f").is_empty) << text;
  }
  EXPECT_FALSE(parse_config("{}", "f").is_empty);
  EXPECT_FALSE(parse_config("dry_run: true", "f").is_empty);
}

TEST(SuspenddConfig, AChecklessFileIsRefused) {
  EXPECT_THAT(problems_of("checks:\n"), ElementsAre("suspendd.yaml:1:1: checks: has no entries: "
                                                    "leave the line out for the usual checks"));
  EXPECT_THAT(problems_of("checks: []"),
              ElementsAre(HasSubstr("the machine would sleep whatever happens on it")));
}

TEST(SuspenddConfig, ChecksThatWouldMatchEverythingOrNothingAreRefused) {
  EXPECT_THAT(problems_of("checks: [process]"), ElementsAre(HasSubstr("names: is missing")));
  EXPECT_THAT(problems_of("checks: [port]"), ElementsAre(HasSubstr("ports: is missing")));
  EXPECT_THAT(problems_of("checks: [unit]"), ElementsAre(HasSubstr("units: is missing")));
  EXPECT_THAT(problems_of("checks: [command]"), ElementsAre(HasSubstr("command: is missing")));
  EXPECT_THAT(problems_of("checks: [{kind: process, command: \"(\"}]"),
              ElementsAre(HasSubstr("is no regular expression")));
  EXPECT_THAT(problems_of("checks: [{kind: port, ports: [http]}]"),
              ElementsAre(HasSubstr("\"http\" is no port")));
}

TEST(SuspenddConfig, CommandsAreListsOrPlainWords) {
  EXPECT_THAT(only<CommandCheck>(config_of("checks: [{kind: command, command: /bin/x -a b}]")).argv,
              ElementsAre("/bin/x", "-a", "b"));
  EXPECT_THAT(
      only<CommandCheck>(config_of("checks: [{kind: command, command: [/bin/x, \"a b\"]}]")).argv,
      ElementsAre("/bin/x", "a b"));
  EXPECT_THAT(problems_of("checks: [{kind: command, command: \"x | y\"}]"),
              testing::Contains(HasSubstr("no shell reads this")));
}

TEST(SuspenddConfig, HooksMayVetoOnlyWhereThereIsSomethingToStop) {
  EXPECT_TRUE(
      config_of("hooks: {pre_suspend: {command: [x], on_fail: abort}}").hooks.pre_suspend.may_veto);
  EXPECT_THAT(problems_of("hooks: {on_blocked: {command: [x], on_fail: abort}}"),
              ElementsAre(HasSubstr("abort makes no sense here")));
  EXPECT_THAT(problems_of("hooks: {pre_drain: {timeout: 3s}}"),
              ElementsAre(HasSubstr("command: is missing")));
}

TEST(SuspenddConfig, SecretsAreNotShown) {
  for (const std::string& text : problems_of("notify: {token: [hunter2]}\n"
                                             "relay: {token: {a: hunter2}}")) {
    EXPECT_THAT(text, testing::Not(HasSubstr("hunter2")));
  }
}

TEST(SuspenddConfig, WakeupsHaveTimesAndDays) {
  const Config config = config_of("wakeups:\n  - {at: \"07:30\", days: mon-fri, why: work}\n");
  ASSERT_EQ(config.wakeups.size(), 1u);
  EXPECT_EQ(config.wakeups[0].at, 7 * 60 + 30);
  EXPECT_EQ(config.wakeups[0].days, 0x1F);
  EXPECT_THAT(problems_of("wakeups: [{at: \"25:00\", days: someday}]"),
              ElementsAre(HasSubstr("wakeups[0].at: expected a time of day"),
                          HasSubstr("wakeups[0].days: expected days")));
}

TEST(SuspenddConfig, AddressesAreRead) {
  EXPECT_EQ(config_of("metrics: {listen: \"[::1]:9765\"}").metrics->host, "::1");
  EXPECT_EQ(config_of("metrics: {listen: 127.0.0.1:0}").metrics->port, 0);
  EXPECT_THAT(problems_of("metrics: {listen: here}"), ElementsAre(HasSubstr("HOST:PORT")));
  EXPECT_THAT(problems_of("proxy: {socket: power.sock}"),
              ElementsAre(HasSubstr("expected an absolute path, or none")));
}

TEST(Week, ReadsDaysAndTimes) {
  EXPECT_EQ(parse_days("mon-fri"), 0x1F);
  EXPECT_EQ(parse_days("sat,sun"), 0x60);
  EXPECT_EQ(parse_days("fri-mon"), 0x71);
  EXPECT_EQ(parse_days("Monday"), 0x01);
  EXPECT_EQ(parse_days("some"), std::nullopt);
  EXPECT_EQ(parse_days(""), std::nullopt);
  EXPECT_EQ(parse_time_of_day("24:00"), 1440);
  EXPECT_EQ(parse_time_of_day("24:01"), std::nullopt);
  EXPECT_EQ(parse_time_of_day("7:5x"), std::nullopt);
}

TEST(Week, ReadsSpans) {
  const auto office = parse_span("mon-fri 08:00-18:00");
  ASSERT_TRUE(office);
  EXPECT_EQ(office->days, 0x1F);
  EXPECT_EQ(office->from, 480);
  EXPECT_EQ(office->to, 1080);
  const auto weekend = parse_span("sat,sun");
  ASSERT_TRUE(weekend);
  EXPECT_EQ(weekend->from, 0);
  EXPECT_EQ(weekend->to, 1440);
  EXPECT_TRUE(parse_span("22:00-06:00"));
  EXPECT_FALSE(parse_span("08:00-08:00"));
  EXPECT_FALSE(parse_span("noon"));
  EXPECT_FALSE(parse_span(""));
}

TEST(Week, TheComplementOfANightIsItsDay) {
  const std::vector<WindowCheck::Span> rest = complement({*parse_span("22:00-06:00")});
  ASSERT_EQ(rest.size(), 7u);
  for (const WindowCheck::Span& span : rest) {
    EXPECT_EQ(span.from, 6 * 60);
    EXPECT_EQ(span.to, 22 * 60);
  }
  EXPECT_THAT(complement({*parse_span("mon-sun")}), IsEmpty());
}

TEST(SuspenddConfig, WindowsBecomeACheck) {
  const Config config = config_of("checks: [proxy]\nwindows: {asleep: [\"22:00-06:00\"]}");
  ASSERT_EQ(config.checks.size(), 2u);
  EXPECT_EQ(config.checks[1].name, "windows");
  EXPECT_EQ(std::get<WindowCheck>(config.checks[1].settings).spans.size(), 7u);
}

}  // namespace
}  // namespace rouse::suspendd
