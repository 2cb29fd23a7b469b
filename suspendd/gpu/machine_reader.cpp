#include "suspendd/gpu/machine_reader.hpp"

#include "suspendd/box/clocks.hpp"
#include "suspendd/gpu/nvidia_smi.hpp"

#include <algorithm>

namespace rouse::suspendd {
namespace {

bool all_suspended(const std::vector<PciGpu>& gpus) {
  return std::all_of(gpus.begin(), gpus.end(), [](const PciGpu& gpu) { return gpu.is_suspended; });
}

void add_source(GpuReading& reading, std::string_view name) {
  reading.source += (reading.source.empty() ? "" : "+") + std::string(name);
}

}  // namespace

GpuReading MachineReader::read() {
  std::vector<PciGpu> nvidia;
  std::vector<PciGpu> others;
  GpuReading reading;
  for (PciGpu& gpu : list_pci_gpus(root_)) {
    if (gpu.is_suspended) {
      GpuDevice asleep;
      asleep.vendor = gpu.vendor;
      asleep.id = gpu.id;
      asleep.is_suspended = true;
      reading.devices.push_back(std::move(asleep));
    }
    (gpu.vendor == "nvidia" ? nvidia : others).push_back(std::move(gpu));
  }
  read_nvidia(nvidia, reading);
  if (!all_suspended(others)) {
    drm_.read(others, read_clocks().boot, reading);
    add_source(reading, "sysfs");
  }
  return reading;
}

void MachineReader::read_nvidia(const std::vector<PciGpu>& gpus, GpuReading& reading) {
  if (gpus.empty() && !has_nvidia_driver(root_)) return;
  if (!gpus.empty() && all_suspended(gpus)) {
    nvml_.close();
    return;
  }
  nvml_.read(gpus, reading);
  if (nvml_.is_without_library()) {
    reading.error = "no NVIDIA driver library here: " + reading.error;
    read_nvidia_smi(root_, reading);
    add_source(reading, "nvidia-smi");
    return;
  }
  add_source(reading, "NVML");
  const bool may_power_down = std::any_of(gpus.begin(), gpus.end(),
                                          [](const PciGpu& gpu) { return gpu.powers_down_alone; });
  if (may_power_down) nvml_.close();
}

}  // namespace rouse::suspendd
