#pragma once

#include "core/swap/scheduler.hpp"
#include "tests/core/swap/print.hpp"
#include "tests/core/swap/sim_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rouse::core::test {

/// A toy outside world: engines that take their time, clients that come and go, an operator who
/// meddles; and the promises that the scheduler must keep towards them.
class SimWorld {
 public:
  SimWorld(SimSettings settings, Dice& dice)
      : settings_(std::move(settings)),
        dice_(dice),
        scheduler_(settings_.models, settings_.policy, settings_.rule) {
    for (const auto& [id, policy] : settings_.models) {
      engines_[id];
      ids_.push_back(id);
    }
  }

  /// Lets @p duration pass with clients arriving all the time.
  void live(Duration duration) {
    const Instant end = now_ + duration;
    plan(Duration{0}, Planned{Kind::Arrive});
    while (!testing::Test::HasFailure() && next_at() <= end) happen();
    arrivals_ = false;
  }

  /// Nobody new comes: everybody who waits is served or refused.
  void drain() {
    arrivals_ = false;
    const Instant end = now_ + std::chrono::hours(1);
    while (!testing::Test::HasFailure() && next_at() <= end) happen();
    for (const auto& [ticket, request] : requests_) {
      if (!request.admitted) ADD_FAILURE() << "request " << ticket << " was forgotten";
    }
  }

  void shut_down() {
    arrivals_ = false;
    shutdown_at_ = now_;
    step(ShutdownWanted{});
    for (const auto& [ticket, request] : requests_) {
      if (!request.admitted) ADD_FAILURE() << "request " << ticket << " waits for a shutdown";
    }
    const Instant end = now_ + std::chrono::hours(1);
    while (!testing::Test::HasFailure() && next_at() <= end) happen();
    if (!testing::Test::HasFailure()) {
      EXPECT_TRUE(scheduler_.is_quiet());
    }
    EXPECT_TRUE(resident().empty());
  }

  int served = 0;
  int started = 0;
  Duration longest{0};

 private:
  enum class Up { Off, Loading, Ready, Leaving };
  enum class Kind { Arrive, Leave, EngineReady, EngineFails, EngineGone };

  struct Engine {
    Up up = Up::Off;
    int run = 0;
    int running = 0;
    Instant since{};
    Instant last_used{};
    Instant unwanted_since{};
    int failures = 0;
    Instant not_before{};
    bool wished = false;
    bool unloading = false;
    bool outdated = false;
    Up died_as = Up::Off;  // Leaving, because it died as this
    Instant died_at{};
    Duration load_time{0};
    Duration stop_time{0};
    Instant stopped_at{};

    [[nodiscard]] Duration cost() const { return load_time + stop_time; }
    /// A load that nobody waits for is let end until then, if it is not to end at once.
    [[nodiscard]] Instant load_kept_until(Instant now, const SchedulePolicy& policy) const {
      const Instant due = since + load_time;
      const bool nearly_done = load_time > Duration{0} && (due - now) * 5 <= load_time;
      const Instant again = unwanted_since + std::min(policy.linger, Duration{1'000});
      const Instant at = std::max(again, nearly_done ? due : now);
      return std::min(at, unwanted_since + policy.abandon_grace);
    }
  };
  struct Request {
    ModelId model;
    Instant since;
    int priority = 0;
    bool admitted = false;
    int run = 0;
  };
  struct Planned {
    Kind kind;
    Ticket ticket{};
    ModelId model;
    int run = 0;
  };

  void plan(Duration wait, Planned planned) { agenda_.emplace(now_ + wait, std::move(planned)); }

  [[nodiscard]] Instant tick_at() const {
    const auto at = scheduler_.next_deadline();
    return at ? *at + lateness_ : Instant::max();
  }
  [[nodiscard]] Instant next_at() const {
    return std::min(agenda_.empty() ? Instant::max() : agenda_.begin()->first, tick_at());
  }

  void happen() {
    const Instant at = next_at();
    if (tick_at() == at) {
      now_ = at;
      step(Tick{});
      return;
    }
    const Planned planned = agenda_.begin()->second;
    agenda_.erase(agenda_.begin());
    now_ = at;
    switch (planned.kind) {
      case Kind::Arrive:
        if (arrivals_) arrive();
        break;
      case Kind::Leave:
        leave(planned.ticket);
        break;
      case Kind::EngineReady:
      case Kind::EngineFails:
      case Kind::EngineGone:
        engine_event(planned);
        break;
    }
  }

  void arrive() {
    plan(dice_.between(Duration{0}, settings_.pause_max), Planned{Kind::Arrive});
    const ModelId model =
        dice_.chance(settings_.favourite_percent) ? ids_.front() : dice_.one_of(ids_);
    if (dice_.chance(settings_.operator_percent)) {
      meddle(model);
      return;
    }
    const Ticket ticket{next_ticket_++};
    const int priority = dice_.chance(30) ? 5 : 0;
    requests_[ticket] = {model, now_, priority};
    if (dice_.chance(settings_.impatient_percent)) {
      plan(dice_.between(Duration{0}, Duration{6'000}), Planned{Kind::Leave, ticket});
    }
    Arrived arrived{ticket, model, priority};
    if (settings_.clients > 0) {
      arrived.caller.client = static_cast<std::uint64_t>(dice_.roll(1, settings_.clients));
      arrived.caller.connection =
          2 * arrived.caller.client + static_cast<std::uint64_t>(dice_.roll(0, 1));
    }
    step(arrived);
  }

  void meddle(const ModelId& model) {
    Engine& engine = engines_[model];
    if (dice_.chance(20)) return reconfigure();
    if (dice_.chance(60)) {
      if (engine.up != Up::Ready || engine.unloading || engine.outdated) {
        engine.wished = true;
        engine.failures = 0;
        engine.not_before = {};
      }
      step(LoadWanted{model});
      return;
    }
    const bool all = dice_.chance(20);
    for (auto& [id, other] : engines_) {
      if (!all && id != model) continue;
      other.wished = false;
      other.unloading = other.up == Up::Ready;
    }
    UnloadWanted wanted;
    if (!all) wanted.model = model;
    wanted.at_once = dice_.chance(30);
    wanted.stays = dice_.chance(30);
    step(wanted);
  }

  /// The same rule, and other launches for some.
  void reconfigure() {
    Reconfigured event{settings_.models, settings_.policy, settings_.rule, {}};
    for (auto& [id, engine] : engines_) {
      if (!dice_.chance(40)) continue;
      event.relaunch.insert(id);
      engine.outdated = engine.up == Up::Ready;
      engine.failures = 0;
      engine.not_before = {};
    }
    step(event);
    for (const ModelId& id : event.relaunch) {
      EXPECT_NE(engines_.at(id).up, Up::Loading) << id << " goes on loading an old launch";
    }
  }

  void leave(Ticket ticket) {
    const auto it = requests_.find(ticket);
    if (it == requests_.end()) {
      step(Left{ticket});  // refused or served long ago; must be safe
      return;
    }
    const Request request = it->second;
    requests_.erase(it);
    Engine& engine = engines_[request.model];
    if (request.admitted && engine.run == request.run) {
      --engine.running;
      engine.last_used = now_;
    }
    note_unwanted(request.model);
    step(Left{ticket});
  }

  void engine_event(const Planned& planned) {
    Engine& engine = engines_[planned.model];
    if (engine.run != planned.run || engine.up == Up::Off) return;
    if (planned.kind == Kind::EngineReady) {
      // An engine may report ready while it is being stopped; that must change nothing.
      if (engine.up == Up::Loading) {
        engine.up = Up::Ready;
        engine.load_time = now_ - engine.since;
        engine.since = engine.last_used = now_;
        engine.wished = false;
        if (dice_.chance(settings_.fault_percent / 2)) {
          plan(dice_.between(Duration{1}, Duration{5'000}),
               Planned{Kind::EngineFails, Ticket{}, planned.model, engine.run});
        }
      }
      step(EngineReady{planned.model});
      return;
    }
    if (planned.kind == Kind::EngineFails && engine.up != Up::Leaving && dice_.chance(60)) {
      die(planned);
      return;
    }
    const Up died_as = std::exchange(engine.died_as, Up::Off);
    const bool asked = engine.up == Up::Leaving && died_as == Up::Off;
    if (!asked && planned.kind == Kind::EngineGone && died_as == Up::Off) return;
    if (died_as != Up::Off) engine.up = died_as;
    const bool was_loading = engine.up == Up::Loading;
    if (asked) engine.stop_time = now_ - engine.stopped_at;
    if (!asked) count_failure(engine, died_as == Up::Off ? now_ : engine.died_at);
    engine.up = Up::Off;
    engine.unloading = false;
    engine.outdated = false;
    ++engine.run;
    engine.running = 0;
    failing_ = asked ? "" : planned.model;
    step(EngineGone{planned.model, {asked ? "" : "exit status 1", {}}});
    failing_.clear();
    if (was_loading) {
      EXPECT_EQ(waiting_for(planned.model), 0) << "its load failed, they wait on";
    }
  }

  /// Its process ends; what it left behind takes a while to go.
  void die(const Planned& planned) {
    Engine& engine = engines_[planned.model];
    engine.died_as = std::exchange(engine.up, Up::Leaving);
    engine.died_at = now_;
    engine.unloading = false;
    plan(dice_.between(Duration{0}, settings_.stop_max),
         Planned{Kind::EngineGone, Ticket{}, planned.model, engine.run});
    step(EngineDied{planned.model});
  }

  void count_failure(Engine& engine, Instant died_at) {
    const SchedulePolicy& policy = settings_.policy;
    if (engine.up == Up::Ready && died_at - engine.since >= policy.stable) {
      engine.failures = 0;
      engine.not_before = {};
      return;
    }
    Duration pause = policy.backoff_first;
    for (int i = 0; i < engine.failures; ++i) pause *= 2;
    ++engine.failures;
    engine.not_before = now_ + std::min(pause, policy.backoff_max);
    if (engine.failures >= policy.load_failures_max) engine.wished = false;
  }

  void step(const Event& event) {
    overdue_.clear();
    for (const ModelId& id : ids_) {
      if (is_overdue(id)) overdue_.insert(id);
    }
    const std::vector<Action> actions = scheduler_.step(event, now_);
    event_ = &event;
    for (const Action& action : actions) {
      std::visit([this](const auto& a) { check(a); }, action);
      if (testing::Test::HasFailure()) {
        ADD_FAILURE() << action << " after " << event << " at " << now_.time_since_epoch().count();
        return;
      }
    }
    if (settings_.ticks_after_steps) {
      EXPECT_THAT(scheduler_.step(Tick{}, now_), testing::IsEmpty())
          << "work was left for a later event by " << event;
    }
    if (const auto next = scheduler_.next_deadline()) {
      EXPECT_GT(*next, now_) << "a deadline is in the past";
    }
    lateness_ = dice_.between(Duration{0}, settings_.late_max);
    check_state();
    if (++steps_ % 16 == 0) check_view();
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "after " << event << " at " << now_.time_since_epoch().count();
    }
  }

  // tests/core/swap/sim_checks.hpp
  void check(const Start& a);
  void check(const Stop& a);
  void check(const Admit& a);
  void check(const Refuse& a);
  void check(const Hurry& a);
  void check_state() const;
  void check_promptness() const;
  void check_view() const;

  void note_unwanted(const ModelId& model) {
    Engine& engine = engines_[model];
    if (waiting_for(model) == 0 && !engine.wished) engine.unwanted_since = now_;
  }
  [[nodiscard]] int waiting_for(const ModelId& model) const {
    return static_cast<int>(std::count_if(requests_.begin(), requests_.end(), [&](const auto& r) {
      return !r.second.admitted && r.second.model == model;
    }));
  }
  [[nodiscard]] ModelSet resident() const {
    ModelSet set;
    for (const auto& [id, engine] : engines_) {
      if (engine.up != Up::Off) set.insert(id);
    }
    return set;
  }
  /// Whether somebody has waited as long as they must for a model that may be loaded.
  [[nodiscard]] bool is_overdue(const ModelId& model) const {
    if (now_ < engines_.at(model).not_before) return false;
    const Duration patience = have_had_their_turn(model) ? Duration{0} : settings_.policy.max_wait;
    return engines_.at(model).wished ||
           std::any_of(requests_.begin(), requests_.end(), [&](const auto& r) {
             return !r.second.admitted && r.second.model == model &&
                    now_ - r.second.since >= patience;
           });
  }
  /// Whether those in the way of @p model have been there for so long that one swap takes no more
  /// than the budget.
  [[nodiscard]] bool have_had_their_turn(const ModelId& model) const {
    const double budget = settings_.policy.swap_budget;
    const Duration mine = engines_.at(model).cost();
    bool some = false;
    for (const auto& [id, engine] : engines_) {
      if (engine.up == Up::Off || engine.up == Up::Leaving) continue;
      if (settings_.rule->may_coexist(model, id)) continue;
      if (engine.up != Up::Ready) return false;
      const Duration both = engine.cost() + (mine > Duration{0} ? mine : engine.cost());
      const auto there =
          static_cast<double>((now_ - engine.since + both / 2 + Duration{2}).count());
      if (static_cast<double>(both.count() / 2) > budget * there) return false;
      some = true;
    }
    return some && budget > 0;
  }
  [[nodiscard]] bool is_other_overdue(const ModelId& model) const {
    return std::any_of(ids_.begin(), ids_.end(), [&](const ModelId& id) {
      return id != model && (is_overdue(id) || overdue_.contains(id));
    });
  }

  SimSettings settings_;
  Dice& dice_;
  Scheduler scheduler_;
  std::vector<ModelId> ids_;
  std::map<ModelId, Engine> engines_;
  std::map<Ticket, Request> requests_;
  std::multimap<Instant, Planned> agenda_;
  std::set<ModelId> overdue_;  // before the step
  const Event* event_ = nullptr;
  ModelId failing_;
  Instant now_{std::chrono::hours(1)};
  Instant shutdown_at_ = Instant::max();
  Duration lateness_{0};
  std::uint64_t next_ticket_ = 1;
  int steps_ = 0;
  bool arrivals_ = true;
};

}  // namespace rouse::core::test
