#pragma once

#include "base/cli/command_line.hpp"
#include "base/cli/config_page.hpp"
#include "suspendd/cli/control_client.hpp"

#include <memory>

namespace rouse::suspendd {

/// What rouse-suspendd says of itself.
[[nodiscard]] CliProgram suspendd_program();

/// What the manual says of its configuration, beside the keys.
[[nodiscard]] ConfigPage suspendd_config_page();

/// The options of every command, of which a command gets its own.
using SharedCliOptions = std::shared_ptr<CliOptions>;

/// All commands of rouse-suspendd. A new one is a file of this folder, or a function in one, and a
/// line here.
void add_commands(CommandLine& line);

/// run, check, relay: what needs no daemon.
void add_daemon_commands(CommandLine& line, const SharedCliOptions& options);
/// status, explain, history.
void add_view_commands(CommandLine& line, const SharedCliOptions& options);
/// suspend, wake-test, unblock, gate.
void add_sleep_commands(CommandLine& line, const SharedCliOptions& options);
/// hold, release, run-held.
void add_hold_commands(CommandLine& line, const SharedCliOptions& options);

}  // namespace rouse::suspendd
