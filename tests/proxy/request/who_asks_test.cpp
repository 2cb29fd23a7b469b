#include "proxy/request/who_asks.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

struct Asked {
  std::string key = "k";
  std::string address = "10.0.0.7";
  std::string agent = "aider/1";
  std::string forwarded = {};
  std::string session = {};
  const void* connection = nullptr;

  [[nodiscard]] core::Caller who() const {
    Fields fields;
    fields.add("user-agent", agent);
    if (!forwarded.empty()) fields.add("x-forwarded-for", forwarded);
    return who_asks(key, address, fields, session, connection);
  }
};

TEST(WhoAsks, IsTheSameOverEveryConnection) {
  const int one = 1;
  const int other = 2;
  const core::Caller a = Asked{.connection = &one}.who();
  const core::Caller b = Asked{.connection = &other}.who();
  EXPECT_EQ(a.client, b.client);
  EXPECT_NE(a.connection, b.connection);
  EXPECT_EQ(a, Asked{.connection = &one}.who());
  EXPECT_NE(a.client, 0U);
  EXPECT_NE(a.connection, 0U);
}

TEST(WhoAsks, IsAnotherWithAnotherKeyAddressAgentOrSession) {
  const core::Caller one = Asked{}.who();
  EXPECT_NE(one.client, Asked{.key = "l"}.who().client);
  EXPECT_NE(one.client, Asked{.address = "10.0.0.8"}.who().client);
  EXPECT_NE(one.client, Asked{.agent = "aider/2"}.who().client);
  EXPECT_NE(one.client, Asked{.forwarded = "10.9.9.9"}.who().client);
  EXPECT_NE(one.client, Asked{.session = "s"}.who().client);
  EXPECT_NE(one.connection, Asked{.session = "s"}.who().connection);
}

}  // namespace
}  // namespace rouse
