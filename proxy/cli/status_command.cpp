#include "proxy/cli/commands.hpp"
#include "proxy/cli/status.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace rouse {

void add_status_command(CommandLine& line) {
  const auto options = std::make_shared<StatusOptions>();
  CLI::App& command = line.add({
      .name = "status",
      .headline = "models, queue, peers and recent decisions of a running proxy",
      .about =
          "Shows every model and its state, who waits for what since when and what comes next, "
          "the other machines, whether this machine may sleep, and the last decisions with "
          "their reasons. Lines are cut to the width of the window (COLUMNS where there is "
          "none), the least important columns first.\n\n"
          "With --watch the page is drawn anew each second. It goes on while the proxy "
          "restarts, and ends with Ctrl-C.",
      .examples = {{"rouse status", "of the rouse on this machine"},
                   {"rouse status --watch", "again and again, until Ctrl-C"}},
      .statuses = {{"0", "It has answered."}, {"1", "It has not, or it wants another key."}},
      .act = [options] { return print_status(*options); },
  });
  add_proxy_options(command, options->proxy);
  command.add_flag("--json", options->json, "for a script: the answer of /api/explain");
  command.add_flag("-w,--watch", options->watch, "again every second, until interrupted");
}

}  // namespace rouse
