#pragma once

#include "suspendd/box/clocks.hpp"
#include "suspendd/box/root.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// /sys/power/suspend_stats.
struct SuspendStats {
  std::uint64_t success = 0;
  std::uint64_t fail = 0;
  std::string last_failed_dev;
  std::string last_failed_step;
  int last_failed_errno = 0;  ///< negative, as the kernel keeps it
};

[[nodiscard]] Result<SuspendStats> read_suspend_stats(const Root& root);

/// Taken before the suspend and again after it.
struct SleepMark {
  Clocks clocks;
  std::optional<SuspendStats> stats;  ///< older kernels have them elsewhere, or not at all
};

[[nodiscard]] SleepMark read_sleep_mark(const Root& root);

struct SleepEvidence {
  bool has_slept = false;
  std::chrono::milliseconds slept{0};  ///< growth of BOOTTIME - MONOTONIC
  std::uint64_t failures = 0;          ///< attempts that the kernel counted as failed
  /// For a person: "slept 3 h 2 m", "did not sleep: freeze failed (Device or resource busy)".
  std::string text;
};

/// It slept when the gap grew by half a second or more and, where the kernel counts, its count of
/// successes grew: logind's answer says nothing, and a failed attempt can take a while too.
[[nodiscard]] SleepEvidence sleep_evidence(const SleepMark& before, const SleepMark& after);

/// A task in uninterruptible sleep: it would not freeze, and the suspend fails after 20 s.
struct StuckTask {
  int pid = 0;
  std::string name;
  std::string waits_in;  ///< kernel function; empty where that is not told

  [[nodiscard]] std::string text() const;  ///< "df (4711) in fuse_wait_answer"
};

/// Threads too, since one is enough. Kernel threads are left out: they are not frozen this way.
[[nodiscard]] std::vector<StuckTask> stuck_tasks(const Root& root);

/// Of this boot, as the kernel gives it: a uuid.
[[nodiscard]] Result<std::string> read_boot_id(const Root& root);

}  // namespace rouse::suspendd
