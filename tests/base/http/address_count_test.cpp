#include "base/http/address_count.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <vector>

namespace rouse {
namespace {

sockaddr_storage address(const std::string& text) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    std::memcpy(&storage, &v4, sizeof v4);
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    std::memcpy(&storage, &v6, sizeof v6);
  } else {
    storage.ss_family = AF_UNIX;
  }
  return storage;
}

TEST(AddressCount, HasABoundForEachAddress) {
  AddressCount all;
  std::vector<AddressCount::Place> places;
  for (int i = 0; i < 2; ++i) {
    auto place = all.take(address("192.0.2.1"), 2);
    ASSERT_TRUE(place);
    places.push_back(std::move(*place));
  }
  EXPECT_FALSE(all.take(address("192.0.2.1"), 2));
  EXPECT_FALSE(all.take(address("::ffff:192.0.2.1"), 2)) << "the same, of a socket of both";
  EXPECT_TRUE(all.take(address("192.0.2.2"), 2));
  EXPECT_TRUE(all.take(address("192.0.2.1"), 0)) << "no bound";
  places.pop_back();
  EXPECT_TRUE(all.take(address("192.0.2.1"), 2));
}

TEST(AddressCount, HasABoundForEachUserButRoot) {
  AddressCount all;
  const auto place = all.take(uid_t{1000}, 1);
  ASSERT_TRUE(place);
  EXPECT_FALSE(all.take(uid_t{1000}, 1));
  EXPECT_TRUE(all.take(uid_t{1001}, 1));
  const auto root = all.take(uid_t{0}, 1);
  EXPECT_TRUE(all.take(uid_t{0}, 1));
}

TEST(AddressCount, TakesANetworkOfIpv6ForOne) {
  AddressCount all;
  const auto place = all.take(address("2001:db8:1:2::1"), 1);
  ASSERT_TRUE(place);
  EXPECT_FALSE(all.take(address("2001:db8:1:2:ffff::9"), 1));
  EXPECT_TRUE(all.take(address("2001:db8:1:3::1"), 1));
  const auto local = all.take(address("fe80::1"), 1);
  ASSERT_TRUE(local);
  EXPECT_TRUE(all.take(address("fe80::2"), 1)) << "all machines of a network are below fe80::/64";
}

TEST(AddressCount, DoesNotCountThisMachine) {
  AddressCount all;
  for (const char* const text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "unix"}) {
    const auto first = all.take(address(text), 1);
    EXPECT_TRUE(first && all.take(address(text), 1)) << text;
  }
}

}  // namespace
}  // namespace rouse
