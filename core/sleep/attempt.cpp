#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

namespace {

constexpr Duration kDrainWait{5'000};
constexpr Duration kPreflightWait{30'000};
constexpr Duration kAlarmWait{5'000};
constexpr Duration kCommitWait{10'000};  // fronts have a second to acknowledge, then doors close
constexpr Duration kRenewEvery{10'000};  // the proxy gives up after 30 s

}  // namespace

void SuspendPolicy::Body::begin(bool ours, bool force, std::string why) {
  AttemptRun run;
  run.id = Attempt{++memory.attempts};
  run.ours = ours;
  run.coming = !ours;
  run.force = force;
  run.reason = why;
  memory.in_progress = InProgress{};
  memory.in_progress->attempt = run.id;
  memory.in_progress->ours = ours;
  memory.in_progress->began = now;
  memory.in_progress->reason = why;
  changed();
  attempt = std::move(run);
  enter(ours ? State::Preparing : State::Suspending, why);
  if (ours && settings.pre_drain.set) {
    attempt->hooks_ran = memory.in_progress->hooks_ran = true;
    attempt->op = new_op();
    go_to(Stage::PreDrain, after(now.monotonic, settings.pre_drain.timeout + kHookSlack));
    out.emplace_back(RunHook{*attempt->op, Hook::PreDrain, settings.pre_drain.timeout, Duration{0},
                             WakeReason::Unknown, why});
  } else {
    ask_drain(false);
  }
}

void SuspendPolicy::Body::go_to(Stage stage, Instant due) {
  attempt->stage = stage;
  attempt->due = due;
}

Duration SuspendPolicy::Body::ttl() const {
  Duration sum = kPreflightWait + kAlarmWait + kCommitWait + kHookSlack;
  if (settings.unload) sum += settings.unload_timeout;
  if (settings.pre_suspend.set) sum += settings.pre_suspend.timeout;
  return std::max(settings.drain_ttl, sum);
}

void SuspendPolicy::Body::ask_drain(bool force) {
  if (settings.proxy == ProxyUse::None) return after_drain();
  attempt->op = new_op();
  attempt->forced_drain = force;
  go_to(Stage::Drain, after(now.monotonic, kDrainWait));
  out.emplace_back(RequestDrain{*attempt->op, attempt->id, ttl(), force, attempt->reason});
}

void SuspendPolicy::Body::after_drain() {
  const bool has_time = !attempt->coming || (settings.gate && !attempt->forced_drain);
  if (settings.unload && attempt->leased && has_time) {
    attempt->op = new_op();
    go_to(Stage::Unload, after(now.monotonic, settings.unload_timeout));
    out.emplace_back(Unload{*attempt->op, attempt->id, attempt->reason});
    return;
  }
  after_unload();
}

void SuspendPolicy::Body::after_unload() {
  if (attempt->coming) return commit();
  if (!settings.pre_suspend.set) return run_preflight();
  attempt->hooks_ran = memory.in_progress->hooks_ran = true;
  changed();
  attempt->op = new_op();
  go_to(Stage::PreSuspend, after(now.monotonic, settings.pre_suspend.timeout + kHookSlack));
  out.emplace_back(RunHook{*attempt->op, Hook::PreSuspend, settings.pre_suspend.timeout,
                           Duration{0}, WakeReason::Unknown, attempt->reason});
}

void SuspendPolicy::Body::run_preflight() {
  attempt->op = new_op();
  go_to(Stage::Preflight, after(now.monotonic, kPreflightWait));
  out.emplace_back(RunPreflight{*attempt->op, "last look before sleeping: " + attempt->reason});
}

void SuspendPolicy::Body::arm_alarm() {
  const auto wakeup = next_wakeup();
  const bool is_ordered = attempt->force || attempt->asked;
  if (wakeup && !is_ordered && wakeup->at - now.realtime < settings.min_sleep) {
    return give_up("", wakeup->what + " is due soon: not worth sleeping before");
  }
  if (wakeup) attempt->alarm = wakeup->at;
  attempt->op = new_op();
  go_to(Stage::Alarm, after(now.monotonic, kAlarmWait));
  out.emplace_back(ArmAlarm{*attempt->op, wakeup ? std::optional(wakeup->at) : std::nullopt,
                            wakeup ? "for " + wakeup->what : "nothing is planned"});
}

void SuspendPolicy::Body::commit() {
  if (!attempt->leased) {
    if (attempt->coming) return pass(true, "there is no proxy to be told");
    return suspend();
  }
  attempt->commit_sent = memory.in_progress->commit_sent = true;
  changed();
  attempt->op = new_op();
  go_to(Stage::Commit, after(now.monotonic, kCommitWait));
  const auto wakeup = next_wakeup();
  out.emplace_back(Commit{*attempt->op, attempt->id,
                          wakeup ? std::optional(wakeup->at) : std::nullopt, attempt->reason});
}

void SuspendPolicy::Body::suspend() {
  attempt->suspend_sent = memory.in_progress->suspend_sent = true;
  changed();
  attempt->op = new_op();
  await_sleep();
  enter(State::Suspending, attempt->reason);
  out.emplace_back(Suspend{*attempt->op, attempt->id, attempt->reason});
}

void SuspendPolicy::Body::await_sleep() {
  go_to(Stage::Sleep, after(now.monotonic, settings.suspend_verify));
  if (attempt->epoch) attempt->renew_at = after(now.monotonic, kRenewEvery);
}

void SuspendPolicy::Body::renew() {
  attempt->renewal = new_op();
  attempt->renew_at = after(now.monotonic, kRenewEvery);
  out.emplace_back(Renew{*attempt->renewal, attempt->id, "the sleep is still to come"});
}

void SuspendPolicy::Body::drive_attempt() {
  if (!attempt) return;
  if (attempt->coming) {
    drive_foreign();
  } else if (!attempt->force && attempt->stage != Stage::Sleep) {
    if (const auto used = use()) interrupt(used->reason, true);
  }
  if (!attempt) return;
  if (now.monotonic >= attempt->limit) return end_sleep(Evidence{});
  if (now.monotonic >= attempt->due) {
    overdue();
    if (!attempt) return;
  }
  if (now.monotonic >= attempt->renew_at && attempt->epoch) renew();
  wake_at(std::min({attempt->due, attempt->limit, attempt->renew_at}));
}

void SuspendPolicy::Body::overdue() {
  switch (attempt->stage) {
    case Stage::PreDrain:
      return attempt_answer({*attempt->op, false, "it did not end in time"});
    case Stage::PreSuspend:
      return attempt_answer({*attempt->op, false, "it did not end in time"});
    case Stage::Drain: {
      const Op op = *attempt->op;
      out.emplace_back(Cancel{op, "no answer in " + core::to_string(kDrainWait)});
      return on(DrainRefused{op, true, "no answer in " + core::to_string(kDrainWait)});
    }
    case Stage::DrainAgain:
      return ask_drain(false);
    case Stage::Unload:
      if (attempt->coming) {
        drop_op("no time is left for it");
        return commit();
      }
      return give_up("unload", "took longer than " + core::to_string(settings.unload_timeout));
    case Stage::Preflight:
      return give_up("preflight", "took longer than " + core::to_string(kPreflightWait));
    case Stage::Alarm:
      return give_up("alarm", "could not be set within " + core::to_string(kAlarmWait));
    case Stage::Commit:
      if (attempt->coming) return pass(true, "the proxy does not answer");
      return give_up("commit", "the proxy did not answer within " + core::to_string(kCommitWait));
    case Stage::Sleep:
      break;
  }
  end_sleep(Evidence{});
}

void SuspendPolicy::Body::attempt_answer(const ActionDone& event) {
  const bool ok = event.ok;
  switch (attempt->stage) {
    case Stage::PreDrain:
    case Stage::PreSuspend: {
      const bool first = attempt->stage == Stage::PreDrain;
      const HookSettings& how = first ? settings.pre_drain : settings.pre_suspend;
      if (!ok) {
        hook_failed(first ? Hook::PreDrain : Hook::PreSuspend, event.detail);
        if (how.on_fail == OnFail::Abort) return give_up("hook", event.detail);
        drop_op("it did not end in time");
      }
      attempt->op.reset();
      return first ? ask_drain(false) : run_preflight();
    }
    case Stage::Unload:
      attempt->op.reset();
      // A request has ended the lease while engines stopped: that is no fault of theirs.
      if (event.lease_gone && !attempt->coming) {
        return go_to(Stage::Unload, after(now.monotonic, kCommitWait));
      }
      if (!ok && !attempt->coming) return give_up("unload", event.detail);
      return after_unload();
    case Stage::Alarm:
      attempt->op.reset();
      if (!ok && next_wakeup()) return give_up("alarm", event.detail);
      return commit();
    case Stage::Commit:
      attempt->op.reset();
      if (attempt->coming) {
        return go_to(Stage::DrainAgain, after(now.monotonic, Duration{1'000}));
      }
      idle_floor = now.monotonic;
      return give_up("", attempt->stop.value_or("the proxy did not commit: " + event.detail));
    case Stage::Sleep:
      attempt->op.reset();
      if (!ok && !attempt->begun) give_up("suspend", event.detail);
      return;
    case Stage::Drain:
    case Stage::DrainAgain:
    case Stage::Preflight:
      return;
  }
}

/// Something came up before the point of no return.
void SuspendPolicy::Body::interrupt(const std::string& why, bool is_use) {
  if (attempt->stage == Stage::Sleep) return;
  if (is_use) idle_floor = now.monotonic;
  if (attempt->stage != Stage::Commit) return give_up("", why);
  if (!attempt->stop) attempt->stop = why;
}

void SuspendPolicy::Body::drop_op(const std::string& why) {
  if (attempt->op) out.emplace_back(Cancel{*attempt->op, why});
  attempt->op.reset();
}

void SuspendPolicy::Body::give_up(const std::string& step, const std::string& why,
                                  BlockCause cause) {
  drop_op(why);
  const AttemptRun run = std::move(*attempt);
  attempt.reset();
  memory.in_progress.reset();
  changed();
  ++totals.suspends[step.empty() ? "cancelled" : "failed"];
  if (delay_by) out.emplace_back(ReleaseDelayLock{why});
  delay_by.reset();
  for (const OpenGate& gate : gates) out.emplace_back(AnswerGate{gate.id, true, why});
  gates.clear();

  if (run.leased || run.commit_sent) {
    report_resume({run.id, run.obeyed_epoch, Duration{0}, WakeReason::Unknown});
  }
  if (run.hooks_ran) {
    run_hook(Hook::PostResume, settings.post_resume, Duration{0}, WakeReason::Unknown, why);
  }
  enter(State::Active, why);
  if (run.gpu_left) look_at_gpu_again();
  if (run.asked && step.empty()) {
    notify(Severity::Info, Topic::SuspendFailed, run.reason + ", and given up: " + why);
  }
  if (!step.empty()) fail(step, why, cause);
}

}  // namespace rouse::core::suspend
