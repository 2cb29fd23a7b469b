#include "suspendd/systemd/sleep_watch.hpp"

#include <cstring>
#include <utility>

namespace rouse::suspendd {

namespace {

constexpr std::size_t kStuckNamed = 3;

/// What the kernel says about the attempts between two looks.
core::suspend::Evidence evidence_of(const std::optional<SuspendStats>& before,
                                    const std::optional<SuspendStats>& after) {
  core::suspend::Evidence evidence;
  if (!before || !after) return evidence;
  evidence.success_grew = after->success > before->success;
  if (after->fail > before->fail) {
    evidence.failed_step = after->last_failed_step;
    const int number = after->last_failed_errno;
    if (number != 0) evidence.error = std::strerror(number < 0 ? -number : number);
    if (!after->last_failed_dev.empty()) {
      evidence.error += (evidence.error.empty() ? "" : ", ") + after->last_failed_dev;
    }
  }
  return evidence;
}

std::optional<SuspendStats> stats_of(const Root& root) {
  Result<SuspendStats> stats = read_suspend_stats(root);
  return stats ? std::optional(std::move(*stats)) : std::nullopt;
}

/// What did not let itself be frozen, for a person; what hangs for so long hangs on.
std::string stuck_text(const Root& root) {
  const std::vector<StuckTask> stuck = stuck_tasks(root);
  std::string text;
  for (std::size_t i = 0; i < stuck.size() && i < kStuckNamed; ++i) {
    text += (i == 0 ? " by " : ", ") + stuck[i].text();
  }
  return text.empty() ? text : "; held up" + text;
}

}  // namespace

SleepWatch::SleepWatch(Logind& logind, const Root& root, std::function<void()> began,
                       std::function<void(core::suspend::Evidence)> ended,
                       std::function<bool()> alarm_due)
    : root_(root),
      began_(std::move(began)),
      ended_(std::move(ended)),
      alarm_due_(std::move(alarm_due)),
      signal_(logind.on_sleep([this](SleepSignal signal) { note(signal.preparing); })) {}

void SleepWatch::assume_asleep() {
  before_ = Before{stats_of(root_), read_wake_sources(root_)};
}

void SleepWatch::note(bool preparing) {
  if (preparing == is_asleep()) return;  // told again after a gap
  if (preparing) {
    assume_asleep();
    began_();
    return;
  }
  const Before before = std::move(*before_);
  before_.reset();
  core::suspend::Evidence evidence = evidence_of(before.stats, stats_of(root_));
  if (evidence.failed_step == "freeze") evidence.error += stuck_text(root_);
  const suspendd::WakeReason reason =
      wake_reason(before.sources, read_wake_sources(root_), alarm_due_());
  evidence.wake = wake_reason_of(reason.kind);
  evidence.source = reason.text;
  ended_(std::move(evidence));
}

core::suspend::WakeReason wake_reason_of(WakeKind kind) {
  using core::suspend::WakeReason;
  switch (kind) {
    case WakeKind::Wol:
      return WakeReason::Wol;
    case WakeKind::Rtc:
      return WakeReason::Rtc;
    case WakeKind::PowerButton:
    case WakeKind::Lid:
      return WakeReason::PowerButton;
    case WakeKind::Usb:
    case WakeKind::Other:
      return WakeReason::Other;
    case WakeKind::Unknown:
      break;
  }
  return WakeReason::Unknown;
}

}  // namespace rouse::suspendd
