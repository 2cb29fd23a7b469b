#include "suspendd/checks/device_rates.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/proc_text.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace rouse::suspendd {
namespace {

/// Interfaces whose bytes stay inside the machine, or pass a real interface as well.
constexpr std::array<std::string_view, 22> kVirtual{
    "veth",   "docker", "br-", "virbr", "vnet",    "tun",  "tap",    "tailscale",
    "wg",     "zt",     "cni", "cali",  "flannel", "kube", "cilium", "lxc",
    "podman", "dummy",  "ifb", "sit",   "ip6tnl",  "vmnet"};

bool is_virtual(std::string_view name) {
  return name == "lo" ||
         std::any_of(kVirtual.begin(), kVirtual.end(),
                     [name](std::string_view each) { return name.starts_with(each); });
}

constexpr const char* kNetDev = "/proc/net/dev";

class NetLook final : public Check {
 public:
  NetLook(const NetCheck& settings, CheckContext& context)
      : settings_(settings), context_(context), rates_(settings.bytes_per_second, settings.over) {}

  Task<Finding> look() override { co_return judge(); }

 private:
  Finding judge() {
    const auto now = context_.now();
    const Result<std::string> text = context_.root.read(kNetDev);
    if (!text) return unknown(text.error().message());
    std::vector<DeviceRates::Count> counts;
    for (NetCounter& each : net_counters(*text)) {
      if (wants(each.name)) counts.push_back({std::move(each.name), each.bytes});
    }
    for (const std::string& name : settings_.interfaces) {
      const bool there = std::any_of(counts.begin(), counts.end(),
                                     [&name](const auto& count) { return count.name == name; });
      if (!there) return unknown("there is no interface " + name + " in " + std::string(kNetDev));
    }
    if (counts.empty()) return unknown(std::string(kNetDev) + " has no interface to look at");
    return rates_.judge(counts, now, context_.wall());
  }

  [[nodiscard]] bool wants(const std::string& name) const {
    const auto& list = settings_.interfaces;
    if (list.empty()) return !is_virtual(name);
    return std::find(list.begin(), list.end(), name) != list.end();
  }

  NetCheck settings_;
  CheckContext& context_;
  DeviceRates rates_;
};

}  // namespace

CheckPtr make_kind(const NetCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<NetLook>(settings, context);
}

}  // namespace rouse::suspendd
