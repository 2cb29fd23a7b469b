#pragma once

#include "suspendd/checks/check.hpp"

#include <optional>
#include <string>

namespace rouse::suspendd {

/// The last line of what a command wrote that is a JSON object with "active": true, false or null
/// (it cannot tell), and may have a "reason". nullopt: there is none. Pure.
[[nodiscard]] std::optional<Finding> json_answer(const std::string& output);

/// The last line that says something, for a reason.
[[nodiscard]] std::string last_line(const std::string& output);

}  // namespace rouse::suspendd
