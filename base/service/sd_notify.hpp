#pragma once

#include "base/async/task.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace rouse {

/// What systemd is told of us (sd_notify(3)). All of it does nothing where $NOTIFY_SOCKET is not
/// set, and never fails loudly: a service manager that does not listen is no reason to stop.

/// Listeners are up (or up again, after notify_reloading()). @p status: one line for
/// `systemctl status`.
void notify_ready(const std::string& status);
/// A new configuration is being taken; notify_ready() must follow, also when it was refused.
void notify_reloading();
/// The end has begun: from here on TimeoutStopSec= counts, and the watchdog no longer does.
void notify_stopping(const std::string& status);
/// Another line for `systemctl status`.
void notify_status(const std::string& status);
/// The loop turns (WATCHDOG=1). At once after a resume, for one, and in feed_watchdog().
void notify_alive();

/// How often to say notify_alive(): a third of the unit's WatchdogSec=; nothing without one.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_pause();
/// Says it for as long as the loop turns: until a terminal cancellation, or not at all where nobody
/// asked.
Task<void> feed_watchdog(Executor executor);

}  // namespace rouse
