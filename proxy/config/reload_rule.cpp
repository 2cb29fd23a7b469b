#include "proxy/config/reload_rule.hpp"

#include <fmt/format.h>

#include <string_view>

namespace rouse {

namespace {

/// @p effect: what it would mean.
std::string gone_text(std::string_view key, std::string_view effect) {
  return fmt::format(
      "the new configuration has no {0} at all, so {1}: is the file empty, or half "
      "written? If that is meant, write \"{0}: {{}}\"",
      key, effect);
}

}  // namespace

std::string reload_fault(const Config& running, const LoadedConfig& next) {
  const Config& config = *next.config;
  const auto is_meant = [&](std::string_view key) { return next.emptied.contains(key); };
  if (!running.models.empty() && config.models.empty() && !is_meant("models")) {
    return gone_text("models", "all engines would stop");
  }
  if (!running.peers.empty() && config.peers.empty() && !is_meant("peers")) {
    return gone_text("peers", "their models would be gone");
  }
  // Without keys anybody may use the proxy.
  if (!running.keys.empty() && config.keys.empty() && !is_meant("keys") && !is_meant("apiKeys")) {
    return gone_text("keys", "everybody could use the proxy");
  }
  return {};
}

}  // namespace rouse
