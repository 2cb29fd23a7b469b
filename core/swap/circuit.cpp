#include "core/swap/circuit.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core {

namespace {

constexpr Duration kRetryAfterMin{1'000};
constexpr Duration kRetryAfterMax{30'000};
constexpr int kDoublingsMax = 20;

}  // namespace

void Circuit::fail(EngineFailure why, Instant now, const SchedulePolicy& policy) {
  const Duration longest = std::max(policy.backoff_max, Duration{0});
  Duration pause = std::clamp(policy.backoff_first, Duration{0}, longest);
  for (int i = 0; i < std::min(failures_, kDoublingsMax) && pause < longest; ++i) {
    pause = pause > longest / 2 ? longest : pause * 2;
  }
  ++failures_;
  failed_ = true;
  last_failure_ = std::move(why);
  failed_at_ = now;
  retry_at_ = after(now, pause);
}

void Circuit::crash(EngineFailure why, Instant now) {
  close();
  failed_ = true;
  last_failure_ = std::move(why);
  failed_at_ = now;
}

void Circuit::close() {
  failures_ = 0;
  retry_at_ = Instant::min();
}

bool Circuit::is_open(Instant now, const SchedulePolicy& policy) const {
  return policy.load_failures_max > 0 && failures_ >= policy.load_failures_max && now < retry_at_;
}

Duration Circuit::retry_after(Instant now, const SchedulePolicy& policy) const {
  const Duration longest = std::clamp(policy.backoff_max, kRetryAfterMin, kRetryAfterMax);
  const Duration left = retry_at_ > now ? retry_at_ - now : Duration{0};
  return std::clamp(left, kRetryAfterMin, longest);
}

}  // namespace rouse::core
