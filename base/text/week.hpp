#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// A time of some days of the week, by the wall clock.
struct WeekSpan {
  std::uint8_t days = 0x7F;  ///< bit 0: Monday
  int from = 0;              ///< minutes after midnight
  int to = 24 * 60;          ///< smaller than from: past midnight, still of the day it began on
};

/// "mon-fri", "sat,sun", "mon-sun": bit 0 is Monday; nullopt: these are no days.
[[nodiscard]] std::optional<std::uint8_t> parse_days(std::string_view text);
/// "07:30": minutes after midnight; "24:00" is the end of a day.
[[nodiscard]] std::optional<int> parse_time_of_day(std::string_view text);
/// "mon-fri 08:00-18:00", "22:00-06:00" on every day, "sat,sun" from midnight to midnight.
[[nodiscard]] std::optional<WeekSpan> parse_span(std::string_view text);

/// Whether one of @p spans holds the minute @p minute of @p day (0: Monday).
[[nodiscard]] bool is_within(const std::vector<WeekSpan>& spans, int day, int minute);

/// Every time of the week in none of @p spans.
[[nodiscard]] std::vector<WeekSpan> complement(const std::vector<WeekSpan>& spans);

}  // namespace rouse
