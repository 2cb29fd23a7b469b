#include "base/duration_text.hpp"
#include "suspendd/cli/operator_commands.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/config/schema.hpp"
#include "suspendd/daemon.hpp"
#include "suspendd/gpu/probe_program.hpp"
#include "suspendd/relay.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace {

namespace suspendd = rouse::suspendd;
using suspendd::CliOptions;

/// A command without options of its own.
void add(CLI::App& cli, const char* name, const char* text, std::function<int()>& chosen,
         std::function<int()> run) {
  CLI::App* const command = cli.add_subcommand(name, text);
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
}

const CLI::Validator kDuration(
    [](std::string& text) {
      return rouse::parse_duration(text) ? std::string() : "expected a time such as 90s or 3h";
    },
    "TIME");

void add_run(CLI::App& cli, CliOptions& options, std::function<int()>& chosen) {
  CLI::App* const command = cli.add_subcommand("run", "run the daemon");
  static suspendd::DaemonOptions daemon;
  command->add_flag("--dry-run", daemon.dry_run,
                    "decides everything, and only says what it would do");
  command->callback([&] {
    chosen = [&options] {
      daemon.config_file =
          options.config_file.empty() ? suspendd::kUsualConfig : options.config_file;
      daemon.root = options.root;
      daemon.bus = options.bus;
      return suspendd::run_daemon(daemon);
    };
  });
}

void add_holds(CLI::App& cli, CliOptions& options, std::function<int()>& chosen) {
  static std::string lasts;
  static std::string why;
  static std::string token;
  static std::vector<std::string> argv;
  CLI::App* const hold = cli.add_subcommand("hold", "keep the machine awake");
  hold->add_option("--for", lasts, "for so long; until released unless given")->check(kDuration);
  hold->add_option("--why", why, "for whoever asks later")->required();
  hold->callback([&] {
    chosen = [&options] {
      return suspendd::hold_awake(options, {rouse::parse_duration(lasts), why});
    };
  });
  CLI::App* const release = cli.add_subcommand("release", "end a hold");
  release->add_option("TOKEN", token, "which one; the only one unless given");
  release->callback(
      [&] { chosen = [&options] { return suspendd::release_hold(options, token); }; });
  CLI::App* const held = cli.add_subcommand("run-held", "keep it awake while a command runs");
  held->add_option("--why", why, "for whoever asks meanwhile");
  held->add_option("COMMAND", argv, "program and arguments, after --")->required();
  held->positionals_at_end();
  held->callback([&] { chosen = [&options] { return suspendd::run_held(options, why, argv); }; });
}

void add_tests(CLI::App& cli, CliOptions& options, std::function<int()>& chosen) {
  static bool force = false;
  static std::size_t last = 50;
  static std::string net = "15m";
  static bool sure = false;
  CLI::App* const suspend = cli.add_subcommand("suspend", "sleep now, if nothing is active");
  suspend->add_flag("--force", force, "also if something is; never while requests run");
  suspend->callback([&] {
    chosen = [&options] {
      return suspendd::print_reply(
          suspendd::ask_daemon(options, "POST", "/v1/suspend",
                               force ? R"({"force":true})" : R"({"force":false})"),
          options.json);
    };
  });
  CLI::App* const history = cli.add_subcommand("history", "what it did, and what it was told");
  history->add_option("-n,--last", last, "so many lines")->capture_default_str();
  history->callback(
      [&] { chosen = [&options] { return suspendd::print_history(options, last); }; });
  CLI::App* const wake = cli.add_subcommand("wake-test", "sleep now, and see what wakes it");
  wake->add_option("--net", net, "its clock wakes it after so long, if nothing else does")
      ->check(kDuration)
      ->capture_default_str();
  wake->add_flag("-y,--yes", sure, "does not ask");
  wake->callback([&] {
    chosen = [&options] { return suspendd::test_wake(options, *rouse::parse_duration(net), sure); };
  });
}

void add_relay(CLI::App& cli, CliOptions& options, std::function<int()>& chosen) {
  CLI::App* const command =
      cli.add_subcommand("relay", "send magic packets for a proxy that cannot reach this network");
  command->callback([&] {
    chosen = [&options] {
      const std::string file =
          options.config_file.empty() ? suspendd::kUsualConfig : options.config_file;
      const suspendd::LoadedConfig loaded = suspendd::load_config(file);
      for (const rouse::Problem& problem : loaded.problems) {
        std::fprintf(stderr, "%s\n", problem.str().c_str());
      }
      if (!loaded.config) return 2;
      const suspendd::RelayConfig& config = loaded.config->relay;
      suspendd::RelayOptions relay;
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
      return suspendd::run_relay(relay);
    };
  });
}

int print_page(const CliOptions& options, const char* text_path) {
  return suspendd::print_answer(
      suspendd::ask_daemon(options, "GET", options.json ? "/v1/status" : text_path));
}

}  // namespace

int main(int argc, char** argv) {
  // The helper of the GPU is this program, too; it loads what the daemon must not.
  if (argc > 1 && std::string(argv[1]) == "gpu-probe") {
    return suspendd::run_gpu_probe(std::vector<std::string>(argv + 2, argv + argc));
  }
  CLI::App cli{"rouse-suspendd lets the machine sleep when nobody needs it"};
  cli.require_subcommand(1);
  cli.fallthrough();  // options may stand behind the command
  CliOptions options;
  cli.add_option("-c,--config", options.config_file, "instead of /etc/rouse/suspendd.yaml");
  cli.add_option("--socket", options.socket, "of the daemon; as configured unless given");
  cli.add_option("--root", options.root, "a tree instead of this machine's /proc, /sys and /etc");
  cli.add_option("--bus", options.bus, "address of the D-Bus; the system's unless given");
  cli.add_flag("--json", options.json, "for scripts");

  std::function<int()> chosen;
  add_run(cli, options, chosen);
  add(cli, "status", "one line: what it does, and why", chosen,
      [&] { return print_page(options, "/v1/brief"); });
  add(cli, "explain", "why is it awake, and what happens next?", chosen,
      [&] { return print_page(options, "/v1/explain"); });
  add(cli, "check", "find what would keep it from sleeping or waking; needs no daemon", chosen,
      [&] { return suspendd::check_box(options); });
  add_tests(cli, options, chosen);
  add_holds(cli, options, chosen);
  add(cli, "unblock", "let it try again", chosen, [&] {
    return suspendd::print_reply(suspendd::ask_daemon(options, "POST", "/v1/unblock", "{}"),
                                 options.json);
  });
  add(cli, "gate", "the last word before any suspend (for systemd)", chosen,
      [&] { return suspendd::open_gate(options); });
  add_relay(cli, options, chosen);
  cli.add_subcommand("gpu-probe", "ask the GPU driver (for the daemon itself)");
  add(cli, "schema", "print the JSON schema of the configuration, for editors", chosen, [] {
    std::fputs(suspendd::json_schema().c_str(), stdout);
    return 0;
  });
  add(cli, "version", "print the version", chosen, [] {
    std::printf("rouse-suspendd %s\n", ROUSE_VERSION);
    return 0;
  });
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : 2;  // --help is no error
  }
  return chosen ? chosen() : 1;
}
