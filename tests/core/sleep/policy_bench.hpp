#pragma once

#include "core/sleep/policy.hpp"
#include "core/sleep/to_string.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rouse::core::suspend {

inline void PrintTo(State state, std::ostream* out) {
  *out << to_string(state);
}
inline void PrintTo(const Action& action, std::ostream* out) {
  *out << to_string(action);
}

}  // namespace rouse::core::suspend

namespace rouse::core::suspend::test {

using namespace std::chrono_literals;
using Actions = std::vector<Action>;

inline constexpr WallTime kNoon{std::chrono::hours{24 * 365 * 30 + 12}};

/// Two checks that look every 5 s, a proxy, no hooks, no GPU; up for an hour.
inline Settings plain() {
  Settings settings;
  settings.checks = {{"proxy", 30s}, {"cpu", 30s}};
  settings.unload = false;
  return settings;
}

/// A policy with a clock that only the test turns. The checks look by themselves; everything that
/// the policy asks for stays unanswered until the test answers it.
class Bench {
 public:
  explicit Bench(Settings settings = plain(), Memory memory = {}, Started start = {},
                 std::string boot_id = "boot-1")
      : settings_(std::move(settings)),
        policy_(std::make_unique<SuspendPolicy>(settings_, std::move(memory), boot_id)) {
    for (const CheckSettings& check : settings_.checks) verdicts_[check.name] = Verdict::Idle;
    step(start);
    look();
  }

  Actions step(const Event& event) {
    Actions actions = policy_->step(event, now_);
    EXPECT_THAT(policy_->step(Tick{}, now_), testing::IsEmpty()) << "a step left work";
    EXPECT_FALSE(view().next.empty());
    log_.insert(log_.end(), actions.begin(), actions.end());
    return actions;
  }

  /// All checks look.
  Actions look() {
    Actions all;
    looked_ = now_.monotonic;
    for (const auto& [name, verdict] : verdicts_) {
      if (std::find(silent_.begin(), silent_.end(), name) != silent_.end()) continue;
      add(all, step(CheckReported{name, verdict, why_[name], Duration{0}}));
    }
    return all;
  }
  Actions becomes(const std::string& check, Verdict verdict, std::string why = "because") {
    verdicts_[check] = verdict;
    why_[check] = why;
    return step(CheckReported{check, verdict, why, Duration{0}});
  }
  void silence(const std::string& check) { silent_.push_back(check); }

  /// Awake for @p span, with a look every 5 s and every deadline met.
  Actions wait(Duration span) {
    Actions all;
    const Instant end = now_.monotonic + span;
    while (now_.monotonic < end) {
      Instant next = std::min(end, looked_ + 5s);
      if (const auto due = policy_->next_deadline()) {
        EXPECT_GT(*due, now_.monotonic) << "a deadline in the past";
        next = std::min(next, std::max(*due, now_.monotonic + 1ms));
      }
      pass(next - now_.monotonic, true);
      add(all, step(Tick{}));
      if (now_.monotonic >= looked_ + 5s) add(all, look());
    }
    return all;
  }
  void pass(Duration span, bool awake) {
    if (awake) now_.monotonic += span;
    now_.boottime += span;
    now_.realtime += span;
  }
  void set_wall(Duration by) { now_.realtime += by; }

  /// Answers the last action of type T that was seen.
  template <typename T>
  const T& last() const {
    static const T none{};
    for (auto it = log_.rbegin(); it != log_.rend(); ++it) {
      if (const T* found = std::get_if<T>(&*it)) return *found;
    }
    ADD_FAILURE() << "no such action was seen";
    return none;
  }
  template <typename T>
  [[nodiscard]] std::size_t seen() const {
    return static_cast<std::size_t>(std::count_if(
        log_.begin(), log_.end(), [](const Action& a) { return std::holds_alternative<T>(a); }));
  }
  Actions granted() { return step(DrainGranted{last<RequestDrain>().op}); }
  Actions committed(std::uint64_t epoch = 7) { return step(Committed{last<Commit>().op, epoch}); }
  template <typename T>
  Actions done(bool ok = true, std::string detail = "") {
    return step(ActionDone{last<T>().op, ok, std::move(detail)});
  }
  Actions checked(std::vector<std::string> problems = {}) {
    PreflightDone event{last<RunPreflight>().op, {}, std::move(problems)};
    for (const auto& [name, verdict] : verdicts_) {
      event.findings.push_back({name, verdict, why_[name], Duration{0}});
    }
    return step(event);
  }

  /// From an idle machine to the call of logind.
  Actions to_suspend() {
    const std::size_t before = seen<RequestDrain>();
    for (int i = 0; i < 400 && seen<RequestDrain>() == before; ++i) wait(10s);
    EXPECT_GT(seen<RequestDrain>(), before) << view().next;
    return from_drain();
  }
  Actions from_drain() {
    granted();
    if (settings_.unload) done<Unload>();
    checked();
    done<ArmAlarm>();
    return committed(++epoch_);
  }
  /// Through a sleep of @p span.
  Actions sleep(Duration span, Evidence evidence = woken_by(WakeReason::Wol, "eth0")) {
    step(ActionDone{last<Suspend>().op, true, ""});
    pass(700ms, true);
    step(SleepStarting{});
    pass(300ms, true);
    pass(span, false);
    Actions all = step(SleepEnded{evidence});
    if (seen<ReportResume>() > 0) add(all, done<ReportResume>());
    looked_ = now_.monotonic;
    return all;
  }
  static Evidence woken_by(WakeReason reason, std::string source) {
    return {true, "", "", reason, std::move(source)};
  }

  [[nodiscard]] View view() const { return policy_->view(now_); }
  [[nodiscard]] State state() const { return view().state; }
  [[nodiscard]] const Now& now() const { return now_; }
  [[nodiscard]] const SuspendPolicy& policy() const { return *policy_; }
  [[nodiscard]] const Actions& log() const { return log_; }
  void forget_log() { log_.clear(); }

  /// The daemon dies; the next one gets what the last one saved.
  Actions restart(Started start = {}, const std::string& boot_id = "boot-1") {
    const Memory memory = policy_->memory();
    policy_ = std::make_unique<SuspendPolicy>(settings_, memory, boot_id);
    log_.clear();
    return step(start);
  }

  static void add(Actions& all, const Actions& more) {
    all.insert(all.end(), more.begin(), more.end());
  }

 private:
  Settings settings_;
  std::unique_ptr<SuspendPolicy> policy_;
  Now now_{Instant{1h}, Instant{1h}, kNoon};
  Instant looked_{};
  std::map<std::string, Verdict> verdicts_;
  std::map<std::string, std::string> why_;
  std::vector<std::string> silent_;
  Actions log_;
  std::uint64_t epoch_ = 40;
};

/// Some action of type T is among @p actions.
template <typename T>
bool has(const Actions& actions) {
  return std::any_of(actions.begin(), actions.end(),
                     [](const Action& a) { return std::holds_alternative<T>(a); });
}

MATCHER_P(HasTopic, topic, "") {
  for (const Action& action : arg) {
    const auto* notice = std::get_if<Notify>(&action);
    if (notice != nullptr && notice->topic == topic) return true;
  }
  return false;
}

}  // namespace rouse::core::suspend::test
