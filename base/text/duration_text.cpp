#include "base/text/duration_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace rouse {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

/// A number at the start of @p text, which is moved behind it.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || std::signbit(number)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// The unit at the start of @p text, which is moved behind it: a whole word.
template <std::size_t N>
std::optional<double> take_unit(std::string_view& text, const std::array<Unit, N>& units) {
  const std::string_view word = text.substr(0, text.find_first_of(" \t.+-0123456789"));
  for (const Unit& unit : units) {
    if (word != unit.name) continue;
    text.remove_prefix(word.size());
    return unit.factor;
  }
  return std::nullopt;
}

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

constexpr double kMinuteMs = 60e3;
constexpr double kHourMs = 60 * kMinuteMs;
constexpr double kDayMs = 24 * kHourMs;
constexpr double kMonthMs = 30.4375 * kDayMs;
constexpr double kYearMs = 365.25 * kDayMs;

// Those of systemd.time(7) from the microsecond up.
constexpr std::array<Unit, 30> kTimes{{{"us", 1e-3},
                                       {"usec", 1e-3},
                                       {"\u00b5s", 1e-3},
                                       {"\u03bcs", 1e-3},
                                       {"ms", 1},
                                       {"msec", 1},
                                       {"s", 1e3},
                                       {"sec", 1e3},
                                       {"second", 1e3},
                                       {"seconds", 1e3},
                                       {"m", kMinuteMs},
                                       {"min", kMinuteMs},
                                       {"minute", kMinuteMs},
                                       {"minutes", kMinuteMs},
                                       {"h", kHourMs},
                                       {"hr", kHourMs},
                                       {"hour", kHourMs},
                                       {"hours", kHourMs},
                                       {"d", kDayMs},
                                       {"day", kDayMs},
                                       {"days", kDayMs},
                                       {"w", 7 * kDayMs},
                                       {"week", 7 * kDayMs},
                                       {"weeks", 7 * kDayMs},
                                       {"M", kMonthMs},
                                       {"month", kMonthMs},
                                       {"months", kMonthMs},
                                       {"y", kYearMs},
                                       {"year", kYearMs},
                                       {"years", kYearMs}}};
constexpr std::array<Unit, 8> kSizes{{{"KiB", 1024},
                                      {"MiB", 1048576},
                                      {"GiB", 1073741824},
                                      {"KB", 1e3},
                                      {"kB", 1e3},
                                      {"MB", 1e6},
                                      {"GB", 1e9},
                                      {"B", 1}}};
constexpr double kLongest =
    3e12;  // milliseconds, 95 years: added to the time of now it still fits a clock
constexpr double kLargest = 1e15;  // bytes

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  skip_blanks(text);
  if (text.empty()) return std::nullopt;
  double sum = 0;
  bool first = true;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    skip_blanks(text);
    const bool plain = text.empty() && first;
    first = false;
    const auto factor = plain ? std::optional<double>(1000) : take_unit(text, kTimes);
    if (!factor) return std::nullopt;
    skip_blanks(text);
    sum += *number * *factor;
  }
  if (sum > kLongest) return std::nullopt;
  // 0 means "never" or "none" in many places: nothing else may become it.
  const long long rounded = std::llround(sum);
  return std::chrono::milliseconds(sum > 0 && rounded == 0 ? 1 : rounded);
}

std::string duration_text(std::chrono::milliseconds duration) {
  auto left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  for (const auto& [name, size] : {std::pair{"h", 3'600'000L}, std::pair{"m", 60'000L},
                                   std::pair{"s", 1000L}, std::pair{"ms", 1L}}) {
    if (left >= size) out += fmt::format("{}{}", left / size, name);
    left %= size;
  }
  return out;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto factor = text.empty() ? std::optional<double>(1) : take_unit(text, kSizes);
  if (!factor || !text.empty() || *number * *factor > kLargest) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*number * *factor));
}

}  // namespace rouse
