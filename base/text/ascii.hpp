#pragma once

#include <string>
#include <string_view>

namespace rouse {

/// @p text without the blanks, line ends and NULs around it.
[[nodiscard]] std::string_view trim(std::string_view text);

/// @p text with A to Z in lower case, whatever the locale.
[[nodiscard]] std::string to_lower(std::string_view text);

/// Whether @p text is made of 0 to 9 only, and not empty.
[[nodiscard]] bool is_digits(std::string_view text);

/// Whether @p text has a byte that a terminal or a log would take for more than a sign: a line end,
/// an escape.
[[nodiscard]] bool has_control(std::string_view text);

/// The value of a hexadecimal digit of either case; -1: it is none.
[[nodiscard]] int hex_digit(char c);

}  // namespace rouse
