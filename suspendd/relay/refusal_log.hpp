#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace rouse::suspendd {

/// Which refusals are logged: anybody can cause one, and they shall not push out what else is in
/// the journal. Single thread, no clock of its own.
class RefusalLog {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMost = 30;  ///< in each kSpan
  static constexpr std::chrono::seconds kSpan{60};

  /// The line for @p text; empty: none.
  [[nodiscard]] std::string line(std::string text, Clock::time_point now) {
    if (now - began_ >= kSpan) {
      began_ = now;
      written_ = 0;
    }
    if (written_ >= kMost) {
      ++dropped_;
      return {};
    }
    ++written_;
    const std::size_t dropped = std::exchange(dropped_, 0);
    return dropped == 0 ? text : fmt::format("{} ({} more were not logged)", text, dropped);
  }

 private:
  Clock::time_point began_{};
  std::size_t written_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace rouse::suspendd
