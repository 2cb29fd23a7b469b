#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace rouse::core {

/// What a target of a selector is at the moment.
enum class TargetState {
  Stopped,
  Starting,
  Ready,
  Stopping,
  Remote,  ///< on another machine: nobody tells
};

/// Chooses among several targets for one name (docs/llama-swap.md, Selectors). Counts, for
/// spillover, the unfinished requests that it has sent to each.
class Selector {
 public:
  enum class Strategy {
    Pin,        ///< the first target, always
    Warm,       ///< the first that is ready, else the first that is starting, else the first
    Spillover,  ///< the least busy of those in use, until each has @p spillover requests; then one
                ///< more target comes into use
  };

  Selector(Strategy strategy, std::size_t targets, int spillover)
      : strategy_(strategy), spillover_(spillover), running_(targets, 0) {}

  /// The place of the target for the next request, @p states being those of all targets. nullopt:
  /// no target may be used at the moment (spillover, all of them stopping).
  [[nodiscard]] std::optional<std::size_t> choose(const std::vector<TargetState>& states);

  /// A request was sent to @p target, or has ended there.
  void began(std::size_t target) { ++running_.at(target); }
  void ended(std::size_t target) { --running_.at(target); }

 private:
  [[nodiscard]] std::optional<std::size_t> spill(const std::vector<TargetState>& states);

  Strategy strategy_;
  int spillover_;
  std::vector<int> running_;
  std::size_t next_ = 0;  // where the search among equals begins, so that they take turns
};

}  // namespace rouse::core
