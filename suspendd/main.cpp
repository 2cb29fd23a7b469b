#include "suspendd/config/schema.hpp"
#include "suspendd/daemon.hpp"
#include "suspendd/gpu/probe_program.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  // The helper of the GPU is this program, too; it loads what the daemon must not.
  if (argc > 1 && std::string(argv[1]) == "gpu-probe") {
    return rouse::suspendd::run_gpu_probe(std::vector<std::string>(argv + 2, argv + argc));
  }
  CLI::App cli{"rouse-suspendd lets the machine sleep when nobody needs it"};
  cli.require_subcommand(1);
  rouse::suspendd::DaemonOptions options;
  options.config_file = "/etc/rouse/suspendd.yaml";
  CLI::App* run_command = cli.add_subcommand("run", "run the daemon");
  run_command->add_option("-c,--config", options.config_file)->capture_default_str();
  run_command->add_option("--root", options.root);
  run_command->add_option("--bus", options.bus);
  run_command->add_flag("--dry-run", options.dry_run);
  CLI::App* schema_command =
      cli.add_subcommand("schema", "print the JSON schema of the configuration, for editors");
  CLI::App* version_command = cli.add_subcommand("version", "print the version");
  CLI11_PARSE(cli, argc, argv);
  if (*version_command) std::printf("rouse-suspendd %s\n", ROUSE_VERSION);
  if (*schema_command) std::fputs(rouse::suspendd::json_schema().c_str(), stdout);
  if (*run_command) return rouse::suspendd::run_daemon(options);
  return 0;
}
