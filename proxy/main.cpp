#include "proxy/app.hpp"
#include "proxy/cli/new_key.hpp"
#include "proxy/cli/status.hpp"
#include "proxy/cli/wake_run.hpp"
#include "proxy/config/check_report.hpp"
#include "proxy/config/schema.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace {

/// systemd's StateDirectory when there is one, else the user's own.
std::string default_state_dir() {
  if (const char* dir = std::getenv("STATE_DIRECTORY")) return dir;
  if (const char* dir = std::getenv("XDG_STATE_HOME")) return std::string(dir) + "/rouse";
  if (const char* home = std::getenv("HOME")) return std::string(home) + "/.local/state/rouse";
  return "/var/lib/rouse";
}

int check(const rouse::ConfigSources& sources, bool strict, bool json) {
  const rouse::LoadedConfig loaded = rouse::load_config(sources);
  for (const rouse::Problem& problem : loaded.problems) {
    std::fprintf(stderr, "%s\n", problem.str().c_str());
  }
  if (json) {
    std::fputs(rouse::check_report_json(loaded).c_str(), stdout);
  } else if (loaded.config) {
    std::fputs(rouse::check_report(loaded).c_str(), stdout);
  }
  return !loaded.config || (strict && !loaded.problems.empty()) ? 2 : 0;
}

int print_new_key(const std::string& name) {
  const rouse::Result<rouse::NewKey> made = rouse::make_key(name);
  if (!made) {
    std::fprintf(stderr, "rouse key: %s\n", made.error().message().c_str());
    return 2;
  }
  std::fputs(rouse::new_key_text(*made).c_str(), stdout);
  // On a full disk, for one, the only copy would be lost in silence.
  return std::fflush(stdout) == 0 ? 0 : 1;
}

void add_sources(CLI::App& command, rouse::ConfigSources& sources) {
  command.add_option("-c,--config", sources.file, "the configuration file");
  command.add_option("--config-dir", sources.dir, "merge all *.yaml and *.yml of this folder");
}

CLI::App* add_wake(CLI::App& cli, rouse::WakeOptions& wake) {
  CLI::App* command =
      cli.add_subcommand("wake", "wake a machine; exits with 0 when it is awake, 1 when it is not");
  command->add_option("PEER", wake.peer, "a peer of the configuration");
  add_sources(*command, wake.sources);
  wake.state_dir = default_state_dir();
  command->add_option("--state-dir", wake.state_dir, "where a proxy keeps what it has learned")
      ->capture_default_str();
  command->add_flag("--test", wake.test,
                    "try one path after the other, and tell which one woke it");
  command->add_flag("--json", wake.json, "for a script");
  command->add_option("--url", wake.url, "where it answers when it is awake");
  command->add_option("--key", wake.key, "the API key that it wants");
  command->add_option("--timeout", wake.flags.timeout, "it must answer within this time");
  command->add_option("--pause", wake.pause, "of a test: for each path")->capture_default_str();
  const auto add_list = [command](const char* name, std::vector<std::string>& list,
                                  const char* text) {
    command->add_option(name, list, text)->allow_extra_args(false);
  };
  add_list("--mac", wake.flags.mac, "the address of its network card; may be repeated");
  add_list("--broadcast", wake.flags.broadcast, "such as 192.168.1.255");
  add_list("--port", wake.flags.port, "UDP, 9 unless given");
  add_list("--unicast", wake.flags.unicast, "also to this address");
  command->add_option("--interface", wake.flags.interface, "packets leave by this one");
  command->add_option("--source", wake.flags.source, "and from this IPv4 address of ours");
  command->add_option("--secureon", wake.flags.secureon, "the card's password");
  command->add_flag("--raw", wake.flags.raw, "also as ethertype 0x0842; needs CAP_NET_RAW");
  command->add_option("--relay", wake.flags.relay, "a rouse-suspendd relay on its network");
  command->add_option("--relay-token", wake.flags.relay_token, "(or set ROUSE_RELAY_TOKEN)")
      ->envname("ROUSE_RELAY_TOKEN");
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"rouse starts and stops language model engines on demand, behind one endpoint"};
  cli.require_subcommand(1);

  rouse::ServeOptions serve;
  serve.state_dir = default_state_dir();
  CLI::App* serve_command = cli.add_subcommand("serve", "run the proxy");
  add_sources(*serve_command, serve.sources);
  serve_command->add_option("-l,--listen", serve.listen, "HOST:PORT")->capture_default_str();
  serve_command->add_flag("--watch-config", serve.watch_config,
                          "reload when a file of the configuration changes (SIGHUP does it, too)");
  serve_command->add_option("--tls-cert-file", serve.tls_cert_file,
                            "speak https with this certificate (PEM, its chain after it)");
  serve_command->add_option("--tls-key-file", serve.tls_key_file, "and this private key (PEM)");
  serve_command->add_option("--state-dir", serve.state_dir, "remembers engines over a crash")
      ->capture_default_str();

  serve_command->add_option("--power-socket", serve.power_socket,
                            "the unix socket on which rouse-suspendd asks for sleep");

  rouse::ConfigSources checked;
  bool strict = false;
  bool json = false;
  CLI::App* check_command =
      cli.add_subcommand("check", "report every fault of a configuration, then the plan");
  check_command->add_option("FILE", checked.file, "the configuration file");
  check_command->add_option("--config-dir", checked.dir,
                            "merge all *.yaml and *.yml of this folder");
  check_command->add_flag("--strict", strict, "warnings are errors, too");
  check_command->add_flag("--json", json, "the plan for a machine");

  rouse::StatusOptions status;
  CLI::App* status_command =
      cli.add_subcommand("status", "models, queue and recent decisions of a running proxy");
  status_command->add_option("-u,--url", status.url, "where it listens")->capture_default_str();
  status_command->add_option("--key", status.key, "an API key (or set ROUSE_KEY)")
      ->envname("ROUSE_KEY");
  status_command->add_flag("--json", status.json, "for a script");
  status_command->add_flag("-w,--watch", status.watch, "again every second, until interrupted");

  rouse::WakeOptions wake;
  const CLI::App* const wake_command = add_wake(cli, wake);

  std::string key_name;
  CLI::App* key_command =
      cli.add_subcommand("key", "make an API key; prints it once, and its entry for keys:");
  key_command->add_option("NAME", key_name, "who or what it is for: shown in logs and metrics")
      ->required();

  CLI::App* schema_command =
      cli.add_subcommand("schema", "print the JSON schema of the configuration, for editors");
  CLI::App* version_command = cli.add_subcommand("version", "print the version");

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? 0 : 2;  // --help is none
  }
  if (*version_command) {
    std::printf("rouse %s\n", ROUSE_VERSION);
    return 0;
  }
  if (*schema_command) {
    std::fputs(rouse::json_schema().c_str(), stdout);
    return 0;
  }
  if (*key_command) return print_new_key(key_name);
  if (*wake_command) return rouse::wake_machine(wake);
  if (*status_command) return rouse::print_status(status);
  if (*check_command) {
    if (checked.file.empty() && checked.dir.empty()) {
      std::fputs("rouse check: name a FILE or a --config-dir\n", stderr);
      return 2;
    }
    return check(checked, strict, json);
  }
  if (serve.sources.file.empty() && serve.sources.dir.empty()) {
    const char* const usual = "/etc/rouse/config.yaml";
    if (!std::filesystem::exists(usual)) {
      std::fputs("rouse serve: name a --config FILE (there is no /etc/rouse/config.yaml)\n",
                 stderr);
      return 2;
    }
    serve.sources.file = usual;
  }
  if (serve.tls_cert_file.empty() != serve.tls_key_file.empty()) {
    std::fputs("rouse serve: --tls-cert-file and --tls-key-file need each other\n", stderr);
    return 1;
  }
  return rouse::serve(serve);
}
