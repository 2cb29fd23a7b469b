#include "suspendd/box/tree_nic_port.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

namespace rouse::suspendd {

std::string TreeNicPort::value(const std::string& interface, std::string_view key) const {
  const Result<std::string> text = root_.read("/ethtool/" + interface);
  if (!text) return {};
  std::istringstream lines(*text);
  std::string name;
  std::string value;
  while (lines >> name >> value) {
    if (name == key) return value;
  }
  return {};
}

Result<WolModes> TreeNicPort::wol(const std::string& interface) {
  const std::string supported = value(interface, "supported");
  if (supported.empty()) {
    return Error{make_error_code(boost::system::errc::operation_not_supported),
                 "asking " + interface + " for Wake-on-LAN"};
  }
  const auto bits = [](const std::string& text) {
    return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
  };
  return WolModes{bits(supported), bits(value(interface, "armed"))};
}

Result<void> TreeNicPort::set_wol(const std::string& interface, std::uint32_t bits) {
  return root_.write("/ethtool/" + interface,
                     fmt::format("supported {}\narmed {}\nmac {}\nip {}\nbroadcast {}\n",
                                 value(interface, "supported"), bits, value(interface, "mac"),
                                 value(interface, "ip"), value(interface, "broadcast")));
}

Result<std::string> TreeNicPort::permanent_mac(const std::string& interface) {
  return value(interface, "mac");
}

std::vector<NicPort::Address> TreeNicPort::addresses() {
  std::vector<Address> all;
  for (const std::string& name : root_.list("/ethtool")) {
    const std::string ip = value(name, "ip");
    if (!ip.empty()) all.push_back({name, ip, value(name, "broadcast")});
  }
  return all;
}

std::unique_ptr<NicPort> make_nic_port(const Root& root) {
  if (root.prefix().empty()) return std::make_unique<KernelNicPort>();
  return std::make_unique<TreeNicPort>(root);
}

}  // namespace rouse::suspendd
