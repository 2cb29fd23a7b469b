#pragma once

#include "core/aux_request.hpp"

#include <string_view>

namespace rouse::wire {

/// What @p body, the whole JSON of a chat, messages or responses request, says of its size.
[[nodiscard]] core::AuxSigns aux_signs(std::string_view body);

}  // namespace rouse::wire
