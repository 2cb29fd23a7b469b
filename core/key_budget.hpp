#pragma once

#include "core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace rouse::core {

/// What the holder of one key may use; 0: no limit.
struct KeyLimits {
  std::int64_t in_flight = 0;
  std::int64_t requests_per_minute = 0;
  std::int64_t tokens_per_minute = 0;

  bool operator==(const KeyLimits&) const = default;
};

enum class KeyLimit { InFlight, Requests, Tokens };

/// Why a request may not begin, and when the next may if nothing else begins until then.
struct OverLimit {
  KeyLimit limit = KeyLimit::InFlight;
  Duration retry_after{0};  ///< exact; 0 for InFlight: nobody knows when a request ends
};

/// An amount over the last minute: what is exactly a minute old no longer counts. Survives a clock
/// that is set back: ages stay as they were when it was.
class SlidingMinute {
 public:
  void add(std::int64_t amount, Instant now);
  /// From @p now until the sum is below @p limit, which is above 0; 0 if it is already.
  [[nodiscard]] Duration until_below(std::int64_t limit, Instant now);

 private:
  struct Entry {
    Instant at;
    std::int64_t amount;
  };
  void move_to(Instant now);

  std::deque<Entry> entries_;  // the oldest first; one per instant, so a minute bounds them
  std::int64_t sum_ = 0;
  Instant last_ = Instant::min();
};

/// Decides whether a request of one key may begin. In any minute at most requests_per_minute begin,
/// and none begins while the tokens of the last minute reach tokens_per_minute: tokens are known
/// when an answer has ended, so one answer may go over, and later requests wait for it to age. A
/// refused request counts for nothing.
class KeyBudget {
 public:
  explicit KeyBudget(const KeyLimits& limits) : limits_(limits) {}

  /// Takes new limits; what runs and what was counted stays.
  void set_limits(const KeyLimits& limits) { limits_ = limits; }
  [[nodiscard]] const KeyLimits& limits() const { return limits_; }

  /// nullopt: it has begun, and end() must follow. Of several limits the longest wait is told.
  [[nodiscard]] std::optional<OverLimit> begin(Instant now);
  void end();
  void count_tokens(std::int64_t tokens, Instant now);

  [[nodiscard]] std::int64_t in_flight() const { return in_flight_; }

 private:
  KeyLimits limits_;
  std::int64_t in_flight_ = 0;
  SlidingMinute requests_;
  SlidingMinute tokens_;
};

}  // namespace rouse::core
