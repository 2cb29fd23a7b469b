#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rouse {

/// How much of the beginning of a file tells whose it is.
inline constexpr std::size_t kStoreHeadSize = 16 * 1024;

/// What a file is whose first bytes are @p head, if rouse cannot keep its history in it: "the
/// history of llama-swap". Empty: it can, or nothing is there yet.
[[nodiscard]] std::string foreign_store(std::string_view head);

}  // namespace rouse
