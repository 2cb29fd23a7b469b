#include "proxy/app.hpp"
#include "proxy/cli/commands.hpp"
#include "proxy/cli/config_arguments.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace rouse {

namespace {

int run_serve(ServeOptions& options) {
  if (!find_config(options.sources, "serve")) return 2;
  if (options.tls_cert_file.empty() != options.tls_key_file.empty()) {
    std::fputs("rouse serve: --tls-cert-file and --tls-key-file need each other\n", stderr);
    return 1;
  }
  return serve(options);
}

}  // namespace

void add_serve_command(CommandLine& line) {
  const auto options = std::make_shared<ServeOptions>();
  options->state_dir = default_state_dir();
  CLI::App& command = line.add({
      .name = "serve",
      .headline = "run the proxy",
      .act = [options] { return run_serve(*options); },
  });
  add_config_arguments(command, options->sources);
  command.add_option("-l,--listen", options->listen, "HOST:PORT")->capture_default_str();
  command.add_flag("--watch-config", options->watch_config,
                   "reload when a file of the configuration changes (SIGHUP does it, too)");
  command.add_option("--tls-cert-file", options->tls_cert_file,
                     "speak https with this certificate (PEM, its chain after it)");
  command.add_option("--tls-key-file", options->tls_key_file, "and this private key (PEM)");
  command.add_option("--state-dir", options->state_dir, "remembers engines over a crash")
      ->capture_default_str();
  command.add_option("--power-socket", options->power_socket,
                     "the unix socket on which rouse-suspendd asks for sleep");
}

}  // namespace rouse
