#pragma once

#include <spdlog/formatter.h>

#include <memory>
#include <string>

namespace rouse {

/// Log lines as the spdlog pattern @p pattern has them, which may have four flags of ours, too:
/// %_ the day of the month, with a blank in front below 10; %k the hour of twelve without a zero;
/// %Z the zone's name; %q its offset without a colon.
[[nodiscard]] std::unique_ptr<spdlog::formatter> line_format(const std::string& pattern);

}  // namespace rouse
