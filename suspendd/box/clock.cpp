#include "suspendd/box/clock.hpp"

#include "suspendd/box/clocks.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace rouse::suspendd {

using core::Duration;
using core::Instant;
using core::suspend::WallTime;

core::suspend::Now read_now(const Root& root) {
  const Clocks clocks = read_clocks();
  const auto in_ms = [](std::chrono::nanoseconds time) {
    return std::chrono::duration_cast<Duration>(time);
  };
  Duration played{0};
  if (!root.prefix().empty()) {
    if (const Result<std::int64_t> asleep = root.read_number("/asleep_ms")) {
      played = Duration(*asleep);
    }
  }
  return {Instant(in_ms(clocks.mono)), Instant(in_ms(clocks.boot) + played),
          WallTime(in_ms(clocks.real))};
}

Result<std::string> read_boot_id(const Root& root) {
  return root.read_word("/proc/sys/kernel/random/boot_id");
}

std::string local_text(WallTime at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%d %H:%M}", parts);
}

std::string span_text(Duration span) {
  const auto total = span.count() / 1000;
  if (span.count() < 10'000)
    return fmt::format("{:.1f} s", static_cast<double>(span.count()) / 1e3);
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{} min {} s", total / 60, total % 60);
  if (total < 48 * 3600) return fmt::format("{} h {} min", total / 3600, total / 60 % 60);
  return fmt::format("{} d {} h", total / 86400, total / 3600 % 24);
}

WallTime next_time_of_day(int minutes, unsigned days, WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm today{};
  ::localtime_r(&seconds, &today);
  for (int ahead = 0; ahead <= 7; ++ahead) {
    std::tm day = today;
    day.tm_mday += ahead;
    day.tm_hour = minutes / 60;
    day.tm_min = minutes % 60;
    day.tm_sec = 0;
    day.tm_isdst = -1;
    const std::time_t at = std::mktime(&day);  // also finds out the day of the week
    const auto weekday = static_cast<unsigned>((day.tm_wday + 6) % 7);
    if (at > seconds && (days >> weekday & 1U) != 0) {
      return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::from_time_t(at));
    }
  }
  return WallTime::max();  // no day at all
}

}  // namespace rouse::suspendd
