#pragma once

#include <string>

namespace CLI {
class App;
}

namespace rouse {

/// The options of wol-proxy, the program beside llama-swap that wakes one machine. rouse does that
/// by its configuration; whoever comes with these options is told which one.
struct WolProxyOptions {
  std::string mac;
  std::string upstream;
  std::string timeout;  ///< seconds
  std::string log;      ///< a level

  [[nodiscard]] bool any() const {
    return !mac.empty() || !upstream.empty() || !timeout.empty() || !log.empty();
  }
};

/// Adds them, to be seen in no help.
void add_wol_proxy_options(CLI::App& command, WolProxyOptions& options);

/// The configuration that does the same.
[[nodiscard]] std::string config_of(const WolProxyOptions& options);

}  // namespace rouse
