#pragma once

#include "core/swap/residency.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::core::test {

/// Small rules for tests, which can also be asked whether a set is allowed.
class TestRule : public Residency {
 public:
  [[nodiscard]] virtual bool allows(const ModelSet& resident) const = 0;
};

/// Only the given pairs may be resident together; with none, every model runs alone.
class PairRule final : public TestRule {
 public:
  explicit PairRule(std::vector<std::pair<ModelId, ModelId>> pairs = {}) {
    for (auto& [a, b] : pairs) {
      pairs_.emplace(a, b);
      pairs_.emplace(b, a);
    }
  }

  using Residency::make_room;
  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running,
                                   const Worths& /*worths*/) const override {
    Eviction eviction{{}, "pairs"};
    for (const ModelId& model : running) {
      if (!may_coexist(target, model)) eviction.evict.push_back(model);
    }
    return eviction;
  }
  [[nodiscard]] bool may_coexist(std::string_view a, std::string_view b) const override {
    return a == b || pairs_.contains({ModelId(a), ModelId(b)});
  }
  [[nodiscard]] bool allows(const ModelSet& resident) const override {
    for (const ModelId& a : resident) {
      for (const ModelId& b : resident) {
        if (!may_coexist(a, b)) return false;
      }
    }
    return true;
  }

 private:
  std::set<std::pair<ModelId, ModelId>> pairs_;
};

/// Whatever is resident must be part of one of the sets; the set that evicts the fewest is chosen,
/// the first of equals. A model in no set runs alone.
class SetRule final : public TestRule {
 public:
  explicit SetRule(std::vector<ModelSet> sets) : sets_(std::move(sets)) {}

  using Residency::make_room;
  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running,
                                   const Worths& /*worths*/) const override {
    if (running.contains(target)) return {{}, "runs already"};
    Eviction best{{running.begin(), running.end()}, "runs alone"};
    bool found = false;
    for (const ModelSet& set : sets_) {
      if (!set.contains(target)) continue;
      std::vector<ModelId> evict;
      std::set_difference(running.begin(), running.end(), set.begin(), set.end(),
                          std::back_inserter(evict));
      if (found && evict.size() >= best.evict.size()) continue;
      found = true;
      best = {std::move(evict), "a set"};
    }
    return best;
  }
  [[nodiscard]] bool may_coexist(std::string_view a, std::string_view b) const override {
    return a == b || std::any_of(sets_.begin(), sets_.end(), [&](const ModelSet& set) {
             return set.contains(a) && set.contains(b);
           });
  }
  [[nodiscard]] bool allows(const ModelSet& resident) const override {
    return resident.size() <= 1 ||
           std::any_of(sets_.begin(), sets_.end(), [&](const ModelSet& set) {
             return std::includes(set.begin(), set.end(), resident.begin(), resident.end());
           });
  }

 private:
  std::vector<ModelSet> sets_;
};

}  // namespace rouse::core::test
