#pragma once

#include "core/sleep/event.hpp"
#include "suspendd/config/config.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace rouse::suspendd {

/// When the machine must wake by itself: the configured times of day, and the end of a wake test.
/// Pure but for the time zone, which is the machine's.
class WakeupPlan {
 public:
  using WallTime = core::suspend::WallTime;
  using Wakeups = std::vector<core::suspend::Wakeup>;

  /// What is to come, soonest first; nullopt when that is what the last call said.
  [[nodiscard]] std::optional<Wakeups> plan(const std::vector<WakeupConfig>& wakeups, WallTime now);
  /// In how long the next one is, for what is not worth a sleep; the end of a wake test is none.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next_in(WallTime now) const;

  void set_safety_net(std::optional<WallTime> at) { safety_net_ = at; }
  void drop_safety_net() { safety_net_.reset(); }

 private:
  std::optional<WallTime> safety_net_;
  Wakeups planned_;
};

}  // namespace rouse::suspendd
