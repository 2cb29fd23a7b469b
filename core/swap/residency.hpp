#pragma once

#include "core/time.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::core {

/// The real id of a model, as configured. Aliases are resolved before anything in core/ is asked.
using ModelId = std::string;
using ModelSet = std::set<ModelId, std::less<>>;

/// What is known of a model that runs, beside the rule.
struct Worth {
  Duration reload{0};  ///< what it takes to get it back
  Instant last_used{};
};
using Worths = std::map<ModelId, Worth, std::less<>>;

/// What must leave so that a model may run, and why.
struct Eviction {
  std::vector<ModelId> evict;  ///< sorted by id; empty when the model fits beside all that runs
  std::string reason;          ///< for people: "set llm: a leaves, b stays (cost 1)"

  bool operator==(const Eviction&) const = default;
};

/// The rule of what may be resident together: a matrix or groups. Pure and immutable.
class Residency {
 public:
  virtual ~Residency() = default;

  /// What to evict from @p running (everything that is not stopped) so that @p target may run.
  /// @p target may be in @p running; it is never evicted for its own sake. Of evictions that cost
  /// the same by the rule, that is chosen whose models are back the soonest as @p worths say, then
  /// that whose models were not used for longest; the order in the file decides what remains.
  [[nodiscard]] virtual Eviction make_room(std::string_view target, const ModelSet& running,
                                           const Worths& worths) const = 0;
  /// Where nothing is known of them.
  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running) const {
    return make_room(target, running, Worths{});
  }

  /// Whether the rule lets @p a and @p b be resident at the same time. Symmetric.
  [[nodiscard]] virtual bool may_coexist(std::string_view a, std::string_view b) const = 0;
};

}  // namespace rouse::core
