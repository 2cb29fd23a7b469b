#pragma once

#include "core/aux_request.hpp"

#include <string_view>

namespace rouse::wire {

/// What @p body, the whole JSON of a chat, messages or responses request, says of its size.
[[nodiscard]] core::AuxSigns aux_signs(std::string_view body);

/// The same for that of an embeddings request: "input" is one word, as a text or alone in a list.
[[nodiscard]] core::AuxSigns embedding_signs(std::string_view body);

}  // namespace rouse::wire
