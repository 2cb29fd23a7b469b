#pragma once

#include "core/time.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace rouse::core {

/// How long it usually takes until somebody's next request for a model comes: a histogram that
/// forgets. Its bounds grow by a fifth each, from 10 ms to two minutes; what takes longer counts as
/// never. Before anything was seen it holds what agents do: half of them are back within a second.
class Gaps {
 public:
  static constexpr std::size_t kBounds = 56;
  using Weights = std::array<float, kBounds + 1>;  // the last: never

  /// What is usual before anything was seen.
  Gaps();
  /// As somebody new among those of @p others: it soon counts more what is seen of them.
  [[nodiscard]] static Gaps like(const Gaps& others);
  /// Nobody was ever seen to come.
  [[nodiscard]] static Gaps of_nobody();
  /// As weights() gave them once; anything that cannot be that is taken for nothing seen.
  [[nodiscard]] static Gaps of(std::span<const float> weights);

  void add(Duration gap);
  void add_never();

  /// How likely it is that more than @p gap passes.
  [[nodiscard]] double beyond(Duration gap) const;
  [[nodiscard]] const Weights& weights() const { return weights_; }

  [[nodiscard]] static Duration bound(std::size_t i);

 private:
  explicit Gaps(const Weights& weights) : weights_(weights) {}
  void count(std::size_t at);
  [[nodiscard]] double total() const;

  Weights weights_{};
};

}  // namespace rouse::core
