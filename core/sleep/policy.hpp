#pragma once

#include "core/sleep/event.hpp"
#include "core/sleep/memory.hpp"
#include "core/sleep/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// When the machine may sleep, and what is done about it: the daemon's side of the handshake that
/// docs/sleep.md describes.
namespace rouse::core::suspend {

struct CheckView {
  std::string name;
  Verdict verdict = Verdict::Unknown;
  std::string reason;
  Duration since{0};               ///< how long it has said so
  std::optional<Duration> looked;  ///< how long ago; nullopt: never
};
struct HoldView {
  std::string token;
  std::string why;
  std::string by;
  std::optional<Duration> left;  ///< nullopt: until released
};
/// Since the start of the daemon; for the metrics.
struct Totals {
  std::map<std::string, std::uint64_t> suspends;  ///< by result: ok, failed, cancelled, refused
  std::map<std::string, std::uint64_t> failures;  ///< by step: drain, unload, preflight, commit, …
  std::map<std::string, std::uint64_t> resumes;   ///< by wake reason
  std::map<std::string, std::uint64_t> spurious;  ///< by source
  std::uint64_t drains_cancelled = 0;
  std::uint64_t gpu_probe_failures = 0;
  Duration asleep{0};
};
/// What `explain`, `status` and the metrics show.
struct View {
  State state = State::Active;
  Duration in_state{0};
  std::string reason;  ///< why it is in this state
  std::string step;    ///< of an attempt under way: "drain", "unload", …; else empty
  std::string next;    ///< what happens next and when, in words; never empty
  std::optional<Duration> sleep_in;  ///< of the countdown, while everything is idle
  Duration idle_for{0};              ///< how long every check has been idle
  bool dry_run = false;
  std::vector<CheckView> checks;  ///< in the order of the settings
  std::vector<HoldView> holds;
  std::vector<Wakeup> wakeups;  ///< to come
  std::optional<Block> block;
  int failures = 0;  ///< in a row
  std::string last_failure;
  std::optional<Duration> retry_in;  ///< of the back-off
  std::optional<SleepRecord> last_suspend;
  std::optional<SleepRecord> last_wake;
  std::optional<WallTime> wake_proof;
  Totals totals;
};

/// Decides when the machine goes to sleep, step by step, and what follows when it does or does not.
///
/// A pure state machine: no I/O, no clock, no threads, no exceptions. step() is the only mutator.
/// Everything asked of the shell has a deadline here, and its late answer is ignored, so that an
/// answer that never comes stops nothing. Construct, then step(Started{}) before anything else.
class SuspendPolicy {
 public:
  /// @p memory as the last run saved it, or empty. @p boot_id: /proc/sys/kernel/random/boot_id.
  SuspendPolicy(Settings settings, Memory memory, std::string boot_id);
  ~SuspendPolicy();
  SuspendPolicy(const SuspendPolicy&) = delete;
  SuspendPolicy& operator=(const SuspendPolicy&) = delete;

  /// Applies @p event and returns what the shell must do now, in order. The clocks never go back,
  /// except the wall clock. A Tick right after any step yields nothing.
  [[nodiscard]] std::vector<Action> step(const Event& event, const Now& now);

  /// By the monotonic clock: when step(Tick{}) is next worth calling; nullopt: only an event can
  /// change anything.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] View view(const Now& now) const;
  [[nodiscard]] const Memory& memory() const;
  /// On the way to sleep, with an alarm whose time has come: it may be what wakes the machine.
  [[nodiscard]] bool is_alarm_due(const Now& now) const;

  /// After ShutdownWanted: nothing of ours is left at the proxy, and the shell may leave.
  [[nodiscard]] bool is_quiet() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace rouse::core::suspend
