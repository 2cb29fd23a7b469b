#pragma once

#include <cstddef>
#include <string_view>

namespace rouse {

/// The length in bytes of the UTF-8 sequence at the start of @p text, or 0 when there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// How many characters @p text has; a byte that is no UTF-8 counts as one, or as none.
[[nodiscard]] std::size_t utf8_count(std::string_view text);

}  // namespace rouse
