#pragma once

#include "tests/integration/demo_world.hpp"
#include "tests/support/fake_logind.hpp"
#include "tests/support/http_probe.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/support/world.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::test {

/// A box: a real rouse with its engines, a real rouse-suspendd, a logind of the test's own, and a
/// made-up machine below them that sleeps when it is told.
class Box {
 public:
  /// @p keys: lines of suspendd.yaml beyond the usual ones of a test, which are quick.
  explicit Box(std::string_view keys = {},
               const std::vector<std::string>& entries = {fake_model("a")})
      : world(models(entries, "power: {}\n")) {
    make_machine();
    write_config(keys);
  }

  /// @p proxy: keys of its section; @p check: the check of the proxy.
  void write_config(std::string_view keys, std::string_view proxy = {},
                    std::string_view check = "  - proxy\n") {
    const std::string section = proxy.starts_with("socket")
                                    ? std::string(proxy)
                                    : fmt::format("socket: {}, {}", power_socket(), proxy);
    config = dir.write(
        "suspendd.yaml",
        fmt::format("state_dir: {0}/state\n"
                    "control: {{socket: {0}/s.sock}}\n"
                    "proxy: {{{1}}}\n"
                    "{3}"
                    "grace: {{min_uptime: 0, resume: 200ms}}\n"
                    "linger: {{wol: 2s, rtc: 2s, other: 2s}}\n"
                    "gpu: {{probe: false}}\n"
                    "log_level: debug\n"
                    "checks:\n"
                    "{4}"
                    "  - inhibitors\n"
                    "  - {{kind: file_mtime, name: busy, paths: [/busy], idle: 24h}}\n"
                    "{2}\n",
                    dir.path().string(), section, keys,
                    keys.find("idle:") == keys.npos ? "idle: {time: 600ms, poll: 100ms}\n" : "",
                    check));
  }

  [[nodiscard]] std::string power_socket() const { return world.dir() / "run/power.sock"; }
  [[nodiscard]] std::string socket() const { return dir / "s.sock"; }

  void start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv{built_program("rouse-suspendd"),
                                  "run",
                                  "--config",
                                  config,
                                  "--root",
                                  tree.at(""),
                                  "--bus",
                                  logind.address()};
    argv.insert(argv.end(), more.begin(), more.end());
    daemon = std::make_unique<ChildProcess>(argv);
    EXPECT_TRUE(wait_until([&] { return HttpProbe(socket()).connected(); })) << daemon->output();
  }
  void kill_daemon() {
    daemon->signal(SIGKILL);
    (void)daemon->wait();
  }
  /// SIGTERM; its exit status.
  std::optional<int> stop() {
    daemon->signal(SIGTERM);
    return daemon->wait();
  }

  /// @p words as on its command line; {exit status, output}.
  [[nodiscard]] std::pair<int, std::string> command(std::vector<std::string> words) const {
    words.insert(words.begin(), {built_program("rouse-suspendd"), "--config", config, "--root",
                                 tree.at(""), "--bus", logind.address()});
    return run_program(words);
  }

  [[nodiscard]] std::string get(std::string_view target) const {
    HttpProbe probe(socket());
    if (!probe.connected() || !probe.send_request("GET", target)) return {};
    return probe.read_response().body;
  }
  [[nodiscard]] std::string status() const { return get("/v1/status"); }
  [[nodiscard]] std::string explain() const { return get("/v1/explain"); }
  [[nodiscard]] bool is_in(std::string_view state,
                           std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    const std::string text = fmt::format(R"({{"state":"{}")", state);
    return wait_until([&] { return status().starts_with(text); }, limit);
  }
  [[nodiscard]] bool says(std::string_view text,
                          std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    return wait_until([&] { return status().find(text) != std::string::npos; }, limit);
  }

  [[nodiscard]] std::string proxy_state() const {
    HttpProbe probe(power_socket());
    if (!probe.connected() || !probe.send_request("GET", "/v1/power/activity")) return "gone";
    const std::string body = probe.read_response().body;
    static constexpr std::string_view kKey = R"({"state":")";
    if (!body.starts_with(kKey)) return body;
    return body.substr(kKey.size(), body.find('"', kKey.size()) - kKey.size());
  }
  [[nodiscard]] bool proxy_is(std::string_view state) const {
    return wait_until([&] { return proxy_state() == state; });
  }
  [[nodiscard]] int ask(std::string_view model = "a") const {
    return world.post("/v1/chat/completions", chat(model)).status;
  }

  /// Something that only this machine's owner knows of is active.
  void be_busy(bool busy) const {
    if (busy) {
      tree.file("/busy", "");
    } else {
      tree.remove("/busy");
    }
  }

  /// What the kernel would show after it has slept so long and was woken by a packet.
  void pass_the_night(std::chrono::milliseconds asleep) {
    asleep_ += asleep;
    ++successes_;
    tree.file("/asleep_ms", std::to_string(asleep_.count()));
    tree.file("/sys/power/suspend_stats/success", std::to_string(successes_));
    tree.file("/sys/class/wakeup/wakeup3/event_count", std::to_string(successes_));
  }
  /// Waits until it sleeps, and wakes it.
  void sleep_and_wake() {
    ASSERT_TRUE(logind.wait_for_state("asleep")) << explain() << daemon->output();
    pass_the_night(std::chrono::hours(8));
    logind.wake();
  }
  [[nodiscard]] int suspend_calls() {
    int count = 0;
    for (const std::string& call : logind.calls()) count += call.starts_with("Suspend") ? 1 : 0;
    return count;
  }

  FakeLogind logind;
  GeneratedTree tree;
  TempDir dir;
  World world;
  std::string config;
  std::unique_ptr<ChildProcess> daemon;

 private:
  void make_machine() {
    tree.file("/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
    tree.file("/proc/mounts", "");
    tree.file("/proc/self/mountinfo", "");
    tree.file("/sys/power/state", "freeze mem disk\n");
    tree.file("/sys/power/mem_sleep", "s2idle [deep]\n");
    for (const char* name : {"success", "fail", "last_failed_errno"}) {
      tree.file(std::string("/sys/power/suspend_stats/") + name, "0\n");
    }
    for (const char* name : {"last_failed_dev", "last_failed_step"}) {
      tree.file(std::string("/sys/power/suspend_stats/") + name, "\n");
    }
    const std::string card = "/sys/devices/pci0000:00/0000:00:1f.6";
    tree.file(card + "/power/wakeup", "enabled\n");
    tree.file(card + "/net/eth0/address", "3c:ec:ef:12:34:56\n");
    tree.file(card + "/net/eth0/operstate", "up\n");
    tree.file(card + "/net/eth0/type", "1\n");
    tree.link(card + "/net/eth0/device", card);
    tree.link("/sys/class/net/eth0", card + "/net/eth0");
    tree.file("/sys/class/wakeup/wakeup3/name", "0000:00:1f.6\n");
    tree.file("/sys/class/wakeup/wakeup3/event_count", "0\n");
    tree.link("/sys/class/wakeup/wakeup3/device", card);
    tree.file("/ethtool/eth0",
              "supported 47\narmed 0\nmac 3c:ec:ef:12:34:56\nip 192.0.2.7\nbroadcast "
              "192.0.2.255\n");
    tree.file("/etc/systemd/sleep.conf.d/rouse.conf", "[Sleep]\nSuspendState=mem\n");
  }

  std::chrono::milliseconds asleep_{0};
  int successes_ = 0;
};

}  // namespace rouse::test
