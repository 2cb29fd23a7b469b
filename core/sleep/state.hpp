#pragma once

#include "core/sleep/checks.hpp"
#include "core/sleep/policy.hpp"
#include "core/sleep/to_string.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::core::suspend {

using Actions = std::vector<Action>;

/// How far an attempt has come. Each stage waits for one answer, and for a limited time.
enum class Stage {
  PreDrain,  ///< hook
  Drain,
  DrainAgain,  ///< not ours, and the proxy is busy: a short pause
  Unload,
  PreSuspend,  ///< hook
  Preflight,
  Alarm,
  Commit,
  Sleep,  ///< nothing is left to be done but to sleep
};

struct AttemptRun {
  Attempt id{};
  Stage stage = Stage::PreDrain;
  std::optional<Op> op;
  Instant due = Instant::max();
  std::string reason;
  bool ours = true;
  bool coming = false;  ///< the sleep comes whatever we do: there is only so much time to prepare
  bool force = false;
  bool asked = false;  ///< by an operator: that somebody has just used it is no reason against
  bool leased = false;
  bool commit_sent = false;  ///< cleared when the proxy certainly did not, or no longer, obey it
  std::optional<std::uint64_t> epoch;  ///< committed, and the proxy stands by it
  bool suspend_sent = false;
  bool begun = false;              ///< PrepareForSleep(true) was seen
  bool passed = false;             ///< nothing of ours holds it up any more
  Instant limit = Instant::max();  ///< of a sleep that is coming: over by then, or never was
  bool forced_drain = false;
  bool hooks_ran = false;
  std::optional<std::string> stop;            ///< something came up while the commit was under way
  std::optional<std::uint64_t> obeyed_epoch;  ///< of the last commit that was obeyed
  Instant renew_at = Instant::max();
  std::optional<Op> renewal;
  std::optional<WallTime> alarm;
  bool gpu_left = false;  ///< it has broken off the look at the GPU after the last wake-up
  Duration slept{0};
};

/// A suspend that somebody has begun waits for us.
struct OpenGate {
  GateId id{};
  Instant by;
};

enum class GpuStep { None, Probe, Pause, ProbeAgain, Restart, ProbeThen, Command, ProbeLast };

struct Resuming {
  Instant grace_until;
  GpuStep gpu = GpuStep::None;
  std::optional<Op> op;
  Instant due = Instant::max();
  std::string gpu_problem;
};

struct ResumeReport {
  std::optional<Op> op;
  Instant due = Instant::max();  ///< of the answer, or of the next try
  Duration pause{0};
  Instant since;
  bool alerted = false;
};

struct HookRun {
  Op op{};
  Hook hook = Hook::PostResume;
  Instant due;
};

/// What is against sleeping now.
struct Obstacle {
  std::string reason;
  std::optional<Instant> until;  ///< monotonic; nullopt: an event must come
  bool is_use = false;           ///< somebody needs the machine: the idle time begins anew
};

constexpr Duration kHookSlack{5'000};  ///< beyond its timeout, at which the shell kills a hook

/// The body of SuspendPolicy. Events change it; settle() then draws every conclusion.
struct SuspendPolicy::Body {
  Settings settings;
  Memory memory;
  std::string boot_id;

  Now now;
  Duration gap{0};  ///< boottime beyond monotonic, as of the last sleep that was noticed
  Instant deadline = Instant::max();
  bool started = false;
  std::optional<Instant>
      shutdown_by;  ///< leaving; what is not told by then is left unreported_resume
  bool unsaved = false;
  std::uint64_t next_op = 1;
  Actions out;

  State state = State::Active;
  Instant state_since{};
  std::string reason = "has just started";

  CheckBoard checks;
  Instant idle_floor{};   ///< no idle time before this counts
  Instant pause_until{};  ///< no attempt before this; by the monotonic clock
  std::string pause_reason;
  std::vector<Wakeup> wakeups;
  std::vector<OpenGate> gates;
  std::optional<Instant> delay_by;  ///< the delay lock must be closed by then
  std::optional<AttemptRun> attempt;
  std::optional<Resuming> resuming;
  std::optional<ResumeReport> resume_report;
  std::vector<HookRun> hooks;
  std::optional<BlockCause> retried;  ///< the block that was left to see whether its cause is gone
  bool dry_told = false;
  Totals totals;

  // events.cpp
  void on(const Started& event);
  void on(const CheckReported& event);
  void on(const RequestServed& event);
  void on(const WakeupsChanged& event);
  void on(const HoldWanted& event);
  void on(const HoldReleased& event);
  void on(const SuspendWanted& event);
  void on(const UnblockWanted& event);
  void on(const GateOpened& event);
  void on(const GateClosed& event);
  void on(const DrainGranted& event);
  void on(const DrainRefused& event);
  void on(const DrainCancelled& event);
  void on(const DrainEnded& event);
  void on(const Committed& event);
  void on(const ActionDone& event);
  void on(const PreflightDone& event);
  void on(const SleepStarting& event);
  void on(const SleepEnded& event);
  void on(const Reconfigured& event);
  void on(const ShutdownWanted& event);
  void on(const Tick&) {}
  void lease_lost(Attempt id, const std::string& why, bool by_request);
  void recover_attempt(bool preparing_for_sleep);

  // policy.cpp
  void settle();
  void advance();
  void expire_holds();
  void weigh();
  void notice_sleep();
  void enter(State to, std::string why);
  void wake_at(Instant at);
  void wake_at_boottime(Instant at);
  [[nodiscard]] Instant monotonic_of(Instant boottime) const;
  [[nodiscard]] Op new_op() { return Op{next_op++}; }
  void changed() { unsaved = true; }
  void notify(Severity severity, Topic topic, std::string text);
  [[nodiscard]] std::optional<Obstacle> obstacle() const;
  [[nodiscard]] std::optional<Obstacle> use() const;  ///< of the machine by somebody
  [[nodiscard]] std::optional<Wakeup> next_wakeup() const;
  [[nodiscard]] Instant idle_since() const;
  [[nodiscard]] Duration required_idle() const;

  // attempt.cpp
  void begin(bool ours, bool force, std::string why);
  void go_to(Stage stage, Instant due);
  void ask_drain(bool force);
  void after_drain();
  void after_unload();
  void run_preflight();
  void arm_alarm();
  void commit();
  void suspend();
  void await_sleep();
  void renew();
  void drive_attempt();
  void overdue();
  void attempt_answer(const ActionDone& event);
  void interrupt(const std::string& why, bool is_use);
  void drop_op(const std::string& why);
  /// Ends it without a sleep. @p step is empty unless it failed, which may @p cause a block.
  void give_up(const std::string& step, const std::string& why,
               BlockCause cause = BlockCause::Failures);
  [[nodiscard]] Duration ttl() const;

  // foreign.cpp
  void begin_foreign(std::string why);
  void make_foreign(const std::string& why);
  void pass(bool allow, const std::string& why);
  void drive_foreign();

  // hooks.cpp
  void run_hook(Hook hook, const HookSettings& how, Duration slept, WakeReason wake,
                std::string why);
  bool finish_hook(const ActionDone& event);
  void drive_hooks();
  void hook_failed(Hook hook, const std::string& why);

  // block.cpp
  void fail(const std::string& step, const std::string& why, BlockCause cause);
  void block(BlockCause cause, std::string why, Duration retry);
  void unblock(const std::string& why);
  void drive_block();

  // resume.cpp
  void end_sleep(const Evidence& evidence);
  [[nodiscard]] bool is_due(const std::optional<WallTime>& alarm, WallTime at) const;
  void woke(SleepRecord record);
  void report_resume(UnreportedResume unreported_resume);
  void drive_resume_report();
  void drive_resuming();
  void gpu_answer(bool ok, const std::string& detail);
  void recover_gpu(GpuStep step, GpuRecovery what);
  void probe_gpu(GpuStep step, std::string why);
  bool leave_gpu(const std::string& why);
  void look_at_gpu_again();

  // wakes.cpp
  void judge_wake();
  void use_wake();
  [[nodiscard]] SleepRecord* last_wake();
  [[nodiscard]] const SleepRecord* last_wake() const;
  [[nodiscard]] Duration linger() const;
  [[nodiscard]] int unused_in_a_row() const;

  // view.cpp
  [[nodiscard]] std::string next_words(Instant at) const;
  [[nodiscard]] std::string step_words() const;
};

/// "wol (eth0)"
[[nodiscard]] std::string woken_by(const SleepRecord& record);

/// A clock's growth that is a sleep and no rounding.
inline constexpr Duration kSleptAtLeast{500};

}  // namespace rouse::core::suspend
