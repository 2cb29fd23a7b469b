#include "core/sleep/policy.hpp"

#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

SuspendPolicy::SuspendPolicy(Settings settings, Memory memory, std::string boot_id)
    : body_(std::make_unique<Body>()) {
  body_->settings = std::move(settings);
  body_->memory = std::move(memory);
  body_->boot_id = std::move(boot_id);
}

SuspendPolicy::~SuspendPolicy() = default;

std::vector<Action> SuspendPolicy::step(const Event& event, const Now& now) {
  Body& body = *body_;
  if (!body.started) {
    body.now = now;
    body.gap = now.boottime - now.monotonic;
    body.state_since = body.idle_floor = now.monotonic;
    body.checks.configure(body.settings.checks, now.monotonic);
    if (!std::holds_alternative<Started>(event)) body.on(Started{});
  }
  body.now.monotonic = std::max(body.now.monotonic, now.monotonic);
  body.now.boottime = std::max(body.now.boottime, now.boottime);
  body.now.realtime = now.realtime;
  body.notice_sleep();
  std::visit([&](const auto& e) { body.on(e); }, event);
  body.settle();
  // First of all, so that whatever follows is known to the next run of the daemon.
  if (std::exchange(body.unsaved, false)) body.out.emplace(body.out.begin(), Save{body.memory});
  return std::exchange(body.out, {});
}

std::optional<Instant> SuspendPolicy::next_deadline() const {
  if (body_->deadline == Instant::max()) return std::nullopt;
  return body_->deadline;
}

const Memory& SuspendPolicy::memory() const {
  return body_->memory;
}

bool SuspendPolicy::is_alarm_due(const Now& now) const {
  return body_->attempt && body_->is_due(body_->attempt->alarm, now.realtime);
}

bool SuspendPolicy::is_quiet() const {
  const Body& body = *body_;
  if (!body.shutdown_by) return false;
  // What it undoes would stay done until the next sleep.
  const bool is_undoing = std::any_of(body.hooks.begin(), body.hooks.end(), [](const HookRun& run) {
    return run.hook == Hook::PostResume;
  });
  if (is_undoing) return false;
  return !body.resume_report || body.now.monotonic >= *body.shutdown_by;
}

// Whatever is decided adds an action, so that a round without one has left nothing to decide.
void SuspendPolicy::Body::settle() {
  std::size_t decided = 0;
  do {
    decided = out.size();
    deadline = Instant::max();
    advance();
  } while (out.size() != decided);
}

void SuspendPolicy::Body::advance() {
  expire_holds();
  checks.age(now.monotonic);
  for (std::string& alert : checks.alerts(settings.unknown_max, now.monotonic)) {
    notify(Severity::Alert, Topic::UnknownCheck, std::move(alert));
  }
  wake_at(checks.next_deadline(settings.unknown_max));
  if (shutdown_by && now.monotonic < *shutdown_by) wake_at(*shutdown_by);

  drive_attempt();
  drive_hooks();
  drive_resume_report();
  drive_resuming();
  judge_wake();
  drive_block();
  if (attempt || memory.block) return;
  if (resuming) {
    enter(State::Resumed, reason);
  } else {
    weigh();
  }
}

void SuspendPolicy::Body::expire_holds() {
  const auto is_over = [&](const Hold& hold) { return hold.until && now.boottime >= *hold.until; };
  const auto kept = std::remove_if(memory.holds.begin(), memory.holds.end(), is_over);
  if (kept != memory.holds.end()) {
    memory.holds.erase(kept, memory.holds.end());
    idle_floor = now.monotonic;
    changed();
  }
  for (const Hold& hold : memory.holds) {
    if (hold.until) wake_at_boottime(*hold.until);
  }
}

/// Nothing is under way: is it time to sleep?
void SuspendPolicy::Body::weigh() {
  if (const auto against = obstacle()) {
    if (against->is_use) idle_floor = now.monotonic;
    if (against->until) wake_at(*against->until);
    dry_told = false;
    return enter(State::Active, against->reason);
  }
  const Instant since = idle_since();
  const Duration needed = required_idle();
  const SleepRecord* wake = last_wake();
  const bool unused = wake != nullptr && !wake->used;
  const std::string words = unused ? "nobody has used the machine since it woke"
                                   : "every check is idle and nobody has asked for anything";
  enter(State::IdleCountdown, words);
  if (const Instant at = after(since, needed); now.monotonic < at) return wake_at(at);

  const std::string why = (unused ? "unused since the wake-up " : "idle for ") +
                          core::to_string(now.monotonic - since) + (unused ? " ago" : "");
  if (settings.dry_run) {
    if (!std::exchange(dry_told, true)) {
      notify(Severity::Info, Topic::DryRun, "dry run: would suspend now: " + why);
    }
    return;
  }
  if (settings.confirm_first && !memory.wake_proof && !memory.agreed) {
    return block(BlockCause::Unproven,
                 "the network has never been seen to wake this machine: an operator must agree to "
                 "the first suspend (suspend or unblock)",
                 Duration{0});
  }
  begin(true, false, why);
}

std::optional<Obstacle> SuspendPolicy::Body::use() const {
  if (!memory.holds.empty()) {
    const Hold& hold = memory.holds.front();
    std::string words = "held by " + hold.by + ": " + hold.why;
    std::optional<Instant> until;
    if (hold.until) {
      until = monotonic_of(*hold.until);
      words += " (for another " + core::to_string(*hold.until - now.boottime) + ")";
    }
    return Obstacle{std::move(words), until, true};
  }
  if (auto who = checks.who_is_not_idle()) return Obstacle{std::move(*who), std::nullopt, true};
  return std::nullopt;
}

std::optional<Obstacle> SuspendPolicy::Body::obstacle() const {
  if (shutdown_by) return Obstacle{"the daemon is shutting down", std::nullopt, false};
  if (auto used = use()) return used;
  if (resume_report) {
    return Obstacle{"the proxy has not heard yet that the machine is awake", std::nullopt, false};
  }
  for (const HookRun& run : hooks) {
    if (run.hook == Hook::PostResume) {
      return Obstacle{"the post_resume hook is running", std::nullopt, false};
    }
  }
  if (const Instant up = Instant{} + settings.min_uptime; now.boottime < up) {
    return Obstacle{"has been up for " + core::to_string(now.boottime - Instant{}) +
                        ", less than " + core::to_string(settings.min_uptime),
                    monotonic_of(up), false};
  }
  if (memory.retry_at && now.boottime < *memory.retry_at) {
    return Obstacle{"waits " + core::to_string(*memory.retry_at - now.boottime) + " more after " +
                        count(memory.failures, "failed attempt") + ": " + memory.last_failure,
                    monotonic_of(*memory.retry_at), false};
  }
  if (now.monotonic < pause_until) return Obstacle{pause_reason, pause_until, false};
  if (const auto wakeup = next_wakeup()) {
    const Duration left = wakeup->at - now.realtime;
    if (left < settings.min_sleep) {
      return Obstacle{
          wakeup->what + " is due in " + core::to_string(left) + ": not worth sleeping before",
          after(now.monotonic, left + Duration{1}), false};
    }
  }
  return std::nullopt;
}

std::optional<Wakeup> SuspendPolicy::Body::next_wakeup() const {
  std::optional<Wakeup> next;
  for (const Wakeup& wakeup : wakeups) {
    if (wakeup.at < now.realtime) continue;
    if (!next || wakeup.at < next->at) next = wakeup;
  }
  return next;
}

Instant SuspendPolicy::Body::idle_since() const {
  return std::max(idle_floor, checks.idle_since());
}

Duration SuspendPolicy::Body::required_idle() const {
  const SleepRecord* wake = last_wake();
  return wake != nullptr && !wake->used ? linger() : settings.idle_time;
}

/// The clocks know of a sleep before anybody has told of its end; of some nobody ever tells.
void SuspendPolicy::Body::notice_sleep() {
  const Duration growth = (now.boottime - now.monotonic) - gap;
  if (growth < kSleptAtLeast) return;
  gap += growth;
  totals.asleep += growth;
  const bool is_told = attempt && (attempt->stage == Stage::Sleep || attempt->coming);
  if (is_told) {
    attempt->slept += growth;
    attempt->renew_at = Instant::max();
    return;
  }
  if (attempt) give_up("", "the machine has slept meanwhile without a word");
  SleepRecord record;
  record.at = now.realtime - std::chrono::duration_cast<Duration>(growth);
  record.slept = growth;
  record.ours = false;
  record.ok = true;
  record.detail = "slept without a word to anybody";
  woke(std::move(record));
}

void SuspendPolicy::Body::enter(State to, std::string why) {
  reason = std::move(why);
  if (state == to) return;
  out.emplace_back(StateChanged{state, to, reason});
  state = to;
  state_since = now.monotonic;
}

void SuspendPolicy::Body::wake_at(Instant at) {
  deadline = std::min(deadline, at);
}

void SuspendPolicy::Body::wake_at_boottime(Instant at) {
  if (at > now.boottime) wake_at(monotonic_of(at));
}

Instant SuspendPolicy::Body::monotonic_of(Instant boottime) const {
  return after(now.monotonic, boottime - now.boottime);
}

void SuspendPolicy::Body::notify(Severity severity, Topic topic, std::string text) {
  out.emplace_back(Notify{severity, topic, std::move(text)});
}

}  // namespace rouse::core::suspend
