#include "suspendd/box/nic_port.hpp"

#include "base/posix.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

namespace rouse::suspendd {
namespace {

Result<void> ethtool(const std::string& interface, void* command, const std::string& doing) {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) {
    return Error{boost::system::errc::make_error_code(boost::system::errc::no_such_device), doing};
  }
  std::memcpy(request.ifr_name, interface.c_str(), interface.size() + 1);
  request.ifr_data = static_cast<char*>(command);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return errno_error(doing);
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return errno_error(doing);
  return {};
}

std::string ip_text(const sockaddr* address) {
  char text[INET_ADDRSTRLEN] = "";
  if (address == nullptr || address->sa_family != AF_INET) return text;
  sockaddr_in ip{};
  std::memcpy(&ip, address, sizeof ip);
  ::inet_ntop(AF_INET, &ip.sin_addr, text, sizeof text);
  return text;
}

}  // namespace

std::string wol_letters(std::uint32_t bits) {
  constexpr std::string_view kLetters = "pumbagsf";
  std::string text;
  for (std::size_t i = 0; i < kLetters.size(); ++i) {
    if ((bits & (1U << i)) != 0) text += kLetters[i];
  }
  return text.empty() ? "d" : text;
}

std::string broadcast_address(const std::string& ip, const std::string& mask,
                              const std::string& told) {
  if (!told.empty() && told != ip && told != "0.0.0.0") return told;
  in_addr address{};
  in_addr ones{};
  if (::inet_pton(AF_INET, ip.c_str(), &address) != 1) return {};
  if (::inet_pton(AF_INET, mask.c_str(), &ones) != 1) return {};
  const std::uint32_t hosts = ~ntohl(ones.s_addr);
  if (hosts < 3) return {};
  address.s_addr |= htonl(hosts);
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

Result<WolModes> KernelNicPort::wol(const std::string& interface) {
  ethtool_wolinfo info{};
  info.cmd = ETHTOOL_GWOL;
  const auto asked = ethtool(interface, &info, "asking " + interface + " for its Wake-on-LAN");
  if (!asked) return asked.error();
  WolModes modes;
  modes.supported = info.supported;
  modes.armed = info.wolopts;
  return modes;
}

Result<void> KernelNicPort::set_wol(const std::string& interface, std::uint32_t bits) {
  ethtool_wolinfo info{};
  info.cmd = ETHTOOL_GWOL;
  const std::string doing = "setting Wake-on-LAN of " + interface + " to " + wol_letters(bits);
  // Read first: a SecureOn password that somebody set stays.
  auto asked = ethtool(interface, &info, doing);
  if (!asked) return asked;
  info.cmd = ETHTOOL_SWOL;
  info.wolopts = bits;
  return ethtool(interface, &info, doing);
}

Result<std::string> KernelNicPort::permanent_mac(const std::string& interface) {
  constexpr std::uint32_t kRoom = 32;  // MAX_ADDR_LEN of the kernel
  ethtool_perm_addr head{};
  head.cmd = ETHTOOL_GPERMADDR;
  head.size = kRoom;
  std::array<std::uint8_t, sizeof head + kRoom> answer{};
  std::memcpy(answer.data(), &head, sizeof head);
  const auto asked = ethtool(interface, answer.data(), "asking " + interface + " for its MAC");
  if (!asked) return asked.error();
  std::memcpy(&head, answer.data(), sizeof head);
  if (head.size != 6) {
    return Error{boost::system::errc::make_error_code(boost::system::errc::not_supported),
                 "asking " + interface + " for its MAC"};
  }
  const std::uint8_t* mac = answer.data() + sizeof head;
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return std::string(text);
}

std::vector<NicPort::Address> KernelNicPort::addresses() {
  std::vector<Address> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(first, &::freeifaddrs);
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    Address address;
    address.interface = one->ifa_name;
    // An address with a label ("eth0:1") belongs to the interface before the colon.
    address.interface = address.interface.substr(0, address.interface.find(':'));
    address.ip = ip_text(one->ifa_addr);
    if ((one->ifa_flags & IFF_BROADCAST) != 0) {
      address.broadcast =
          broadcast_address(address.ip, ip_text(one->ifa_netmask), ip_text(one->ifa_broadaddr));
    }
    found.push_back(std::move(address));
  }
  return found;
}

}  // namespace rouse::suspendd
