#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

namespace {

constexpr Duration kDrainPause{30'000};   // after a proxy that did not answer
constexpr Duration kCallOnItsWay{5'000};  // from a dead daemon to logind
constexpr Duration kClockSlack{1'000};    // the proxy and we look at the clock at different moments
constexpr Duration kShutdownWait{5'000};  // to tell the proxy; it finds out by itself in 30 s

}  // namespace

void SuspendPolicy::Body::on(const Started& event) {
  if (std::exchange(started, true)) return;
  const bool same_boot = memory.boot_id == boot_id;
  if (!same_boot) {
    // What a reboot has mended, and instants that mean nothing any more.
    memory.boot_id = boot_id;
    memory.in_progress.reset();
    memory.unreported_resume.reset();
    memory.block.reset();
    memory.retry_at.reset();
    memory.failures = 0;
    for (SleepRecord& wake : memory.wakes) wake.used = wake.judged = true;
  }
  std::vector<Hold> kept;
  for (Hold& hold : memory.holds) {
    if (hold.bound) continue;
    if (!same_boot && hold.until_wall) {
      if (*hold.until_wall <= now.realtime) continue;
      hold.until = after(now.boottime, *hold.until_wall - now.realtime);
    }
    kept.push_back(std::move(hold));
  }
  memory.holds = std::move(kept);
  changed();

  if (memory.in_progress) {
    recover_attempt(event.preparing_for_sleep);
  } else if (event.preparing_for_sleep) {
    on(SleepStarting{});
  }
  if (memory.unreported_resume && !resume_report) report_resume(*memory.unreported_resume);
  // It may have died in the last sleep, and whoever was to find out has died as well.
  if (settings.gpu && !attempt && !resuming && last_wake() != nullptr) {
    resuming = Resuming{now.monotonic, GpuStep::None, std::nullopt, Instant::max(), {}};
    probe_gpu(GpuStep::Probe, "the daemon has been restarted");
  }
}

/// The last run of the daemon died in the middle of an attempt.
void SuspendPolicy::Body::recover_attempt(bool preparing_for_sleep) {
  const InProgress old = *memory.in_progress;
  AttemptRun run;
  run.id = old.attempt;
  run.reason = old.reason;
  run.ours = old.ours;
  run.commit_sent = old.commit_sent;
  run.epoch = run.obeyed_epoch = old.epoch;
  run.suspend_sent = old.suspend_sent;
  run.hooks_ran = old.hooks_ran;
  // Closing the connection has ended a lease that was not committed, unless that is still to come.
  run.leased = true;
  run.slept = gap - (old.began.boottime - old.began.monotonic);
  run.due = after(now.monotonic, settings.suspend_verify);
  attempt = std::move(run);

  if (preparing_for_sleep) {
    if (attempt->epoch) {
      attempt->coming = true;
      attempt->stage = Stage::Sleep;
      enter(State::Suspending, "the daemon was restarted while the machine goes to sleep");
    } else {
      attempt->leased = false;
    }
    return on(SleepStarting{});
  }
  if (attempt->slept >= kSleptAtLeast) {
    totals.asleep += attempt->slept;
    return end_sleep(Evidence{});
  }
  if (attempt->suspend_sent) {
    // The call may be on its way still; what the proxy believes does no harm so long.
    attempt->stage = Stage::Sleep;
    attempt->due = after(now.monotonic, kCallOnItsWay);
    return enter(State::Suspending, "the daemon was restarted after it had called for a suspend");
  }
  const bool was_late = attempt->commit_sent && attempt->ours;
  give_up(was_late ? "restart" : "", "the daemon was restarted in the middle of an attempt");
}

void SuspendPolicy::Body::on(const CheckReported& event) {
  checks.found(event, now.monotonic);
}

void SuspendPolicy::Body::on(const RequestServed&) {
  idle_floor = now.monotonic;
  use_wake();
  if (attempt && attempt->ours && !attempt->coming && !attempt->asked) {
    interrupt("a request was served meanwhile", true);
  }
}

void SuspendPolicy::Body::on(const WakeupsChanged& event) {
  wakeups = event.wakeups;
  std::sort(wakeups.begin(), wakeups.end(),
            [](const Wakeup& a, const Wakeup& b) { return a.at < b.at; });
}

void SuspendPolicy::Body::on(const HoldWanted& event) {
  Hold hold{event.token, event.why, event.by, std::nullopt, std::nullopt, event.bound};
  if (event.lasts) {
    const Duration lasts = std::max(*event.lasts, Duration{1});
    hold.until = after(now.boottime, lasts);
    hold.until_wall = now.realtime + std::min(lasts, Duration{std::chrono::hours{24 * 3650}});
  }
  const auto same = std::find_if(memory.holds.begin(), memory.holds.end(),
                                 [&](const Hold& held) { return held.token == event.token; });
  if (same != memory.holds.end()) {
    *same = std::move(hold);
  } else {
    memory.holds.push_back(std::move(hold));
  }
  changed();
  use_wake();
  const bool too_late = attempt && attempt->stage == Stage::Sleep;
  if (attempt && attempt->ours && !attempt->coming) interrupt("held by " + event.by, true);
  out.emplace_back(
      Reply{event.command, true,
            too_late ? "held, from the next wake-up on: the suspend has begun" : "held"});
}

void SuspendPolicy::Body::on(const HoldReleased& event) {
  const auto is_meant = [&](const Hold& hold) { return hold.token == event.token; };
  const auto kept = std::remove_if(memory.holds.begin(), memory.holds.end(), is_meant);
  const bool known = kept != memory.holds.end();
  if (known) {
    memory.holds.erase(kept, memory.holds.end());
    idle_floor = now.monotonic;
    changed();
  }
  if (!event.command) return;
  out.emplace_back(Reply{*event.command, known,
                         known ? "released" : "there is no hold with the token " + event.token});
}

void SuspendPolicy::Body::on(const SuspendWanted& event) {
  const auto refuse = [&](std::string why) {
    out.emplace_back(Reply{event.command, false, std::move(why)});
  };
  if (shutdown_by) return refuse("the daemon is shutting down");
  if (attempt) {
    out.emplace_back(Reply{event.command, true, "already on the way: " + attempt->reason});
    return;
  }
  if (resume_report) return refuse("the proxy has not heard yet that the machine is awake");
  const bool is_consent = memory.block && memory.block->cause == BlockCause::Unproven;
  if (!event.force) {
    if (const auto used = use()) return refuse(used->reason + " (--force overrides)");
    if (memory.block && !is_consent) {
      return refuse("blocked: " + memory.block->reason + " (unblock, or --force)");
    }
    if (resuming && resuming->gpu != GpuStep::None) {
      return refuse("the GPU is being looked at after the last wake-up (--force overrides)");
    }
  }
  if (settings.dry_run) return refuse("dry run: would suspend now");
  memory.agreed = true;
  if (is_consent) unblock("an operator agrees: " + event.by);
  changed();
  const bool gpu_left = leave_gpu("an operator suspends the machine");
  begin(true, event.force,
        "asked for by " + event.by + (event.force ? ", whatever is against it" : ""));
  attempt->asked = true;
  attempt->gpu_left = gpu_left;
  out.emplace_back(Reply{event.command, true, "on the way to sleep"});
}

void SuspendPolicy::Body::on(const UnblockWanted& event) {
  const bool was_blocked = memory.block.has_value();
  if (was_blocked && memory.block->cause == BlockCause::Unproven) memory.agreed = true;
  memory.failures = 0;
  memory.retry_at.reset();
  pause_until = Instant{};
  retried.reset();
  for (SleepRecord& wake : memory.wakes) wake.used = wake.judged = true;
  if (was_blocked) unblock("by " + event.by);
  changed();
  out.emplace_back(Reply{event.command, true, was_blocked ? "unblocked" : "nothing was blocked"});
}

void SuspendPolicy::Body::on(const GateOpened& event) {
  if (shutdown_by) {
    out.emplace_back(AnswerGate{event.gate, true, "the daemon is shutting down"});
    return;
  }
  gates.push_back({event.gate, after(now.monotonic, settings.gate_wait)});
  if (attempt && attempt->stage == Stage::Sleep && (attempt->epoch || attempt->passed)) {
    return pass(true, "everything is prepared");
  }
  begin_foreign("a suspend that is not ours is at the gate");
}

void SuspendPolicy::Body::on(const GateClosed& event) {
  const auto is_meant = [&](const OpenGate& gate) { return gate.id == event.gate; };
  gates.erase(std::remove_if(gates.begin(), gates.end(), is_meant), gates.end());
  if (!gates.empty() || !attempt || !attempt->coming || attempt->begun) return;
  if (attempt->stage != Stage::Sleep) give_up("", "nobody waits at the gate any more");
}

void SuspendPolicy::Body::on(const DrainGranted& event) {
  if (!attempt || attempt->op != event.op || attempt->stage != Stage::Drain) return;
  attempt->op.reset();
  attempt->leased = true;
  // It knows better than a check that looks now and then.
  if (event.idle && !attempt->coming && !attempt->asked) {
    const Instant used = now.monotonic - *event.idle;
    if (used > after(idle_since(), kClockSlack)) {
      idle_floor = used;
      use_wake();
      return give_up("", "the proxy has worked " + core::to_string(*event.idle) + " ago");
    }
  }
  after_drain();
}

void SuspendPolicy::Body::on(const DrainRefused& event) {
  if (!attempt || attempt->op != event.op || attempt->stage != Stage::Drain) return;
  attempt->op.reset();
  if (event.unreachable && (attempt->coming || settings.proxy == ProxyUse::IfThere)) {
    return after_drain();
  }
  if (attempt->coming) {
    if (attempt->forced_drain) return pass(true, "the proxy is busy and cannot be helped");
    return go_to(Stage::DrainAgain, after(now.monotonic, Duration{1'000}));
  }
  if (event.unreachable) {
    pause_until = after(now.monotonic, kDrainPause);
    pause_reason = "the proxy does not answer: " + event.why;
    return give_up("", pause_reason);
  }
  idle_floor = now.monotonic;
  give_up("", "the proxy is busy: " + event.why);
}

void SuspendPolicy::Body::on(const DrainCancelled& event) {
  if (attempt && attempt->id == event.attempt) ++totals.drains_cancelled;
  lease_lost(event.attempt, "the drain was cancelled by " + event.by, true);
}

void SuspendPolicy::Body::on(const DrainEnded& event) {
  lease_lost(event.attempt, "the drain has ended: " + event.why, false);
}

void SuspendPolicy::Body::lease_lost(Attempt id, const std::string& why, bool by_request) {
  if (by_request) idle_floor = now.monotonic;
  if (!attempt || attempt->id != id || !attempt->leased) return;
  attempt->leased = false;
  if (attempt->stage == Stage::Sleep) {
    attempt->epoch.reset();  // the proxy is awake; told again when the sleep is seen to come
    attempt->renew_at = Instant::max();
  } else if (attempt->stage == Stage::Commit) {
    if (!attempt->stop) attempt->stop = why;
  } else if (attempt->coming) {
    drop_op(why);
    go_to(Stage::DrainAgain, after(now.monotonic, Duration{1'000}));
  } else {
    if (!by_request) {
      pause_until = after(now.monotonic, kDrainPause);
      pause_reason = why;
    }
    give_up("", why);
  }
}

void SuspendPolicy::Body::on(const Committed& event) {
  if (!attempt || attempt->op != event.op || attempt->stage != Stage::Commit) return;
  attempt->op.reset();
  attempt->epoch = attempt->obeyed_epoch = event.epoch;
  if (memory.in_progress) memory.in_progress->epoch = event.epoch;
  memory.unreported_resume.reset();  // a newer epoch than any that is owed
  resume_report.reset();
  changed();
  if (attempt->coming) return pass(true, "the proxy and its fronts know");
  if (attempt->stop) return give_up("", std::string(*attempt->stop));
  suspend();
}

void SuspendPolicy::Body::on(const ActionDone& event) {
  if (finish_hook(event)) return;
  if (resume_report && resume_report->op == event.op) {
    resume_report->op.reset();
    if (event.ok) {
      resume_report.reset();
      memory.unreported_resume.reset();
      changed();
    } else {
      resume_report->due = after(now.monotonic, resume_report->pause);
    }
    return;
  }
  if (resuming && resuming->op == event.op) return gpu_answer(event.ok, event.detail);
  if (!attempt) return;
  if (attempt->renewal == event.op) {
    attempt->renewal.reset();
    if (!event.ok && attempt->slept == Duration{0}) attempt->epoch.reset();
    return;
  }
  if (attempt->op == event.op) attempt_answer(event);
}

void SuspendPolicy::Body::on(const PreflightDone& event) {
  if (!attempt || attempt->op != event.op || attempt->stage != Stage::Preflight) return;
  attempt->op.reset();
  checks.found_all(event.findings, now.monotonic);
  if (attempt->force) {
    for (const std::string& problem : event.problems) {
      notify(Severity::Warning, Topic::Preflight, problem);
    }
  } else {
    if (!event.problems.empty()) {
      return give_up("preflight", event.problems.front(), BlockCause::NotReady);
    }
    if (const auto used = use()) return interrupt(used->reason, true);
  }
  arm_alarm();
}

void SuspendPolicy::Body::on(const SleepStarting&) {
  if (shutdown_by) {
    out.emplace_back(ReleaseDelayLock{"the daemon is shutting down"});
    return;
  }
  delay_by = after(now.monotonic, settings.sleep_delay);
  if (attempt && attempt->stage == Stage::Sleep &&
      (attempt->epoch || attempt->passed || settings.proxy == ProxyUse::None)) {
    attempt->begun = true;
    return pass(true, "everything is prepared");
  }
  begin_foreign("a suspend that is not ours has begun");
  attempt->begun = true;
}

void SuspendPolicy::Body::on(const SleepEnded& event) {
  if (attempt) {
    if (attempt->suspend_sent || attempt->coming) end_sleep(event.evidence);
    return;
  }
  SleepRecord* wake = last_wake();
  if (wake == nullptr || wake->wake != WakeReason::Unknown || !resuming) return;
  wake->wake = event.evidence.wake;
  wake->source = event.evidence.source;
  changed();
}

void SuspendPolicy::Body::on(const Reconfigured& event) {
  settings = event.settings;
  checks.configure(settings.checks, now.monotonic);
  if (settings.proxy != ProxyUse::None || !resume_report) return;
  resume_report.reset();  // there is nobody to be told any more
  memory.unreported_resume.reset();
  changed();
}

void SuspendPolicy::Body::on(const ShutdownWanted&) {
  if (shutdown_by) return;
  shutdown_by = after(now.monotonic, kShutdownWait);
  const std::string why = "the daemon is shutting down";
  if (resuming && resuming->op) out.emplace_back(Cancel{*resuming->op, why});
  resuming.reset();
  if (attempt && !attempt->suspend_sent && !attempt->coming) give_up("", why);
  if (!attempt) return;
  // The sleep comes all the same: the next run finds it in its memory and tells of its end.
  const bool committed = attempt->epoch.has_value();
  pass(true, why);
  if (attempt->leased && !committed) {
    report_resume({attempt->id, std::nullopt, Duration{0}, WakeReason::Unknown});
    memory.in_progress.reset();
  }
  attempt.reset();
  changed();
}

}  // namespace rouse::core::suspend
