#pragma once

#include "core/swap/scheduler.hpp"
#include "core/time.hpp"

namespace rouse::core {

/// Counts how often an engine failed in a row and decides when it may be tried again.
///
/// After each failure it pauses, twice as long each time; after load_failures_max of them it is
/// open: requests are refused rather than held until the pause ends, then one start is tried.
class Circuit {
 public:
  void fail(EngineFailure why, Instant now, const SchedulePolicy& policy);
  /// It ended by itself after it had proved to run: worth knowing, no reason to wait.
  void crash(EngineFailure why, Instant now);
  void start() { failed_ = false; }
  /// The engine has shown that it runs: what failed before no longer counts.
  void prove() { failures_ = 0; }
  /// Tries again at once.
  void close();

  [[nodiscard]] bool is_open(Instant now, const SchedulePolicy& policy) const;
  [[nodiscard]] Instant retry_at() const { return retry_at_; }
  [[nodiscard]] int failures() const { return failures_; }
  [[nodiscard]] bool failed() const { return failed_; }  ///< the last run ended by itself
  [[nodiscard]] const EngineFailure& last_failure() const { return last_failure_; }
  /// When that was; nothing has failed yet where it is empty.
  [[nodiscard]] Instant failed_at() const { return failed_at_; }
  /// What to tell a client: between 1 s and 30 s, which all of them obey.
  [[nodiscard]] Duration retry_after(Instant now, const SchedulePolicy& policy) const;

 private:
  int failures_ = 0;
  bool failed_ = false;
  Instant retry_at_ = Instant::min();
  Instant failed_at_{};
  EngineFailure last_failure_;
};

}  // namespace rouse::core
