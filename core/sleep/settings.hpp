#pragma once

#include "core/time.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rouse::core::suspend {

/// CLOCK_REALTIME. It may jump by hours at any time: only calendars are measured with it.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// What the three clocks of the machine say at one moment.
struct Now {
  Instant monotonic{};  ///< CLOCK_MONOTONIC: stands still while the machine sleeps
  Instant boottime{};   ///< CLOCK_BOOTTIME, so since the boot: goes on meanwhile
  WallTime realtime{};
};

enum class WakeReason {
  Wol,          ///< a network interface
  Rtc,          ///< the clock's alarm
  PowerButton,  ///< also a lid or a key: a person
  Other,        ///< a named source that is none of these
  Unknown,
};

/// What a hook that failed, or ran too long, leads to.
enum class OnFail {
  Warn,   ///< a notice; things go on
  Abort,  ///< pre_*: the attempt ends as failed; post_resume: blocked; on_blocked: as Warn
};
struct HookSettings {
  bool set = false;  ///< there is a command
  OnFail on_fail = OnFail::Warn;
  Duration timeout{30'000};  ///< the shell kills it then; the policy stops waiting 5 s later
};

struct CheckSettings {
  std::string name;
  /// A finding older than this is as good as none: unknown. Three looks and a timeout, say.
  Duration stale{30'000};
};

/// How the proxy on this machine takes part.
enum class ProxyUse {
  Required,  ///< nothing sleeps without its consent; unreachable counts as active
  IfThere,   ///< unreachable counts as consent
  None,      ///< there is none: no drain, no commit
};

enum class OnBusy { Allow, Deny };

/// When the machine may sleep, and how patient each step is. Why these: docs/sleep.md.
struct Settings {
  bool dry_run = false;  ///< decides and tells, but begins no suspend of its own
  std::vector<CheckSettings> checks;

  Duration idle_time{15 * 60'000};     ///< every check idle for so long
  Duration min_uptime{5 * 60'000};     ///< since the boot
  Duration resume_grace{60'000};       ///< nothing is evaluated so long after a resume
  Duration linger_wol{3 * 60'000};     ///< after a wake that nobody has used: instead of idle_time
  Duration linger_rtc{10 * 60'000};    ///< the same after an alarm
  Duration linger_other{20 * 60'000};  ///< and after a button, or what cannot be told
  Duration unknown_max{10 * 60'000};   ///< a check that cannot tell for so long raises an alert
  Duration min_sleep{10 * 60'000};     ///< with a wake-up due sooner, sleeping is not worth it

  ProxyUse proxy = ProxyUse::Required;
  bool unload = true;          ///< ask the proxy to unload its engines first
  Duration drain_ttl{60'000};  ///< of the lease at least; longer where the steps may take longer
  Duration unload_timeout{45'000};
  Duration suspend_verify{60'000};  ///< of awake time, from the call until the resume is seen
  bool confirm_first = false;       ///< until one remote wake is proved, an operator must agree

  Duration backoff_first{60'000};  ///< pause after a failed attempt; doubles
  Duration backoff_max{60 * 60'000};
  int failures_max = 5;  ///< in a row: blocked
  int spurious_max = 3;  ///< unused wakes within spurious_window: blocked
  Duration spurious_window{30 * 60'000};

  bool gate = true;            ///< the gate unit is installed: every suspend asks it
  Duration gate_wait{20'000};  ///< how long a suspend that is not ours waits for the drain
  OnBusy gate_on_busy = OnBusy::Allow;
  Duration sleep_delay{4'000};  ///< the same without a gate; below InhibitDelayMaxSec of logind

  bool gpu = false;           ///< probe it after each resume
  bool gpu_recover = false;   ///< a command that revives it is configured
  Duration gpu_retry{2'000};  ///< before the second probe
  Duration gpu_probe_timeout{10'000};
  Duration gpu_recover_timeout{120'000};

  HookSettings pre_drain;
  HookSettings pre_suspend;
  HookSettings post_resume;
  HookSettings on_blocked;
};

}  // namespace rouse::core::suspend
