#pragma once

#include "suspendd/gpu/nvml_abi.hpp"

#include <string>
#include <variant>

namespace rouse::suspendd {

/// libnvidia-ml, loaded. Every call may hang, for ever and in the kernel: only a process that can
/// be spared makes one. Functions that a library lacks are null; init … pci_info are never.
class Nvml {
 public:
  /// The library, or why it cannot be used.
  [[nodiscard]] static std::variant<Nvml, std::string> load(const std::string& library);

  /// What a code means for a person: "GPU is lost (NVML 15)".
  [[nodiscard]] std::string words(nvml::Return code) const;

  nvml::Return (*init)() = nullptr;
  nvml::Return (*shutdown)() = nullptr;
  nvml::Return (*count)(unsigned int*) = nullptr;
  nvml::Return (*by_index)(unsigned int, nvml::Device*) = nullptr;
  nvml::Return (*pci_info)(nvml::Device, nvml::PciInfo*) = nullptr;

  nvml::Return (*by_bus_id)(const char*, nvml::Device*) = nullptr;
  const char* (*error_string)(nvml::Return) = nullptr;
  nvml::Return (*driver_version)(char*, unsigned int) = nullptr;
  nvml::Return (*name)(nvml::Device, char*, unsigned int) = nullptr;
  nvml::Return (*utilization)(nvml::Device, nvml::Utilization*) = nullptr;
  nvml::Return (*samples)(nvml::Device, int, unsigned long long, int*, unsigned int*,
                          nvml::Sample*) = nullptr;
  nvml::Return (*process_samples)(nvml::Device, nvml::ProcessSample*, unsigned int*,
                                  unsigned long long) = nullptr;
  nvml::Return (*compute_processes)(nvml::Device, unsigned int*, nvml::ProcessInfo*) = nullptr;
  nvml::Return (*memory)(nvml::Device, nvml::Memory*) = nullptr;
  nvml::Return (*power)(nvml::Device, unsigned int*) = nullptr;
  nvml::Return (*pstate)(nvml::Device, int*) = nullptr;

 private:
  Nvml() = default;
};

}  // namespace rouse::suspendd
