#pragma once

#include "base/async/task.hpp"
#include "core/sleep/settings.hpp"
#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/units.hpp"

namespace rouse::suspendd {

/// What this machine's logind and systemd make of a suspend that is not ours: how long logind waits
/// for us, and whether the gate is asked. Until they have answered, their defaults are assumed,
/// and no gate. Single thread; what it gets outlives it.
class SleepRules {
 public:
  SleepRules(Logind& logind, SystemdUnits& units) : logind_(logind), units_(units) {}

  Task<void> ask();
  /// Both have answered.
  [[nodiscard]] bool known() const { return known_; }
  /// Into what the configuration wants.
  void apply(core::suspend::Settings& settings) const;

 private:
  Logind& logind_;
  SystemdUnits& units_;
  core::Duration delay_max_{5'000};  // logind's default
  bool has_gate_ = false;
  bool known_ = false;
};

}  // namespace rouse::suspendd
