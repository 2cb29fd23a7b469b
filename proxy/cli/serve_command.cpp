#include "base/net/listen.hpp"
#include "proxy/app.hpp"
#include "proxy/cli/commands.hpp"
#include "proxy/cli/config_arguments.hpp"
#include "proxy/cli/wol_proxy.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace rouse {

namespace {

int refuse(const WolProxyOptions& options) {
  std::fprintf(stderr,
               "rouse serve: these are options of wol-proxy; rouse wakes the machines that its "
               "configuration names\n"
               "  put this into a file, and name that instead:\n%s",
               config_of(options).c_str());
  return 2;
}

int run_serve(ServeOptions& options) {
  if (!find_config(options.sources, "serve")) return 2;
  if (options.tls_cert_file.empty() != options.tls_key_file.empty()) {
    std::fputs(
        "rouse serve: --tls-cert-file and --tls-key-file need each other\n"
        "  give both, or neither\n",
        stderr);
    return 2;
  }
  if (options.listen.empty()) {
    options.listen = options.tls_cert_file.empty() ? "127.0.0.1:8080" : "127.0.0.1:8443";
  }
  return serve(options);
}

/// Says what is wrong with an address to listen on; empty: nothing.
std::string address_fault(const std::string& text) {
  if (ListenAddress::parse(text)) return {};
  return "\"" + text + "\" is no address such as 127.0.0.1:8080, [::1]:8080, or :8080 for all";
}

}  // namespace

void add_serve_command(CommandLine& line) {
  const auto options = std::make_shared<ServeOptions>();
  const auto wol_proxy = std::make_shared<WolProxyOptions>();
  options->state_dir = default_state_dir();
  options->listen.clear();
  CLI::App& command = line.add({
      .name = "serve",
      .headline = "run the proxy",
      .about = "Runs until SIGTERM or Ctrl-C; SIGHUP takes the configuration anew. llama-swap's "
               "options mean the same here, also without `serve`, but for one: without --listen, "
               "only this machine may connect.",
      .examples = {{"rouse serve config.yaml", "on 127.0.0.1:8080"},
                   {"rouse serve -c config.yaml --listen :8080",
                    "on every address; anybody who can reach it may use it, unless there are keys"},
                   {"rouse -config config.yaml -listen :8080 -watch-config",
                    "as a unit or a compose file for llama-swap has it"},
                   {"rouse serve config.yaml --tls-cert-file cert.pem --tls-key-file key.pem",
                    "https on 127.0.0.1:8443"}},
      .statuses = {{"0", "It was told to end, and has ended well."},
                   {"1", "It could not listen, or something else that it needs is missing."},
                   {"2", "The command line or the configuration has errors."}},
      .act = [options,
              wol_proxy] { return wol_proxy->any() ? refuse(*wol_proxy) : run_serve(*options); },
  });
  add_config_arguments(command, options->sources);
  command
      .add_option("-l,--listen", options->listen,
                  "HOST:PORT, or :PORT for every address; 127.0.0.1:8080 unless given, with "
                  "--tls-cert-file 127.0.0.1:8443")
      ->type_name("ADDRESS")
      ->check(CLI::Validator(address_fault, ""));
  command.add_flag("-w,--watch-config", options->watch_config,
                   "reload when a file of the configuration changes (SIGHUP does it, too)");
  command
      .add_option("--tls-cert-file", options->tls_cert_file,
                  "speak https with this certificate (PEM, its chain after it)")
      ->type_name("FILE");
  command.add_option("--tls-key-file", options->tls_key_file, "and this private key (PEM)")
      ->type_name("FILE");
  add_state_dir(command, options->state_dir);
  command
      .add_option("--power-socket", options->power_socket,
                  "where rouse-suspendd asks for sleep; instead of the configured one")
      ->type_name("SOCKET");
  add_wol_proxy_options(command, *wol_proxy);
}

}  // namespace rouse
