#include "suspendd/config/schema.hpp"

#include "base/config/json_schema.hpp"

#include <array>

namespace rouse::suspendd {

namespace {

using enum KeyType;

constexpr std::string_view kKind = "which check it is";
constexpr std::string_view kName = "its name in explanations and metrics; its kind unless given";
constexpr std::string_view kTimeout = "for one look; beyond it nothing is known, which is active";
constexpr std::string_view kEvery = "between two looks; idle.poll unless given";

// The keys of every check, at the head of its table.
constexpr ConfigKey kCheckKind{"kind", Text, "", "", kKind};
constexpr ConfigKey kCheckName{"name", Text, "", "", kName};
constexpr ConfigKey kCheckTimeout{"timeout", Duration, "", "5s", kTimeout};
constexpr ConfigKey kCheckEvery{"every", Duration, "", "", kEvery};

template <class... Keys>
constexpr auto check_keys(const Keys&... keys) {
  return std::array{kCheckKind, kCheckName, kCheckTimeout, kCheckEvery, keys...};
}

constexpr std::array kTop = {
    ConfigKey{"idle", Section, "idle", "", "when the machine counts as idle"},
    ConfigKey{"grace", Section, "grace", "", "how long it stays awake whatever the checks say"},
    ConfigKey{"linger", Section, "linger", "",
              "how long it stays awake after a wake for which no request comes"},
    ConfigKey{"windows", Section, "windows", "", "times of the week for being awake or asleep"},
    ConfigKey{"checks", KindList, "check", "",
              "what counts as activity; proxy, sessions, ssh, inhibitors, gpu, cpu, net and "
              "upcoming unless given"},
    ConfigKey{"proxy", Section, "proxy", "", "the rouse on this machine"},
    ConfigKey{"wol", Section, "wol", "", "Wake-on-LAN, by which it is woken"},
    ConfigKey{"suspend", Section, "suspend", "", "how it sleeps, and what follows a failure"},
    ConfigKey{"gpu", Section, "gpu", "", "the look at the GPU after a wake"},
    ConfigKey{"unload", Text, "", "auto",
              "auto: the engines are stopped before it sleeps; never: they stay (NVIDIA with "
              "preserved memory only)",
              true, 0, 0, "auto|never"},
    ConfigKey{"wakeups", SectionList, "wakeup", "[]", "times at which it wakes by itself"},
    ConfigKey{"hooks", Section, "hooks", "", "commands at the turning points"},
    ConfigKey{"notify", Section, "notify", "", "tells a web service"},
    ConfigKey{"metrics", Section, "metrics", "", "for Prometheus"},
    ConfigKey{"gate", Section, "gate", "", "a suspend that somebody else asked for"},
    ConfigKey{"power", Section, "power", "", "for the estimate of the energy saved"},
    ConfigKey{"relay", Section, "relay", "",
              "sends magic packets for a proxy that cannot (rouse-suspendd relay)"},
    ConfigKey{"control", Section, "control", "", "the socket of the command line"},
    ConfigKey{"state_dir", Text, "", "/var/lib/rouse/suspendd", "history and what must last"},
    ConfigKey{"log_level", Text, "", "info", "debug, info, warn or error", true, 0, 0,
              "debug|info|warn|error"},
    ConfigKey{"dry_run", Bool, "", "false", "decides everything, and only says what it would do"},
};

constexpr std::array kIdle = {
    ConfigKey{"time", Duration, "", "15m", "all checks idle for so long before it sleeps"},
    ConfigKey{"poll", Duration, "", "5s", "between two looks of a check"},
    ConfigKey{"unknown_max", Duration, "", "10m",
              "a check that cannot tell for so long raises an alarm (and still counts as active)"},
};
constexpr std::array kGrace = {
    ConfigKey{"min_uptime", Duration, "", "5m", "after boot"},
    ConfigKey{"resume", Duration, "", "60s", "after a wake"},
};
constexpr std::array kLinger = {
    ConfigKey{"wol", Duration, "", "3m", "after a magic packet"},
    ConfigKey{"rtc", Duration, "", "10m", "after an alarm"},
    ConfigKey{"other", Duration, "", "20m", "after the power button, or what cannot be told"},
};
constexpr std::array kWindows = {
    ConfigKey{"awake", TextList, "", "[]", "it stays awake then: \"mon-fri 08:00-18:00\""},
    ConfigKey{"asleep", TextList, "", "[]", "it may sleep only then"},
    ConfigKey{"time_zone", Text, "", "", "Europe/Berlin, for example; the machine's unless given"},
};
constexpr std::array kProxy = {
    ConfigKey{"socket", Text, "", "/run/rouse/power.sock",
              "its socket for power; none: there is no proxy here"},
    ConfigKey{"unreachable", Text, "", "active",
              "active: it stays awake while the proxy does not answer; idle: it may sleep, and a "
              "request may be lost",
              true, 0, 0, "active|idle"},
    ConfigKey{"drain_ttl", Duration, "", "60s", "how long the proxy keeps a drain without word"},
    ConfigKey{"unload_timeout", Duration, "", "45s", "for the engines to stop"},
};
constexpr std::array kWol = {
    ConfigKey{"interfaces", TextList, "", "[]",
              "those that must wake it; any wired one unless given"},
    ConfigKey{"require", Bool, "", "true", "no sleep unless one of them is armed"},
    ConfigKey{"arm", Bool, "", "true", "arms them before each sleep; false: only looks"},
    ConfigKey{"only_magic", Bool, "", "true",
              "clears the other flags, by which any ping or ARP wakes it"},
};
constexpr std::array kSuspend = {
    ConfigKey{"method", Text, "", "logind", "logind: by systemd, with all that hangs on its sleep",
              true, 0, 0, "logind"},
    ConfigKey{"first_suspend", Text, "", "allow",
              "confirm: until a magic packet has woken it once, an operator must agree", true, 0, 0,
              "allow|confirm"},
    ConfigKey{"verify", Duration, "", "60s", "awake so long after the order: it has failed"},
    ConfigKey{"backoff", Duration, "", "1m", "the pause after a failure; it doubles"},
    ConfigKey{"backoff_max", Duration, "", "1h", "the longest pause"},
    ConfigKey{"max_failures", Number, "", "5", "failures in a row, then it is blocked", true, 1},
    ConfigKey{"spurious_limit", Number, "", "3",
              "wakes without a request in spurious_window, then it is blocked", true, 1},
    ConfigKey{"spurious_window", Duration, "", "30m", "see spurious_limit"},
    ConfigKey{"min_sleep", Duration, "", "10m", "no sleep when it must wake sooner than this"},
};
constexpr std::array kGpu = {
    ConfigKey{"probe", Bool, "", "true", "asks the driver after each wake, where there is a GPU"},
    ConfigKey{"cuda", Bool, "", "true", "and whether CUDA starts, where there is one"},
    ConfigKey{"nvml", Text, "", "libnvidia-ml.so.1", "the driver's library"},
    ConfigKey{"timeout", Duration, "", "10s", "for one try"},
    ConfigKey{"retry", Duration, "", "2s", "before the second try; then the engines are stopped"},
    ConfigKey{"recover", TextOrList, "", "[]",
              "a command that brings the GPU back, run with all engines stopped"},
    ConfigKey{"recover_timeout", Duration, "", "2m", "for it"},
};
constexpr std::array kWakeup = {
    ConfigKey{"at", Text, "", "", "HH:MM, in the machine's time zone"},
    ConfigKey{"days", Text, "", "mon-sun", "mon-fri, or sat,sun"},
    ConfigKey{"why", Text, "", "", "for people"},
};
constexpr std::array kHooks = {
    ConfigKey{"pre_drain", Section, "hook", "", "before the proxy is asked to be quiet"},
    ConfigKey{"pre_suspend", Section, "hook", "", "before the order to sleep"},
    ConfigKey{"post_resume", Section, "hook", "", "after a wake"},
    ConfigKey{"on_blocked", Section, "hook", "", "when it will not sleep any more"},
};
constexpr std::array kHook = {
    ConfigKey{"command", TextOrList, "", "",
              "program and arguments; no shell. One text is split at blanks"},
    ConfigKey{"timeout", Duration, "", "30s", "then it is killed, with all it started"},
    ConfigKey{"on_fail", Text, "", "continue",
              "abort: it stays awake when the command fails (pre_drain, pre_suspend)", true, 0, 0,
              "continue|abort"},
};
constexpr std::array kNotify = {
    ConfigKey{.name = "webhook",
              .type = Text,
              .text = "a URL that gets JSON by POST when it is blocked, fails or wakes for nothing",
              .secret = true},
    ConfigKey{
        .name = "token", .type = Text, .text = "sent as Authorization: Bearer", .secret = true},
    ConfigKey{"timeout", Duration, "", "10s", "for one message"},
};
constexpr std::array kMetrics = {
    ConfigKey{"listen", Text, "", "",
              "HOST:PORT of /metrics, such as 127.0.0.1:9765; none unless given"},
    ConfigKey{"hosts", TextList, "", "[]",
              "names by which it may be asked for, such as *.example.org, besides this machine's"},
};
constexpr std::array kGate = {
    ConfigKey{"wait", Duration, "", "20s", "for running requests to end"},
    ConfigKey{"on_busy", Text, "", "allow", "then; deny: the suspend is refused", true, 0, 0,
              "allow|deny"},
    ConfigKey{"abort_on_wake", Bool, "", "false",
              "a wake event after the gate stops the suspend (only with SuspendState=mem)"},
};
constexpr std::array kPower = {
    ConfigKey{"idle_watts", Real, "", "0", "what the machine draws awake and idle", true, 0},
    ConfigKey{"sleep_watts", Real, "", "0", "what it draws asleep", true, 0},
};
constexpr std::array kRelay = {
    ConfigKey{"listen", Text, "", "127.0.0.1:9009", "HOST:PORT"},
    ConfigKey{.name = "token", .type = Text, .text = "that the proxy must show", .secret = true},
    ConfigKey{"macs", TextList, "", "[]", "the only machines that it wakes; any unless given"},
    ConfigKey{"interface", Text, "", "", "by which the packets leave"},
    ConfigKey{"source", Text, "", "", "the address that they come from"},
    ConfigKey{"token_file", Text, "", "", "or the file that has the token in its first line"},
    ConfigKey{"broadcast", TextList, "", "[]", "where to; those of the interfaces unless given"},
    ConfigKey{"raw", Bool, "", "false", "also as Ethernet frames of type 0x0842"},
    ConfigKey{"packets_per_minute", Number, "", "600", "more are refused", true, 1},
};
constexpr std::array kControl = {
    ConfigKey{"socket", Text, "", "/run/rouse/suspendd.sock", "of the command line"},
    ConfigKey{"users", TextList, "", "[]", "who may command it, besides root and its own user"},
    ConfigKey{"groups", TextList, "", "[rouse]", "and members of these groups"},
};

constexpr auto kCheckProxy = check_keys();
constexpr auto kCheckLlamaSwap =
    check_keys(ConfigKey{"url", Text, "", "", "http://HOST:PORT of a llama-swap"},
               ConfigKey{.name = "api_key", .type = Text, .text = "that it wants", .secret = true});
constexpr auto kCheckPrometheus = check_keys(
    ConfigKey{"url", Text, "", "", "of the metrics: http://127.0.0.1:8000/metrics"},
    ConfigKey{"metrics", TextList, "", "",
              "active when the sum of one is above zero; those of vLLM and llama-server unless "
              "given"});
constexpr auto kCheckHttpJson = check_keys(
    ConfigKey{"url", Text, "", "", "of a JSON document"},
    ConfigKey{"pointer", Text, "", "", "to a value in it, as /a/b/0"},
    ConfigKey{"idle_values", TextList, "", "[0, \"false\", \"null\", '\"\"', '[]', '{}']",
              "idle when the value is one of these, as JSON"});
constexpr auto kCheckSessions = check_keys(
    ConfigKey{"idle", Duration, "", "60m", "a session without input for so long does not count"},
    ConfigKey{"ignore_users", TextList, "", "[]", "users whose sessions do not count"},
    ConfigKey{"local", Bool, "", "true", "sessions at the machine itself count, too"});
constexpr auto kCheckSsh = check_keys(
    ConfigKey{"ports", TextList, "", "[]", "of sshd; found out unless given"},
    ConfigKey{"idle", Duration, "", "60m", "nothing received for so long does not count"});
constexpr auto kCheckTty = check_keys(
    ConfigKey{"idle", Duration, "", "15m", "a terminal without input for so long does not count"});
constexpr auto kCheckInhibitors = check_keys(
    ConfigKey{"ignore", TextList, "", "[]", "inhibitors of these programs do not count"});
constexpr auto kCheckGpu = check_keys(
    ConfigKey{"util_percent", Number, "", "5", "utilisation from which it counts as busy", true, 1,
              100},
    ConfigKey{"foreign_only", Bool, "", "true", "engines of the proxy do not count"},
    ConfigKey{"ignore_processes", TextList, "", "[]", "names of programs that do not count"});
constexpr auto kCheckCpu = check_keys(
    ConfigKey{"cores", Real, "", "0.25", "busy cores from which it counts", true, 0},
    ConfigKey{"pressure", Real, "", "10",
              "or percent of time that something waited for a CPU (PSI); 0: not asked", true, 0},
    ConfigKey{"cgroup", Text, "", "", "of this cgroup only, as system.slice/x.service"},
    ConfigKey{"over", Duration, "", "60s", "averaged over"});
constexpr auto kCheckNet =
    check_keys(ConfigKey{"interfaces", TextList, "", "[]", "all but virtual ones unless given"},
               ConfigKey{"bytes_per_second", Size, "", "1MiB", "from which it counts"},
               ConfigKey{"over", Duration, "", "60s", "averaged over"});
constexpr auto kCheckDisk =
    check_keys(ConfigKey{"devices", TextList, "", "[]", "all whole disks unless given"},
               ConfigKey{"bytes_per_second", Size, "", "5MiB", "from which it counts"},
               ConfigKey{"over", Duration, "", "60s", "averaged over"});
constexpr auto kCheckPort = check_keys(
    ConfigKey{"ports", TextList, "", "", "local TCP ports; a connection counts"},
    ConfigKey{"idle", Duration, "", "15m", "nothing received for so long does not count; 0: does"});
constexpr auto kCheckProcess =
    check_keys(ConfigKey{"names", TextList, "", "", "of programs that count when they run"},
               ConfigKey{"command", Text, "", "", "and whose command line has this pattern (RE2)"},
               ConfigKey{"cores", Real, "", "0", "and that use so much; 0: by running", true, 0});
constexpr auto kCheckUnit =
    check_keys(ConfigKey{"units", TextList, "", "", "of systemd, that count when they are active"});
constexpr auto kCheckMount = check_keys(
    ConfigKey{"points", TextList, "", "", "paths that count when something is mounted there"});
constexpr auto kCheckFileMtime =
    check_keys(ConfigKey{"paths", TextList, "", "", "files; patterns with * may be given"},
               ConfigKey{"idle", Duration, "", "15m", "changed within so long counts"});
constexpr auto kCheckCommand = check_keys(
    ConfigKey{"command", TextOrList, "", "",
              "program and arguments; no shell. Exit 0: active, 1: idle, other: unknown"});
constexpr auto kCheckWindow = check_keys(
    ConfigKey{"awake", TextList, "", "", "times of the week: \"mon-fri 08:00-18:00\""},
    ConfigKey{"time_zone", Text, "", "", "Europe/Berlin, for example; the machine's unless given"});
constexpr auto kCheckUpcoming =
    check_keys(ConfigKey{"timers", TextList, "", "[]", "of systemd; our own wakeups always count"});

constexpr std::array kSections = {
    ConfigSection{"top", kTop},
    ConfigSection{"idle", kIdle},
    ConfigSection{"grace", kGrace},
    ConfigSection{"linger", kLinger},
    ConfigSection{"windows", kWindows},
    ConfigSection{"proxy", kProxy},
    ConfigSection{"wol", kWol},
    ConfigSection{"suspend", kSuspend},
    ConfigSection{"gpu", kGpu},
    ConfigSection{"wakeup", kWakeup},
    ConfigSection{"hooks", kHooks},
    ConfigSection{"hook", kHook},
    ConfigSection{"notify", kNotify},
    ConfigSection{"metrics", kMetrics},
    ConfigSection{"gate", kGate},
    ConfigSection{"power", kPower},
    ConfigSection{"relay", kRelay},
    ConfigSection{"control", kControl},
    ConfigSection{"check_proxy", kCheckProxy},
    ConfigSection{"check_llama_swap", kCheckLlamaSwap},
    ConfigSection{"check_prometheus", kCheckPrometheus},
    ConfigSection{"check_http_json", kCheckHttpJson},
    ConfigSection{"check_sessions", kCheckSessions},
    ConfigSection{"check_ssh", kCheckSsh},
    ConfigSection{"check_tty", kCheckTty},
    ConfigSection{"check_inhibitors", kCheckInhibitors},
    ConfigSection{"check_gpu", kCheckGpu},
    ConfigSection{"check_cpu", kCheckCpu},
    ConfigSection{"check_net", kCheckNet},
    ConfigSection{"check_disk", kCheckDisk},
    ConfigSection{"check_port", kCheckPort},
    ConfigSection{"check_process", kCheckProcess},
    ConfigSection{"check_unit", kCheckUnit},
    ConfigSection{"check_mount", kCheckMount},
    ConfigSection{"check_file_mtime", kCheckFileMtime},
    ConfigSection{"check_command", kCheckCommand},
    ConfigSection{"check_window", kCheckWindow},
    ConfigSection{"check_upcoming", kCheckUpcoming},
};

// A misspelt key of ours is a fault: what it meant to keep awake would sleep.
constexpr ConfigTable kTable{"configuration of rouse-suspendd", kSections, false,
                             Problem::Severity::Error};

}  // namespace

const ConfigTable& config_table() {
  return kTable;
}

std::string json_schema() {
  return rouse::json_schema(kTable);
}

}  // namespace rouse::suspendd
