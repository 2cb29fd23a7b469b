#include "base/wake/magic_packet.hpp"

#include "base/text/ascii.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rouse {

namespace {

constexpr std::size_t kRepeats = 16;
constexpr std::size_t kMacSize = 6;
constexpr std::size_t kPatternSize = kMacSize + kRepeats * kMacSize;

Error refused(std::string why) {
  return Error{make_error_code(boost::system::errc::invalid_argument), std::move(why)};
}

/// Six bytes from hex digits in groups of @p digits with @p separator between.
std::optional<std::array<std::uint8_t, 6>> hex_groups(std::string_view text, std::size_t digits,
                                                      char separator) {
  const std::size_t groups = 2 * kMacSize / digits;
  if (text.size() != 2 * kMacSize + groups - 1) return std::nullopt;
  std::array<std::uint8_t, 6> bytes{};
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % (digits + 1) == digits) {
      if (text[i] != separator) return std::nullopt;
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) return std::nullopt;
    std::uint8_t& byte = bytes.at(nibble / 2);
    byte = static_cast<std::uint8_t>(byte * 16 + digit);
    ++nibble;
  }
  return bytes;
}

std::optional<std::array<std::uint8_t, 6>> six_bytes(std::string_view text) {
  if (auto colons = hex_groups(text, 2, ':')) return colons;
  if (auto dashes = hex_groups(text, 2, '-')) return dashes;
  if (auto dots = hex_groups(text, 4, '.')) return dots;
  return hex_groups(text, 2 * kMacSize, ':');
}

/// Four decimal bytes with dots between.
std::optional<SecureOn> dotted(std::string_view text) {
  SecureOn password;
  password.size = 4;
  for (std::size_t i = 0; i < password.size; ++i) {
    const std::size_t dot = i + 1 < password.size ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 3) return std::nullopt;
    const char* const end = text.data() + dot;
    const auto [last, error] = std::from_chars(text.data(), end, password.bytes.at(i));
    if (error != std::errc{} || last != end) return std::nullopt;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return password;
}

bool is_group(const MacAddress& mac) {
  return (mac.bytes[0] & 1U) != 0;
}

std::string_view as_text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

Result<MacAddress> MacAddress::parse(std::string_view text) {
  const auto bytes = six_bytes(text);
  if (!bytes) {
    return refused(fmt::format(
        "\"{}\" is no MAC address: it is six bytes in hex, such as 3c:7c:3f:12:34:56 (see the line "
        "link/ether of \"ip link\" on the machine)",
        text.substr(0, 64)));
  }
  const MacAddress mac{*bytes};
  if (mac == MacAddress{}) return refused("00:00:00:00:00:00 is no network card's address");
  if (is_group(mac)) {
    return refused(mac.text() + " is the address of a group, not of one network card");
  }
  return mac;
}

std::string MacAddress::text() const {
  return fmt::format("{:02x}", fmt::join(bytes, ":"));
}

Result<SecureOn> SecureOn::parse(std::string_view text) {
  if (const auto bytes = six_bytes(text)) return SecureOn{*bytes, bytes->size()};
  if (const auto four = dotted(text)) return *four;
  return refused(
      "is no SecureOn password: it is six bytes in hex, such as 01:23:45:67:89:ab, or four with "
      "dots between, such as 192.168.1.2");
}

std::string magic_packet(const MacAddress& mac, const std::optional<SecureOn>& secureon) {
  std::string packet(kMacSize, '\xff');
  for (std::size_t i = 0; i < kRepeats; ++i) packet += as_text(mac.bytes.data(), kMacSize);
  if (secureon) packet += as_text(secureon->bytes.data(), secureon->size);
  return packet;
}

std::optional<MagicPacket> find_magic_packet(std::string_view bytes) {
  constexpr std::string_view kStart = "\xff\xff\xff\xff\xff\xff";
  std::size_t at = bytes.find(kStart);
  while (at != std::string_view::npos && bytes.size() - at >= kPatternSize) {
    MagicPacket found;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at + kMacSize), kMacSize,
                found.mac.bytes.begin());
    if (!is_group(found.mac) && magic_packet(found.mac, {}) == bytes.substr(at, kPatternSize)) {
      const std::string_view rest = bytes.substr(at + kPatternSize);
      if (rest.size() == 4 || rest.size() == kMacSize) {
        found.secureon.emplace().size = rest.size();
        std::copy(rest.begin(), rest.end(), found.secureon->bytes.begin());
      }
      return found;
    }
    at = bytes.find(kStart, at + 1);
  }
  return std::nullopt;
}

}  // namespace rouse
