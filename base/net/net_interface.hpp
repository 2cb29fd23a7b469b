#pragma once

#include "base/result.hpp"

#include <boost/asio/ip/address_v4.hpp>

#include <string>
#include <vector>

namespace rouse {

/// An interface of this network namespace, as far as broadcasts need to know it.
struct NetInterface {
  struct Ipv4 {
    boost::asio::ip::address_v4 address;
    /// The network's last address; the unspecified one where there is none (/31, /32).
    boost::asio::ip::address_v4 broadcast;
  };

  std::string name;
  int index = 0;
  bool is_up = false;
  bool is_loopback = false;
  bool can_broadcast = false;
  bool is_ethernet = false;  ///< its frames have Ethernet's addresses
  std::vector<Ipv4> ipv4;

  /// Whether a broadcast that names no interface should leave by this one.
  [[nodiscard]] bool takes_broadcasts() const {
    return is_up && !is_loopback && can_broadcast && !ipv4.empty();
  }
  [[nodiscard]] bool has_address(const boost::asio::ip::address_v4& address) const;
};

/// In the order of the kernel.
[[nodiscard]] Result<std::vector<NetInterface>> net_interfaces();

}  // namespace rouse
