#pragma once

#include "core/swap/scheduler.hpp"
#include "tests/core/swap/print.hpp"
#include "tests/core/swap/residency_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse::core::test {

using Policies = std::map<ModelId, ModelPolicy, std::less<>>;

inline Ticket ticket(int n) {
  return Ticket{static_cast<std::uint64_t>(n)};
}

/// A scheduler with a clock and short words for what happens. After each step it checks what always
/// holds: nothing is left to do, and the next deadline is in the future.
class SchedulerBench {
 public:
  using Actions = std::vector<Action>;

  SchedulerBench(Policies models, SchedulePolicy policy, std::shared_ptr<const Residency> rule)
      : scheduler_(std::move(models), policy, std::move(rule)), policy_(policy) {}

  Actions step(const Event& event) {
    Actions actions = scheduler_.step(event, now_);
    EXPECT_THAT(scheduler_.step(Tick{}, now_), testing::IsEmpty())
        << "work was left behind by: " << event;
    if (const auto next = scheduler_.next_deadline()) {
      EXPECT_GT(*next, now_) << "a deadline is in the past after: " << event;
    }
    return actions;
  }

  Actions arrive(int n, const ModelId& model, int priority = 0) {
    return step(Arrived{ticket(n), model, priority});
  }
  Actions arrive(int n, const ModelId& model, const Caller& caller) {
    return step(Arrived{ticket(n), model, 0, caller});
  }
  Actions leave(int n) { return step(Left{ticket(n)}); }
  Actions ready(const ModelId& model) { return step(EngineReady{model}); }
  Actions gone(const ModelId& model, const std::string& failure = "") {
    return step(EngineGone{model, {failure, {}}});
  }
  Actions died(const ModelId& model) { return step(EngineDied{model}); }
  Actions load(const ModelId& model) { return step(LoadWanted{model}); }
  Actions unload(const ModelId& model) { return step(UnloadWanted{model}); }
  Actions unload_all() { return step(UnloadWanted{}); }
  Actions reconfigure(Policies models, ModelSet relaunch,
                      std::shared_ptr<const Residency> rule = std::make_shared<PairRule>()) {
    return step(Reconfigured{std::move(models), policy_, std::move(rule), std::move(relaunch)});
  }
  Actions shut_down() { return step(ShutdownWanted{}); }

  /// Lets time pass, ticking at each deadline as the shell does.
  Actions wait(Duration duration) {
    const Instant end = now_ + duration;
    Actions all;
    while (scheduler_.next_deadline().value_or(Instant::max()) <= end) {
      now_ = *scheduler_.next_deadline();
      for (Action& action : step(Tick{})) all.push_back(std::move(action));
    }
    now_ = end;
    return all;
  }

  [[nodiscard]] ScheduleView view() const { return scheduler_.view(now_); }
  [[nodiscard]] ModelView model(const ModelId& id) const {
    for (const ModelView& seen : view().models) {
      if (seen.model == id) return seen;
    }
    ADD_FAILURE() << "the view lacks " << id;
    return {};
  }
  [[nodiscard]] std::string next(int n) const {
    for (const WaitingView& seen : view().waiting) {
      if (seen.ticket == ticket(n)) return seen.next;
    }
    return "not waiting";
  }
  [[nodiscard]] std::vector<int> order() const {
    std::vector<int> tickets;
    for (const WaitingView& seen : view().waiting) tickets.push_back(static_cast<int>(seen.ticket));
    return tickets;
  }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }

 private:
  Scheduler scheduler_;
  SchedulePolicy policy_;
  Instant now_{std::chrono::hours(1)};
};

/// Every duration that only adds waiting is zero, so that a test names what it is about.
inline SchedulePolicy plain_policy() {
  SchedulePolicy policy;
  policy.max_wait = std::chrono::seconds(60);
  policy.swap_budget = 0;
  policy.min_residency = Duration{0};
  policy.linger = Duration{0};
  return policy;
}

inline Policies plain_models() {
  return {{"a", {}}, {"b", {}}, {"c", {}}, {"x", {}}};
}

inline SchedulerBench exclusive(SchedulePolicy policy = plain_policy(),
                                Policies models = plain_models()) {
  return SchedulerBench(std::move(models), policy, std::make_shared<PairRule>());
}

inline SchedulerBench pairs(std::vector<std::pair<ModelId, ModelId>> allowed,
                            SchedulePolicy policy = plain_policy()) {
  return SchedulerBench(plain_models(), policy, std::make_shared<PairRule>(std::move(allowed)));
}

inline Action started(const ModelId& model) {
  return Start{model, ""};
}
inline Action stopped(const ModelId& model, StopCause cause) {
  return Stop{model, cause, ""};
}
inline Action evicted(const ModelId& model) {
  return Stop{model, StopCause::Evicted, ""};
}
inline Action admitted(int n, const ModelId& model) {
  return Admit{ticket(n), model};
}
inline Action hurried(const ModelId& model) {
  return Hurry{model, ""};
}
inline Action refused(int n, RefusalCause cause) {
  return Refuse{ticket(n), cause, ""};
}

}  // namespace rouse::core::test
