#pragma once

#include "base/config/table.hpp"

#include <string>

namespace rouse::suspendd {

/// Every key of suspendd.yaml.
[[nodiscard]] const ConfigTable& config_table();

/// The JSON schema of it, for editors.
[[nodiscard]] std::string json_schema();

}  // namespace rouse::suspendd
