#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace rouse::suspendd {

/// How fast a counter grew over the last so-and-so long. Pure: time is given.
class RateWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateWindow(std::chrono::milliseconds over) : over_(over) {}

  /// The counter stands at @p count. One that is smaller than before has begun anew (a device came
  /// back, an interface was made again): what it counted since then is what we know it has grown.
  void add(Time at, std::uint64_t count);

  struct Rate {
    double per_second = 0;
    std::chrono::milliseconds over{0};  ///< the time that it was really measured over
  };
  /// nullopt: a second look is needed, at least a second after the first.
  [[nodiscard]] std::optional<Rate> rate() const;

 private:
  struct Sample {
    Time at;
    std::uint64_t grown = 0;  ///< since the first look of all
  };

  std::chrono::milliseconds over_;
  std::uint64_t last_ = 0;
  std::deque<Sample> samples_;  ///< by time; the first is as old as `over_`, or the oldest we have
};

}  // namespace rouse::suspendd
