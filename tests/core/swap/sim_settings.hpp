#pragma once

#include "core/swap/scheduler.hpp"
#include "tests/core/swap/residency_rules.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace rouse::core::test {

/// Everything random comes from here, so that a seed is a world.
class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}

  int roll(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  bool chance(int percent) { return roll(1, 100) <= percent; }
  Duration between(Duration low, Duration high) {
    return Duration{roll(static_cast<int>(low.count()), static_cast<int>(high.count()))};
  }
  template <typename T>
  T one_of(std::vector<T> choices) {
    return choices[static_cast<std::size_t>(roll(0, static_cast<int>(choices.size()) - 1))];
  }

 private:
  std::mt19937 engine_;
};

/// One world: what is configured, and how its engines and clients behave.
struct SimSettings {
  std::map<ModelId, ModelPolicy, std::less<>> models;
  SchedulePolicy policy;
  std::shared_ptr<const TestRule> rule;
  bool exclusive = false;     ///< no two models coexist
  bool roomy = false;         ///< concurrency limits never bind
  int fault_percent = 0;      ///< of loads fail; half as many engines crash
  int impatient_percent = 0;  ///< of clients leave before they are served
  int operator_percent = 0;   ///< of arrivals are an operator's load or unload instead
  int favourite_percent = 0;  ///< of requests are for the first model: endless load on one
  int clients = 0;            ///< who ask, each over two connections; 0: nobody can tell them apart
  Duration load_max{3'000};
  Duration stop_max{500};
  Duration service_max{2'000};
  Duration pause_max{600};        ///< between arrivals
  bool ticks_after_steps = true;  ///< to see that nothing was left; else deadlines alone must do
  Duration late_max{0};           ///< how late the shell ticks

  [[nodiscard]] bool is_peaceful() const {
    return fault_percent == 0 && operator_percent == 0 && roomy;
  }
};

inline std::shared_ptr<const TestRule> random_rule(Dice& dice, const std::vector<ModelId>& ids) {
  if (dice.chance(50)) {
    std::vector<std::pair<ModelId, ModelId>> allowed;
    for (const ModelId& a : ids) {
      for (const ModelId& b : ids) {
        if (a < b && dice.chance(40)) allowed.emplace_back(a, b);
      }
    }
    return std::make_shared<PairRule>(std::move(allowed));
  }
  std::vector<ModelSet> sets(static_cast<std::size_t>(dice.roll(1, 4)));
  for (ModelSet& set : sets) {
    for (const ModelId& id : ids) {
      if (dice.chance(50)) set.insert(id);
    }
  }
  return std::make_shared<SetRule>(std::move(sets));
}

inline SimSettings random_settings(Dice& dice) {
  SimSettings world;
  std::vector<ModelId> ids{"a", "b", "c", "d", "e"};
  ids.resize(static_cast<std::size_t>(dice.roll(2, 5)));
  world.roomy = dice.chance(50);
  for (const ModelId& id : ids) {
    ModelPolicy& policy = world.models[id];
    policy.concurrency = world.roomy ? 1'000 : dice.roll(1, 4);
    policy.priority = dice.roll(-1, 2);
    policy.ttl = dice.one_of<Duration>({Duration{0}, Duration{700}, Duration{3'000}});
    policy.unload_drain = Duration{dice.roll(0, 1'000)};
  }
  world.exclusive = dice.chance(40);
  world.rule = world.exclusive ? std::make_shared<PairRule>() : random_rule(dice, ids);

  SchedulePolicy& policy = world.policy;
  policy.max_wait = dice.between(Duration{0}, Duration{12'000});
  policy.swap_budget = dice.one_of<double>({0, 0.25, 0.6});
  policy.min_residency = dice.one_of<Duration>({Duration{0}, Duration{500}, Duration::max()});
  policy.linger = dice.one_of<Duration>({Duration{0}, Duration{300}, Duration::max()});
  policy.gather = dice.one_of<Duration>({Duration{0}, Duration{0}, Duration{200}});
  policy.abandon_grace = dice.between(Duration{0}, Duration{4'000});
  policy.give_up = dice.one_of<Duration>({Duration{0}, Duration{0}, Duration{9'000}});
  policy.queue_max = dice.one_of<std::size_t>({10'000, 10'000, 5});
  policy.load_failures_max = dice.roll(1, 3);
  policy.backoff_first = Duration{dice.roll(50, 1'000)};
  policy.backoff_max = Duration{dice.roll(1'000, 8'000)};
  policy.stable = Duration{2'000};
  policy.shutdown_drain = Duration{dice.roll(0, 3'000)};

  world.fault_percent = dice.one_of<int>({0, 0, 30});
  world.impatient_percent = dice.one_of<int>({0, 10, 50});
  world.operator_percent = dice.one_of<int>({0, 0, 10});
  world.favourite_percent = dice.one_of<int>({0, 0, 85});
  world.clients = dice.one_of<int>({0, 1, 3, 40});
  world.ticks_after_steps = dice.chance(60);
  world.load_max = Duration{dice.roll(10, 4'000)};
  world.pause_max = Duration{dice.roll(50, 1'500)};
  world.late_max = dice.one_of<Duration>({Duration{0}, Duration{0}, Duration{20}});
  return world;
}

}  // namespace rouse::core::test
