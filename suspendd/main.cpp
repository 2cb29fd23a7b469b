#include "suspendd/config/schema.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  CLI::App cli{"rouse-suspendd lets the machine sleep when nobody needs it"};
  cli.require_subcommand(1);
  CLI::App* schema_command =
      cli.add_subcommand("schema", "print the JSON schema of the configuration, for editors");
  CLI::App* version_command = cli.add_subcommand("version", "print the version");
  CLI11_PARSE(cli, argc, argv);
  if (*version_command) std::printf("rouse-suspendd %s\n", ROUSE_VERSION);
  if (*schema_command) std::fputs(rouse::suspendd::json_schema().c_str(), stdout);
  return 0;
}
