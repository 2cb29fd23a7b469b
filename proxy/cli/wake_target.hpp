#pragma once

#include "base/wake/plan.hpp"
#include "proxy/cli/wake_run.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// Who is to be woken, by which ways, and where to hear whether it was.
struct WakeTarget {
  std::string name;
  std::optional<Endpoint> url;
  std::string key;
  std::string probe_path;
  WakePlan plan;
  std::chrono::milliseconds timeout{120'000};
  std::chrono::milliseconds pause{30'000};
};

/// From the configuration and the flags; what is wrong goes to @p problems, a line each.
[[nodiscard]] WakeTarget find_wake_target(const WakeOptions& options,
                                          std::vector<std::string>& problems);

/// One path of a plan, to be tried alone.
struct WakePath {
  std::string name;  ///< "broadcast to 192.168.1.255", "broadcast on eth0", "relay http://…"
  WakePlan plan;
};
[[nodiscard]] std::vector<WakePath> single_paths(const WakePlan& plan);

}  // namespace rouse
