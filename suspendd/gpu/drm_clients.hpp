#pragma once

#include "suspendd/box/root.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// One file that a process has open on a GPU, as the kernel's /proc/PID/fdinfo/N tells it
/// (amdgpu, i915, xe and others; "DRM client usage stats").
struct DrmClient {
  int pid = 0;
  std::string gpu;        ///< drm-pdev: 0000:03:00.0
  std::string client_id;  ///< the same for copies of one file, in whichever process
  std::string driver;
  /// Time that each engine has worked for it so far: nanoseconds, or cycles where `totals` has the
  /// cycles that have passed (xe).
  std::map<std::string, std::uint64_t> engines;
  std::map<std::string, std::uint64_t> totals;
  std::map<std::string, std::uint64_t> capacities;  ///< engines of one kind, where more than one
  std::uint64_t memory = 0;                         ///< bytes of video memory
};

/// Fields of one such file; without gpu when it is of no GPU.
[[nodiscard]] DrmClient parse_fdinfo(std::string_view text);

struct DrmClients {
  std::vector<DrmClient> clients;
  bool is_complete = true;  ///< false: some processes' files may not be looked at
};

/// All of the machine. Looks through every process' open files: some milliseconds.
[[nodiscard]] DrmClients read_drm_clients(const Root& root);

/// The busiest engine's share of the time between two looks in percent; what has no earlier look
/// has done all its work in between. @p elapsed_ns between the looks.
[[nodiscard]] int busy_between(const DrmClient* before, const DrmClient& after,
                               std::uint64_t elapsed_ns);

}  // namespace rouse::suspendd
