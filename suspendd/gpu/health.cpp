#include "suspendd/gpu/health.hpp"

#include "suspendd/gpu/hardware.hpp"
#include "suspendd/gpu/machine_reader.hpp"

#include <dlfcn.h>

#include <algorithm>

namespace rouse::suspendd {
namespace {

/// Empty: CUDA starts, or is not there.
std::string cuda_failure(const std::string& library, bool& is_there) {
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  is_there = handle != nullptr;
  if (!is_there) return {};
  const auto init = reinterpret_cast<int (*)(unsigned int)>(::dlsym(handle, "cuInit"));
  const auto name_of_error =
      reinterpret_cast<int (*)(int, const char**)>(::dlsym(handle, "cuGetErrorName"));
  if (init == nullptr) return library + " has no cuInit";
  const int code = init(0);
  if (code == 0) return {};
  const char* name = nullptr;
  if (name_of_error != nullptr) name_of_error(code, &name);
  return "cuInit says " + std::to_string(code) +
         (name == nullptr ? std::string() : std::string(" (") + name + ")");
}

}  // namespace

SelfTest test_gpus(const Root& root, const std::string& nvml, const std::string& cuda) {
  MachineReader reader(root, nvml);
  const GpuReading reading = reader.read();
  if (!reading.error.empty()) return {false, reading.error};
  std::size_t answered = 0;
  bool has_awake_nvidia = false;
  for (const GpuDevice& device : reading.devices) {
    if (device.is_suspended) continue;
    const bool answers = device.busy_percent.has_value() || device.processes.has_value();
    if (!answers) return {false, device.id + ": " + device.error};
    ++answered;
    has_awake_nvidia = has_awake_nvidia || device.vendor == "nvidia";
  }
  if (reading.devices.empty()) return {true, "there is no GPU"};
  std::string text = std::to_string(answered) + (answered == 1 ? " GPU answers" : " GPUs answer");
  const std::size_t asleep = reading.devices.size() - answered;
  if (asleep > 0) text += ", " + std::to_string(asleep) + " powered down and not asked";
  if (has_awake_nvidia && !cuda.empty()) {
    bool is_there = false;
    const std::string failure = cuda_failure(cuda, is_there);
    if (!failure.empty()) return {false, failure};
    text += is_there ? ", CUDA starts" : ", no CUDA here";
  }
  return {true, text};
}

}  // namespace rouse::suspendd
