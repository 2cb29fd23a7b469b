#pragma once

#include <string>

namespace rouse {

struct StatusOptions {
  std::string url = "http://127.0.0.1:8080";
  std::string key;  ///< sent as a bearer token when not empty
  bool json = false;
  bool watch = false;
};

/// Asks a running proxy for /api/queue and prints it as tables. Returns the exit status: 0, or 1
/// when the proxy did not answer (said on stderr).
[[nodiscard]] int print_status(const StatusOptions& options);

/// The tables for one answer of /api/queue; an error text when it is none.
[[nodiscard]] std::string status_tables(const std::string& queue_json);

}  // namespace rouse
