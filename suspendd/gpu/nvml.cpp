#include "suspendd/gpu/nvml.hpp"

#include <dlfcn.h>

namespace rouse::suspendd {
namespace {

template <class Function>
bool find(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, symbol));
  return function != nullptr;
}

std::string dl_error() {
  const char* text = ::dlerror();
  return text == nullptr ? "no reason given" : text;
}

/// Codes whose text from the library does not say what to do.
const char* known(nvml::Return code) {
  switch (code) {
    case nvml::kNotSupported:
      return "not supported by this GPU";
    case nvml::kNoPermission:
      return "no permission: let the service use /dev/nvidia*";
    case nvml::kDriverNotLoaded:
      return "the NVIDIA driver is not loaded";
    case nvml::kGpuIsLost:
      return "the GPU is lost: it has fallen off the bus";
    case nvml::kResetRequired:
      return "the GPU needs a reset";
    case nvml::kOperatingSystem:
      return "the operating system or a cgroup blocks the GPU";
    case nvml::kVersionMismatch:
      return "library and kernel driver differ in version: reboot";
    case nvml::kUnknown:
      return "the driver has an internal error";
    default:
      return nullptr;
  }
}

}  // namespace

std::variant<Nvml, std::string> Nvml::load(const std::string& library) {
  // Never closed again: the library has threads and exit handlers of its own.
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return "cannot load " + library + ": " + dl_error();
  Nvml nvml;
  const auto needed = [&](const char* symbol, auto& function) {
    return find(handle, symbol, function) ? std::string() : symbol;
  };
  std::string missing = needed("nvmlInit_v2", nvml.init);
  if (missing.empty()) missing = needed("nvmlShutdown", nvml.shutdown);
  if (missing.empty()) missing = needed("nvmlDeviceGetCount_v2", nvml.count);
  if (missing.empty()) missing = needed("nvmlDeviceGetHandleByIndex_v2", nvml.by_index);
  if (missing.empty()) missing = needed("nvmlDeviceGetPciInfo_v3", nvml.pci_info);
  if (!missing.empty()) return library + " has no " + missing + ": is it NVML, and not too old?";
  find(handle, "nvmlDeviceGetHandleByPciBusId_v2", nvml.by_bus_id);
  find(handle, "nvmlErrorString", nvml.error_string);
  find(handle, "nvmlSystemGetDriverVersion", nvml.driver_version);
  find(handle, "nvmlDeviceGetName", nvml.name);
  find(handle, "nvmlDeviceGetUtilizationRates", nvml.utilization);
  find(handle, "nvmlDeviceGetSamples", nvml.samples);
  find(handle, "nvmlDeviceGetProcessUtilization", nvml.process_samples);
  if (!find(handle, "nvmlDeviceGetComputeRunningProcesses_v3", nvml.compute_processes)) {
    find(handle, "nvmlDeviceGetComputeRunningProcesses_v2", nvml.compute_processes);
  }
  find(handle, "nvmlDeviceGetMemoryInfo", nvml.memory);
  find(handle, "nvmlDeviceGetPowerUsage", nvml.power);
  find(handle, "nvmlDeviceGetPerformanceState", nvml.pstate);
  return nvml;
}

std::string Nvml::words(nvml::Return code) const {
  const std::string number = " (NVML " + std::to_string(code) + ")";
  if (const char* text = known(code)) return text + number;
  const char* text = error_string == nullptr ? nullptr : error_string(code);
  return (text == nullptr ? std::string("an error") : std::string(text)) + number;
}

}  // namespace rouse::suspendd
