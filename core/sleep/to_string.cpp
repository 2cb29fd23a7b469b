#include "core/sleep/to_string.hpp"

#include "core/swap/describe.hpp"

#include <variant>

namespace rouse::core::suspend {

namespace {

std::string number(Attempt attempt) {
  return std::to_string(static_cast<std::uint64_t>(attempt));
}

std::string because(std::string text, const std::string& reason) {
  return reason.empty() ? text : text + ": " + reason;
}

std::string text_of(const Save&) {
  return "save";
}
std::string text_of(const RequestDrain& a) {
  return because("drain " + number(a.attempt) + (a.force ? " by force" : "") + " (ttl " +
                     core::to_string(a.ttl) + ")",
                 a.reason);
}
std::string text_of(const Renew& a) {
  return because("renew " + number(a.attempt), a.reason);
}
std::string text_of(const Release& a) {
  return because("release " + number(a.attempt), a.reason);
}
std::string text_of(const Unload& a) {
  return because("unload " + number(a.attempt), a.reason);
}
std::string text_of(const RunPreflight& a) {
  return because("preflight", a.reason);
}
std::string text_of(const ArmAlarm& a) {
  return because(a.at ? "arm-alarm" : "clear-alarm", a.reason);
}
std::string text_of(const Commit& a) {
  return because("commit " + number(a.attempt), a.reason);
}
std::string text_of(const Suspend& a) {
  return because("suspend " + number(a.attempt), a.reason);
}
std::string text_of(const ReleaseDelayLock& a) {
  return because("release-delay-lock", a.reason);
}
std::string text_of(const ReportResume& a) {
  return because("report-resume " + std::to_string(a.epoch) + " (slept " +
                     core::to_string(a.slept) + ", " + std::string(to_string(a.wake)) + ")",
                 a.reason);
}
std::string text_of(const ProbeGpu& a) {
  return because("probe-gpu", a.reason);
}
std::string text_of(const RecoverGpu& a) {
  return because("recover " + std::string(to_string(a.step)), a.reason);
}
std::string text_of(const RunHook& a) {
  return because("hook " + std::string(to_string(a.hook)), a.reason);
}
std::string text_of(const Cancel& a) {
  return because("cancel", a.reason);
}
std::string text_of(const AnswerGate& a) {
  return because(a.allow ? "gate allow" : "gate deny", a.reason);
}
std::string text_of(const Reply& a) {
  return because(a.accepted ? "reply yes" : "reply no", a.text);
}
std::string text_of(const Notify& a) {
  return because(
      "notify " + std::string(to_string(a.severity)) + ' ' + std::string(to_string(a.topic)),
      a.text);
}
std::string text_of(const StateChanged& a) {
  return because(std::string(to_string(a.from)) + " -> " + std::string(to_string(a.to)), a.reason);
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::Active:
      return "active";
    case State::IdleCountdown:
      return "idle-countdown";
    case State::Preparing:
      return "preparing";
    case State::Suspending:
      return "suspending";
    case State::Resumed:
      return "resumed";
    case State::Blocked:
      break;
  }
  return "blocked";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Active:
      return "active";
    case Verdict::Idle:
      return "idle";
    case Verdict::Unknown:
      break;
  }
  return "unknown";
}

std::string_view to_string(WakeReason reason) {
  switch (reason) {
    case WakeReason::Wol:
      return "wol";
    case WakeReason::Rtc:
      return "rtc";
    case WakeReason::PowerButton:
      return "power_button";
    case WakeReason::Other:
      return "other";
    case WakeReason::Unknown:
      break;
  }
  return "unknown";
}

std::string_view to_string(BlockCause cause) {
  switch (cause) {
    case BlockCause::Failures:
      return "failures";
    case BlockCause::NotReady:
      return "not_ready";
    case BlockCause::GpuFailed:
      return "gpu_failed";
    case BlockCause::SpuriousWakes:
      return "spurious_wakes";
    case BlockCause::HookFailed:
      return "hook_failed";
    case BlockCause::Unproven:
      break;
  }
  return "unproven";
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Info:
      return "info";
    case Severity::Warning:
      return "warning";
    case Severity::Alert:
      break;
  }
  return "alert";
}

std::string_view to_string(Topic topic) {
  switch (topic) {
    case Topic::Suspended:
      return "suspended";
    case Topic::SuspendFailed:
      return "suspend_failed";
    case Topic::Blocked:
      return "blocked";
    case Topic::Unblocked:
      return "unblocked";
    case Topic::UnknownCheck:
      return "unknown_check";
    case Topic::SpuriousWake:
      return "spurious_wake";
    case Topic::Preflight:
      return "preflight";
    case Topic::HookFailed:
      return "hook_failed";
    case Topic::Gpu:
      return "gpu";
    case Topic::Proxy:
      return "proxy";
    case Topic::DryRun:
      break;
  }
  return "dry_run";
}

std::string_view to_string(Hook hook) {
  switch (hook) {
    case Hook::PreDrain:
      return "pre_drain";
    case Hook::PreSuspend:
      return "pre_suspend";
    case Hook::PostResume:
      return "post_resume";
    case Hook::OnBlocked:
      break;
  }
  return "on_blocked";
}

std::string_view to_string(GpuRecovery step) {
  return step == GpuRecovery::RestartEngines ? "restart_engines" : "command";
}

std::string to_string(const Action& action) {
  return std::visit([](const auto& a) { return text_of(a); }, action);
}

}  // namespace rouse::core::suspend
