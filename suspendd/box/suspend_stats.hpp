#pragma once

#include "suspendd/box/root.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// /sys/power/suspend_stats: how often the kernel was told to suspend, and what stopped it last.
struct SuspendStats {
  std::uint64_t success = 0;
  std::uint64_t fail = 0;
  std::string last_failed_dev;
  std::string last_failed_step;
  int last_failed_errno = 0;  ///< negative, as the kernel keeps it
};

/// An error where the kernel does not tell: older ones have them elsewhere, or not at all.
[[nodiscard]] Result<SuspendStats> read_suspend_stats(const Root& root);

/// A task in uninterruptible sleep: it would not freeze, and the suspend fails after 20 s.
struct StuckTask {
  int pid = 0;
  std::string name;
  std::string waits_in;  ///< kernel function; empty where that is not told

  [[nodiscard]] std::string text() const;  ///< "df (4711) in fuse_wait_answer"
};

/// Threads too, since one is enough. Kernel threads are left out: they are not frozen this way.
[[nodiscard]] std::vector<StuckTask> stuck_tasks(const Root& root);

}  // namespace rouse::suspendd
