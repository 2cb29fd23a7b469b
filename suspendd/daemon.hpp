#pragma once

#include "suspendd/config/config.hpp"

#include <memory>
#include <string>

namespace rouse::suspendd {

struct DaemonOptions {
  std::string config_file;
  std::string root;  ///< a tree instead of the machine's own /proc, /sys and /etc
  std::string bus;   ///< D-Bus address; empty: the system bus
  bool dry_run = false;
};

/// Runs the daemon until SIGINT or SIGTERM; SIGHUP reads its configuration again. Returns the exit
/// status: 0 after a clean end, 1 when it could not listen or write, 2 when the configuration has
/// errors (printed to stderr).
[[nodiscard]] int run_daemon(const DaemonOptions& options);

}  // namespace rouse::suspendd
