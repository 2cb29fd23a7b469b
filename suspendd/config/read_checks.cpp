#include "suspendd/config/read_checks.hpp"

#include "base/text/duration_text.hpp"
#include "base/text/week.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <re2/re2.h>
#include <set>

namespace rouse::suspendd {

namespace {

constexpr milliseconds kEveryLeast{100};

std::vector<std::string> read_needed(const Section& section, std::string_view key,
                                     std::string_view what) {
  std::vector<std::string> texts = section.texts(key);
  if (texts.empty()) section.fault(key, fmt::format("is missing: {}", what));
  return texts;
}

std::vector<std::uint16_t> read_ports(const Section& section) {
  std::vector<std::uint16_t> ports;
  for (const ListItem& item : section.items("ports")) {
    std::uint16_t port = 0;
    const char* const end = item.text.data() + item.text.size();
    const auto [at, error] = std::from_chars(item.text.data(), end, port);
    if (error != std::errc{} || at != end || port == 0) {
      section.fault_at(item, fmt::format("\"{}\" is no port: 1 to 65535", item.text));
    } else {
      ports.push_back(port);
    }
  }
  return ports;
}

std::vector<WindowCheck::Span> read_spans(const Section& section, std::string_view key) {
  std::vector<WindowCheck::Span> spans;
  for (const ListItem& item : section.items(key)) {
    if (const auto span = parse_span(item.text)) {
      spans.push_back(*span);
    } else {
      section.fault_at(item, fmt::format("expected a time of the week such as \"mon-fri "
                                         "08:00-18:00\" or \"22:00-06:00\", got \"{}\"",
                                         item.text));
    }
  }
  return spans;
}

CheckSettings read_prometheus(const Section& section) {
  PrometheusCheck check;
  check.url = read_endpoint(section, "url");
  if (section.is_given("metrics")) check.metrics = section.texts("metrics");
  if (check.metrics.empty()) section.fault("metrics", "is empty: it would never be active");
  return check;
}

CheckSettings read_http_json(const Section& section) {
  HttpJsonCheck check;
  check.url = read_endpoint(section, "url");
  check.pointer = section.text("pointer");
  if (!check.pointer.empty() && check.pointer.front() != '/') {
    section.fault("pointer", "begins with a slash: /queue/length");
  }
  if (section.is_given("idle_values")) check.idle_values = section.texts("idle_values");
  return check;
}

CheckSettings read_gpu_check(const Section& section) {
  GpuCheck check;
  check.util_percent = section.number("util_percent", check.util_percent);
  check.foreign_only = section.truth("foreign_only", check.foreign_only);
  check.ignore_processes = section.texts("ignore_processes");
  return check;
}

CheckSettings read_cpu(const Section& section) {
  CpuCheck check;
  check.cores = section.real("cores", check.cores);
  check.pressure = section.real("pressure", check.pressure);
  check.cgroup = section.text("cgroup");
  check.over = section.duration("over", check.over);
  return check;
}

CheckSettings read_process(const Section& section) {
  ProcessCheck check;
  check.names = section.texts("names");
  check.command = section.text("command");
  check.cores = section.real("cores", 0);
  // Without either it would match every process, and the machine would never sleep.
  if (check.names.empty() && check.command.empty()) {
    section.fault("names", "is missing: the programs that count (or a pattern, as command)");
  }
  const re2::RE2 pattern(check.command, re2::RE2::Quiet);
  if (!pattern.ok()) {
    section.fault("command", fmt::format("\"{}\" is no regular expression: {}", check.command,
                                         pattern.error()));
  }
  return check;
}

CheckSettings read_network(const std::string& kind, const Section& section) {
  if (kind == "llama_swap") {
    return LlamaSwapCheck{read_endpoint(section, "url"), section.text("api_key")};
  }
  if (kind == "ssh") {
    SshCheck check;
    check.ports = read_ports(section);
    check.idle = section.duration("idle", check.idle);
    return check;
  }
  if (kind == "port") {
    PortCheck check;
    check.ports = read_ports(section);
    check.idle = section.duration("idle", check.idle);
    if (!section.is_given("ports")) section.fault("ports", "is missing: the ports that count");
    return check;
  }
  NetCheck check;
  check.interfaces = section.texts("interfaces");
  check.bytes_per_second = section.size("bytes_per_second", check.bytes_per_second);
  check.over = section.duration("over", check.over);
  return check;
}

CheckSettings read_people(const std::string& kind, const Section& section) {
  if (kind == "tty") return TtyCheck{section.duration("idle", TtyCheck().idle)};
  SessionsCheck check;
  check.idle = section.duration("idle", check.idle);
  check.ignore_users = section.texts("ignore_users");
  check.local = section.truth("local", check.local);
  return check;
}

CheckSettings read_disk(const Section& section) {
  DiskCheck check;
  check.devices = section.texts("devices");
  check.bytes_per_second = section.size("bytes_per_second", check.bytes_per_second);
  check.over = section.duration("over", check.over);
  return check;
}

CheckSettings read_file_mtime(const Section& section) {
  return FileMtimeCheck{read_needed(section, "paths", "the files whose changes count"),
                        section.duration("idle", FileMtimeCheck().idle)};
}

CheckSettings read_command_check(const Section& section) {
  CommandCheck check{read_command(section, "command")};
  if (check.argv.empty()) section.fault("command", "is missing: the program to ask");
  return check;
}

CheckSettings read_window(const Section& section) {
  WindowCheck check{read_spans(section, "awake"), section.text("time_zone")};
  if (!section.is_given("awake")) section.fault("awake", "is missing: the times to be awake");
  return check;
}

CheckSettings read_settings(const std::string& kind, const Section& section, const Config& config) {
  if (kind == "proxy") return ProxyCheck{};
  if (kind == "prometheus") return read_prometheus(section);
  if (kind == "http_json") return read_http_json(section);
  if (kind == "sessions" || kind == "tty") return read_people(kind, section);
  if (kind == "inhibitors") return InhibitorsCheck{section.texts("ignore")};
  if (kind == "gpu") return read_gpu_check(section);
  if (kind == "cpu") return read_cpu(section);
  if (kind == "disk") return read_disk(section);
  if (kind == "process") return read_process(section);
  if (kind == "unit") return UnitCheck{read_needed(section, "units", "the units that count")};
  if (kind == "mount") return MountCheck{read_needed(section, "points", "the paths that count")};
  if (kind == "file_mtime") return read_file_mtime(section);
  if (kind == "command") return read_command_check(section);
  if (kind == "window") return read_window(section);
  if (kind == "upcoming") {
    UpcomingCheck check;
    check.timers = section.texts("timers");
    check.min_sleep = config.suspend.min_sleep;
    return check;
  }
  return read_network(kind, section);  // llama_swap, ssh, port, net
}

CheckConfig read_check(const std::string& kind, const Section& section, const Config& config) {
  CheckConfig check;
  check.name = section.text("name", kind);
  check.every = section.duration("every", config.idle.poll);
  check.timeout = section.duration("timeout", check.timeout);
  if (check.every < kEveryLeast) section.fault("every", "more often than every 100ms is a burden");
  if (check.timeout <= milliseconds(0)) section.fault("timeout", "must be more than nothing");
  check.settings = read_settings(kind, section, config);
  return check;
}

void add_windows(const Section& top, const Config& config, std::vector<CheckConfig>& checks) {
  const Section windows = top.section("windows");
  WindowCheck window;
  window.spans = read_spans(windows, "awake");
  window.time_zone = windows.text("time_zone");
  const std::vector<WindowCheck::Span> asleep = read_spans(windows, "asleep");
  if (!asleep.empty()) {
    for (const WindowCheck::Span& span : complement(asleep)) window.spans.push_back(span);
  }
  if (window.spans.empty()) return;
  checks.push_back({"windows", window, milliseconds(5'000), config.idle.poll});
}

}  // namespace

std::vector<std::string> read_command(const Section& section, std::string_view key) {
  const YamlNode* const node = section.node(key);
  if (node == nullptr) return {};
  if (node->is_list()) return section.texts(key);
  const std::string text = section.text(key);
  if (text.find_first_of("\"'\\|&;<>$`*?") != std::string::npos) {
    section.fault(key,
                  "no shell reads this: write a list of program and arguments, such as "
                  "[/bin/sh, -c, \"…\"]");
    return {};
  }
  std::vector<std::string> words;
  std::size_t at = text.find_first_not_of(" \t\r\n");
  while (at != std::string::npos) {
    const std::size_t end = text.find_first_of(" \t\r\n", at);
    words.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? end : text.find_first_not_of(" \t\r\n", end);
  }
  return words;
}

Endpoint read_endpoint(const Section& section, std::string_view key) {
  const std::string text = trimmed(section.text(key));
  if (text.empty()) {
    section.fault(key, "is missing: http://HOST:PORT/PATH");
    return {};
  }
  const Result<Endpoint> endpoint = Endpoint::parse(text);
  if (endpoint) return *endpoint;
  section.fault(key, endpoint.error().message());
  return {};
}

std::vector<CheckConfig> read_checks(const Section& top, const Config& config) {
  std::vector<CheckConfig> checks;
  if (!top.is_given("checks")) {
    checks = default_checks(config);
  } else {
    std::set<std::string> names;
    top.each_item("checks", [&](const std::string& kind, const Section& section) {
      CheckConfig check = read_check(kind, section, config);
      if (!names.insert(check.name).second) {
        section.fault("name", fmt::format("another check is called \"{}\", too", check.name));
      }
      checks.push_back(std::move(check));
    });
  }
  add_windows(top, config, checks);
  return checks;
}

std::vector<CheckConfig> default_checks(const Config& config) {
  std::vector<CheckConfig> checks;
  const auto add = [&](const char* name, CheckSettings settings) {
    checks.push_back({name, std::move(settings), milliseconds(5'000), config.idle.poll});
  };
  if (!config.proxy.socket.empty()) add("proxy", ProxyCheck{});
  add("sessions", SessionsCheck{});
  add("ssh", SshCheck{});
  add("inhibitors", InhibitorsCheck{});
  add("gpu", GpuCheck{});
  add("cpu", CpuCheck{});
  add("net", NetCheck{});
  UpcomingCheck upcoming;
  upcoming.min_sleep = config.suspend.min_sleep;
  add("upcoming", upcoming);
  return checks;
}

}  // namespace rouse::suspendd
