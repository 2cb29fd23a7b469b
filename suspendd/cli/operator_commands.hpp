#pragma once

#include "suspendd/cli/control_client.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

// What an operator says to a running daemon. Each returns an exit status.

struct HoldOptions {
  std::optional<std::chrono::milliseconds> lasts;  ///< nullopt: until released
  std::string why;
};
/// Prints the token that releases it.
int hold_awake(const CliOptions& options, const HoldOptions& hold);

/// @p token empty: the only hold that there is.
int release_hold(const CliOptions& options, const std::string& token);

/// Runs @p argv with our own input and output, and keeps the machine awake meanwhile. Returns its
/// exit status (128 + N after signal N); 126 and 127 as a shell does; 125: it may not hold.
int run_held(const CliOptions& options, const std::string& why,
             const std::vector<std::string>& argv);

int print_history(const CliOptions& options, std::size_t last);

/// Asks first, unless @p sure. Sleeps at once, with an alarm after @p net in case that no packet
/// comes; tells what has woken the machine: 0 when it was a packet.
int test_wake(const CliOptions& options, std::chrono::milliseconds net, bool sure);

/// The last word before any suspend: 0 lets it happen, 1 stops it. Without a daemon it happens.
int open_gate(const CliOptions& options);

/// Everything that could keep the machine from sleeping or from waking: 0 fine, 1 warnings, 2 it
/// would refuse. Needs no daemon.
int check_box(const CliOptions& options);

}  // namespace rouse::suspendd
