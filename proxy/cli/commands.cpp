#include "proxy/cli/commands.hpp"

namespace rouse {

CliProgram rouse_program() {
  return {
      .name = "rouse",
      .headline = "rouse starts and stops language model engines on demand, behind one endpoint",
      .version = ROUSE_VERSION,
  };
}

void add_commands(CommandLine& line) {
  add_serve_command(line);
  add_check_command(line);
  add_status_command(line);
  add_wake_command(line);
  add_key_command(line);
  add_schema_command(line);
  add_version_command(line);
}

}  // namespace rouse
