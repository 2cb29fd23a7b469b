#include "suspendd/gpu/hardware.hpp"

namespace rouse::suspendd {
namespace {

std::string vendor_name(std::int64_t id) {
  switch (id) {
    case 0x10de:
      return "nvidia";
    case 0x1002:
      return "amd";
    case 0x8086:
      return "intel";
    default:
      return {};
  }
}

}  // namespace

std::vector<PciGpu> list_pci_gpus(const Root& root) {
  constexpr std::int64_t kDisplay = 0x03;  // VGA, 3D and other display controllers
  const std::string devices = "/sys/bus/pci/devices/";
  std::vector<PciGpu> gpus;
  for (const std::string& id : root.list(devices)) {
    const std::string folder = devices + id;
    const auto kind = root.read_number(folder + "/class");
    if (!kind || *kind >> 16 != kDisplay) continue;
    const auto vendor = root.read_number(folder + "/vendor");
    PciGpu gpu;
    gpu.vendor = vendor ? vendor_name(*vendor) : std::string();
    if (gpu.vendor.empty()) continue;  // the management controller's or a virtual screen
    gpu.id = id;
    gpu.driver = basename(root.link(folder + "/driver"));
    const auto status = root.read_word(folder + "/power/runtime_status");
    gpu.is_suspended = status && (*status == "suspended" || *status == "suspending");
    const auto control = root.read_word(folder + "/power/control");
    gpu.powers_down_alone = control && *control == "auto";
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

bool has_nvidia_driver(const Root& root) {
  // Not /dev/nvidiactl: NVML itself makes that, also where there is no driver.
  return root.exists("/proc/driver/nvidia/version");
}

}  // namespace rouse::suspendd
