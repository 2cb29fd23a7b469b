#include "core/least_rate.hpp"

#include <algorithm>

namespace rouse::core {

LeastRate::LeastRate(std::uint64_t per_second, Span window)
    : per_second_(per_second), window_(std::max(window, Span{1})) {}

bool LeastRate::has_enough() const {
  const double seconds = std::chrono::duration<double>(window_).count();
  return static_cast<double>(bytes_) >= static_cast<double>(per_second_) * seconds;
}

void LeastRate::add(std::uint64_t bytes, Span waited) {
  bytes_ += bytes;
  waited_ += waited;
  if (waited_ < window_) return;
  is_too_slow_ = !has_enough();
  waited_ = Span{0};
  bytes_ = 0;
}

LeastRate::Span LeastRate::patience() const {
  return has_enough() ? Span::max() : window_ - waited_;
}

}  // namespace rouse::core
