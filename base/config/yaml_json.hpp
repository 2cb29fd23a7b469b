#pragma once

#include "base/yaml/tree.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// @p node as JSON text; plain scalars become numbers, truth values and null as YAML means them.
[[nodiscard]] std::string to_json(const YamlNode& node);

/// A plain scalar that is a whole number to YAML: 1_000, 0x10, 0o17, 1e3 and 300.0 are; nullopt: it
/// is none.
[[nodiscard]] std::optional<long long> yaml_whole_number(std::string_view text);

}  // namespace rouse
