#include "suspendd/systemd/sleep_watch.hpp"

#include <cstring>
#include <utility>

namespace rouse::suspendd {

namespace {

/// What the kernel says about the attempts between two looks.
core::suspend::Evidence evidence_of(const SleepMark& before, const SleepMark& after) {
  core::suspend::Evidence evidence;
  if (before.stats && after.stats) {
    evidence.success_grew = after.stats->success > before.stats->success;
    if (after.stats->fail > before.stats->fail) {
      evidence.failed_step = after.stats->last_failed_step;
      const int number = after.stats->last_failed_errno;
      if (number != 0) evidence.error = std::strerror(number < 0 ? -number : number);
      if (!after.stats->last_failed_dev.empty()) {
        evidence.error += (evidence.error.empty() ? "" : ", ") + after.stats->last_failed_dev;
      }
    }
  }
  return evidence;
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
  before_ = Before{read_sleep_mark(root_), read_wake_sources(root_)};
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
  core::suspend::Evidence evidence = evidence_of(before.mark, read_sleep_mark(root_));
  const suspendd::WakeReason reason = read_wake_reason(root_, before.sources, alarm_due_());
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
