#include "base/duration_text.hpp"

#include <fmt/format.h>

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

template <std::size_t N>
std::optional<double> take_unit(std::string_view& text, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.factor;
  }
  return std::nullopt;
}

constexpr std::array<Unit, 5> kTimes{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 8> kSizes{{{"KiB", 1024},
                                      {"MiB", 1048576},
                                      {"GiB", 1073741824},
                                      {"KB", 1e3},
                                      {"kB", 1e3},
                                      {"MB", 1e6},
                                      {"GB", 1e9},
                                      {"B", 1}}};
constexpr double kLongest = 3e12;  // milliseconds, 95 years: now and then some still fits a clock
constexpr double kLargest = 1e15;  // bytes

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double sum = 0;
  bool first = true;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const bool plain = text.empty() && first;
    first = false;
    const auto factor = plain ? std::optional<double>(1000) : take_unit(text, kTimes);
    if (!factor) return std::nullopt;
    sum += *number * *factor;
  }
  if (sum > kLongest) return std::nullopt;
  return std::chrono::milliseconds(std::llround(sum));
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
