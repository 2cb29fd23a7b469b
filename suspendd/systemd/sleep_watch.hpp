#pragma once

#include "core/sleep/event.hpp"
#include "suspendd/box/root.hpp"
#include "suspendd/box/suspend_stats.hpp"
#include "suspendd/box/wake_source.hpp"
#include "suspendd/systemd/logind.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace rouse::suspendd {

/// Turns logind's signals into the beginning and the end of a sleep, with what the machine says
/// about it in between. Each beginning has one end, whatever logind repeats or forgets. Single
/// thread; what it gets outlives it.
class SleepWatch {
 public:
  /// @p alarm_due: whether our own alarm was set for a time that has come.
  SleepWatch(Logind& logind, const Root& root, std::function<void()> began,
             std::function<void(core::suspend::Evidence)> ended, std::function<bool()> alarm_due);

  [[nodiscard]] bool is_asleep() const { return before_.has_value(); }
  /// Found at the start: a sleep had begun, and its beginning is not told.
  void assume_asleep();

 private:
  void note(bool preparing);

  struct Before {
    std::optional<SuspendStats> stats;  ///< nullopt: not told by this kernel
    std::vector<WakeSource> sources;
  };

  const Root& root_;
  std::function<void()> began_;
  std::function<void(core::suspend::Evidence)> ended_;
  std::function<bool()> alarm_due_;
  std::optional<Before> before_;
  std::shared_ptr<void> signal_;
};

/// What @p kind is to the policy.
[[nodiscard]] core::suspend::WakeReason wake_reason_of(WakeKind kind);

}  // namespace rouse::suspendd
