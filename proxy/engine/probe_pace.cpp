#include "proxy/engine/probe_pace.hpp"

#include <algorithm>

namespace rouse {

using namespace std::chrono_literals;

namespace {

constexpr auto kShortest = 5ms;
constexpr auto kLongest = 100ms;
constexpr auto kBetweenLines = 20ms;

}  // namespace

void ProbePace::asked(Clock::time_point now) {
  asked_ = now;
  has_spoken_ = false;
}

ProbePace::Clock::time_point ProbePace::due() const {
  const Clock::duration hundredth = (asked_ - started_) / 100;
  const auto pause = std::clamp<Clock::duration>(hundredth, kShortest, kLongest);
  return asked_ + (has_spoken_ ? std::min<Clock::duration>(pause, kBetweenLines) : pause);
}

}  // namespace rouse
