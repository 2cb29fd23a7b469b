#pragma once

#include "proxy/config/config.hpp"

#include <string>

namespace rouse {

// What `rouse check` says of a configuration without errors.

/// Models with their ports, the sets spelled out, who can stand beside whom, and the keys that are
/// accepted without effect; for a person.
[[nodiscard]] std::string check_report(const LoadedConfig& loaded);
/// The same for a script.
[[nodiscard]] std::string check_report_json(const LoadedConfig& loaded);

}  // namespace rouse
