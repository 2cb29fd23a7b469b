#pragma once

#include "core/sleep/memory.hpp"
#include "core/sleep/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rouse::core::suspend {

/// One thing that the shell was asked to do; its answer carries the same number. Never reused
/// within a run of the daemon.
enum class Op : std::uint64_t {};
/// One command of an operator; given by the shell. Answered by exactly one Reply.
enum class CommandId : std::uint64_t {};
/// One run of the gate; given by the shell. Answered by exactly one AnswerGate unless it closes.
enum class GateId : std::uint64_t {};

enum class Verdict { Active, Idle, Unknown };

// ---- What happened. The shell turns every outside occurrence into exactly one of these.

/// First of all events. @p preparing_for_sleep: logind's property PreparingForSleep, as it is now.
struct Started {
  bool preparing_for_sleep = false;
};
/// A check has looked.
struct CheckReported {
  std::string check;
  Verdict verdict = Verdict::Unknown;
  std::string reason;
  Duration idle_for{0};  ///< how long the thing itself has been idle, if known; else zero
};
/// The proxy has answered, or begun, an inference request since the last word about it.
struct RequestServed {};
struct Wakeup {
  WallTime at{};
  std::string what;  ///< "backup.timer", "wakeup 'morning'"
};
/// Every time at which the machine must be awake; the alarm is set for the first to come.
struct WakeupsChanged {
  std::vector<Wakeup> wakeups;
};

// Operators.
struct HoldWanted {
  CommandId command{};
  std::string token;  ///< given by the shell; the same token again replaces the hold
  std::string why;
  std::string by;
  std::optional<Duration> lasts;  ///< nullopt: until released
  bool bound = false;
};
struct HoldReleased {
  std::optional<CommandId> command;  ///< nullopt: its connection has ended
  std::string token;
};
/// Sleep now: no countdown, grace or minimum uptime. Refused while something is active or held.
/// @p force overrides checks, holds, the preflight and blocks, but no request: while one runs the
/// proxy refuses, and so does the command.
struct SuspendWanted {
  CommandId command{};
  bool force = false;
  std::string by;
};
struct UnblockWanted {
  CommandId command{};
  std::string by;
};

// The gate: some suspend is about to happen (docs/sleep.md).
struct GateOpened {
  GateId gate{};
};
struct GateClosed {  ///< whoever asked has gone; no answer is due
  GateId gate{};
};

// Answers of the proxy. Every action with an Op is answered once; late answers are ignored.
struct DrainGranted {
  Op op{};
  std::optional<Duration> idle =
      std::nullopt;  ///< since the end of the proxy's last work, as it says
};
struct DrainRefused {
  Op op{};
  bool unreachable = false;  ///< nobody answered on its socket
  std::string why;           ///< "1 request to qwen (1.2 s)"
};
/// The lease is gone because the proxy has taken a request; also after the stream said so.
struct DrainCancelled {
  Attempt attempt{};
  std::string by;
};
/// The stream of the lease ended without a word: the proxy died, or the lease ran out.
struct DrainEnded {
  Attempt attempt{};
  std::string why;
};
struct Committed {
  Op op{};
  std::uint64_t epoch = 0;
};
/// Answer to everything else: Renew, Release, Unload, ArmAlarm, Suspend (queued or refused),
/// ReportResume, ProbeGpu, RecoverGpu, RunHook; and to a Commit that was refused or brought no
/// answer.
struct ActionDone {
  Op op{};
  bool ok = true;
  std::string detail;       ///< what failed: for Suspend, the D-Bus error's words
  bool lease_gone = false;  ///< the proxy refused since the lease is over; why follows on the lease
};

struct PreflightDone {
  Op op{};
  std::vector<CheckReported>
      findings;  ///< of every check, looked at after RunPreflight was asked for
  std::vector<std::string> problems;  ///< it must not sleep until these are mended
};

/// PrepareForSleep(true), whoever caused it. The delay lock is held until ReleaseDelayLock.
struct SleepStarting {};
/// What the machine says about a suspend that is over, read right after it.
struct Evidence {
  std::optional<bool> success_grew;  ///< /sys/power/suspend_stats/success; nullopt: not readable
  std::string failed_step;           ///< "freeze", when it failed
  std::string error;                 ///< errno in words, device
  WakeReason wake = WakeReason::Unknown;
  std::string source;  ///< "eth0 (0000:05:00.0)"
};
/// PrepareForSleep(false). The shell has read the evidence and taken the delay lock again.
struct SleepEnded {
  Evidence evidence;
};

/// Takes effect at once. Checks that are new are unknown until they have looked.
struct Reconfigured {
  Settings settings;
};
/// Give back whatever is taken; is_quiet() tells when the shell may leave.
struct ShutdownWanted {};
struct Tick {};  ///< next_deadline() has come

using Event =
    std::variant<Started, CheckReported, RequestServed, WakeupsChanged, HoldWanted, HoldReleased,
                 SuspendWanted, UnblockWanted, GateOpened, GateClosed, DrainGranted, DrainRefused,
                 DrainCancelled, DrainEnded, Committed, ActionDone, PreflightDone, SleepStarting,
                 SleepEnded, Reconfigured, ShutdownWanted, Tick>;

// ---- What the shell must do now, in order. Each carries its reason in words.

/// Write @p memory so that it survives a crash, before anything that follows.
struct Save {
  Memory memory;
};
/// POST /v1/power/drain. Answered by DrainGranted or DrainRefused. @p force: the machine will sleep
/// anyway, grant it in spite of running requests.
struct RequestDrain {
  Op op{};
  Attempt attempt{};
  Duration ttl{0};
  bool force = false;
  std::string reason;
};
/// Commit again: the sleep is still to come, the proxy must not give it up.
struct Renew {
  Op op{};
  Attempt attempt{};
  std::string reason;
};
/// Give the lease back, also one that may have been committed without our knowledge. ok also when
/// the proxy knows no such lease.
struct Release {
  Op op{};
  Attempt attempt{};
  std::string reason;
};
struct Unload {
  Op op{};
  Attempt attempt{};
  std::string reason;
};
/// Look at every check again, at CanSuspend and at wake-on-lan, which is armed.
struct RunPreflight {
  Op op{};
  std::string reason;
};
/// Set the alarm clock; nullopt clears it.
struct ArmAlarm {
  Op op{};
  std::optional<WallTime> at;
  std::string reason;
};
struct Commit {
  Op op{};
  Attempt attempt{};
  std::optional<WallTime> expect_wake;
  std::string reason;
};
/// SuspendWithFlags(0) of logind.
struct Suspend {
  Op op{};
  Attempt attempt{};
  std::string reason;
};
/// Close the delay lock: the machine may go to sleep from now on.
struct ReleaseDelayLock {
  std::string reason;
};
/// POST /v1/power/resumed. ok also when the proxy knows of no such sleep: it is awake then.
struct ReportResume {
  Op op{};
  std::uint64_t epoch = 0;  ///< of the commit
  Duration slept{0};        ///< zero: the suspend did not happen
  WakeReason wake = WakeReason::Unknown;
  std::string reason;
};
struct ProbeGpu {
  Op op{};
  std::string reason;
};
enum class GpuRecovery { RestartEngines, Command };
struct RecoverGpu {
  Op op{};
  GpuRecovery step = GpuRecovery::RestartEngines;
  std::string reason;
};
enum class Hook { PreDrain, PreSuspend, PostResume, OnBlocked };
struct RunHook {
  Op op{};
  Hook hook = Hook::PreDrain;
  Duration timeout{0};
  Duration slept{0};                      ///< post_resume
  WakeReason wake = WakeReason::Unknown;  ///< post_resume
  std::string reason;
};
/// Give up what is being done for @p op: kill the hook, drop the call. No answer is due.
struct Cancel {
  Op op{};
  std::string reason;
};
struct AnswerGate {
  GateId gate{};
  bool allow = true;
  std::string reason;
};
struct Reply {
  CommandId command{};
  bool accepted = true;
  std::string text;
};
enum class Severity { Info, Warning, Alert };
enum class Topic {
  Suspended,      ///< slept and woke
  SuspendFailed,  ///< an attempt of ours came to nothing by a fault
  Blocked,
  Unblocked,
  UnknownCheck,  ///< a check could not tell for unknown_max
  SpuriousWake,
  Preflight,  ///< problems that a suspend by force passes over
  HookFailed,
  Gpu,
  Proxy,   ///< cannot be told that the machine is awake
  DryRun,  ///< would suspend now
};
/// For the log, the journal's fields and the webhook.
struct Notify {
  Severity severity = Severity::Info;
  Topic topic = Topic::Suspended;
  std::string text;
};

enum class State { Active, IdleCountdown, Preparing, Suspending, Resumed, Blocked };
struct StateChanged {
  State from{};
  State to{};
  std::string reason;
};

using Action = std::variant<Save, RequestDrain, Renew, Release, Unload, RunPreflight, ArmAlarm,
                            Commit, Suspend, ReleaseDelayLock, ReportResume, ProbeGpu, RecoverGpu,
                            RunHook, Cancel, AnswerGate, Reply, Notify, StateChanged>;

}  // namespace rouse::core::suspend
