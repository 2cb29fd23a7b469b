#pragma once

#include <string>
#include <string_view>

namespace rouse::core {

/// A name as messages show it.
[[nodiscard]] inline std::string in_quotes(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

}  // namespace rouse::core
