#pragma once

#include <chrono>

namespace rouse {

/// When an engine that loads is asked next whether it is ready. Readiness is seen late by a
/// hundredth of the time that the load has taken, 5 ms at least and 100 ms at most, so that a long
/// load is not asked thousands of times. Whoever writes a line has often just become ready, and is
/// asked at once; but a flood of lines is asked every 20 ms only. Pure.
class ProbePace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ProbePace(Clock::time_point started) : started_(started), asked_(started) {}

  /// It was asked at @p now, or is about to be.
  void asked(Clock::time_point now);
  /// It has written a line.
  void heard_line() { has_spoken_ = true; }
  [[nodiscard]] Clock::time_point due() const;
  [[nodiscard]] Clock::time_point last() const { return asked_; }

 private:
  Clock::time_point started_;
  Clock::time_point asked_;
  bool has_spoken_ = false;  ///< since it was asked
};

}  // namespace rouse
