#pragma once

#include "base/yaml/tree.hpp"

#include <string>

namespace rouse {

/// @p node as JSON text; plain scalars become numbers, truth values and null as YAML means them.
[[nodiscard]] std::string to_json(const YamlNode& node);

}  // namespace rouse
