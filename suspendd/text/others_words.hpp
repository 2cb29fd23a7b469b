#pragma once

#include <string>
#include <string_view>

namespace rouse::suspendd {

/// What others have said (servers that are asked, programs that run, names of models) as a part of
/// a reason: on one line, of 500 columns at most, without what would steer a terminal. Reasons go
/// to terminals, into logs, and into the environment of hooks.
[[nodiscard]] std::string others_words(std::string_view text);

}  // namespace rouse::suspendd
