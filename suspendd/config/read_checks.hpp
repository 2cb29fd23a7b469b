#pragma once

#include "base/config/section.hpp"
#include "suspendd/config/config.hpp"

#include <string>
#include <vector>

namespace rouse::suspendd {

/// The checks of a file: those of `checks`, or the usual ones, and those that `windows` makes.
[[nodiscard]] std::vector<CheckConfig> read_checks(const Section& top, const Config& config);

/// Program and arguments of @p key: a list, or one text that is split at blanks.
[[nodiscard]] std::vector<std::string> read_command(const Section& section, std::string_view key);

/// An http:// URL or a unix socket; faults are told.
[[nodiscard]] Endpoint read_endpoint(const Section& section, std::string_view key);

}  // namespace rouse::suspendd
