#pragma once

#include "base/cli/outline.hpp"

#include <string>

namespace rouse {

/// The manual of a program, section 1. @p date: 2026-11-30.
[[nodiscard]] std::string man_page(const CliOutline& outline, const std::string& date);

}  // namespace rouse
