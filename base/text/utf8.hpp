#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rouse {

/// The length in bytes of the UTF-8 sequence at the start of @p text, or 0 when there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// How many characters @p text has; a byte that is no UTF-8 counts as one, or as none.
[[nodiscard]] std::size_t utf8_count(std::string_view text);

/// Adds the character @p code, which is below 0x110000, to @p out.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace rouse
