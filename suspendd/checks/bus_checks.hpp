#pragma once

#include "suspendd/check.hpp"
#include "suspendd/config/config.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace rouse::suspendd {

class Logind;
class Root;
class SystemdUnits;

// The checks that ask over D-Bus. What they are given by reference outlives them. While the bus or
// the service cannot be asked, a check is unknown and says why.

/// Sessions of people: logind's of class user that are not closing. How long one is idle: its
/// terminal's access time; a graphical one's IdleHint; without either it counts as long as it
/// lasts.
/// Terminals and processes are looked for below @p root.
[[nodiscard]] std::unique_ptr<Check> make_sessions_check(SessionsCheck settings, Logind& logind,
                                                         const Root& root);

/// Block and block-weak locks on sleep or idle, of whatever user; this process's do not count.
[[nodiscard]] std::unique_ptr<Check> make_inhibitors_check(InhibitorsCheck settings,
                                                           Logind& logind);

/// Units of systemd that are active or on their way in or out.
[[nodiscard]] std::unique_ptr<Check> make_unit_check(UnitCheck settings, SystemdUnits& units);

/// In how long the daemon itself would wake the machine; nullopt: nothing is planned.
using NextWakeup = std::function<std::optional<std::chrono::milliseconds>()>;

/// Something is due within the settings' min_sleep: a timer, a scheduled shutdown, a wake-up.
[[nodiscard]] std::unique_ptr<Check> make_upcoming_check(UpcomingCheck settings, Logind& logind,
                                                         SystemdUnits& units, NextWakeup next);

}  // namespace rouse::suspendd
