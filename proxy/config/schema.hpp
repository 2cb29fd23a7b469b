#pragma once

#include "base/config/table.hpp"

#include <string>

namespace rouse {

/// Every key of the proxy's configuration.
[[nodiscard]] const ConfigTable& config_table();

[[nodiscard]] inline std::span<const ConfigSection> config_sections() {
  return config_table().sections;
}
[[nodiscard]] inline const ConfigSection& config_section(std::string_view name) {
  return config_table().section(name);
}

/// The JSON schema of it, for editors.
[[nodiscard]] std::string json_schema();

}  // namespace rouse
