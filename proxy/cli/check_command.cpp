#include "proxy/cli/commands.hpp"
#include "proxy/cli/config_arguments.hpp"
#include "proxy/config/check_report.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace rouse {

namespace {

struct CheckOptions {
  ConfigSources sources;
  bool strict = false;
  bool json = false;
};

int run_check(CheckOptions& options) {
  if (!find_config(options.sources, "check")) return 2;
  const LoadedConfig loaded = load_config(options.sources);
  for (const Problem& problem : loaded.problems) {
    std::fprintf(stderr, "%s\n", problem.str().c_str());
  }
  if (options.json) {
    std::fputs(check_report_json(loaded).c_str(), stdout);
  } else if (loaded.config) {
    std::fputs(check_report(loaded).c_str(), stdout);
  }
  return !loaded.config || (options.strict && !loaded.problems.empty()) ? 2 : 0;
}

}  // namespace

void add_check_command(CommandLine& line) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App& command = line.add({
      .name = "check",
      .headline = "report every fault of a configuration, then the plan",
      .examples = {{"rouse check config.yaml", "what is wrong with it, and what it means"}},
      .statuses = {{"0", "It can be served."},
                   {"2", "It cannot; or, with --strict, it has warnings."}},
      .act = [options] { return run_check(*options); },
  });
  add_config_arguments(command, options->sources);
  command.add_flag("--strict", options->strict, "warnings are errors, too");
  command.add_flag("--json", options->json, "the plan for a machine");
}

}  // namespace rouse
