#pragma once

#include "suspendd/config/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// "mon-fri", "sat,sun", "mon-sun": bit 0 is Monday; nullopt: these are no days.
[[nodiscard]] std::optional<std::uint8_t> parse_days(std::string_view text);
/// "07:30": minutes after midnight; "24:00" is the end of a day.
[[nodiscard]] std::optional<int> parse_time_of_day(std::string_view text);
/// "mon-fri 08:00-18:00", "22:00-06:00" on every day, "sat,sun" from midnight to midnight.
[[nodiscard]] std::optional<WindowCheck::Span> parse_span(std::string_view text);

/// Every time of the week in none of @p spans.
[[nodiscard]] std::vector<WindowCheck::Span> complement(
    const std::vector<WindowCheck::Span>& spans);

[[nodiscard]] std::string days_text(std::uint8_t days);  ///< "mon-fri", "mon,wed"
[[nodiscard]] std::string time_text(int minutes);        ///< "07:30"

}  // namespace rouse::suspendd
