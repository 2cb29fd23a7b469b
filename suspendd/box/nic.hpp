#pragma once

#include "suspendd/box/nic_port.hpp"
#include "suspendd/box/root.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// A physical network card and what is known of waking through it. That it is armed is all that
/// software can know; whether a packet wakes the machine, only a wake shows.
struct Nic {
  enum class Wol {
    Armed,         ///< for magic packets and for nothing else
    ArmedTooWide,  ///< also for other packets: any ping or ARP request would wake the machine
    Disarmed,      ///< supported, and off
    Unsupported,   ///< the card or its driver has none
    Denied,        ///< the kernel let us not ask
    Unknown,       ///< asking failed
  };

  std::string name;
  std::string mac;        ///< permanent
  std::string operstate;  ///< as the kernel says: up, down, dormant, unknown …
  /// IPv4 of the card, or of the bond, bridge or VLAN that it carries; empty: none.
  std::string ip;
  std::string broadcast;
  std::string address_on;  ///< the interface that has the address: eth0, br0, eth0.10
  bool on_vlan = false;    ///< it reaches that address only through a VLAN
  bool is_wireless = false;
  Wol wol = Wol::Unknown;
  WolModes modes;
  /// `device/power/wakeup`; nullopt: the kernel shows no such switch for it.
  std::optional<bool> wakeup_enabled;
  std::string wakeup_file;  ///< where that switch is; empty as above
  std::string why;          ///< for a person, whenever wol is not Armed, or armed with a doubt

  /// Fronts can reach it: up, and with an address and its broadcast.
  [[nodiscard]] bool is_reachable() const {
    return operstate != "down" && !ip.empty() && !broadcast.empty();
  }
  [[nodiscard]] bool is_armed() const { return wol == Wol::Armed && wakeup_enabled.value_or(true); }
};

[[nodiscard]] const char* name_of(Nic::Wol wol);

/// The physical cards of the machine in the order of their names; @p only: none but these (a bond,
/// bridge or VLAN stands for its cards); empty: all.
[[nodiscard]] std::vector<Nic> list_nics(const Root& root, NicPort& port,
                                         const std::vector<std::string>& only = {});

/// Looks, arms what can be armed (option g and nothing else, `power/wakeup` enabled), looks again.
/// The answer is what the second look saw; `why` tells what failed. To be done before every
/// suspend: drivers forget it at a link change, and some at a resume.
std::vector<Nic> arm_nics(const Root& root, NicPort& port,
                          const std::vector<std::string>& only = {});

}  // namespace rouse::suspendd
