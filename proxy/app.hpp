#pragma once

#include "proxy/config/config.hpp"

#include <string>

namespace rouse {

struct ServeOptions {
  ConfigSources sources;
  std::string listen = "127.0.0.1:8080";  ///< HOST:PORT; port 0: any free one
  std::string state_dir;                  ///< where engines are remembered; empty: nowhere
  std::string tls_cert_file;              ///< PEM; https with both of these, else as configured
  std::string tls_key_file;
  std::string power_socket;   ///< instead of the configured one
  bool watch_config = false;  ///< reload when a file of the configuration changes
};

/// Runs the proxy until SIGINT or SIGTERM; SIGHUP reloads its configuration. Returns the exit
/// status: 0 after a clean end, 1 when the machine does not let it serve (the port is taken, a
/// certificate cannot be read), 2 when something is wrong as it is written (the configuration,
/// --listen). What is wrong is on stderr, and in `systemctl status`.
[[nodiscard]] int serve(const ServeOptions& options);

}  // namespace rouse
