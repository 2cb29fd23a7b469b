#pragma once

#include "base/cli/command_line.hpp"
#include "base/cli/config_page.hpp"

namespace rouse {

/// What rouse says of itself.
[[nodiscard]] CliProgram rouse_program();

/// What the manual says of its configuration, beside the keys.
[[nodiscard]] ConfigPage rouse_config_page();

/// All commands of rouse. A new one is a file of this folder, and a line here.
void add_commands(CommandLine& line);

void add_serve_command(CommandLine& line);
void add_check_command(CommandLine& line);
void add_status_command(CommandLine& line);
void add_explain_command(CommandLine& line);
void add_wake_command(CommandLine& line);
void add_key_command(CommandLine& line);
void add_schema_command(CommandLine& line);

}  // namespace rouse
