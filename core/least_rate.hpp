#pragma once

#include <chrono>
#include <cstdint>

namespace rouse::core {

/// Decides whether somebody who sends or takes bytes is slower than a least rate. Only time that
/// was spent waiting for them counts: what others hold up is not their fault. It is judged over
/// windows of that time, so that a pause within one is no offence.
class LeastRate {
 public:
  using Span = std::chrono::nanoseconds;

  /// @p per_second: bytes; 0: nobody is too slow.
  LeastRate(std::uint64_t per_second, Span window);

  /// @p bytes came, for which they were waited for @p waited.
  void add(std::uint64_t bytes, Span waited);
  /// The last window that has ended had too little.
  [[nodiscard]] bool is_too_slow() const { return is_too_slow_; }
  /// How long one may go on waiting for the next bytes until this window has too little for
  /// certain; Span::max(): it has enough already.
  [[nodiscard]] Span patience() const;

 private:
  [[nodiscard]] bool has_enough() const;

  std::uint64_t per_second_;
  Span window_;
  Span waited_{0};           // in this window
  std::uint64_t bytes_ = 0;  // in this window
  bool is_too_slow_ = false;
};

}  // namespace rouse::core
