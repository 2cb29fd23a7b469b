#pragma once

#include "base/yaml/tree.hpp"

#include <string>
#include <vector>

namespace rouse {

/// Writes what is wrong with a configuration to stderr, a line each, for whoever starts a program;
/// under journald with its priorities.
void tell_problems(const std::vector<Problem>& problems);

/// The first error of @p problems, and how many more there are: one line for `systemctl status`.
/// Empty without an error.
[[nodiscard]] std::string first_error(const std::vector<Problem>& problems);

}  // namespace rouse
