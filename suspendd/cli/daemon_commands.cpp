#include "base/config/tell_problems.hpp"
#include "base/service/sd_notify.hpp"
#include "suspendd/cli/commands.hpp"
#include "suspendd/cli/operator_commands.hpp"
#include "suspendd/daemon.hpp"
#include "suspendd/relay/server.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace rouse::suspendd {

namespace {

/// The configuration as a plain FILE, instead of --config.
void add_plain_file(CommandLine& line, CLI::App& command, CliOptions& options) {
  command
      .add_option("FILE", options.config_file,
                  std::string("the configuration; ") + kUsualConfig + " unless given")
      ->excludes(line.everywhere().get_option("--config"));
}

std::string config_file(const CliOptions& options) {
  return options.config_file.empty() ? kUsualConfig : options.config_file;
}

int run_relay_command(const CliOptions& options) {
  const LoadedConfig loaded = load_config(config_file(options));
  tell_problems(loaded.problems);
  if (!loaded.config) {
    notify_status("cannot start: " + first_error(loaded.problems));
    return 2;
  }
  const RelayConfig& config = loaded.config->relay;
  RelayOptions relay;
  if (config.listen) {
    relay.host = config.listen->host;
    relay.port = config.listen->port;
  }
  relay.token = config.token;
  relay.token_file = config.token_file;
  relay.macs = config.macs;
  relay.interface = config.interface;
  relay.source = config.source;
  relay.broadcast = config.broadcast;
  relay.raw = config.raw;
  relay.packets_per_minute = config.packets_per_minute;
  relay.log_level = loaded.config->log_level;
  return run_relay(relay);
}

void add_run_command(CommandLine& line, const SharedCliOptions& options) {
  const auto daemon = std::make_shared<DaemonOptions>();
  CLI::App& command = line.add({
      .name = "run",
      .headline = "run the daemon",
      .about = "Runs until SIGTERM or Ctrl-C; SIGHUP takes the configuration anew.",
      .examples = {{"rouse-suspendd run --dry-run",
                    "in a terminal: what it would do, without sleeping"},
                   {"rouse-suspendd run suspendd.yaml", "with another configuration"}},
      .statuses = {{"0", "It was told to end, and has ended well."},
                   {"1", "It could not listen, or could not write its state."},
                   {"2", "The command line or the configuration has errors."}},
      .act =
          [options, daemon] {
            daemon->config_file = config_file(*options);
            daemon->root = options->root;
            daemon->bus = options->bus;
            return run_daemon(*daemon);
          },
  });
  add_plain_file(line, command, *options);
  command.add_flag("--dry-run", daemon->dry_run,
                   "decides everything, and only says what it would do");
}

}  // namespace

void add_daemon_commands(CommandLine& line, const SharedCliOptions& options) {
  add_run_command(line, options);
  CLI::App& check = line.add({
      .name = "check",
      .headline = "find what would keep it from sleeping, or from waking",
      .about =
          "Looks at the configuration, the network cards, the kernel, systemd and the GPU; the "
          "daemon need not run.",
      .examples = {{"rouse-suspendd check", "this machine, with /etc/rouse/suspendd.yaml"},
                   {"rouse-suspendd check suspendd.yaml", "with another configuration"}},
      .statuses = {{"0", "Nothing is wrong."},
                   {"1", "There are warnings."},
                   {"2", "It would refuse to sleep, or the configuration has errors."}},
      .act = [options] { return check_box(*options); },
  });
  add_plain_file(line, check, *options);
  CLI::App& relay = line.add({
      .name = "relay",
      .headline = "send magic packets for a proxy that cannot reach this network",
      .about = "Takes orders to wake with a bearer token, as `relay:` in the configuration says, "
               "and runs until SIGTERM or Ctrl-C. For an always-on host on the network of the "
               "machine that is to be woken; nothing on this host is put to sleep.",
      .examples = {{"rouse-suspendd relay suspendd.yaml", "as its key relay says"}},
      .statuses = {{"0", "It was told to end."},
                   {"1", "It could not listen."},
                   {"2", "The command line or the configuration has errors."}},
      .act = [options] { return run_relay_command(*options); },
  });
  add_plain_file(line, relay, *options);
}

}  // namespace rouse::suspendd
