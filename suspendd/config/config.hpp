#pragma once

#include "base/net/endpoint.hpp"
#include "base/net/listen.hpp"
#include "base/text/week.hpp"
#include "base/yaml/tree.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse::suspendd {

using std::chrono::milliseconds;

// The settings of each kind of activity check. Rates are measured over `over`.
struct ProxyCheck {};  ///< requests, queue, loads at our own proxy, over its power socket
struct LlamaSwapCheck {
  Endpoint url;  ///< of a llama-swap: /api/events (inflight) and /running
  std::string api_key;
};
struct PrometheusCheck {
  Endpoint url;  ///< base_path is the whole path: http://127.0.0.1:8000/metrics
  /// Active when the sum over all series of one of these is above zero.
  std::vector<std::string> metrics{"vllm:num_requests_running", "vllm:num_requests_waiting",
                                   "llamacpp:requests_processing", "llamacpp:requests_deferred"};
};
struct HttpJsonCheck {
  Endpoint url;
  std::string pointer;  ///< RFC 6901, into the answer
  /// Idle when the value there is one of these as JSON text; default: 0, false, null, "", [], {}.
  std::vector<std::string> idle_values{"0", "false", "null", "\"\"", "[]", "{}"};
};
struct SessionsCheck {             ///< logind
  milliseconds idle{60 * 60'000};  ///< a session without input for so long does not count
  std::vector<std::string> ignore_users;
  bool local = true;  ///< also those at the machine itself
};
struct SshCheck {                    ///< established connections to sshd by socket diagnostics
  std::vector<std::uint16_t> ports;  ///< empty: wherever an sshd listens, else 22
  milliseconds idle{60 * 60'000};    ///< nothing received for so long does not count
};
struct TtyCheck {  ///< terminals' access times
  milliseconds idle{15 * 60'000};
};
struct InhibitorsCheck {
  std::vector<std::string> ignore;  ///< by Who
};
struct GpuCheck {
  int util_percent = 5;      ///< at or above in any sample since the last look
  bool foreign_only = true;  ///< engines of our own proxy do not count
  std::vector<std::string> ignore_processes;
};
struct CpuCheck {
  double cores = 0.25;   ///< busy, in cores
  double pressure = 10;  ///< or PSI cpu some avg60 at or above; 0: not asked
  std::string cgroup;    ///< of this cgroup only; empty: the whole machine
  milliseconds over{60'000};
};
struct NetCheck {
  std::vector<std::string> interfaces;  ///< empty: all but lo, veth*, docker*, br-*, tun*, …
  std::uint64_t bytes_per_second = 1024 * 1024;
  milliseconds over{60'000};
};
struct DiskCheck {
  std::vector<std::string> devices;  ///< empty: all whole disks but loop, ram, zram
  std::uint64_t bytes_per_second = 5 * 1024 * 1024;
  milliseconds over{60'000};
};
struct PortCheck {                   ///< established connections to local ports
  std::vector<std::uint16_t> ports;  ///< never empty
  milliseconds idle{15 * 60'000};    ///< 0: a connection counts however silent it is
};
struct ProcessCheck {
  std::vector<std::string> names;  ///< comm or first word's basename, exact; never empty
  std::string command;             ///< RE2 found in the command line; empty: not asked
  double cores = 0;                ///< only when it uses at least so much; 0: by existing
};
struct UnitCheck {
  std::vector<std::string> units;  ///< systemd units; active or activating counts
};
struct MountCheck {
  std::vector<std::string> points;  ///< mounted counts
};
struct FileMtimeCheck {
  std::vector<std::string> paths;  ///< globs
  milliseconds idle{15 * 60'000};  ///< changed within counts
};
struct CommandCheck {
  std::vector<std::string> argv;  ///< no shell; exit 0 active, 1 idle, other unknown
};
struct WindowCheck {  ///< awake at these times of the week
  using Span = WeekSpan;
  std::vector<Span> spans;
  std::string time_zone;  ///< empty: the machine's
};
struct UpcomingCheck {              ///< a wake-up or timer is due soon: not worth sleeping
  std::vector<std::string> timers;  ///< systemd timers; our own wakeups always count
  milliseconds min_sleep{10 * 60'000};
};

using CheckSettings =
    std::variant<ProxyCheck, LlamaSwapCheck, PrometheusCheck, HttpJsonCheck, SessionsCheck,
                 SshCheck, TtyCheck, InhibitorsCheck, GpuCheck, CpuCheck, NetCheck, DiskCheck,
                 PortCheck, ProcessCheck, UnitCheck, MountCheck, FileMtimeCheck, CommandCheck,
                 WindowCheck, UpcomingCheck>;

struct CheckConfig {
  std::string name;  ///< unique; its kind when there is one of that kind
  CheckSettings settings;
  milliseconds timeout{5'000};  ///< for one look; beyond it is unknown
  milliseconds every{5'000};
};

struct IdleConfig {
  milliseconds time{15 * 60'000};         ///< all checks idle for so long before it sleeps
  milliseconds poll{5'000};               ///< between two looks of a check
  milliseconds unknown_max{10 * 60'000};  ///< a check blind for so long raises an alarm
};
struct GraceConfig {
  milliseconds min_uptime{5 * 60'000};  ///< after boot
  milliseconds resume{60'000};          ///< after a wake
};
/// How long it stays awake after a wake for which no request comes.
struct LingerConfig {
  milliseconds wol{3 * 60'000};
  milliseconds rtc{10 * 60'000};
  milliseconds other{20 * 60'000};  ///< a button, or what cannot be told
};
struct ProxyConfig {
  std::string socket = "/run/rouse/power.sock";  ///< empty: there is no proxy on this machine
  bool unreachable_is_active = true;
  milliseconds drain_ttl{60'000};
  milliseconds unload_timeout{45'000};
};
struct WolConfig {
  std::vector<std::string> interfaces;  ///< empty: every wired one that can
  bool require = true;                  ///< no sleep when none is armed
  bool arm = true;                      ///< set the flag before each sleep; false: only look
  bool only_magic = true;               ///< clear the other flags, on which anything wakes it
};
struct SuspendConfig {
  bool confirm_first = false;    ///< until a magic packet has woken it once, an operator must agree
  milliseconds verify{60'000};   ///< of awake time until the sleep counts as failed
  milliseconds backoff{60'000};  ///< after a failure; doubles
  milliseconds backoff_max{60 * 60'000};
  int max_failures = 5;    ///< in a row, then blocked
  int spurious_limit = 3;  ///< wakes for nothing within spurious_window, then blocked
  milliseconds spurious_window{30 * 60'000};
  milliseconds min_sleep{10 * 60'000};  ///< a wake-up due sooner keeps it awake
};
struct GpuConfig {
  bool probe = true;                       ///< ask the driver after each wake, where there is a GPU
  bool cuda = true;                        ///< and whether CUDA starts, where there is one
  std::string nvml = "libnvidia-ml.so.1";  ///< the driver's library, for dlopen
  milliseconds timeout{10'000};
  milliseconds retry{2'000};         ///< before the second try
  std::vector<std::string> recover;  ///< a command, when the GPU stays lost; empty: none
  milliseconds recover_timeout{120'000};
};
struct WakeupConfig {        ///< wake at this time of day
  std::uint8_t days = 0x7F;  ///< bit 0: Monday
  int at = 0;                ///< minutes after midnight, in the machine's time zone
  std::string why;
};
struct HookConfig {
  std::vector<std::string> argv;  ///< no shell; empty: no hook
  milliseconds timeout{30'000};
  bool may_veto = false;  ///< on_fail: abort
};
struct HooksConfig {
  HookConfig pre_drain;
  HookConfig pre_suspend;
  HookConfig post_resume;
  HookConfig on_blocked;
};
struct NotifyConfig {
  std::optional<Endpoint> webhook;  ///< base_path is the whole path
  std::string token;                ///< Authorization: Bearer
  milliseconds timeout{10'000};
};
struct GateConfig {
  milliseconds wait{20'000};
  bool deny_when_busy = false;
  bool abort_on_wake = false;  ///< a wake event after the gate stops the suspend
};
struct PowerConfig {
  double idle_watts = 0;   ///< what the machine draws awake and idle; 0: no estimate
  double sleep_watts = 0;  ///< and asleep
};
/// The always-on host's part: sends magic packets for a proxy that cannot. See RelayOptions.
struct RelayConfig {
  std::optional<ListenAddress> listen;  ///< nullopt: the relay's own default
  std::string token;
  std::string token_file;
  std::vector<std::string> macs;
  std::string interface;
  std::string source;
  std::vector<std::string> broadcast;
  bool raw = false;
  int packets_per_minute = 600;
};

/// All that suspendd.yaml says. Made by load_config() only, with everything checked.
struct Config {
  IdleConfig idle;
  GraceConfig grace;
  LingerConfig linger;
  std::vector<CheckConfig> checks;
  ProxyConfig proxy;
  WolConfig wol;
  SuspendConfig suspend;
  GpuConfig gpu;
  bool unload = true;  ///< engines before each sleep
  std::vector<WakeupConfig> wakeups;
  HooksConfig hooks;
  NotifyConfig notify;
  std::optional<ListenAddress> metrics;
  std::vector<std::string> metrics_hosts;  ///< names by which it may be asked for, in lower case
  GateConfig gate;
  PowerConfig power;
  RelayConfig relay;
  bool dry_run = false;
  std::string log_level = "info";
  std::string state_dir = "/var/lib/rouse/suspendd";
  std::string control_socket = "/run/rouse/suspendd.sock";
  std::vector<std::string> control_users;  ///< that may command it, besides root and itself
  std::vector<std::string> control_groups{"rouse"};
  /// Variables of the environment that hold secrets of ours: no hook and no check gets them.
  std::set<std::string, std::less<>> withheld;
};

struct LoadedConfig {
  std::shared_ptr<const Config> config;  ///< null when there are errors
  std::vector<Problem> problems;
  bool is_empty = false;  ///< the file says nothing at all, not even {}
};

/// Reads the file @p path. A file that is not there is an error.
[[nodiscard]] LoadedConfig load_config(const std::string& path);
/// @p name stands in the places of problems.
[[nodiscard]] LoadedConfig parse_config(std::string_view text, const std::string& name);
/// The checks when the file names none.
[[nodiscard]] std::vector<CheckConfig> default_checks(const Config& config);

}  // namespace rouse::suspendd
