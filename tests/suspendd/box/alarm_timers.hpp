#pragma once

#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rouse::test {

/// What the kernel tells of a timer that wakes the machine.
struct AlarmTimer {
  bool is_due = false;
  std::chrono::seconds left{0};  ///< zero: it was never set, or is due
};

/// Those of this process, in the order in which they were opened: /proc/self/fdinfo.
inline std::vector<AlarmTimer> alarm_timers() {
  const std::string clock = "clockid: " + std::to_string(CLOCK_REALTIME_ALARM) + "\n";
  std::map<int, AlarmTimer> found;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    const std::string text = read_file(file.path());
    if (text.find(clock) == std::string::npos) continue;
    AlarmTimer& timer = found[std::atoi(file.path().filename().c_str())];
    timer.is_due = text.find("ticks: 0\n") == std::string::npos;
    const std::size_t value = text.find("it_value: (");
    if (value != std::string::npos)
      timer.left = std::chrono::seconds(std::atoll(&text[value + 11]));
  }
  std::vector<AlarmTimer> all;
  for (const auto& [fd, timer] : found) all.push_back(timer);
  return all;
}

}  // namespace rouse::test
