#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

namespace {}  // namespace

View SuspendPolicy::view(const Now& now) const {
  const Body& body = *body_;
  View view;
  view.state = body.state;
  view.in_state = now.monotonic - body.state_since;
  view.reason = body.reason;
  if (body.attempt) view.step = body.step_words();
  view.next = body.next_words(std::max(body.now.monotonic, now.monotonic));
  view.dry_run = body.settings.dry_run;
  if (body.state == State::IdleCountdown) {
    const Instant at = after(body.idle_since(), body.required_idle());
    view.sleep_in = std::max(at - now.monotonic, Duration{0});
  }
  if (!body.use()) view.idle_for = std::max(now.monotonic - body.idle_since(), Duration{0});
  for (const CheckBoard::Entry& entry : body.checks.entries()) {
    CheckView check{entry.settings.name, entry.verdict, entry.reason, now.monotonic - entry.since,
                    std::nullopt};
    if (entry.looked) check.looked = now.monotonic - *entry.looked;
    view.checks.push_back(std::move(check));
  }
  for (const Hold& hold : body.memory.holds) {
    HoldView held{hold.token, hold.why, hold.by, std::nullopt};
    if (hold.until) held.left = std::max(*hold.until - now.boottime, Duration{0});
    view.holds.push_back(std::move(held));
  }
  for (const Wakeup& wakeup : body.wakeups) {
    if (wakeup.at >= now.realtime) view.wakeups.push_back(wakeup);
  }
  view.block = body.memory.block;
  view.failures = body.memory.failures;
  view.last_failure = body.memory.last_failure;
  if (body.memory.retry_at && *body.memory.retry_at > now.boottime) {
    view.retry_in = *body.memory.retry_at - now.boottime;
  }
  view.last_suspend = body.memory.last_suspend;
  if (const SleepRecord* wake = body.last_wake()) view.last_wake = *wake;
  view.wake_proof = body.memory.wake_proof;
  view.totals = body.totals;
  return view;
}

std::string SuspendPolicy::Body::step_words() const {
  if (!attempt) return "";
  switch (attempt->stage) {
    case Stage::PreDrain:
      return "pre_drain hook";
    case Stage::Drain:
    case Stage::DrainAgain:
      return "drain";
    case Stage::Unload:
      return "unload";
    case Stage::PreSuspend:
      return "pre_suspend hook";
    case Stage::Preflight:
      return "preflight";
    case Stage::Alarm:
      return "alarm";
    case Stage::Commit:
      return "commit";
    case Stage::Sleep:
      break;
  }
  return "sleep";
}

/// As seen @p at; what is in the way, as of the last step.
std::string SuspendPolicy::Body::next_words(Instant at) const {
  if (attempt) {
    const Instant due = std::min(attempt->due, attempt->limit);
    if (attempt->stage == Stage::Sleep) {
      return "sleeps; if it has not " + time_until(due, at) +
             " of time awake, the attempt has failed";
    }
    if (attempt->stage == Stage::DrainAgain) {
      return "asks the busy proxy again " + time_until(attempt->due, at);
    }
    return step_words() + " must end " + time_until(due, at) + ", then " +
           (attempt->coming ? "the machine sleeps all the same" : "the attempt is given up");
  }
  if (memory.block) {
    std::string text = resuming && resuming->op ? "looks at the GPU again; " : "";
    if (memory.retry_at) {
      return text + "looks whether it is better " + time_until(monotonic_of(*memory.retry_at), at) +
             ", or when an operator unblocks it";
    }
    return text + "waits for an operator to unblock it";
  }
  if (resuming) {
    if (resuming->gpu == GpuStep::None) {
      return "looks at the checks again " + time_until(resuming->grace_until, at);
    }
    return "waits for the GPU, which has to answer " + time_until(resuming->due, at);
  }
  if (const auto against = obstacle()) {
    if (!against->until) return "stays awake until this ends: " + against->reason;
    return "stays awake, and looks again " + time_until(*against->until, at) + ": " +
           against->reason;
  }
  const Instant sleep_at = after(idle_since(), required_idle());
  if (settings.dry_run) {
    return at < sleep_at ? "would suspend " + time_until(sleep_at, at) + " (dry run)"
                         : "would have suspended (dry run)";
  }
  return "suspends " + time_until(sleep_at, at) + " unless something becomes active";
}

}  // namespace rouse::core::suspend
