#include "suspendd/systemd/sleep_rules.hpp"

#include <algorithm>

namespace rouse::suspendd {

namespace {

constexpr auto kGateUnit = "rouse-suspendd-gate.service";
constexpr core::Duration kDelayMargin{1'000};

}  // namespace

Task<void> SleepRules::ask() {
  const Result<std::chrono::milliseconds> delay = co_await logind_.inhibit_delay_max();
  if (delay) delay_max_ = *delay;
  const Result<UnitState> gate = co_await units_.unit_state(kGateUnit);
  if (gate) has_gate_ = gate->load == "loaded" && !gate->is_disabled();
  known_ = delay && gate;
}

void SleepRules::apply(core::suspend::Settings& settings) const {
  // logind waits no longer than this for us.
  const core::Duration most = delay_max_ - std::min(delay_max_ / 4, kDelayMargin);
  settings.sleep_delay = std::min(settings.sleep_delay, most);
  settings.gate = has_gate_;
}

}  // namespace rouse::suspendd
