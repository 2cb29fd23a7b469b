#pragma once

#include <string>

namespace rouse {

// Between { } and [ ] YAML takes the braces of ${NAME} for its own. So a text is read without them.

/// @p text, which has no control characters, with two of them for the braces of each ${NAME}.
/// Everything stays in its place.
[[nodiscard]] std::string without_braces(std::string text);

/// The same with its braces again.
[[nodiscard]] std::string with_braces(std::string text);

}  // namespace rouse
