#include "base/net/net_interface.hpp"

#include "base/posix.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <netpacket/packet.h>

namespace rouse {

namespace {

using boost::asio::ip::address_v4;

/// The address in @p from as a number; 0 when there is none.
std::uint32_t number_of(const sockaddr* from) {
  if (from == nullptr || from->sa_family != AF_INET) return 0;
  sockaddr_in address{};
  std::memcpy(&address, from, sizeof address);
  return ntohl(address.sin_addr.s_addr);
}

NetInterface::Ipv4 ipv4_of(const ifaddrs& entry) {
  NetInterface::Ipv4 ipv4;
  const std::uint32_t address = number_of(entry.ifa_addr);
  const std::uint32_t mask = number_of(entry.ifa_netmask);
  ipv4.address = address_v4(address);
  if ((entry.ifa_flags & IFF_BROADCAST) == 0 || std::popcount(mask) >= 31) return ipv4;
  // Not ifa_broadaddr: container networks often leave it out, glibc then gives the address itself
  // there, and the kernel broadcasts to the network's last address whatever it says.
  ipv4.broadcast = address_v4(address | ~mask);
  return ipv4;
}

void read_link(const ifaddrs& entry, NetInterface& interface) {
  sockaddr_ll link{};
  std::memcpy(&link, entry.ifa_addr, sizeof link);
  interface.index = link.sll_ifindex;
  interface.is_ethernet = link.sll_hatype == ARPHRD_ETHER;
}

}  // namespace

bool NetInterface::has_address(const address_v4& address) const {
  return std::any_of(ipv4.begin(), ipv4.end(),
                     [&](const Ipv4& each) { return each.address == address; });
}

Result<std::vector<NetInterface>> net_interfaces() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) return errno_error("listing the network interfaces");
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(raw, &::freeifaddrs);
  std::vector<NetInterface> interfaces;
  for (const ifaddrs* each = list.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    // A second address may have a label, eth0:1, which is no name that a socket can be bound to.
    const std::string label = each->ifa_name;
    const std::string name = label.substr(0, label.find(':'));
    auto found = std::find_if(interfaces.begin(), interfaces.end(),
                              [&](const NetInterface& known) { return known.name == name; });
    if (found == interfaces.end()) {
      found = interfaces.emplace(interfaces.end());
      found->name = name;
      found->is_up = (each->ifa_flags & IFF_UP) != 0;
      found->is_loopback = (each->ifa_flags & IFF_LOOPBACK) != 0;
      found->can_broadcast = (each->ifa_flags & IFF_BROADCAST) != 0;
    }
    if (each->ifa_addr->sa_family == AF_PACKET) read_link(*each, *found);
    if (each->ifa_addr->sa_family == AF_INET) found->ipv4.push_back(ipv4_of(*each));
  }
  return interfaces;
}

}  // namespace rouse
