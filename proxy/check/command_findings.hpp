#pragma once

#include "proxy/check/findings.hpp"

#include <vector>

namespace rouse {

/// What is wrong with the commands of the models, cmd and cmdStop, as texts and as seen from here.
[[nodiscard]] std::vector<Finding> find_command_findings(const LoadedConfig& loaded,
                                                         const MachineFiles& files);

}  // namespace rouse
