#pragma once

#include "base/result.hpp"
#include "core/sleep/memory.hpp"

#include <string>
#include <string_view>

namespace rouse::suspendd {

/// The policy's memory as the state file has it.
[[nodiscard]] std::string to_json(const core::suspend::Memory& memory);

/// Members that are missing read as empty; an error: this is no JSON object.
[[nodiscard]] Result<core::suspend::Memory> memory_from_json(std::string_view text);

}  // namespace rouse::suspendd
