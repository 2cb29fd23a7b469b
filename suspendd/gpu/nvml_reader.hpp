#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/gpu/hardware.hpp"
#include "suspendd/gpu/nvml.hpp"
#include "suspendd/gpu/reading.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// Reads the NVIDIA GPUs through NVML. Remembers up to which time it has seen each one's samples,
/// also over a close(). Part of the helper process: every call may hang.
class NvmlReader {
 public:
  NvmlReader(const Root& root, std::string library) : root_(root), library_(std::move(library)) {}

  /// Adds one device for each of @p gpus that is awake, and what NVML knows beyond them.
  void read(const std::vector<PciGpu>& gpus, GpuReading& reading);
  void close();
  /// The library itself could not be loaded or used, so that nvidia-smi may be asked instead.
  [[nodiscard]] bool is_without_library() const { return is_without_library_; }

 private:
  struct Seen {
    unsigned long long samples = 0;
    unsigned long long process_samples = 0;
  };

  std::string open();
  void read_by_address(const std::vector<PciGpu>& gpus, GpuReading& reading);
  void read_by_index(const std::vector<PciGpu>& gpus, GpuReading& reading);
  GpuDevice read_device(nvml::Device device, const std::string& id);
  void read_use(nvml::Device device, Seen& seen, GpuDevice& out);
  void read_processes(nvml::Device device, Seen& seen, GpuDevice& out);
  /// Highest use of each process since the last look; nullopt: this GPU does not tell.
  std::optional<std::map<int, int>> read_process_use(nvml::Device device, Seen& seen);
  void note(const std::string& what, nvml::Return code, GpuDevice& out);

  const Root& root_;
  std::string library_;
  std::optional<Nvml> nvml_;
  bool is_open_ = false;
  bool is_without_library_ = false;
  bool has_failed_ = false;  ///< something in this look went wrong that a fresh start may mend
  std::map<std::string, Seen> seen_;
};

/// NVML's "00000000:01:00.0" as the kernel writes it: "0000:01:00.0".
[[nodiscard]] std::string pci_id(std::string_view bus_id);

}  // namespace rouse::suspendd
