#include "suspendd/checks/rate_window.hpp"

namespace rouse::suspendd {
namespace {

/// Below this, one tick of a counter is as much as a whole load.
constexpr std::chrono::milliseconds kShortest{1000};

}  // namespace

void RateWindow::add(Time at, std::uint64_t count) {
  if (samples_.empty()) {
    samples_.push_back(Sample{at, 0});
  } else {
    const std::uint64_t growth = count >= last_ ? count - last_ : count;
    samples_.push_back(Sample{at, samples_.back().grown + growth});
  }
  last_ = count;
  while (samples_.size() > 2 && at - samples_[1].at >= over_) samples_.pop_front();
}

std::optional<RateWindow::Rate> RateWindow::rate() const {
  if (samples_.empty()) return std::nullopt;
  const auto over = samples_.back().at - samples_.front().at;
  if (over < kShortest) return std::nullopt;
  const double seconds = std::chrono::duration<double>(over).count();
  const auto grown = static_cast<double>(samples_.back().grown - samples_.front().grown);
  return Rate{grown / seconds, std::chrono::duration_cast<std::chrono::milliseconds>(over)};
}

}  // namespace rouse::suspendd
