#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

namespace {

// The kernel programs a clock of whole seconds.
constexpr Duration kAlarmEarly{2'000};
constexpr Duration kReportWait{5'000};
constexpr Duration kReportAgain{1'000};
constexpr Duration kReportAgainMax{30'000};
constexpr Duration kReportAlert{120'000};

std::string what_failed(const SleepRecord& record, const Evidence& evidence) {
  if (record.slept >= kSleptAtLeast) {
    return "the clocks have slept for " + core::to_string(record.slept) +
           ", but the kernel counts no successful suspend" +
           (evidence.error.empty() ? "" : ": " + evidence.error);
  }
  std::string text = "the machine did not sleep";
  if (!evidence.failed_step.empty()) text += ", it failed to " + evidence.failed_step;
  if (!evidence.error.empty()) text += ": " + evidence.error;
  return text;
}

}  // namespace

/// What was on its way to sleep is awake again, or still.
void SuspendPolicy::Body::end_sleep(const Evidence& evidence) {
  const AttemptRun run = std::move(*attempt);
  attempt.reset();
  SleepRecord record;
  record.at = now.realtime - run.slept;
  record.ours = run.ours;
  record.slept = run.slept;
  record.wake = evidence.wake;
  record.source = evidence.source;
  const bool slept = run.slept >= kSleptAtLeast;
  record.ok = slept && evidence.success_grew.value_or(true);
  record.detail = record.ok ? run.reason : what_failed(record, evidence);
  record.expected = slept && is_due(run.alarm, now.realtime);
  memory.in_progress.reset();
  changed();
  if (delay_by) out.emplace_back(ReleaseDelayLock{"the suspend is over"});
  delay_by.reset();
  for (const OpenGate& gate : gates) {
    out.emplace_back(AnswerGate{gate.id, true, "the suspend is over"});
  }
  gates.clear();
  if (run.leased || run.commit_sent) {
    report_resume({run.id, run.obeyed_epoch, run.slept, record.wake});
  }
  if (run.hooks_ran || slept) {
    run_hook(Hook::PostResume, settings.post_resume, run.slept, record.wake, record.detail);
  }
  ++totals.suspends[record.ok ? "ok" : "failed"];
  if (record.ok && run.ours) {
    memory.failures = 0;
    memory.retry_at.reset();
  }
  if (slept) {
    woke(record);
  } else {
    memory.last_suspend = record;
    enter(State::Active, record.detail);
    if (run.gpu_left) look_at_gpu_again();
  }
  if (!record.ok && run.ours) {
    fail(evidence.failed_step.empty() ? "suspend" : evidence.failed_step, record.detail,
         BlockCause::Failures);
  }
}

/// Being awake at @p at is what the alarm @p alarm was set for.
bool SuspendPolicy::Body::is_due(const std::optional<WallTime>& alarm, WallTime at) const {
  if (!alarm) return false;
  const Duration late = at - *alarm;
  return late >= -kAlarmEarly && late < settings.resume_grace;
}

void SuspendPolicy::Body::woke(SleepRecord record) {
  record.woke = now.boottime;
  record.expected =
      (record.expected && (record.wake == WakeReason::Rtc || record.wake == WakeReason::Unknown)) ||
      record.wake == WakeReason::PowerButton;
  memory.last_suspend = record;
  memory.wakes.push_back(record);
  if (memory.wakes.size() > kWakesKept) memory.wakes.erase(memory.wakes.begin());
  if (record.wake == WakeReason::Wol) memory.wake_proof = now.realtime;
  changed();
  ++totals.resumes[std::string(to_string(record.wake))];

  const std::string words =
      "slept for " + core::to_string(record.slept) + ", woken by " + woken_by(record);
  checks.forget(now.monotonic);
  idle_floor = now.monotonic;
  dry_told = false;
  resuming = Resuming{
      after(now.monotonic, settings.resume_grace), GpuStep::None, std::nullopt, Instant::max(), {}};
  enter(State::Resumed, words);
  notify(Severity::Info, Topic::Suspended, words);
  if (settings.gpu) probe_gpu(GpuStep::Probe, words);
}

/// Owes the proxy the word that the machine is awake, until it has heard it.
void SuspendPolicy::Body::report_resume(UnreportedResume unreported_resume) {
  memory.unreported_resume = unreported_resume;
  changed();
  resume_report = ResumeReport{};
  resume_report->since = now.monotonic;
  resume_report->due = now.monotonic;
  resume_report->pause = kReportAgain;
}

void SuspendPolicy::Body::drive_resume_report() {
  if (!resume_report || attempt) return;
  if (now.monotonic < resume_report->due) return wake_at(resume_report->due);
  const bool is_alerted = now.monotonic - resume_report->since >= kReportAlert;
  if (is_alerted && settings.proxy == ProxyUse::IfThere) {
    // Should it live after all, it has found out by itself long since.
    if (resume_report->op) out.emplace_back(Cancel{*resume_report->op, "the proxy is away"});
    notify(Severity::Warning, Topic::Proxy,
           "the proxy could not be told that the machine is awake; it is taken for away");
    resume_report.reset();
    memory.unreported_resume.reset();
    return changed();
  }
  if (resume_report->op) {
    out.emplace_back(Cancel{*resume_report->op, "the proxy does not answer"});
    resume_report->op.reset();
    resume_report->due = after(now.monotonic, resume_report->pause);
    return wake_at(resume_report->due);
  }
  resume_report->op = new_op();
  resume_report->due = after(now.monotonic, kReportWait);
  resume_report->pause = std::min(resume_report->pause * 2, kReportAgainMax);
  const UnreportedResume& unreported_resume = *memory.unreported_resume;
  if (unreported_resume.epoch) {
    out.emplace_back(ReportResume{*resume_report->op, *unreported_resume.epoch,
                                  unreported_resume.slept, unreported_resume.wake,
                                  "the machine is awake"});
  } else {
    out.emplace_back(
        Release{*resume_report->op, unreported_resume.attempt, "the machine does not sleep"});
  }
  if (!resume_report->alerted && is_alerted) {
    resume_report->alerted = true;
    notify(Severity::Alert, Topic::Proxy,
           "the proxy has not taken the word that the machine is awake for " +
               core::to_string(now.monotonic - resume_report->since));
  }
  wake_at(resume_report->due);
}

void SuspendPolicy::Body::probe_gpu(GpuStep step, std::string why) {
  resuming->gpu = step;
  resuming->op = new_op();
  resuming->due = after(now.monotonic, settings.gpu_probe_timeout);
  out.emplace_back(ProbeGpu{*resuming->op, std::move(why)});
}

/// An attempt begins: true when the GPU was still being looked at, which has to be done again
/// should the machine not sleep.
bool SuspendPolicy::Body::leave_gpu(const std::string& why) {
  if (!resuming) return false;
  const bool is_looking = resuming->gpu != GpuStep::None;
  if (resuming->op) out.emplace_back(Cancel{*resuming->op, why});
  resuming.reset();
  return is_looking;
}

void SuspendPolicy::Body::look_at_gpu_again() {
  resuming = Resuming{now.monotonic, GpuStep::None, std::nullopt, Instant::max(), {}};
  probe_gpu(GpuStep::Probe, "it was not looked at to the end");
}

void SuspendPolicy::Body::recover_gpu(GpuStep step, GpuRecovery what) {
  resuming->gpu = step;
  resuming->op = new_op();
  resuming->due = after(now.monotonic, settings.gpu_recover_timeout);
  out.emplace_back(
      RecoverGpu{*resuming->op, what, "the GPU does not work: " + resuming->gpu_problem});
}

void SuspendPolicy::Body::drive_resuming() {
  if (!resuming || attempt) return;
  if (now.monotonic >= resuming->due) {
    if (resuming->gpu == GpuStep::Pause) {
      probe_gpu(GpuStep::ProbeAgain, "once more: " + resuming->gpu_problem);
    } else {
      out.emplace_back(Cancel{*resuming->op, "no answer in time"});
      gpu_answer(false, "no answer in time");
    }
    if (!resuming) return;
  }
  if (resuming->gpu == GpuStep::None && now.monotonic >= resuming->grace_until) {
    resuming.reset();
    return;
  }
  wake_at(resuming->gpu == GpuStep::None ? resuming->grace_until : resuming->due);
}

void SuspendPolicy::Body::gpu_answer(bool ok, const std::string& detail) {
  resuming->op.reset();
  resuming->due = Instant::max();
  const GpuStep step = resuming->gpu;
  if (step == GpuStep::Restart) return probe_gpu(GpuStep::ProbeThen, "the engines were restarted");
  if (step == GpuStep::Command) return probe_gpu(GpuStep::ProbeLast, "the command has run");
  if (ok) {
    resuming->gpu = GpuStep::None;
    if (step != GpuStep::Probe) notify(Severity::Info, Topic::Gpu, "the GPU works again");
    if (memory.block && memory.block->cause == BlockCause::GpuFailed) {
      unblock("the GPU works again");
    }
    return;
  }
  ++totals.gpu_probe_failures;
  resuming->gpu_problem = detail;
  if (step == GpuStep::Probe) {
    resuming->gpu = GpuStep::Pause;
    resuming->due = after(now.monotonic, settings.gpu_retry);
    notify(Severity::Warning, Topic::Gpu, "the GPU does not answer properly: " + detail);
    return;
  }
  if (step == GpuStep::ProbeAgain) {
    return recover_gpu(GpuStep::Restart, GpuRecovery::RestartEngines);
  }
  if (step == GpuStep::ProbeThen && settings.gpu_recover) {
    return recover_gpu(GpuStep::Command, GpuRecovery::Command);
  }
  resuming->gpu = GpuStep::None;
  block(BlockCause::GpuFailed, "the GPU does not work after a wake-up: " + detail,
        settings.backoff_max);
}

}  // namespace rouse::core::suspend
