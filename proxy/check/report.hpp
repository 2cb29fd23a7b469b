#pragma once

#include "proxy/check/finding.hpp"
#include "proxy/config/config.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// "3 models", or "1 model here, 3 at 2 peers, and what attic lists".
[[nodiscard]] std::string models_headline(const Config& config);

/// By which ways a peer is woken, each in words: "magic packets to 3c:7c:3f:12:34:56 by broadcast".
[[nodiscard]] std::vector<std::string> wake_ways(const WakeConfig& wake);

/// What `rouse check` says of a configuration without errors, to a person: models with their
/// addresses, the sets spelled out, who can stand beside whom, peers and how they are woken, keys
/// and what they may, what names stand for, and the keys that are accepted without effect. Its
/// problems and findings are told apart. No secret is in it.
[[nodiscard]] std::string check_report(const LoadedConfig& loaded,
                                       std::chrono::system_clock::time_point now = {});

/// The same for a script, with problems and findings; of a configuration with errors, only the
/// problems.
[[nodiscard]] std::string check_report_json(const LoadedConfig& loaded,
                                            const std::vector<Finding>& findings = {},
                                            std::chrono::system_clock::time_point now = {});

}  // namespace rouse
