#pragma once

#include "suspendd/checks/check.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace rouse::suspendd {

[[nodiscard]] inline Finding active(std::string reason) {
  return Finding{Verdict::Active, std::move(reason), {}};
}
[[nodiscard]] inline Finding idle(std::string reason) {
  return Finding{Verdict::Idle, std::move(reason), {}};
}
[[nodiscard]] inline Finding unknown(std::string reason) {
  return Finding{Verdict::Unknown, std::move(reason), {}};
}

/// "3.1 MiB/s", "120 B/s".
[[nodiscard]] std::string rate_text(double bytes_per_second);
/// Whole seconds, minutes from a quarter of an hour on: "42s", "12m5s", "1h20m".
[[nodiscard]] std::string age_text(std::chrono::milliseconds age);
/// "14:03:05", local time.
[[nodiscard]] std::string clock_text(std::chrono::system_clock::time_point at);
/// Text of others, for a reason: on one line, cut, without control characters.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t max = 200);
/// "1 request", "2 requests".
[[nodiscard]] std::string count_text(std::size_t count, std::string_view thing);

/// A check that cannot look: every look says why.
class BrokenCheck final : public Check {
 public:
  explicit BrokenCheck(std::string why) : why_(std::move(why)) {}
  Task<Finding> look() override { co_return unknown(why_); }

 private:
  std::string why_;
};

}  // namespace rouse::suspendd
