#pragma once

#include "base/yaml/fault.hpp"

#include <optional>
#include <string_view>

namespace rouse {

/// What keeps @p text from being read at all: another encoding than UTF-8, control characters, or
/// blanks in front of a line that only look like some. nullopt: nothing.
[[nodiscard]] std::optional<YamlFault> find_byte_fault(std::string_view text);

}  // namespace rouse
