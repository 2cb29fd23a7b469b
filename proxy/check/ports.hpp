#pragma once

#include "proxy/check/finding.hpp"
#include "proxy/config/config.hpp"

#include <string>
#include <vector>

namespace rouse {

/// Whether an engine with this endpoint answers by TCP on this machine.
[[nodiscard]] bool is_here(const Endpoint& endpoint);

/// The port of "HOST:PORT"; 0: there is none, or any will do.
[[nodiscard]] int port_of_listen(const std::string& listen);

/// Ports that two will want: two models that may be loaded at once, a model and the models that get
/// theirs by ${PORT}, a model or a peer and rouse itself, which listens at @p listen.
[[nodiscard]] std::vector<Finding> find_port_findings(const LoadedConfig& loaded,
                                                      const std::string& listen);

}  // namespace rouse
