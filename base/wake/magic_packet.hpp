#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// The hardware address of one network card.
struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  /// "aa:bb:cc:dd:ee:ff", "aa-bb-cc-dd-ee-ff", "aabb.ccdd.eeff" or "aabbccddeeff". A group address
  /// (broadcast, multicast) and zeros are no card's and are refused.
  [[nodiscard]] static Result<MacAddress> parse(std::string_view text);
  /// "aa:bb:cc:dd:ee:ff"
  [[nodiscard]] std::string text() const;

  auto operator<=>(const MacAddress&) const = default;
};

/// The password that some cards want after the pattern. It crosses the wire in clear text.
struct SecureOn {
  std::array<std::uint8_t, 6> bytes{};
  std::size_t size = 6;  ///< 4 or 6

  /// Six bytes in hex as a MacAddress is written, or four with dots between: "192.168.1.2". Errors
  /// do not show @p text.
  [[nodiscard]] static Result<SecureOn> parse(std::string_view text);

  auto operator<=>(const SecureOn&) const = default;
};

/// What the card of @p mac wakes from: six bytes 0xff, sixteen times its address, and the password:
/// 102, 106 or 108 bytes, the same over UDP as in a frame of ethertype 0x0842.
[[nodiscard]] std::string magic_packet(const MacAddress& mac,
                                       const std::optional<SecureOn>& secureon);

struct MagicPacket {
  MacAddress mac;
  std::optional<SecureOn> secureon;

  auto operator<=>(const MagicPacket&) const = default;
};

/// Finds the pattern anywhere in @p bytes, as a card does: a datagram, or a whole frame. Four or
/// six bytes between it and the end are a password.
[[nodiscard]] std::optional<MagicPacket> find_magic_packet(std::string_view bytes);

}  // namespace rouse
