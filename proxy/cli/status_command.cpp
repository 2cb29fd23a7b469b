#include "proxy/cli/commands.hpp"
#include "proxy/cli/status.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace rouse {

void add_status_command(CommandLine& line) {
  const auto options = std::make_shared<StatusOptions>();
  CLI::App& command = line.add({
      .name = "status",
      .headline = "models, queue and recent decisions of a running proxy",
      .examples = {{"rouse status", "of the rouse on this machine"},
                   {"rouse status --watch", "again and again, until Ctrl-C"}},
      .statuses = {{"0", "It has answered."}, {"1", "It has not."}},
      .act = [options] { return print_status(*options); },
  });
  command.add_option("-u,--url", options->url, "where it listens")
      ->type_name("URL")
      ->capture_default_str();
  command.add_option("--key", options->key, "an API key")->type_name("KEY")->envname("ROUSE_KEY");
  command.add_flag("--json", options->json, "for a script");
  command.add_flag("-w,--watch", options->watch, "again every second, until interrupted");
}

}  // namespace rouse
