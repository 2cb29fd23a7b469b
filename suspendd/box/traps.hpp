#pragma once

#include "suspendd/box/nic_port.hpp"
#include "suspendd/box/root.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

enum class Severity { Ok, Warn, Refuse };

[[nodiscard]] const char* name_of(Severity severity);

/// One finding of `rouse-suspendd check`.
struct Trap {
  Severity severity = Severity::Ok;
  std::string title;  ///< short and stable: "wake-on-lan eth0", "nvidia units"
  std::string what;   ///< what was found
  std::string todo;   ///< what to do about it; empty when Ok
};

/// What the look at the files does not tell.
struct TrapContext {
  /// logind's CanSuspend: yes, no, challenge, na; empty: it could not be asked, and why.
  std::string can_suspend;
  std::string can_suspend_error;
  /// That was the answer to root, who may always; not to the daemon's user.
  bool asked_as_root = false;
  int systemd_version = 0;  ///< 0: not known
  std::string gate_unit = "rouse-suspendd-gate.service";

  std::vector<std::string> wol_interfaces;  ///< empty: all
  bool wol_required = true;

  bool has_wakeups = false;  ///< scheduled ones are configured

  /// Engines keep their memory across the sleep, so the driver has to save it.
  bool keeps_vram = false;

  bool has_proxy = true;    ///< a proxy is configured
  std::string proxy_error;  ///< why it could not be reached; empty: it was
  int proxy_pid = 0;        ///< its peer credentials' pid; 0: not known

  /// Since the last wake by a magic packet that this machine saw; nullopt: never.
  std::optional<std::chrono::seconds> proven_wake_age;
  bool proven_this_boot = false;
};

/// All findings, Ok ones too. Reads files and asks the port; changes nothing.
[[nodiscard]] std::vector<Trap> find_traps(const Root& root, NicPort& port,
                                           const TrapContext& context);

/// The exit status of `check`: 0 ok, 1 a warning, 2 a refusal.
[[nodiscard]] int exit_status(const std::vector<Trap>& traps);

}  // namespace rouse::suspendd
