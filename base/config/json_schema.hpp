#pragma once

#include "base/config/table.hpp"

#include <string>

namespace rouse {

/// The JSON schema (draft 2020-12) of a configuration, for editors.
[[nodiscard]] std::string json_schema(const ConfigTable& table);

}  // namespace rouse
