#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

void SuspendPolicy::Body::fail(const std::string& step, const std::string& why, BlockCause cause) {
  ++memory.failures;
  ++totals.failures[step];
  memory.last_failure = step + ": " + why;
  Duration pause = settings.backoff_first;
  for (int i = 1; i < memory.failures && pause < settings.backoff_max; ++i) pause *= 2;
  pause = std::min(pause, settings.backoff_max);
  memory.retry_at = after(now.boottime, pause);
  changed();
  notify(Severity::Warning, Topic::SuspendFailed, memory.last_failure);
  if (cause != BlockCause::Failures) {
    block(cause, why, pause);
  } else if (memory.failures >= settings.failures_max) {
    block(cause,
          count(memory.failures, "failed attempt") +
              " in a row, the last one: " + memory.last_failure,
          settings.backoff_max);
  }
}

/// @p retry zero: only an operator, or the end of the cause, lifts it.
void SuspendPolicy::Body::block(BlockCause cause, std::string why, Duration retry) {
  const bool again = std::exchange(retried, std::nullopt) == cause;
  memory.block = Block{cause, why, now.realtime};
  memory.retry_at.reset();
  if (retry > Duration{0}) memory.retry_at = after(now.boottime, retry);
  changed();
  notify(again ? Severity::Warning : Severity::Alert, Topic::Blocked, why);
  if (!again) {
    run_hook(Hook::OnBlocked, settings.on_blocked, Duration{0}, WakeReason::Unknown,
             std::move(why));
  }
}

void SuspendPolicy::Body::unblock(const std::string& why) {
  memory.block.reset();
  memory.retry_at.reset();
  changed();
  notify(Severity::Info, Topic::Unblocked, why);
}

void SuspendPolicy::Body::drive_block() {
  if (!memory.block || attempt) return;
  const BlockCause cause = memory.block->cause;
  if (cause == BlockCause::Unproven && (memory.wake_proof || !settings.confirm_first)) {
    return unblock(memory.wake_proof ? "the network has woken this machine"
                                     : "no proof is asked for any more");
  }
  if (memory.retry_at && now.boottime >= *memory.retry_at && !resuming) {
    if (cause != BlockCause::GpuFailed || !settings.gpu) {
      retried = cause;
      return unblock("to see whether it is better now: " + memory.block->reason);
    }
    retried = cause;
    memory.retry_at = after(now.boottime, settings.backoff_max);
    changed();
    resuming = Resuming{now.monotonic, GpuStep::None, std::nullopt, Instant::max(), {}};
    probe_gpu(GpuStep::ProbeLast, "to see whether it works again");
    return;
  }
  if (memory.retry_at) wake_at_boottime(*memory.retry_at);
  enter(State::Blocked, memory.block->reason);
}

}  // namespace rouse::core::suspend
