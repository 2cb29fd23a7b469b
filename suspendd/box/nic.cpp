#include "suspendd/box/nic.hpp"

#include <algorithm>
#include <set>

namespace rouse::suspendd {
namespace {

constexpr std::string_view kNet = "/sys/class/net/";
constexpr std::string_view kUpper = "upper_";

std::string net(const std::string& interface, std::string_view file) {
  return std::string(kNet) + interface + "/" + std::string(file);
}

/// Ethernet with hardware behind it: bonds, bridges, VLANs, veth, tap and wireguard have no
/// `device`.
bool is_card(const Root& root, const std::string& interface) {
  if (!root.exists(net(interface, "device"))) return false;
  const auto type = root.read_number(net(interface, "type"));
  return type && *type == 1;  // ARPHRD_ETHER
}

struct Carried {
  std::string name;
  bool on_vlan = false;
};

/// What stands on @p interface, itself first, nearest first: its bond, that one's bridge, a VLAN.
std::vector<Carried> carried_by(const Root& root, const std::string& interface) {
  std::vector<Carried> chain{{interface, false}};
  std::set<std::string> seen{interface};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    for (const std::string& entry : root.list(std::string(kNet) + chain[i].name)) {
      if (!std::string_view(entry).starts_with(kUpper)) continue;
      const std::string upper = entry.substr(kUpper.size());
      if (!seen.insert(upper).second) continue;
      const auto uevent = root.read(net(upper, "uevent"));
      const bool is_vlan = uevent && uevent->find("DEVTYPE=vlan") != std::string::npos;
      chain.push_back({upper, chain[i].on_vlan || is_vlan});
    }
  }
  return chain;
}

void find_address(const std::vector<Carried>& chain, const std::vector<NicPort::Address>& addresses,
                  Nic& nic) {
  // An address on the card's own LAN before one behind a VLAN: magic packets come untagged.
  for (const bool on_vlan : {false, true}) {
    for (const Carried& carried : chain) {
      if (carried.on_vlan != on_vlan) continue;
      for (const NicPort::Address& address : addresses) {
        if (address.interface != carried.name) continue;
        nic.ip = address.ip;
        nic.broadcast = address.broadcast;
        nic.address_on = carried.name;
        nic.on_vlan = on_vlan;
        return;
      }
    }
  }
}

/// Of the device itself, or, for a USB card, of the USB device that the interface belongs to.
std::string find_wakeup_file(const Root& root, const std::string& interface) {
  const std::string device = root.resolve(net(interface, "device"));
  if (device.empty()) return {};
  if (root.exists(device + "/power/wakeup")) return device + "/power/wakeup";
  const std::string subsystem = root.link(device + "/subsystem");
  if (basename(subsystem) != "usb") return {};
  const std::string above = device.substr(0, device.rfind('/'));
  return root.exists(above + "/power/wakeup") ? above + "/power/wakeup" : std::string();
}

bool is_code(const Error& error, boost::system::errc::errc_t code) {
  return error.code == boost::system::errc::make_error_condition(code);
}

void judge_modes(const WolModes& modes, Nic& nic) {
  nic.modes = modes;
  if ((modes.supported & kWolMagic) == 0) {
    nic.wol = Nic::Wol::Unsupported;
    nic.why = modes.supported == 0 ? "its driver offers no Wake-on-LAN"
                                   : "its driver offers " + wol_letters(modes.supported) +
                                         ", but not magic packets (g)";
  } else if ((modes.armed & kWolMagic) == 0) {
    nic.wol = Nic::Wol::Disarmed;
    nic.why = "Wake-on-LAN is " + wol_letters(modes.armed) + ", magic packets (g) are not armed";
  } else if (modes.armed != kWolMagic) {
    nic.wol = Nic::Wol::ArmedTooWide;
    nic.why = "Wake-on-LAN is " + wol_letters(modes.armed) +
              ": other packets than magic ones (g) "
              "would wake the machine too";
  } else {
    nic.wol = Nic::Wol::Armed;
  }
}

void read_wol(NicPort& port, Nic& nic) {
  const auto modes = port.wol(nic.name);
  if (modes) {
    judge_modes(*modes, nic);
  } else if (is_code(modes.error(), boost::system::errc::operation_not_supported) ||
             is_code(modes.error(), boost::system::errc::not_supported)) {
    nic.wol = Nic::Wol::Unsupported;
    nic.why = "its driver has no Wake-on-LAN";
  } else if (is_code(modes.error(), boost::system::errc::operation_not_permitted)) {
    nic.wol = Nic::Wol::Denied;
    nic.why = "the kernel lets us not ask: give the service CAP_NET_ADMIN";
  } else {
    nic.wol = Nic::Wol::Unknown;
    nic.why = modes.error().message();
  }
}

void judge_wakeup(Nic& nic) {
  if (nic.wol != Nic::Wol::Armed) return;
  if (!nic.wakeup_enabled) {
    nic.why = "armed, but the kernel shows no wakeup switch for it: its bus may be unable to wake";
  } else if (!*nic.wakeup_enabled) {
    nic.why = "armed, but its wakeup switch is off: " + nic.wakeup_file + " is disabled";
  }
  if (nic.is_wireless) nic.why = "a wireless card: it may leave its network when asleep";
}

Nic read_nic(const Root& root, NicPort& port, const std::string& name,
             const std::vector<Carried>& chain, const std::vector<NicPort::Address>& addresses) {
  Nic nic;
  nic.name = name;
  const auto mac = port.permanent_mac(name);
  constexpr std::string_view kNone = "00:00:00:00:00:00";  // drivers that know none say this
  if (mac && *mac != kNone) {
    nic.mac = *mac;
  } else {
    nic.mac = root.read_word(net(name, "address")) ? *root.read_word(net(name, "address"))
                                                   : std::string();
  }
  const auto state = root.read_word(net(name, "operstate"));
  nic.operstate = state ? *state : "unknown";
  nic.is_wireless = root.exists(net(name, "wireless")) || root.exists(net(name, "phy80211"));
  find_address(chain, addresses, nic);
  nic.wakeup_file = find_wakeup_file(root, name);
  if (!nic.wakeup_file.empty()) {
    const auto enabled = root.read_word(nic.wakeup_file);
    if (enabled) nic.wakeup_enabled = *enabled == "enabled";
  }
  read_wol(port, nic);
  judge_wakeup(nic);
  return nic;
}

/// Empty: it is armed, or cannot be; else what failed.
std::string arm_one(const Root& root, NicPort& port, const Nic& nic) {
  const bool can_arm = nic.wol == Nic::Wol::Armed || nic.wol == Nic::Wol::ArmedTooWide ||
                       nic.wol == Nic::Wol::Disarmed;
  if (!can_arm) return {};
  const bool switch_off = nic.wakeup_enabled.has_value() && !*nic.wakeup_enabled;
  if (nic.wol != Nic::Wol::Armed) {
    const auto set = port.set_wol(nic.name, kWolMagic);
    if (!set) {
      const bool denied = is_code(set.error(), boost::system::errc::operation_not_permitted);
      return set.error().message() + (denied ? ": give the service CAP_NET_ADMIN" : "");
    }
  }
  if (!switch_off) return {};
  // Most drivers have thrown the switch themselves when they were armed.
  const auto now = root.read_word(nic.wakeup_file);
  if (now && *now == "enabled") return {};
  const auto written = root.write(nic.wakeup_file, "enabled");
  if (written) return {};
  return written.error().message() + ": enable it by a udev rule, or at boot as root";
}

}  // namespace

const char* name_of(Nic::Wol wol) {
  switch (wol) {
    case Nic::Wol::Armed:
      return "armed";
    case Nic::Wol::ArmedTooWide:
      return "armed too wide";
    case Nic::Wol::Disarmed:
      return "disarmed";
    case Nic::Wol::Unsupported:
      return "unsupported";
    case Nic::Wol::Denied:
      return "denied";
    case Nic::Wol::Unknown:
      break;
  }
  return "unknown";
}

std::vector<Nic> list_nics(const Root& root, NicPort& port, const std::vector<std::string>& only) {
  std::vector<Nic> nics;
  const auto addresses = port.addresses();
  for (const std::string& name : root.list(kNet)) {
    if (!is_card(root, name)) continue;
    const auto chain = carried_by(root, name);
    const bool is_wanted =
        only.empty() || std::any_of(chain.begin(), chain.end(), [&](const Carried& carried) {
          return std::find(only.begin(), only.end(), carried.name) != only.end();
        });
    if (is_wanted) nics.push_back(read_nic(root, port, name, chain, addresses));
  }
  return nics;
}

std::vector<Nic> arm_nics(const Root& root, NicPort& port, const std::vector<std::string>& only) {
  std::vector<std::pair<std::string, std::string>> failures;
  for (const Nic& nic : list_nics(root, port, only)) {
    std::string failure = arm_one(root, port, nic);
    if (!failure.empty()) failures.emplace_back(nic.name, std::move(failure));
  }
  std::vector<Nic> nics = list_nics(root, port, only);
  for (Nic& nic : nics) {
    for (const auto& [name, failure] : failures) {
      if (name == nic.name && !nic.is_armed()) nic.why = failure;
    }
  }
  return nics;
}

}  // namespace rouse::suspendd
