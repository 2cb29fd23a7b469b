#include "base/async/task_group.hpp"
#include "proxy/check/finding_look.hpp"
#include "proxy/check/report.hpp"
#include "proxy/cli/commands.hpp"
#include "proxy/cli/config_arguments.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace rouse {

namespace {

constexpr std::chrono::seconds kPatience{10};  // for file systems that do not answer

constexpr int kFine = 0;
constexpr int kWouldFail = 1;
constexpr int kFaulty = 2;

struct CheckOptions {
  ConfigSources sources;
  CheckedPlace place;
  bool no_env = false;
  bool no_files = false;
  bool no_findings = false;
  bool strict = false;
  bool json = false;
};

std::vector<Finding> look(const std::shared_ptr<const LoadedConfig>& loaded,
                          const CheckedPlace& place) {
  std::vector<Finding> findings;
  asio::io_context context(1);
  {
    TaskGroup tasks(context.get_executor(), [](const std::string& escaped) {
      std::fprintf(stderr, "rouse check: %s\n", escaped.c_str());
    });
    FindingLook looking(tasks, kPatience);
    looking.look(loaded, place, [&](std::vector<Finding> found) { findings = std::move(found); });
    context.run();
  }
  return findings;
}

int status_of(const LoadedConfig& loaded, const std::vector<Finding>& findings, bool strict) {
  if (!loaded.config || (strict && !loaded.problems.empty())) return kFaulty;
  const bool fails = count_of(findings, Finding::Severity::Refuse) > 0;
  return fails || (strict && !findings.empty()) ? kWouldFail : kFine;
}

int run_check(CheckOptions& options) {
  if (!find_config(options.sources, "check")) return kFaulty;
  options.sources.looks_up_env = !options.no_env;
  if (options.no_files) options.place.files = &unseen_files();
  options.place.now = std::chrono::system_clock::now();
  const auto loaded = std::make_shared<const LoadedConfig>(load_config(options.sources));
  for (const Problem& problem : loaded->problems) {
    std::fprintf(stderr, "%s\n", problem.str().c_str());
  }
  std::vector<Finding> findings;
  const bool looks = loaded->config && !options.no_findings;
  if (looks) findings = look(loaded, options.place);
  if (options.json) {
    std::fputs(check_report_json(*loaded, findings, options.place.now).c_str(), stdout);
  } else if (loaded->config) {
    std::fputs(check_report(*loaded, options.place.now).c_str(), stdout);
    if (looks) std::fprintf(stdout, "\n%s", findings_text(findings).c_str());
  }
  return status_of(*loaded, findings, options.strict);
}

}  // namespace

void add_check_command(CommandLine& line) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App& command = line.add({
      .name = "check",
      .headline = "report every fault of a configuration, the plan, and what would go wrong",
      .about =
          "Says what is wrong with the file, each fault with its place. Of a file without "
          "errors it tells the plan: models and where they answer, who can stand beside whom, "
          "peers and how they are woken, keys and what they may. Then it says what would go "
          "wrong on this machine: programs and model files that are not there, commands that "
          "were written for a shell, ports that two want. A rouse that runs says the same in "
          "its log.\n\n"
          "It looks as the user who runs it, with that user's PATH and files; the service runs "
          "as the user rouse. A file for another machine is checked with --no-files, and one "
          "whose secrets are not here with --no-env.",
      .examples = {{"rouse check config.yaml", "what is wrong with it, and what it means"},
                   {"rouse check --no-env --no-files config.yaml",
                    "the same of another machine's file, without its secrets"}},
      .statuses = {{"0", "Nothing would fail; there may be warnings."},
                   {"1",
                    "The file is right, but something would fail here (REFUSE); or, with "
                    "--strict, there is a warning of what may."},
                   {"2", "The file has errors; or, with --strict, warnings."}},
      .act = [options] { return run_check(*options); },
  });
  add_config_arguments(command, options->sources);
  command.add_option("-l,--listen", options->place.listen, "where rouse is going to listen")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command.add_flag("--no-env", options->no_env,
                   "look up no ${env.NAME}: what depends on one is not judged");
  command.add_flag("--no-files", options->no_files,
                   "look for no program and no model file, as for another machine's configuration");
  command.add_flag("--no-findings", options->no_findings,
                   "only the faults of the file, and the plan; never exits with 1");
  command.add_flag("--strict", options->strict, "warnings are errors, too");
  command.add_flag("--json", options->json, "all of it for a script");
}

}  // namespace rouse
