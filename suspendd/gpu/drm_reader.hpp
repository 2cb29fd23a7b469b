#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/gpu/drm_clients.hpp"
#include "suspendd/gpu/hardware.hpp"
#include "suspendd/gpu/reading.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// Reads GPUs of AMD and Intel from /sys and from /proc/PID/fdinfo. Part of the helper process,
/// since a driver that resets its GPU can hold a reader.
///
/// amdgpu's gpu_busy_percent says 100 for a model that is only resident, so it counts only where
/// the memory clock or the power, above the lowest power seen so far, says so too.
class DrmReader {
 public:
  explicit DrmReader(const Root& root) : root_(root) {}

  /// Adds a device for each of @p gpus that is awake. @p boot_time now.
  void read(const std::vector<PciGpu>& gpus, std::chrono::nanoseconds boot_time,
            GpuReading& reading);

 private:
  void read_amd(const std::string& folder, GpuDevice& out);
  void read_intel(const std::string& folder, std::uint64_t elapsed_ns, GpuDevice& out);
  void read_processes(const DrmClients& now, std::uint64_t elapsed_ns, GpuDevice& out);
  void add_compute_processes(GpuDevice& out);
  /// nullopt: nothing tells.
  std::optional<bool> draws_power(const std::string& folder, const GpuDevice& out);

  const Root& root_;
  std::optional<std::chrono::nanoseconds> last_;
  std::map<std::string, DrmClient> clients_;      ///< of the last look, by GPU and client
  std::map<std::string, std::uint64_t> idle_ms_;  ///< residency counters of the last look
  std::map<std::string, double> lowest_watts_;    ///< by GPU
};

}  // namespace rouse::suspendd
