#pragma once

#include <string>

namespace rouse {

/// Go's names for layouts of times ("rfc3339"), as llama-swap's configuration has them, as patterns
/// of the log; empty for any other name.
[[nodiscard]] std::string time_pattern(const std::string& name);

}  // namespace rouse
