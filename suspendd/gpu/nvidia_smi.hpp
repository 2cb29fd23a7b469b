#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/gpu/reading.hpp"

#include <string_view>

namespace rouse::suspendd {

/// Asks the program nvidia-smi, where NVML itself cannot be loaded. Part of the helper process: it
/// may hang. Adds the devices, or says in the reading's error why there are none.
void read_nvidia_smi(const Root& root, GpuReading& reading);

/// The two tables that it prints (CSV without a head and without units).
void parse_nvidia_smi(const Root& root, std::string_view gpus, std::string_view processes,
                      GpuReading& reading);

}  // namespace rouse::suspendd
