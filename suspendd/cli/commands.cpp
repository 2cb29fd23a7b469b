#include "suspendd/cli/commands.hpp"

#include "base/cli/docs_command.hpp"
#include "suspendd/config/schema.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace rouse::suspendd {

namespace {

void add_everywhere(CommandLine& line, CliOptions& options) {
  CLI::App& all = line.everywhere();
  all.add_option("-c,--config", options.config_file,
                 std::string("the configuration; ") + kUsualConfig + " unless given")
      ->type_name("FILE");
  all.add_option("--socket", options.socket, "of the daemon; as configured unless given")
      ->type_name("SOCKET");
  all.add_option("--root", options.root, "a tree instead of this machine's /proc, /sys and /etc")
      ->type_name("DIR");
  all.add_option("--bus", options.bus, "the D-Bus; the system's unless given")
      ->type_name("ADDRESS");
  all.add_flag("--json", options.json, "for scripts");
}

void add_schema_command(CommandLine& line) {
  line.add({
      .name = "schema",
      .headline = "print the JSON schema of the configuration, for editors",
      .about = "Editors with yaml-language-server take it when the first line of the configuration "
               "is `# yaml-language-server: $schema=suspendd.schema.json`.",
      .examples = {{"rouse-suspendd schema > suspendd.schema.json", "beside the configuration"}},
      .act =
          [] {
            std::fputs(json_schema().c_str(), stdout);
            return std::fflush(stdout) == 0 ? 0 : 1;
          },
  });
}

}  // namespace

void add_commands(CommandLine& line) {
  const auto options = std::make_shared<CliOptions>();
  add_everywhere(line, *options);
  add_daemon_commands(line, options);
  add_view_commands(line, options);
  add_sleep_commands(line, options);
  add_hold_commands(line, options);
  add_schema_command(line);
  add_docs_command(line, suspendd_config_page());
  line.add_help_and_version();
}

}  // namespace rouse::suspendd
