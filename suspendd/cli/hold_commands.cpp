#include "suspendd/cli/commands.hpp"
#include "suspendd/cli/operator_commands.hpp"
#include "suspendd/cli/time_option.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rouse::suspendd {

namespace {

void add_hold_command(CommandLine& line, const SharedCliOptions& options) {
  struct Hold {
    std::string lasts;
    std::string why;
  };
  const auto hold = std::make_shared<Hold>();
  CLI::App& command = line.add({
      .name = "hold",
      .headline = "keep the machine awake",
      .about =
          "Prints the token that `release` takes. A hold lives through a restart of the daemon, "
          "and of the machine.",
      .examples = {{"rouse-suspendd hold --for 3h --why \"fine-tuning\"", "for three hours"}},
      .act =
          [options, hold] {
            return hold_awake(*options, {parse_duration(hold->lasts), hold->why});
          },
  });
  takes_time(command.add_option("--for", hold->lasts, "for so long; until released unless given"));
  command.add_option("--why", hold->why, "for whoever asks later")->type_name("WORDS")->required();
}

void add_run_held_command(CommandLine& line, const SharedCliOptions& options) {
  struct Held {
    std::string why;
    std::vector<std::string> argv;
  };
  const auto held = std::make_shared<Held>();
  CLI::App& command = line.add({
      .name = "run-held",
      .headline = "keep it awake while a command runs",
      .about = "Where the daemon does not run, that is said, and the command runs all the same. "
               "Should the daemon be restarted meanwhile, the machine is held again.",
      .examples = {{"rouse-suspendd run-held -- make bench", "until it has ended"}},
      .statuses = {{"125", "You may not hold the machine awake; the command was not run."},
                   {"126", "The command cannot be run."},
                   {"127", "There is no such command."},
                   {"other", "As the command itself; 128 + N after signal N."}},
      .runs_program = true,
      .act = [options, held] { return run_held(*options, held->why, held->argv); },
  });
  command.add_option("--why", held->why, "for whoever asks meanwhile")->type_name("WORDS");
  command.add_option("COMMAND", held->argv, "program and arguments; -- may stand before them")
      ->required();
}

}  // namespace

void add_hold_commands(CommandLine& line, const SharedCliOptions& options) {
  add_hold_command(line, options);
  const auto token = std::make_shared<std::string>();
  CLI::App& release = line.add({
      .name = "release",
      .headline = "end a hold",
      .examples = {{"rouse-suspendd release", "the only one that there is"}},
      .act = [options, token] { return release_hold(*options, *token); },
  });
  release.add_option("TOKEN", *token, "which one; the only one unless given");
  add_run_held_command(line, options);
}

}  // namespace rouse::suspendd
