#include "suspendd/box/traps.hpp"

#include "suspendd/box/trap_list.hpp"
#include "suspendd/box/unit_files.hpp"
#include "suspendd/box/wake_alarm.hpp"

#include <algorithm>

namespace rouse::suspendd {
namespace {

constexpr int kFirstWithMemorySleepMode = 256;

void find_can_suspend(const TrapContext& context, TrapList& traps) {
  const std::string title = "suspend allowed";
  const std::string& answer = context.can_suspend;
  if (answer == "yes") {
    traps.ok(title, "logind lets us suspend");
  } else if (answer == "challenge") {
    traps.refuse(title, "logind would ask for a password (CanSuspend says challenge)",
                 "install the polkit rule for the service's user, or run it as root");
  } else if (answer == "na") {
    traps.refuse(title, "logind says that this machine cannot suspend (CanSuspend says na)",
                 "look at /sys/power/state and at AllowSuspend= in sleep.conf");
  } else if (answer == "no") {
    traps.refuse(title, "logind does not let us suspend (CanSuspend says no)",
                 "install the polkit rule for the service's user and polkitd, or run it as root");
  } else {
    traps.refuse(title,
                 context.can_suspend_error.empty()
                     ? "logind was not asked"
                     : "logind could not be asked: " + context.can_suspend_error,
                 "start systemd-logind and dbus");
  }
}

void find_sleep_state(const Root& root, const TrapContext& context,
                      const std::vector<Assignment>& settings, TrapList& traps) {
  const std::string title = "sleep state";
  const auto states = root.read_word("/sys/power/state");
  if (!states || (" " + *states + " ").find(" mem ") == std::string::npos) {
    traps.refuse(
        title,
        states ? "the kernel offers no suspend to memory: /sys/power/state says \"" + *states + "\""
               : states.error().message(),
        "enable suspend (S3) in the firmware's setup; in a virtual machine, offer it");
    return;
  }
  const auto modes = root.read_word("/sys/power/mem_sleep");
  const bool offers_deep = modes && modes->find("deep") != std::string::npos;
  const bool is_deep = modes && modes->find("[deep]") != std::string::npos;
  const bool asks_deep = context.systemd_version >= kFirstWithMemorySleepMode &&
                         last_setting(settings, "MemorySleepMode").starts_with("deep");
  if (is_deep || (offers_deep && asks_deep)) {
    traps.ok(title, "suspend to memory is deep (S3)");
  } else if (offers_deep) {
    traps.warn(title, "suspend to memory is s2idle, though the machine offers deep (S3)",
               context.systemd_version >= kFirstWithMemorySleepMode
                   ? "set MemorySleepMode=deep in sleep.conf.d"
                   : "boot with mem_sleep_default=deep");
  } else {
    traps.warn(title,
               modes ? "the machine offers no deep suspend (S3), only " + *modes
                     : "the kernel does not say how deep it sleeps: " + modes.error().message(),
               "look for S3 (\"Linux\" sleep) in the firmware's setup; prove by a wake-test that "
               "a packet wakes it from s2idle");
  }
}

/// A suspend to memory that a wake event aborts is followed by s2idle at once, where the list goes
/// on: the machine then sits in a state that its card may not wake it from.
void find_state_list(const std::vector<Assignment>& settings, TrapList& traps) {
  const std::string title = "only mem";
  const std::string todo =
      "put SuspendState= and then SuspendState=mem into a file in "
      "/etc/systemd/sleep.conf.d";
  const auto states = list_setting(settings, "SuspendState");
  std::string text;
  for (const std::string& state : states) text += (text.empty() ? "" : " ") + state;
  if (states.empty()) {
    traps.warn(title,
               "sleep.conf names no SuspendState: after a failed attempt systemd tries s2idle, "
               "which the network card may not wake from",
               todo);
  } else if (std::all_of(states.begin(), states.end(),
                         [](const std::string& state) { return state == "mem"; })) {
    traps.ok(title, "SuspendState=mem");
  } else {
    traps.warn(title,
               "SuspendState=" + text +
                   ": after a failed attempt systemd tries the next, and "
                   "the network card may not wake the machine from that",
               todo);
  }
}

void find_alarm(const Root& root, const TrapContext& context, TrapList& traps) {
  if (!context.has_wakeups) return;
  const std::string title = "wake-up clock";
  if (!has_wake_clock(root)) {
    traps.refuse(title,
                 "no real-time clock of this machine can wake it, and wake-ups are "
                 "configured",
                 "remove wakeups from the configuration, or load the clock's driver (rtc_cmos)");
    return;
  }
  const auto may = may_wake_by_alarm();
  if (may) {
    traps.ok(title, "scheduled wake-ups can be set");
  } else {
    traps.refuse(title, may.error().message(), "give the service CAP_WAKE_ALARM");
  }
}

std::string days_text(std::chrono::seconds age) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(age).count();
  return hours < 48 ? std::to_string(hours) + " hours" : std::to_string(hours / 24) + " days";
}

/// Every flag can be right and the firmware's own switch off; only a wake shows.
void find_proof(const TrapContext& context, TrapList& traps) {
  constexpr std::chrono::hours kOld{30 * 24};
  const std::string title = "proven wake";
  const std::string todo = "run rouse-suspendd wake-test when somebody is near the machine";
  if (!context.proven_wake_age) {
    traps.warn(title, "this machine was never seen to wake by a magic packet", todo);
  } else if (*context.proven_wake_age > kOld) {
    traps.warn(
        title,
        "the last wake by a magic packet was " + days_text(*context.proven_wake_age) + " ago",
        todo);
  } else {
    traps.ok(title, "the last wake by a magic packet was " + days_text(*context.proven_wake_age) +
                        " ago" + (context.proven_this_boot ? "" : ", before this boot"));
  }
}

}  // namespace

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::Ok:
      return "ok";
    case Severity::Warn:
      return "warn";
    case Severity::Refuse:
      break;
  }
  return "refuse";
}

void find_suspend_traps(const Root& root, const TrapContext& context, TrapList& traps) {
  find_can_suspend(context, traps);
  const auto settings = systemd_settings(root, "sleep.conf");
  find_sleep_state(root, context, settings, traps);
  find_state_list(settings, traps);
  find_alarm(root, context, traps);
}

std::vector<Trap> find_traps(const Root& root, NicPort& port, const TrapContext& context) {
  TrapList traps;
  find_suspend_traps(root, context, traps);
  find_rights_traps(root, context, traps);
  find_wol_traps(root, port, context, traps);
  find_proof(context, traps);
  find_nvidia_traps(root, context, traps);
  find_service_traps(root, context, traps);
  return traps.take();
}

int exit_status(const std::vector<Trap>& traps) {
  int status = 0;
  for (const Trap& trap : traps) {
    if (trap.severity == Severity::Warn) status = std::max(status, 1);
    if (trap.severity == Severity::Refuse) status = 2;
  }
  return status;
}

}  // namespace rouse::suspendd
