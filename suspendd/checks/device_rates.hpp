#pragma once

#include "suspendd/checks/check.hpp"
#include "suspendd/checks/rate_window.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// The rates of several devices of a kind, judged by the busiest. Each is measured for itself,
/// since one may carry the traffic of another (a bond and its members, a RAID and its disks).
class DeviceRates {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Count {
    std::string name;
    std::uint64_t bytes = 0;
  };

  DeviceRates(std::uint64_t threshold, std::chrono::milliseconds over)
      : threshold_(threshold), over_(over) {}

  /// Takes one look at all devices there are; those that went away are forgotten. @p wall is only
  /// for words.
  Finding judge(const std::vector<Count>& counts, Time now,
                std::chrono::system_clock::time_point wall);

 private:
  std::uint64_t threshold_;
  std::chrono::milliseconds over_;
  std::optional<std::chrono::system_clock::time_point> since_;
  std::map<std::string, RateWindow> windows_;
};

}  // namespace rouse::suspendd
