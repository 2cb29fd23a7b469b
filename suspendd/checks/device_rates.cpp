#include "suspendd/checks/device_rates.hpp"

#include "suspendd/checks/finding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse::suspendd {

Finding DeviceRates::judge(const std::vector<Count>& counts, Time now,
                           std::chrono::system_clock::time_point wall) {
  std::erase_if(windows_, [&counts](const auto& each) {
    return std::none_of(counts.begin(), counts.end(),
                        [&each](const Count& count) { return count.name == each.first; });
  });
  if (!since_) since_ = wall;
  const std::string* busiest = nullptr;
  RateWindow::Rate highest;
  for (const Count& count : counts) {
    const auto it = windows_.try_emplace(count.name, over_).first;
    it->second.add(now, count.bytes);
    const auto rate = it->second.rate();
    if (!rate || (busiest != nullptr && rate->per_second <= highest.per_second)) continue;
    busiest = &it->first;
    highest = *rate;
  }
  if (busiest == nullptr) return unknown("measuring since " + clock_text(*since_));
  const auto limit = static_cast<double>(threshold_);
  const bool is_busy = highest.per_second >= limit;
  std::string reason =
      fmt::format("{} moved {} over {}, {} {}", *busiest, rate_text(highest.per_second),
                  age_text(highest.over), is_busy ? "at or above" : "below", rate_text(limit));
  return is_busy ? active(std::move(reason)) : idle(std::move(reason));
}

}  // namespace rouse::suspendd
