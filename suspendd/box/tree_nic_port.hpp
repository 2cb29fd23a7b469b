#pragma once

#include "suspendd/box/nic_port.hpp"
#include "suspendd/box/root.hpp"

#include <memory>
#include <string>

namespace rouse::suspendd {

/// The network cards of a tree of `--root`, whose names mean nothing to the kernel: /ethtool/IF has
/// a line for each of "supported 32", "armed 0" (bits as WolBit), "mac aa:…", "ip 10.0.0.2" and
/// "broadcast 10.0.0.255". Setting writes the file.
class TreeNicPort final : public NicPort {
 public:
  explicit TreeNicPort(const Root& root) : root_(root) {}

  Result<WolModes> wol(const std::string& interface) override;
  Result<void> set_wol(const std::string& interface, std::uint32_t bits) override;
  Result<std::string> permanent_mac(const std::string& interface) override;
  std::vector<Address> addresses() override;

 private:
  [[nodiscard]] std::string value(const std::string& interface, std::string_view key) const;

  const Root& root_;
};

/// The kernel's for the machine itself, the tree's for a tree. @p root outlives it.
[[nodiscard]] std::unique_ptr<NicPort> make_nic_port(const Root& root);

}  // namespace rouse::suspendd
