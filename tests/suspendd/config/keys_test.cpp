#include "suspendd/config/config.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

// Each key, with a value that is not its default, and each limit from both sides.

namespace rouse::suspendd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> all;
  for (const Problem& problem : parse_config(text, "f").problems) all.push_back(problem.str());
  return all;
}

Config config_of(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "f");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config ? *loaded.config : Config();
}

/// The settings of a check of that @p kind with these @p keys.
template <class Settings>
Settings check_of(const std::string& kind, const std::string& keys) {
  const Config config = config_of(fmt::format("checks:\n  - {{kind: {}, {}}}\n", kind, keys));
  const auto* const settings =
      config.checks.empty() ? nullptr : std::get_if<Settings>(&config.checks[0].settings);
  EXPECT_NE(settings, nullptr) << kind;
  return settings == nullptr ? Settings() : *settings;
}

TEST(SuspenddConfigKeys, EachReachesItsOwnMember) {
  const Config config = config_of(
      "idle: {time: 11m, poll: 12s, unknown_max: 13m}\n"
      "grace: {min_uptime: 14m, resume: 15s}\n"
      "linger: {wol: 16m, rtc: 17m, other: 18m}\n"
      "proxy: {socket: /p.sock, unreachable: idle, drain_ttl: 19s, unload_timeout: 21s}\n"
      "wol: {interfaces: [eth7], require: false, arm: true, only_magic: false}\n"
      "suspend:\n"
      "  {first_suspend: confirm, verify: 22s, backoff: 23s, backoff_max: 24s, max_failures: 25,\n"
      "   spurious_limit: 26, spurious_window: 27s, min_sleep: 28s}\n"
      "gpu: {probe: false, cuda: false, nvml: libx.so, timeout: 29s, retry: 31s, recover: /bin/r "
      "-x,\n"
      "  recover_timeout: 32s}\n"
      "unload: never\n"
      "wakeups: [{at: \"07:30\", days: mon, why: work}]\n"
      "hooks:\n"
      "  pre_drain: {command: [d], on_fail: abort}\n"
      "  pre_suspend: {command: [s], timeout: 33s}\n"
      "  post_resume: {command: [r]}\n"
      "  on_blocked: {command: [b]}\n"
      "notify: {webhook: \"http://127.0.0.1:34/x\", token: t1, timeout: 35s}\n"
      "metrics: {listen: \"127.0.0.1:36\"}\n"
      "gate: {wait: 37s, on_busy: deny, abort_on_wake: true}\n"
      "power: {idle_watts: 39, sleep_watts: 38}\n"
      "relay:\n"
      "  {listen: \"127.0.0.1:41\", token: t2, macs: [m], interface: eth8, source: 10.0.0.1,\n"
      "   broadcast: [10.0.0.255], raw: true, packets_per_minute: 42}\n"
      "control: {socket: /c.sock, users: [u], groups: [g]}\n"
      "state_dir: /s\n"
      "log_level: warn\n"
      "dry_run: true\n");
  EXPECT_EQ(config.idle.time, 11min);
  EXPECT_EQ(config.idle.poll, 12s);
  EXPECT_EQ(config.idle.unknown_max, 13min);
  EXPECT_EQ(config.grace.min_uptime, 14min);
  EXPECT_EQ(config.grace.resume, 15s);
  EXPECT_EQ(config.linger.wol, 16min);
  EXPECT_EQ(config.linger.rtc, 17min);
  EXPECT_EQ(config.linger.other, 18min);
  EXPECT_EQ(config.proxy.socket, "/p.sock");
  EXPECT_FALSE(config.proxy.unreachable_is_active);
  EXPECT_EQ(config.proxy.drain_ttl, 19s);
  EXPECT_EQ(config.proxy.unload_timeout, 21s);
  EXPECT_THAT(config.wol.interfaces, ElementsAre("eth7"));
  EXPECT_FALSE(config.wol.require);
  EXPECT_TRUE(config.wol.arm);
  EXPECT_FALSE(config.wol.only_magic);
  EXPECT_FALSE(config_of("wol: {arm: false}").wol.arm);
  EXPECT_TRUE(config.suspend.confirm_first);
  EXPECT_EQ(config.suspend.verify, 22s);
  EXPECT_EQ(config.suspend.backoff, 23s);
  EXPECT_EQ(config.suspend.backoff_max, 24s);
  EXPECT_EQ(config.suspend.max_failures, 25);
  EXPECT_EQ(config.suspend.spurious_limit, 26);
  EXPECT_EQ(config.suspend.spurious_window, 27s);
  EXPECT_EQ(config.suspend.min_sleep, 28s);
  EXPECT_FALSE(config.gpu.probe);
  EXPECT_FALSE(config.gpu.cuda);
  EXPECT_EQ(config.gpu.nvml, "libx.so");
  EXPECT_EQ(config.gpu.timeout, 29s);
  EXPECT_EQ(config.gpu.retry, 31s);
  EXPECT_THAT(config.gpu.recover, ElementsAre("/bin/r", "-x"));
  EXPECT_EQ(config.gpu.recover_timeout, 32s);
  EXPECT_FALSE(config.unload);
  ASSERT_EQ(config.wakeups.size(), 1U);
  EXPECT_EQ(config.wakeups[0].why, "work");
  EXPECT_THAT(config.hooks.pre_drain.argv, ElementsAre("d"));
  EXPECT_TRUE(config.hooks.pre_drain.may_veto);
  EXPECT_THAT(config.hooks.pre_suspend.argv, ElementsAre("s"));
  EXPECT_EQ(config.hooks.pre_suspend.timeout, 33s);
  EXPECT_FALSE(config.hooks.pre_suspend.may_veto);
  EXPECT_THAT(config.hooks.post_resume.argv, ElementsAre("r"));
  EXPECT_THAT(config.hooks.on_blocked.argv, ElementsAre("b"));
  ASSERT_TRUE(config.notify.webhook);
  EXPECT_EQ(config.notify.webhook->authority(), "127.0.0.1:34");
  EXPECT_EQ(config.notify.token, "t1");
  EXPECT_EQ(config.notify.timeout, 35s);
  ASSERT_TRUE(config.metrics);
  EXPECT_EQ(config.metrics->port, 36);
  EXPECT_EQ(config.gate.wait, 37s);
  EXPECT_TRUE(config.gate.deny_when_busy);
  EXPECT_TRUE(config.gate.abort_on_wake);
  EXPECT_EQ(config.power.idle_watts, 39);
  EXPECT_EQ(config.power.sleep_watts, 38);
  ASSERT_TRUE(config.relay.listen);
  EXPECT_EQ(config.relay.listen->port, 41);
  EXPECT_EQ(config.relay.token, "t2");
  EXPECT_EQ(config.relay.token_file, "");
  EXPECT_EQ(config_of("relay: {token_file: /t}").relay.token_file, "/t");
  EXPECT_THAT(config.relay.macs, ElementsAre("m"));
  EXPECT_EQ(config.relay.interface, "eth8");
  EXPECT_EQ(config.relay.source, "10.0.0.1");
  EXPECT_THAT(config.relay.broadcast, ElementsAre("10.0.0.255"));
  EXPECT_TRUE(config.relay.raw);
  EXPECT_EQ(config.relay.packets_per_minute, 42);
  EXPECT_EQ(config.control_socket, "/c.sock");
  EXPECT_THAT(config.control_users, ElementsAre("u"));
  EXPECT_THAT(config.control_groups, ElementsAre("g"));
  EXPECT_EQ(config.state_dir, "/s");
  EXPECT_EQ(config.log_level, "warn");
  EXPECT_TRUE(config.dry_run);
}

TEST(SuspenddConfigKeys, EachOfACheckReachesItsOwnMember) {
  const auto swap = check_of<LlamaSwapCheck>("llama_swap", "url: \"http://h:1\", api_key: k");
  EXPECT_EQ(swap.url.authority(), "h:1");
  EXPECT_EQ(swap.api_key, "k");
  const auto prometheus =
      check_of<PrometheusCheck>("prometheus", "url: \"http://h:2/m\", metrics: [a, b]");
  EXPECT_EQ(prometheus.url.base_path, "/m");
  EXPECT_THAT(prometheus.metrics, ElementsAre("a", "b"));
  const auto json = check_of<HttpJsonCheck>(
      "http_json", "url: \"http://h:3\", pointer: /q, idle_values: [\"7\"]");
  EXPECT_EQ(json.pointer, "/q");
  EXPECT_THAT(json.idle_values, ElementsAre("7"));
  const auto sessions =
      check_of<SessionsCheck>("sessions", "idle: 11m, ignore_users: [u], local: false");
  EXPECT_EQ(sessions.idle, 11min);
  EXPECT_THAT(sessions.ignore_users, ElementsAre("u"));
  EXPECT_FALSE(sessions.local);
  EXPECT_EQ(check_of<TtyCheck>("tty", "idle: 12m").idle, 12min);
  EXPECT_THAT(check_of<InhibitorsCheck>("inhibitors", "ignore: [i]").ignore, ElementsAre("i"));
  const auto gpu =
      check_of<GpuCheck>("gpu", "util_percent: 13, foreign_only: false, ignore_processes: [p]");
  EXPECT_EQ(gpu.util_percent, 13);
  EXPECT_FALSE(gpu.foreign_only);
  EXPECT_THAT(gpu.ignore_processes, ElementsAre("p"));
  const auto cpu = check_of<CpuCheck>("cpu", "cores: 1.5, pressure: 14, cgroup: c, over: 15s");
  EXPECT_EQ(cpu.cores, 1.5);
  EXPECT_EQ(cpu.pressure, 14);
  EXPECT_EQ(cpu.cgroup, "c");
  EXPECT_EQ(cpu.over, 15s);
  const auto net = check_of<NetCheck>("net", "interfaces: [n], bytes_per_second: 16, over: 17s");
  EXPECT_THAT(net.interfaces, ElementsAre("n"));
  EXPECT_EQ(net.bytes_per_second, 16U);
  EXPECT_EQ(net.over, 17s);
  const auto disk = check_of<DiskCheck>("disk", "devices: [d], bytes_per_second: 18, over: 19s");
  EXPECT_THAT(disk.devices, ElementsAre("d"));
  EXPECT_EQ(disk.bytes_per_second, 18U);
  EXPECT_EQ(disk.over, 19s);
  const auto port = check_of<PortCheck>("port", "ports: [21, 65535], idle: 22m");
  EXPECT_THAT(port.ports, ElementsAre(21, 65535));
  EXPECT_EQ(port.idle, 22min);
  const auto process = check_of<ProcessCheck>("process", "names: [n], command: c, cores: 2.5");
  EXPECT_THAT(process.names, ElementsAre("n"));
  EXPECT_EQ(process.command, "c");
  EXPECT_EQ(process.cores, 2.5);
  EXPECT_EQ(check_of<ProcessCheck>("process", "command: x").command, "x") << "a pattern is enough";
  EXPECT_THAT(check_of<UnitCheck>("unit", "units: [u]").units, ElementsAre("u"));
  EXPECT_THAT(check_of<MountCheck>("mount", "points: [/m]").points, ElementsAre("/m"));
  const auto file = check_of<FileMtimeCheck>("file_mtime", "paths: [/f], idle: 23m");
  EXPECT_THAT(file.paths, ElementsAre("/f"));
  EXPECT_EQ(file.idle, 23min);
  const auto window =
      check_of<WindowCheck>("window", "awake: [\"mon 08:00-09:00\"], time_zone: Europe/Berlin");
  ASSERT_EQ(window.spans.size(), 1U);
  EXPECT_EQ(window.spans[0].to, 9 * 60);
  EXPECT_EQ(window.time_zone, "Europe/Berlin");
  EXPECT_THAT(check_of<UpcomingCheck>("upcoming", "timers: [t]").timers, ElementsAre("t"));
}

TEST(SuspenddConfigKeys, WhatIsDueSoonIsMeasuredByTheLeastSleep) {
  const Config usual = config_of("suspend: {min_sleep: 3m}");
  EXPECT_EQ(std::get<UpcomingCheck>(usual.checks.back().settings).min_sleep, 3min);
  const Config named = config_of("suspend: {min_sleep: 4m}\nchecks: [upcoming]");
  EXPECT_EQ(std::get<UpcomingCheck>(named.checks.back().settings).min_sleep, 4min);
}

TEST(SuspenddConfigKeys, LimitsAreAllowedThemselves) {
  for (const char* fine :
       {"idle: {poll: 100ms, time: 500ms}", "idle: {poll: 1s, time: 1s}", "gate: {wait: 100s}",
        "suspend: {backoff: 1m, backoff_max: 1m}", "power: {sleep_watts: 3}",
        "checks: [{kind: cpu, every: 100ms, timeout: 1ms}]"}) {
    EXPECT_THAT(problems_of(fine), IsEmpty()) << fine;
  }
  EXPECT_THAT(problems_of("idle: {time: 499ms, poll: 100ms}"), ElementsAre(HasSubstr("at least")));
  EXPECT_THAT(problems_of("gate: {wait: 101s}"), ElementsAre(HasSubstr("at most")));
  EXPECT_THAT(problems_of("checks: [{kind: cpu, every: 99ms}]"),
              ElementsAre(HasSubstr("every: more often than")));
  EXPECT_THAT(problems_of("checks: [{kind: cpu, timeout: 0}]"),
              ElementsAre(HasSubstr("timeout: must be more than nothing")));
}

TEST(SuspenddConfigKeys, WhatCannotBeIsRefused) {
  EXPECT_THAT(problems_of("wakeups: [{at: \"24:00\"}]"),
              ElementsAre(HasSubstr("wakeups[0].at: expected a time of day")));
  EXPECT_THAT(problems_of("hooks: {post_resume: {command: [x], on_fail: abort}}"),
              ElementsAre(HasSubstr("there is nothing left to abort")));
  EXPECT_THAT(problems_of("control: {socket: s.sock}"),
              ElementsAre(HasSubstr("control.socket: expected an absolute path")));
  EXPECT_THAT(problems_of("state_dir: state"),
              ElementsAre(HasSubstr("state_dir: expected an absolute path")));
  EXPECT_THAT(problems_of("checks: [{kind: port, ports: [0, 22x]}]"),
              ElementsAre(HasSubstr("\"0\" is no port"), HasSubstr("\"22x\" is no port")));
  EXPECT_THAT(problems_of("checks: [{kind: window, awake: [noon]}]"),
              ElementsAre(HasSubstr("expected a time of the week")));
  EXPECT_THAT(problems_of("checks: [window]"), ElementsAre(HasSubstr("awake: is missing")));
  EXPECT_THAT(problems_of("checks: [prometheus]"), ElementsAre(HasSubstr("url: is missing")));
  EXPECT_THAT(problems_of("checks: [{kind: prometheus, url: \"ftp://h\"}]"),
              ElementsAre(HasSubstr("checks[0].url: ")));
  EXPECT_THAT(problems_of("checks: [{kind: prometheus, url: \"http://h\", metrics: []}]"),
              ElementsAre(HasSubstr("metrics: is empty")));
  EXPECT_THAT(problems_of("checks: [{kind: http_json, url: \"http://h\", pointer: q}]"),
              ElementsAre(HasSubstr("pointer: begins with a slash")));
}

TEST(SuspenddConfigKeys, WindowsAddUp) {
  const Config config = config_of(
      "checks: [proxy]\n"
      "windows: {awake: [\"sat 08:00-09:00\"], asleep: [\"22:00-06:00\"], time_zone: UTC}\n");
  const auto& window = std::get<WindowCheck>(config.checks.at(1).settings);
  EXPECT_EQ(window.spans.size(), 8U);
  EXPECT_EQ(window.time_zone, "UTC");
}

TEST(SuspenddConfigKeys, ValuesMayBeOfTheEnvironment) {
  ::setenv("ROUSE_TEST_WHY", "work", 1);
  EXPECT_EQ(
      config_of("wakeups: [{at: \"07:30\", why: \"${env.ROUSE_TEST_WHY}\"}]").wakeups.at(0).why,
      "work");
  ::unsetenv("ROUSE_TEST_WHY");
  // That it is not set is all that is told: with a value it may be fine.
  for (const char* unset :
       {"state_dir: \"${env.ROUSE_TEST_WHY}\"", "idle: {poll: \"${env.ROUSE_TEST_WHY}\"}"}) {
    EXPECT_THAT(problems_of(unset), ElementsAre(HasSubstr("ROUSE_TEST_WHY"))) << unset;
  }
}

TEST(SuspenddConfigKeys, AFileThatIsTooLargeIsNotRead) {
  const test::TempDir dir;
  const std::string comment(1023, '#');
  std::string text;
  for (int line = 0; line < 1024; ++line) text += comment + "\n";
  EXPECT_NE(load_config(dir.write("suspendd.yaml", text)).config, nullptr) << "just 1 MiB";
  const LoadedConfig loaded = load_config(dir.write("suspendd.yaml", text + "\n"));
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_THAT(loaded.problems[0].str(), HasSubstr("is larger than 1 MiB"));
}

}  // namespace
}  // namespace rouse::suspendd
