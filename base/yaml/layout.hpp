#pragma once

#include "base/yaml/fault.hpp"
#include "base/yaml/place.hpp"

#include <optional>

namespace rouse {

/// What is wrong with where lines begin and where keys stand; nullopt: it is something else.
[[nodiscard]] std::optional<YamlFault> layout_fault(const YamlPlace& place);

}  // namespace rouse
