#include "suspendd/checks/device_rates.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/proc_text.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace rouse::suspendd {
namespace {

bool is_memory(std::string_view name) {
  return name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram");
}

constexpr const char* kDiskStats = "/proc/diskstats";

class DiskLook final : public Check {
 public:
  DiskLook(const DiskCheck& settings, CheckContext& context)
      : settings_(settings), context_(context), rates_(settings.bytes_per_second, settings.over) {
    for (std::string& each : settings_.devices) {
      if (each.starts_with("/dev/")) each.erase(0, 5);
    }
  }

  Task<Finding> look() override { co_return judge(); }

 private:
  Finding judge() {
    const auto now = context_.now();
    const Result<std::string> text = context_.root.read(kDiskStats);
    if (!text) return unknown(text.error().message());
    std::vector<DeviceRates::Count> counts;
    for (DiskCounter& each : disk_counters(*text)) {
      if (wants(each.name)) counts.push_back({std::move(each.name), each.bytes});
    }
    for (const std::string& name : settings_.devices) {
      const bool there = std::any_of(counts.begin(), counts.end(),
                                     [&name](const auto& count) { return count.name == name; });
      if (!there) return unknown("there is no disk " + name + " in " + std::string(kDiskStats));
    }
    // A machine that runs from memory or from the network has none: its network is looked at.
    if (counts.empty()) return idle("there is no disk");
    return rates_.judge(counts, now, context_.wall());
  }

  [[nodiscard]] bool wants(const std::string& name) const {
    const auto& list = settings_.devices;
    if (!list.empty()) return std::find(list.begin(), list.end(), name) != list.end();
    if (is_memory(name)) return false;
    // Whole disks have a folder there, partitions do not. A slash in a name is written '!'.
    std::string folder = name;
    std::replace(folder.begin(), folder.end(), '/', '!');
    return context_.root.exists("/sys/block/" + folder);
  }

  DiskCheck settings_;
  CheckContext& context_;
  DeviceRates rates_;
};

}  // namespace

CheckPtr make_kind(const DiskCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<DiskLook>(settings, context);
}

}  // namespace rouse::suspendd
