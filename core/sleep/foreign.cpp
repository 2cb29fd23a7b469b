#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

namespace {

constexpr Duration kForceLead{2'000};  // before a gate's time is over: the forced drain

}  // namespace

/// Some suspend is coming that we did not call for, or that the proxy does not know of any more.
void SuspendPolicy::Body::begin_foreign(std::string why) {
  const Instant limit =
      after(now.monotonic, settings.gate_wait + settings.sleep_delay + settings.suspend_verify);
  if (!attempt) {
    const bool gpu_left = leave_gpu(why);
    begin(false, false, std::move(why));
    attempt->gpu_left = gpu_left;
    attempt->limit = limit;
    if (const auto wakeup = next_wakeup()) {
      attempt->alarm = wakeup->at;
      out.emplace_back(ArmAlarm{new_op(), wakeup->at, "for " + wakeup->what});
    }
    return;
  }
  if (attempt->coming && attempt->stage != Stage::Sleep) return;
  attempt->limit = limit;
  make_foreign(why);
}

void SuspendPolicy::Body::make_foreign(const std::string& why) {
  attempt->coming = true;
  if (!attempt->suspend_sent) attempt->ours = false;
  if (memory.in_progress) memory.in_progress->ours = attempt->ours;
  changed();
  enter(State::Suspending, why);
  switch (attempt->stage) {
    case Stage::Drain:
    case Stage::DrainAgain:
    case Stage::Unload:
      return;
    case Stage::Commit:
      attempt->stop.reset();
      return;
    case Stage::PreDrain:
    case Stage::Sleep:
      drop_op(why);
      return ask_drain(false);
    case Stage::PreSuspend:
    case Stage::Preflight:
    case Stage::Alarm:
      break;
  }
  drop_op(why);
  commit();
}

/// Nothing of ours stands in the way of the sleep any more, or (not @p allow) it is denied.
void SuspendPolicy::Body::pass(bool allow, const std::string& why) {
  if (delay_by) out.emplace_back(ReleaseDelayLock{why});
  delay_by.reset();
  for (const OpenGate& gate : gates) out.emplace_back(AnswerGate{gate.id, allow, why});
  gates.clear();
  if (!allow) return give_up("", "a suspend that is not ours was denied: " + why);
  attempt->passed = true;
  if (attempt->stage == Stage::Sleep) return;
  drop_op(why);
  await_sleep();
}

/// A sleep that comes whatever we do: what can be done in the time that is left?
void SuspendPolicy::Body::drive_foreign() {
  Instant gate_by = Instant::max();
  for (const OpenGate& gate : gates) gate_by = std::min(gate_by, gate.by);
  const bool may_deny = settings.gate_on_busy == OnBusy::Deny;

  if (gate_by <= now.monotonic) {
    return pass(!may_deny, "not prepared in time: " + step_words());
  }
  if (delay_by && *delay_by <= now.monotonic) {
    if (!settings.gate) return pass(true, "not prepared in time: " + step_words());
    out.emplace_back(ReleaseDelayLock{"the rest is for the gate to wait for: " + step_words()});
    delay_by.reset();
  }
  if (delay_by) wake_at(*delay_by);
  wake_at(gate_by);

  const bool is_busy = attempt->stage == Stage::Drain || attempt->stage == Stage::DrainAgain ||
                       attempt->stage == Stage::Unload;
  if (!is_busy || attempt->forced_drain || may_deny) return;
  const Instant by = settings.gate ? gate_by : delay_by.value_or(Instant::max());
  if (by == Instant::max()) return;
  const Instant at = by - kForceLead;
  if (now.monotonic < at) return wake_at(at);
  drop_op("there is no time left");
  if (attempt->leased) {
    commit();
  } else {
    ask_drain(true);
  }
}

}  // namespace rouse::core::suspend
