#include "suspendd/checks/finding.hpp"

#include "base/text/duration_text.hpp"

#include <fmt/format.h>

#include <ctime>

namespace rouse::suspendd {

std::string rate_text(double bytes_per_second) {
  constexpr double kKi = 1024;
  if (bytes_per_second >= kKi * kKi * kKi) {
    return fmt::format("{:.1f} GiB/s", bytes_per_second / (kKi * kKi * kKi));
  }
  if (bytes_per_second >= kKi * kKi) {
    return fmt::format("{:.1f} MiB/s", bytes_per_second / (kKi * kKi));
  }
  if (bytes_per_second >= kKi) return fmt::format("{:.1f} KiB/s", bytes_per_second / kKi);
  return fmt::format("{:.0f} B/s", bytes_per_second);
}

std::string age_text(std::chrono::milliseconds age) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  constexpr minutes kCoarse{15};
  if (age < kCoarse) return duration_text(std::chrono::duration_cast<seconds>(age));
  return duration_text(std::chrono::duration_cast<minutes>(age));
}

std::string clock_text(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

std::string excerpt(std::string_view text, std::size_t max) {
  std::string clean;
  for (const char c : text.substr(0, max)) {
    const auto byte = static_cast<unsigned char>(c);
    clean += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  while (!clean.empty() && clean.back() == ' ') clean.pop_back();
  if (text.size() > max) clean += "…";
  return clean;
}

std::string count_text(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace rouse::suspendd
