#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// A process that uses a GPU for computing, or, on amdgpu, i915 and xe, for anything.
struct GpuProcess {
  int pid = 0;
  std::string name;                 ///< comm; empty when it has ended meanwhile
  std::uint64_t memory = 0;         ///< bytes; 0: not told
  std::optional<int> busy_percent;  ///< of the GPU's time since the last look, where known
  std::vector<int> lineage;         ///< itself, its group, its ancestors: one of ours among them?
};

/// One GPU as seen by one look.
struct GpuDevice {
  std::string vendor;  ///< nvidia, amd, intel
  std::string id;      ///< PCI address, lower case: 0000:01:00.0
  std::string name;
  bool is_suspended = false;  ///< powered down by runtime power management: not asked, idle
  /// Highest use since the last look; nullopt: not known.
  std::optional<int> busy_percent;
  bool is_sampled = false;  ///< busy_percent covers the time since the last look, not a moment
  std::optional<std::uint64_t> memory_used;
  std::optional<std::uint64_t> memory_total;
  std::optional<double> watts;
  std::optional<int> pstate;
  /// nullopt: the processes could not be listed.
  std::optional<std::vector<GpuProcess>> processes;
  std::string error;  ///< why something above is missing, in words
};

/// All GPUs of the machine.
struct GpuReading {
  std::vector<GpuDevice> devices;
  std::string nvidia_driver;  ///< version
  /// There is hardware that could not be asked: what and why. The reading is then not the whole
  /// truth, and a caller that needs it takes it for "unknown".
  std::string error;
  std::string source;  ///< "NVML", "nvidia-smi", "sysfs", joined by "+"; empty without a GPU
};

[[nodiscard]] std::string to_json(const GpuReading& reading);
/// nullopt: this is no reading.
[[nodiscard]] std::optional<GpuReading> gpu_reading_from_json(std::string_view json);

}  // namespace rouse::suspendd
