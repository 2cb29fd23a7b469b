#include "core/swap/gaps.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rouse::core {

namespace {

constexpr double kFirstBound = 10;  // ms
constexpr double kPerOctave = 4;
constexpr float kKept = 0.93F;        // of what was seen before, at each new gap
constexpr float kPriorWeight = 0.5F;  // of a gap that was seen

/// What agents, people and batches do, before this one is known.
struct Usual {
  Duration gap;
  float part;
};
constexpr std::array kUsual{Usual{Duration{100}, 0.2F},    Usual{Duration{400}, 0.2F},
                            Usual{Duration{1'000}, 0.15F}, Usual{Duration{2'000}, 0.1F},
                            Usual{Duration{4'000}, 0.05F}, Usual{Duration{8'000}, 0.05F}};
constexpr float kUsuallyNever = 0.25F;

const std::array<Duration, Gaps::kBounds>& bounds() {
  static const auto kAll = [] {
    std::array<Duration, Gaps::kBounds> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double ms = kFirstBound * std::exp2(static_cast<double>(i) / kPerOctave);
      all[i] = Duration{static_cast<Duration::rep>(std::lround(ms))};
    }
    return all;
  }();
  return kAll;
}

std::size_t bucket_of(Duration gap) {
  const auto it = std::lower_bound(bounds().begin(), bounds().end(), gap);
  return static_cast<std::size_t>(it - bounds().begin());
}

}  // namespace

Duration Gaps::bound(std::size_t i) {
  return bounds()[i];
}

Gaps::Gaps() {
  for (const Usual& each : kUsual) weights_[bucket_of(each.gap)] += each.part * kPriorWeight;
  weights_[kBounds] = kUsuallyNever * kPriorWeight;
}

Gaps Gaps::like(const Gaps& others) {
  Gaps made(others.weights_);
  const auto scale = static_cast<float>(kPriorWeight / others.total());
  for (float& weight : made.weights_) weight *= scale;
  return made;
}

Gaps Gaps::of_nobody() {
  Weights weights{};
  weights[kBounds] = 1;
  return Gaps(weights);
}

Gaps Gaps::of(std::span<const float> weights) {
  Gaps made;
  const bool is_whole = weights.size() == made.weights_.size() &&
                        std::all_of(weights.begin(), weights.end(),
                                    [](float weight) { return weight >= 0 && weight <= 1e6F; });
  if (!is_whole || std::accumulate(weights.begin(), weights.end(), 0.0F) <= 0) return made;
  std::copy(weights.begin(), weights.end(), made.weights_.begin());
  return made;
}

void Gaps::add(Duration gap) {
  count(bucket_of(gap));
}

void Gaps::add_never() {
  count(kBounds);
}

void Gaps::count(std::size_t at) {
  for (float& weight : weights_) weight *= kKept;
  weights_[at] += 1;
}

double Gaps::total() const {
  return std::accumulate(weights_.begin(), weights_.end(), 0.0);
}

double Gaps::beyond(Duration gap) const {
  const auto first = std::upper_bound(bounds().begin(), bounds().end(), gap) - bounds().begin();
  return std::accumulate(weights_.begin() + first, weights_.end(), 0.0) / total();
}

}  // namespace rouse::core
