#include "suspendd/box/nic.hpp"
#include "suspendd/box/trap_list.hpp"
#include "suspendd/box/unit_files.hpp"
#include "suspendd/box/wake_source.hpp"

#include <algorithm>
#include <cstdlib>

namespace rouse::suspendd {
namespace {

bool can_be_armed(const Nic& nic) {
  return nic.wol == Nic::Wol::Armed || nic.wol == Nic::Wol::ArmedTooWide ||
         nic.wol == Nic::Wol::Disarmed;
}

void judge_nic(const Nic& nic, TrapList& traps) {
  const std::string title = "wake-on-lan " + nic.name;
  const std::string is = nic.name + " (" + nic.mac + "): ";
  switch (nic.wol) {
    case Nic::Wol::Armed:
      if (!nic.is_armed() || !nic.why.empty()) {
        traps.warn(title, is + nic.why,
                   "look at `power/wakeup` of its device; prove by a wake-test that it wakes");
      } else {
        traps.ok(title, is + "armed for magic packets only");
      }
      break;
    case Nic::Wol::ArmedTooWide:
      traps.warn(title, is + nic.why, "ethtool -s " + nic.name + " wol g");
      break;
    case Nic::Wol::Disarmed:
      traps.warn(title, is + nic.why + "; it is armed before each suspend",
                 "ethtool -s " + nic.name + " wol g");
      break;
    case Nic::Wol::Unsupported:
      traps.warn(title, is + nic.why,
                 "enable Wake-on-LAN in the firmware's setup, or use another card");
      break;
    case Nic::Wol::Denied:
      traps.warn(title, is + nic.why, "AmbientCapabilities=CAP_NET_ADMIN in the unit");
      break;
    case Nic::Wol::Unknown:
      traps.warn(title, is + nic.why, "ethtool " + nic.name);
      break;
  }
  if (!can_be_armed(nic)) return;
  if (!nic.is_reachable()) {
    traps.warn("reach " + nic.name,
               is + "fronts cannot reach it: it is " + nic.operstate + ", " +
                   (nic.ip.empty() ? "without an IPv4 address"
                                   : "at " + nic.ip + " without a broadcast address"),
               "plug its cable in, or leave it out of wol.interfaces");
  } else if (nic.on_vlan) {
    traps.warn("reach " + nic.name,
               is + "its only address is on the VLAN " + nic.address_on +
                   ", and a sleeping card hears untagged packets only",
               "make that VLAN the native one of its port, or send packets into its native LAN");
  }
}

/// The .link file that udev applied, by its own record.
std::string link_file(const Root& root, const std::string& interface) {
  const auto index = root.read_number("/sys/class/net/" + interface + "/ifindex");
  if (!index) return {};
  const std::string record = "/run/udev/data/n" + std::to_string(*index);
  return last_setting(file_settings(root, record), "E:ID_NET_LINK_FILE");
}

void find_link_file(const Root& root, const Nic& nic, TrapList& traps) {
  const std::string title = "persistent wake-on-lan " + nic.name;
  const std::string file = link_file(root, nic.name);
  if (file.empty()) return;  // no udev here: a container, a generated tree
  auto settings = file_settings(root, file);
  for (const char* folder :
       {"/usr/lib/systemd/network/", "/run/systemd/network/", "/etc/systemd/network/"}) {
    const std::string drop_ins = folder + std::string(basename(file)) + ".d/";
    for (const std::string& entry : root.list(drop_ins)) {
      for (Assignment& one : file_settings(root, drop_ins + entry)) {
        settings.push_back(std::move(one));
      }
    }
  }
  const auto modes = list_setting(settings, "WakeOnLan");
  if (std::find(modes.begin(), modes.end(), "magic") != modes.end()) {
    traps.ok(title, file + " arms it at boot");
  } else {
    traps.warn(title,
               file + " applies to " + nic.name +
                   " and does not arm Wake-on-LAN: after a power "
                   "cut, or with this service stopped, a packet wakes nothing",
               "install a .link file that sorts before 99-default.link, matches its MAC, keeps "
               "that file's NamePolicy and has WakeOnLan=magic");
  }
}

/// NetworkManager leaves Wake-on-LAN alone unless a connection says something.
void find_network_manager(const Root& root, TrapList& traps) {
  constexpr long kUseDefault = 1;
  constexpr long kMagic = 64;
  constexpr long kIgnore = 0x8000;
  for (const char* folder :
       {"/etc/NetworkManager/system-connections/", "/run/NetworkManager/system-connections/",
        "/etc/NetworkManager/conf.d/"}) {
    for (const std::string& name : root.list(folder)) {
      const auto settings = file_settings(root, folder + name);
      std::string value = last_setting(settings, "wake-on-lan");
      if (value.empty()) value = last_setting(settings, "ethernet.wake-on-lan");
      if (value.empty()) continue;
      const long flags = std::strtol(value.c_str(), nullptr, 0);
      if ((flags & (kUseDefault | kMagic | kIgnore)) != 0 || value == "magic" ||
          value == "ignore" || value == "default") {
        continue;
      }
      traps.warn("NetworkManager " + name,
                 folder + name + " sets wake-on-lan=" + value +
                     ": each time the connection comes up, magic packets are disarmed",
                 "nmcli connection modify NAME 802-3-ethernet.wake-on-lan magic");
    }
  }
}

void find_other_sources(const Root& root, TrapList& traps) {
  std::string usb;
  for (const WakeSource& source : read_wake_sources(root)) {
    const bool is_controller = source.detail == "USB host controller";
    if (source.kind != WakeKind::Usb || is_controller || !source.is_enabled) continue;
    usb += (usb.empty() ? "" : ", ") + source.detail + " (" + std::string(basename(source.device)) +
           ")";
  }
  if (usb.empty()) {
    traps.ok("other wake sources", "no USB device is armed to wake the machine");
  } else {
    traps.warn("other wake sources",
               "armed to wake the machine: " + usb + "; a touch, or a faulty device, wakes it",
               "write disabled to power/wakeup of what should not (a udev rule keeps it)");
  }
}

}  // namespace

void find_wol_traps(const Root& root, NicPort& port, const TrapContext& context, TrapList& traps) {
  const auto nics = list_nics(root, port, context.wol_interfaces);
  for (const std::string& name : context.wol_interfaces) {
    if (root.exists("/sys/class/net/" + name)) continue;
    traps.bad(context.wol_required, "wol.interfaces",
              "there is no network interface " + name + ", which wol.interfaces names",
              "correct wol.interfaces; `ip link` lists what there is");
  }
  for (const Nic& nic : nics) {
    judge_nic(nic, traps);
    if (can_be_armed(nic)) find_link_file(root, nic, traps);
  }
  if (std::none_of(nics.begin(), nics.end(), can_be_armed)) {
    traps.bad(context.wol_required, "wake-on-lan",
              nics.empty() ? "there is no physical network card to wake through"
                           : "no network card can be armed for magic packets",
              "enable Wake-on-LAN in the firmware's setup, or set wol.require: false if "
              "something else wakes this machine");
  }
  find_network_manager(root, traps);
  find_other_sources(root, traps);
}

}  // namespace rouse::suspendd
