#pragma once

#include "proxy/config/config.hpp"

#include <string>

namespace rouse {

/// What `rouse check` says of a configuration without errors, to a person: models with their
/// addresses, the sets spelled out, who can stand beside whom, and the keys that are accepted
/// without effect. Its problems are told apart.
[[nodiscard]] std::string check_report(const LoadedConfig& loaded);

/// The same for a script, with the problems; of a configuration with errors, only those.
[[nodiscard]] std::string check_report_json(const LoadedConfig& loaded);

}  // namespace rouse
