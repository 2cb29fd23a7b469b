#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// Bits of struct ethtool_wolinfo (linux/ethtool.h).
enum WolBit : std::uint32_t {
  kWolPhy = 1,
  kWolUnicast = 2,
  kWolMulticast = 4,
  kWolBroadcast = 8,
  kWolArp = 16,
  kWolMagic = 32,
  kWolMagicSecure = 64,
  kWolFilter = 128,
};

/// ethtool's letters: "pumbag"; "d" for none.
[[nodiscard]] std::string wol_letters(std::uint32_t bits);

/// The broadcast address of a network: what the interface says (@p told), unless that is nothing or
/// its own address (`ip address add` sets none), then all ones below the mask. Empty where there is
/// no such thing: a link between two, a single address.
[[nodiscard]] std::string broadcast_address(const std::string& ip, const std::string& mask,
                                            const std::string& told);

struct WolModes {
  std::uint32_t supported = 0;
  std::uint32_t armed = 0;
};

/// What the kernel is asked about a network card by other means than files, so that tests can
/// answer instead.
class NicPort {
 public:
  struct Address {
    std::string interface;
    std::string ip;         ///< IPv4
    std::string broadcast;  ///< empty where the interface has none
  };

  virtual ~NicPort() = default;
  /// EOPNOTSUPP: its driver knows no Wake-on-LAN. EPERM: needs CAP_NET_ADMIN.
  virtual Result<WolModes> wol(const std::string& interface) = 0;
  virtual Result<void> set_wol(const std::string& interface, std::uint32_t bits) = 0;
  /// "aa:bb:cc:dd:ee:ff": burnt in, where the one in use may be its bond's.
  virtual Result<std::string> permanent_mac(const std::string& interface) = 0;
  virtual std::vector<Address> addresses() = 0;
};

/// The real thing: ioctl SIOCETHTOOL and getifaddrs. Nothing in it waits for long: the kernel asks
/// the driver, which may have to wake a sleeping link.
class KernelNicPort final : public NicPort {
 public:
  Result<WolModes> wol(const std::string& interface) override;
  Result<void> set_wol(const std::string& interface, std::uint32_t bits) override;
  Result<std::string> permanent_mac(const std::string& interface) override;
  std::vector<Address> addresses() override;
};

}  // namespace rouse::suspendd
