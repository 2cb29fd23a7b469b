#include "suspendd/config/config.hpp"

#include "base/config/environment.hpp"
#include "base/config/follow_ups.hpp"
#include "base/config/section.hpp"
#include "base/config/shape.hpp"
#include "base/text/ascii.hpp"
#include "base/text/duration_text.hpp"
#include "base/text/week.hpp"
#include "suspendd/config/read_checks.hpp"
#include "suspendd/config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>
#include <tuple>

namespace rouse::suspendd {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileMax = 1024 * 1024;
constexpr milliseconds kGateWaitMost{100'000};  // the command waits 110 s, and its unit 120 s

/// At least @p least, or a fault.
milliseconds bounded(const Section& section, std::string_view key, milliseconds otherwise,
                     milliseconds least) {
  const milliseconds value = section.duration(key, otherwise);
  if (value >= least) return value;
  section.fault(
      key, fmt::format("must be at least {}, got {}", duration_text(least), section.text(key)));
  return otherwise;
}

std::optional<ListenAddress> read_listen(const Section& section) {
  const std::string text = trimmed(section.text("listen"));
  if (text.empty()) return std::nullopt;
  if (auto address = ListenAddress::parse(text)) return address;
  section.fault("listen",
                fmt::format("expected HOST:PORT such as 127.0.0.1:9765, got \"{}\"", text));
  return std::nullopt;
}

void read_times(const Section& top, Config& config) {
  const Section idle = top.section("idle");
  config.idle.poll = bounded(idle, "poll", config.idle.poll, milliseconds(100));
  config.idle.time = bounded(idle, "time", config.idle.time, milliseconds(500));
  config.idle.unknown_max =
      bounded(idle, "unknown_max", config.idle.unknown_max, milliseconds(1'000));
  if (config.idle.poll > config.idle.time) {
    idle.fault("poll", fmt::format("is longer than idle.time ({}): nothing would have looked twice",
                                   duration_text(config.idle.time)));
  }
  const Section grace = top.section("grace");
  config.grace.min_uptime = grace.duration("min_uptime", config.grace.min_uptime);
  config.grace.resume = grace.duration("resume", config.grace.resume);
  const Section linger = top.section("linger");
  config.linger.wol = linger.duration("wol", config.linger.wol);
  config.linger.rtc = linger.duration("rtc", config.linger.rtc);
  config.linger.other = linger.duration("other", config.linger.other);
}

void read_suspend(const Section& top, Config& config) {
  const Section section = top.section("suspend");
  SuspendConfig& suspend = config.suspend;
  suspend.confirm_first = section.text("first_suspend", "allow") == "confirm";
  suspend.verify = bounded(section, "verify", suspend.verify, milliseconds(1'000));
  suspend.backoff = bounded(section, "backoff", suspend.backoff, milliseconds(100));
  suspend.backoff_max = bounded(section, "backoff_max", suspend.backoff_max, milliseconds(100));
  if (suspend.backoff_max < suspend.backoff) {
    section.fault("backoff_max",
                  fmt::format("is shorter than backoff ({})", duration_text(suspend.backoff)));
  }
  suspend.max_failures = section.number("max_failures", suspend.max_failures);
  suspend.spurious_limit = section.number("spurious_limit", suspend.spurious_limit);
  suspend.spurious_window = section.duration("spurious_window", suspend.spurious_window);
  suspend.min_sleep = section.duration("min_sleep", suspend.min_sleep);
}

void read_proxy(const Section& top, Config& config) {
  const Section section = top.section("proxy");
  const std::string socket = trimmed(section.text("socket", config.proxy.socket));
  config.proxy.socket = socket == "none" ? std::string() : socket;
  if (socket != "none" && !socket.starts_with('/')) {
    section.fault("socket", fmt::format("expected an absolute path, or none; got \"{}\"", socket));
  }
  config.proxy.unreachable_is_active = section.text("unreachable", "active") != "idle";
  config.proxy.drain_ttl =
      bounded(section, "drain_ttl", config.proxy.drain_ttl, milliseconds(5'000));
  config.proxy.unload_timeout =
      bounded(section, "unload_timeout", config.proxy.unload_timeout, milliseconds(1'000));
}

void read_machine(const Section& top, Config& config) {
  const Section wol = top.section("wol");
  config.wol.interfaces = wol.texts("interfaces");
  config.wol.require = wol.truth("require", true);
  config.wol.arm = wol.truth("arm", true);
  config.wol.only_magic = wol.truth("only_magic", true);
  const Section gpu = top.section("gpu");
  config.gpu.probe = gpu.truth("probe", true);
  config.gpu.cuda = gpu.truth("cuda", true);
  config.gpu.nvml = gpu.text("nvml", config.gpu.nvml);
  config.gpu.timeout = bounded(gpu, "timeout", config.gpu.timeout, milliseconds(100));
  config.gpu.retry = gpu.duration("retry", config.gpu.retry);
  config.gpu.recover = read_command(gpu, "recover");
  config.gpu.recover_timeout =
      bounded(gpu, "recover_timeout", config.gpu.recover_timeout, milliseconds(100));
  const Section power = top.section("power");
  config.power.idle_watts = power.real("idle_watts", 0);
  config.power.sleep_watts = power.real("sleep_watts", 0);
  const bool both_given = power.is_given("idle_watts") && power.is_given("sleep_watts");
  if (both_given && config.power.sleep_watts > config.power.idle_watts) {
    power.fault("sleep_watts", "is more than idle_watts: nothing would be saved");
  }
}

void read_wakeups(const Section& top, Config& config) {
  top.each_item("wakeups", [&](const std::string&, const Section& section) {
    WakeupConfig wakeup;
    const auto at = parse_time_of_day(section.text("at"));
    const auto days = parse_days(section.text("days", "mon-sun"));
    if (!at || *at == 24 * 60) {
      section.fault("at", fmt::format("expected a time of day such as 07:30, got \"{}\"",
                                      section.text("at")));
    }
    if (!days) {
      section.fault("days", fmt::format("expected days such as mon-fri or sat,sun, got \"{}\"",
                                        section.text("days")));
    }
    wakeup.at = at.value_or(0);
    wakeup.days = days.value_or(0x7F);
    wakeup.why = section.text("why");
    config.wakeups.push_back(std::move(wakeup));
  });
}

HookConfig read_hook(const Section& hooks, std::string_view name, bool can_veto) {
  const Section section = hooks.section(name);
  HookConfig hook;
  hook.argv = read_command(section, "command");
  if (hooks.is_given(name) && hook.argv.empty()) {
    section.fault("command", "is missing: the program to run");
  }
  hook.timeout = bounded(section, "timeout", hook.timeout, milliseconds(10));
  hook.may_veto = section.text("on_fail", "continue") == "abort";
  if (hook.may_veto && !can_veto) {
    section.fault("on_fail", "abort makes no sense here: there is nothing left to abort");
  }
  return hook;
}

void read_company(const Section& top, Config& config) {
  const Section hooks = top.section("hooks");
  config.hooks.pre_drain = read_hook(hooks, "pre_drain", true);
  config.hooks.pre_suspend = read_hook(hooks, "pre_suspend", true);
  config.hooks.post_resume = read_hook(hooks, "post_resume", false);
  config.hooks.on_blocked = read_hook(hooks, "on_blocked", false);
  const Section notify = top.section("notify");
  if (notify.is_given("webhook")) config.notify.webhook = read_endpoint(notify, "webhook");
  config.notify.token = notify.text("token");
  config.notify.timeout = bounded(notify, "timeout", config.notify.timeout, milliseconds(100));
  const Section metrics = top.section("metrics");
  config.metrics = read_listen(metrics);
  for (const std::string& host : metrics.texts("hosts")) {
    config.metrics_hosts.push_back(to_lower(trimmed(host)));
  }
  const Section gate = top.section("gate");
  config.gate.wait = gate.duration("wait", config.gate.wait);
  if (config.gate.wait > kGateWaitMost) {
    gate.fault("wait", fmt::format("must be at most {}: the gate itself gives up soon after",
                                   duration_text(kGateWaitMost)));
  }
  config.gate.deny_when_busy = gate.text("on_busy", "allow") == "deny";
  config.gate.abort_on_wake = gate.truth("abort_on_wake", false);
}

void read_relay(const Section& top, Config& config) {
  const Section relay = top.section("relay");
  config.relay.listen = read_listen(relay);
  config.relay.token = relay.text("token");
  config.relay.macs = relay.texts("macs");
  config.relay.interface = relay.text("interface");
  config.relay.source = relay.text("source");
  config.relay.token_file = relay.text("token_file");
  config.relay.broadcast = relay.texts("broadcast");
  config.relay.raw = relay.truth("raw", false);
  config.relay.packets_per_minute =
      relay.number("packets_per_minute", config.relay.packets_per_minute);
}

void read_control(const Section& top, Config& config) {
  const Section control = top.section("control");
  config.control_socket = trimmed(control.text("socket", config.control_socket));
  config.control_users = control.texts("users");
  if (control.is_given("groups")) config.control_groups = control.texts("groups");
  config.state_dir = trimmed(top.text("state_dir", config.state_dir));
  if (!config.control_socket.starts_with('/')) {
    control.fault("socket", "expected an absolute path");
  }
  if (!config.state_dir.starts_with('/')) top.fault("state_dir", "expected an absolute path");
  config.log_level = top.text("log_level", "info");
  config.dry_run = top.truth("dry_run", false);
  config.unload = top.text("unload", "auto") != "never";
}

/// The variables that @p root names, before they are put in, but for those that a program is given
/// on its command line.
std::set<std::string, std::less<>> secret_variables(const YamlNode& root) {
  std::set<std::string, std::less<>> named;
  std::set<std::string, std::less<>> given;
  add_variables(root, named);
  if (const YamlNode* const hooks = root.find("hooks")) add_variables(*hooks, given);
  const YamlNode* const gpu = root.find("gpu");
  const YamlNode* const recover = gpu == nullptr ? nullptr : gpu->find("recover");
  if (recover != nullptr) add_variables(*recover, given);
  if (const YamlNode* const checks = root.find("checks")) {
    for (const YamlNode& check : checks->items) {
      if (const YamlNode* const command = check.find("command")) add_variables(*command, given);
    }
  }
  std::erase_if(named, [&](const std::string& name) { return given.contains(name); });
  return named;
}

LoadedConfig finish(const YamlNode& root, std::set<std::string, std::less<>> withheld,
                    std::vector<Problem> problems) {
  LoadedConfig loaded;
  auto config = std::make_shared<Config>();
  config->withheld = std::move(withheld);
  const std::string fault = top_fault(root, config_table());
  if (!fault.empty()) {
    problems.push_back({Problem::Severity::Error, root.place, "", fault});
  } else {
    loaded.is_empty = root.is_null();
    std::vector<std::string> unsupported;
    const std::size_t known = problems.size();
    check_shape(root, config_table(), problems, unsupported);
    std::vector<Problem> later;
    const Section top(root.is_map() ? &root : nullptr, config_table(), later);
    read_times(top, *config);
    read_suspend(top, *config);
    read_proxy(top, *config);
    read_machine(top, *config);
    read_wakeups(top, *config);
    read_company(top, *config);
    read_relay(top, *config);
    read_control(top, *config);
    config->checks = read_checks(top, *config);
    drop_follow_ups(root, known, problems);
    const YamlNode* const checks = top.node("checks");
    if (checks != nullptr && checks->is_list() && checks->items.empty()) {
      top.fault("checks", "is empty: the machine would sleep whatever happens on it");
    }
    const YamlNode* const given = root.find("checks");
    if (given != nullptr && given->is_null()) {
      top.fault_at(given->place, "checks",
                   "has no entries: leave the line out for the usual checks");
    }
    add_independent(problems, std::move(later));
  }
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  if (!has_errors(problems)) loaded.config = std::move(config);
  loaded.problems = std::move(problems);
  return loaded;
}

}  // namespace

LoadedConfig load_config(const std::string& path) {
  LoadedConfig loaded;
  const auto refuse = [&](std::string text) {
    loaded.problems.push_back({Problem::Severity::Error, {path, 0, 0}, "", std::move(text)});
    return loaded;
  };
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) return refuse("cannot be read: " + error.message());
  if (size > kFileMax) return refuse("is larger than 1 MiB");
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse("cannot be read: " + std::generic_category().message(errno));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_config(text, path);
}

LoadedConfig parse_config(std::string_view text, const std::string& name) {
  std::vector<Problem> problems;
  YamlNode root = read_yaml(std::string(text), name, problems);
  if (root.is_null() && has_errors(problems)) return {nullptr, std::move(problems), false};
  std::set<std::string, std::less<>> withheld = secret_variables(root);
  expand_environment(root, "", problems, {});
  return finish(root, std::move(withheld), std::move(problems));
}

}  // namespace rouse::suspendd
