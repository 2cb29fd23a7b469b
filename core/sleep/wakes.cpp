#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

std::string woken_by(const SleepRecord& record) {
  const std::string reason(to_string(record.wake));
  return record.source.empty() ? reason : reason + " (" + record.source + ")";
}

SleepRecord* SuspendPolicy::Body::last_wake() {
  return memory.wakes.empty() ? nullptr : &memory.wakes.back();
}

const SleepRecord* SuspendPolicy::Body::last_wake() const {
  return memory.wakes.empty() ? nullptr : &memory.wakes.back();
}

void SuspendPolicy::Body::use_wake() {
  SleepRecord* wake = last_wake();
  if (wake == nullptr || wake->used) return;
  wake->used = wake->judged = true;
  changed();
}

/// Of the wakes before the last one; a long sleep between two of them ends the series.
int SuspendPolicy::Body::unused_in_a_row() const {
  int n = 0;
  for (auto it = memory.wakes.rbegin(); it != memory.wakes.rend(); ++it) {
    if (it != memory.wakes.rbegin()) {
      if (it->used || it->expected) break;
      ++n;
    }
    if (it->slept >= settings.spurious_window) break;
  }
  return n;
}

/// How long an unused machine stays awake: longer each time that the same happens again.
Duration SuspendPolicy::Body::linger() const {
  const SleepRecord* wake = last_wake();
  Duration wait = settings.linger_other;
  if (wake->wake == WakeReason::Wol) wait = settings.linger_wol;
  if (wake->wake == WakeReason::Rtc) wait = settings.linger_rtc;
  const Duration longest = std::max(wait, settings.backoff_max);
  for (int n = unused_in_a_row(); n > 0 && wait < longest; --n) wait *= 2;
  return std::min(wait, longest);
}

void SuspendPolicy::Body::judge_wake() {
  SleepRecord* wake = last_wake();
  if (wake == nullptr || wake->used || attempt) return;
  if (!resuming && checks.somebody_is_active()) return use_wake();
  if (wake->judged) return;
  const Instant at = after(wake->woke, linger());
  if (now.boottime < at) return wake_at_boottime(at);
  wake->judged = true;
  changed();
  if (wake->expected) return;

  const std::string culprit = woken_by(*wake);
  ++totals.spurious[wake->source.empty() ? std::string(to_string(wake->wake)) : wake->source];
  int recent = 0;
  for (const SleepRecord& other : memory.wakes) {
    const bool counts = other.judged && !other.used && !other.expected;
    if (counts && now.boottime - other.woke <= settings.spurious_window) ++recent;
  }
  notify(Severity::Warning, Topic::SpuriousWake,
         "woken by " + culprit + ", and nobody has used the machine for " +
             core::to_string(now.boottime - wake->woke));
  if (recent < settings.spurious_max) return;
  block(BlockCause::SpuriousWakes,
        count(recent, "wake-up") + " that nobody used within " +
            core::to_string(settings.spurious_window) + ", the last one by " + culprit,
        settings.backoff_max);
}

}  // namespace rouse::core::suspend
