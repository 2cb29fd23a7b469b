#pragma once

#include "suspendd/box/nic_port.hpp"

#include <map>
#include <string>
#include <vector>

namespace rouse::test {

/// A kernel's answers about network cards, made up. A card that it does not know has no
/// Wake-on-LAN (EOPNOTSUPP).
class FakeNicPort final : public suspendd::NicPort {
 public:
  struct Card {
    suspendd::WolModes modes;
    std::string mac;
    int error = 0;            ///< errno of every look
    int set_error = 0;        ///< errno of every change
    std::uint32_t stuck = 0;  ///< bits that the driver keeps, whatever it is told
    std::vector<std::uint32_t> sets{};
  };

  suspendd::WolModes& modes(const std::string& name) { return cards[name].modes; }

  Result<suspendd::WolModes> wol(const std::string& interface) override {
    const auto card = cards.find(interface);
    if (card == cards.end()) return failure(EOPNOTSUPP);
    if (card->second.error != 0) return failure(card->second.error);
    return card->second.modes;
  }
  Result<void> set_wol(const std::string& interface, std::uint32_t bits) override {
    Card& card = cards[interface];
    card.sets.push_back(bits);
    if (card.set_error != 0) return failure(card.set_error);
    card.modes.armed = bits | card.stuck;
    return {};
  }
  Result<std::string> permanent_mac(const std::string& interface) override {
    const auto card = cards.find(interface);
    if (card == cards.end() || card->second.mac.empty()) return failure(EOPNOTSUPP);
    return card->second.mac;
  }
  std::vector<Address> addresses() override { return ips; }

  std::map<std::string, Card> cards;
  std::vector<Address> ips;

 private:
  static Error failure(int code) {
    return Error{{code, boost::system::system_category()}, "asking the card"};
  }
};

}  // namespace rouse::test
