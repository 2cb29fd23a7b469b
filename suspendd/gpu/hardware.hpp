#pragma once

#include "suspendd/box/root.hpp"

#include <string>
#include <vector>

namespace rouse::suspendd {

/// A GPU as the PCI bus shows it, without touching the GPU.
struct PciGpu {
  std::string vendor;              ///< nvidia, amd, intel
  std::string id;                  ///< 0000:01:00.0
  std::string driver;              ///< nvidia, amdgpu, i915, xe, vfio-pci …; empty: none bound
  bool is_suspended = false;       ///< powered down; asking it would power it up
  bool powers_down_alone = false;  ///< runtime power management may do so when nobody has it open
};

[[nodiscard]] std::vector<PciGpu> list_pci_gpus(const Root& root);

/// The NVIDIA driver is there, whatever the PCI bus shows (in a container it may show nothing).
[[nodiscard]] bool has_nvidia_driver(const Root& root);

}  // namespace rouse::suspendd
