#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::core {

/// The real id of a model, as configured. Aliases are resolved before anything in core/ is asked.
using ModelId = std::string;
using ModelSet = std::set<ModelId, std::less<>>;

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
  /// @p target may be in @p running; it is never evicted for its own sake.
  [[nodiscard]] virtual Eviction make_room(std::string_view target,
                                           const ModelSet& running) const = 0;

  /// Whether the rule lets @p a and @p b be resident at the same time. Symmetric.
  [[nodiscard]] virtual bool may_coexist(std::string_view a, std::string_view b) const = 0;
};

}  // namespace rouse::core
