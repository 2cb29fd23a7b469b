#include "base/text/rfc3339.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace rouse {

using std::chrono::system_clock;

namespace {

std::optional<std::int64_t> digits_of(std::string_view text, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole && value >= 0 && value <= most && !text.starts_with('-') ? std::optional(value)
                                                                           : std::nullopt;
}

}  // namespace

std::optional<system_clock::time_point> parse_rfc3339(std::string_view text) {
  const auto digits = [&](std::size_t at, std::size_t n) {
    return text.size() >= at + n ? digits_of(text.substr(at, n), 9999) : std::nullopt;
  };
  const auto year = digits(0, 4), month = digits(5, 2), day = digits(8, 2);
  const auto hour = digits(11, 2), minute = digits(14, 2), second = digits(17, 2);
  const bool complete = year && month && day && hour && minute && second;
  if (!complete || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':' || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  std::string_view rest = text.substr(19);
  std::chrono::milliseconds fraction{0};
  if (rest.starts_with('.')) {
    const std::size_t end = rest.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return std::nullopt;
    std::string milli(rest.substr(1, std::min<std::size_t>(end - 1, 3)));
    milli.resize(3, '0');
    fraction = std::chrono::milliseconds(*digits_of(milli, 999));
    rest.remove_prefix(end);
  }
  std::chrono::minutes offset{0};
  if (rest != "Z" && rest != "z") {
    const bool shaped = rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':';
    if (!shaped) return std::nullopt;
    const auto hours = digits_of(rest.substr(1, 2), 23), minutes = digits_of(rest.substr(4, 2), 59);
    if (!hours || !minutes) return std::nullopt;
    offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    if (rest[0] == '-') offset = -offset;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + fraction - offset;
}

std::string to_rfc3339(system_clock::time_point at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(system_clock::to_time_t(at)));
}

}  // namespace rouse
