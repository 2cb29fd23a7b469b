#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// The entry of @p names that @p name was probably meant to be: a few letters are different, or it
/// is the start of a longer one. Empty: none is near.
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       const std::vector<std::string>& names);

}  // namespace rouse
