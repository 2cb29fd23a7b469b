#include "base/text/week.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cctype>

namespace rouse {

namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int kDayMinutes = 24 * 60;

std::optional<int> day_of(std::string_view text) {
  std::string word(text.substr(0, 3));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto found = std::find(kDays.begin(), kDays.end(), word);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<int>(found - kDays.begin());
}

std::optional<int> digits(std::string_view text) {
  if (text.empty() || text.size() > 2) return std::nullopt;
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

std::optional<std::uint8_t> parse_days(std::string_view text) {
  unsigned days = 0;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    const auto first = day_of(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : day_of(part.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    for (int day = *first;; day = (day + 1) % 7) {
      days |= 1U << day;
      if (day == *last) break;
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (days == 0) return std::nullopt;
  return static_cast<std::uint8_t>(days);
}

std::optional<int> parse_time_of_day(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hours = digits(text.substr(0, colon));
  const auto minutes = digits(text.substr(colon + 1));
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const int time = *hours * 60 + *minutes;
  if (time > kDayMinutes) return std::nullopt;
  return time;
}

std::optional<WeekSpan> parse_span(std::string_view text) {
  WeekSpan span;
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(' ') + 1 - first);
  if (std::isdigit(static_cast<unsigned char>(text.front())) == 0) {
    const std::size_t blank = text.find(' ');
    const auto days = parse_days(text.substr(0, blank));
    if (!days) return std::nullopt;
    span.days = *days;
    if (blank == std::string_view::npos) return span;
    text.remove_prefix(text.find_first_not_of(' ', blank));
  }
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto from = parse_time_of_day(text.substr(0, dash));
  const auto to = parse_time_of_day(text.substr(dash + 1));
  if (!from || !to || *from == *to || *from == kDayMinutes) return std::nullopt;
  span.from = *from;
  span.to = *to;
  return span;
}

bool is_within(const std::vector<WeekSpan>& spans, int day, int minute) {
  return std::any_of(spans.begin(), spans.end(), [&](const WeekSpan& span) {
    const auto has = [&](int which) { return (span.days >> which & 1U) != 0; };
    if (span.to > span.from) return has(day) && minute >= span.from && minute < span.to;
    return (has(day) && minute >= span.from) || (has((day + 6) % 7) && minute < span.to);
  });
}

std::vector<WeekSpan> complement(const std::vector<WeekSpan>& spans) {
  std::bitset<7 * kDayMinutes> covered;
  for (const WeekSpan& span : spans) {
    const int length = (span.to > span.from ? span.to : span.to + kDayMinutes) - span.from;
    for (int day = 0; day < 7; ++day) {
      if ((span.days >> day & 1U) == 0) continue;
      for (int minute = 0; minute < length; ++minute) {
        const int at = (day * kDayMinutes + span.from + minute) % (7 * kDayMinutes);
        covered.set(static_cast<std::size_t>(at));
      }
    }
  }
  std::vector<WeekSpan> rest;
  for (int day = 0; day < 7; ++day) {
    int from = -1;
    for (int minute = 0; minute <= kDayMinutes; ++minute) {
      const bool is_free = minute < kDayMinutes &&
                           !covered.test(static_cast<std::size_t>(day * kDayMinutes + minute));
      if (is_free && from < 0) from = minute;
      if (is_free || from < 0) continue;
      rest.push_back({static_cast<std::uint8_t>(1U << day), from, minute});
      from = -1;
    }
  }
  return rest;
}

}  // namespace rouse
