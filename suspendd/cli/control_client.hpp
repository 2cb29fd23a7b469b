#pragma once

#include "base/result.hpp"
#include "suspendd/proxy/json_ask.hpp"

#include <chrono>
#include <string>

namespace rouse::suspendd {

/// What every command of the command line has.
struct CliOptions {
  std::string config_file;  ///< empty: the usual one, if it is there
  std::string socket;       ///< of the daemon; empty: as the configuration says
  std::string root;
  std::string bus;
  bool json = false;
};

inline constexpr const char* kUsualConfig = "/etc/rouse/suspendd.yaml";

/// Where the daemon listens, by the options, the configuration or the default.
[[nodiscard]] std::string control_socket(const CliOptions& options);

/// One call of the daemon, from a program that does nothing else meanwhile. The error of a daemon
/// that does not run says what to do.
[[nodiscard]] Result<HttpAnswer> ask_daemon(
    const CliOptions& options, const std::string& method, const std::string& path,
    const std::string& body = {}, std::chrono::milliseconds limit = std::chrono::seconds(30));

/// Prints the answer's body, or why there is none to stderr. Returns the exit status: 0, 1 refused,
/// 3 no daemon.
int print_answer(const Result<HttpAnswer>& answer);
/// The same of a command, whose answer is {"message"}; with @p json, as it is.
int print_reply(const Result<HttpAnswer>& answer, bool json);

}  // namespace rouse::suspendd
