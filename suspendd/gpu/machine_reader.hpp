#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/gpu/drm_reader.hpp"
#include "suspendd/gpu/nvml_reader.hpp"
#include "suspendd/gpu/reading.hpp"

#include <string>

namespace rouse::suspendd {

/// All GPUs of the machine, each by the means that its driver has. What sleeps by itself is not
/// asked, and where the hardware may power down alone nothing is kept open that would hinder it.
/// Part of the helper process. Root must outlive it.
class MachineReader {
 public:
  MachineReader(const Root& root, std::string nvml_library)
      : root_(root), nvml_(root, std::move(nvml_library)), drm_(root) {}

  [[nodiscard]] GpuReading read();
  void close() { nvml_.close(); }

 private:
  void read_nvidia(const std::vector<PciGpu>& gpus, GpuReading& reading);

  const Root& root_;
  NvmlReader nvml_;
  DrmReader drm_;
};

}  // namespace rouse::suspendd
