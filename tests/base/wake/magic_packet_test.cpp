#include "base/wake/magic_packet.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::HasSubstr;
using testing::Not;

const char* const kMac = "3c:7c:3f:12:34:56";

MacAddress mac(const std::string& text = kMac) {
  return *MacAddress::parse(text);
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(MagicPacket, IsSixBytesOfOnesAndSixteenTimesTheAddress) {
  const std::string six("\x3c\x7c\x3f\x12\x34\x56", 6);
  EXPECT_EQ(magic_packet(mac(), {}), std::string(6, '\xff') + repeated(six, 16));
  EXPECT_EQ(magic_packet(mac(), {}).size(), 102u);
}

TEST(MagicPacket, ThePasswordFollows) {
  EXPECT_EQ(magic_packet(mac(), *SecureOn::parse("192.168.1.2")).substr(102), "\xc0\xa8\x01\x02");
  EXPECT_EQ(magic_packet(mac(), *SecureOn::parse("01:23:45:67:89:ab")).substr(102),
            "\x01\x23\x45\x67\x89\xab");
}

TEST(MagicPacket, EveryNotationOfAnAddressIsRead) {
  for (const char* text : {"3c:7c:3f:12:34:56", "3C:7C:3F:12:34:56", "3c-7c-3f-12-34-56",
                           "3c7c.3f12.3456", "3c7c3f123456"}) {
    const Result<MacAddress> read = MacAddress::parse(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->text(), kMac);
  }
}

TEST(MagicPacket, WhatIsNoAddressIsRefused) {
  for (const char* text :
       {"", "3c:7c:3f:12:34", "3c:7c:3f:12:34:5g", "3c:7c:3f:12:34:56:78", "3c:7c-3f:12:34:56",
        "3c7c:3f12:3456", "0x3c7c3f123456", " 3c:7c:3f:12:34:56", "3:7c:3f:12:34:56:", "auto"}) {
    const Result<MacAddress> read = MacAddress::parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().doing, HasSubstr("is no MAC address"));
  }
  EXPECT_THAT(MacAddress::parse("ff:ff:ff:ff:ff:ff").error().doing, HasSubstr("of a group"));
  EXPECT_THAT(MacAddress::parse("01:00:5e:00:00:01").error().doing, HasSubstr("of a group"));
  EXPECT_THAT(MacAddress::parse("000000000000").error().doing, HasSubstr("no network card"));
}

TEST(MagicPacket, ABadPasswordIsRefusedWithoutBeingShown) {
  for (const char* text : {"hush", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1..2.3", "1.2.3.",
                           "-1.2.3.4", "0001.2.3.4", "01:23:45:67:89"}) {
    const Result<SecureOn> read = SecureOn::parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().doing, HasSubstr("is no SecureOn password"));
    EXPECT_THAT(read.error().doing, Not(HasSubstr("hush")));
  }
}

TEST(MagicPacket, IsFoundWhereverItIsInAFrame) {
  const std::string packet = magic_packet(mac(), {});
  for (const std::string& before : {std::string(), std::string("\x08\x42"), std::string(42, '\xff'),
                                    std::string(3, '\xff'), std::string(50, '\0')}) {
    for (const std::size_t after : {0u, 1u, 5u, 7u, 64u}) {
      const auto found = find_magic_packet(before + packet + std::string(after, '\0'));
      ASSERT_TRUE(found) << before.size() << " before, " << after << " after";
      EXPECT_EQ(found->mac, mac());
      EXPECT_FALSE(found->secureon);
    }
  }
}

TEST(MagicPacket, ItsPasswordIsWhatIsLeftBehindIt) {
  for (const char* text : {"192.168.1.2", "01:23:45:67:89:ab"}) {
    const auto found = find_magic_packet("xx" + magic_packet(mac(), *SecureOn::parse(text)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->secureon, *SecureOn::parse(text));
  }
}

TEST(MagicPacket, WhatIsAlmostOneIsNone) {
  const std::string packet = magic_packet(mac(), {});
  EXPECT_FALSE(find_magic_packet(""));
  EXPECT_FALSE(find_magic_packet(packet.substr(1)));
  EXPECT_FALSE(find_magic_packet(packet.substr(0, 101)));
  EXPECT_FALSE(find_magic_packet(std::string(300, '\xff')));
  for (std::size_t i = 0; i < packet.size(); ++i) {
    std::string broken = packet;
    broken[i] = static_cast<char>(broken[i] ^ 0x10);
    EXPECT_FALSE(find_magic_packet(broken)) << "byte " << i;
  }
}

}  // namespace
}  // namespace rouse
