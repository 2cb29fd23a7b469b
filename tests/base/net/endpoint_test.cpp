#include "base/net/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rouse {
namespace {

using testing::HasSubstr;

struct Good {
  std::string text, host;
  std::uint16_t port;
  std::string unix_path, base_path;
  bool tls;
  std::string authority;
};
TEST(Endpoint, ReadsWhatServersAreNamedBy) {
  const std::vector<Good> cases = {
      {"http://127.0.0.1:5800", "127.0.0.1", 5800, "", "", false, "127.0.0.1:5800"},
      {"http://gpu-box", "gpu-box", 80, "", "", false, "gpu-box:80"},
      {"https://api.example.org/v1/", "api.example.org", 443, "", "/v1", true,
       "api.example.org:443"},
      {"http://[::1]:8080/a/b", "::1", 8080, "", "/a/b", false, "[::1]:8080"},
      {"http://[fd00::2]", "fd00::2", 80, "", "", false, "[fd00::2]:80"},
      {"http://host:1//", "host", 1, "", "", false, "host:1"},
      {"unix:/run/x.sock", "", 0, "/run/x.sock", "", false, "unix:/run/x.sock"},
      {"unix:///run/x.sock", "", 0, "/run/x.sock", "", false, "unix:/run/x.sock"},
  };
  for (const Good& each : cases) {
    const auto endpoint = Endpoint::parse(each.text);
    ASSERT_TRUE(endpoint) << endpoint.error().message();
    EXPECT_EQ(endpoint->host, each.host) << each.text;
    EXPECT_EQ(endpoint->port, each.port) << each.text;
    EXPECT_EQ(endpoint->unix_path, each.unix_path) << each.text;
    EXPECT_EQ(endpoint->base_path, each.base_path) << each.text;
    EXPECT_EQ(endpoint->tls, each.tls) << each.text;
    EXPECT_EQ(endpoint->authority(), each.authority) << each.text;
  }
}

struct Bad {
  std::string text, why;
};
TEST(Endpoint, SaysWhatIsWrong) {
  const std::vector<Bad> cases = {
      {"", "must begin with"},
      {"127.0.0.1:80", "must begin with"},
      {"ftp://h", "must begin with"},
      {"http://", "no host"},
      {"http://:80", "no host"},
      {"http://h:0", "port"},
      {"http://h:", "port"},
      {"http://h:65536", "port"},
      {"http://h:+80", "port"},
      {"http://h:80x", "port"},
      {"http://u:p@h", "user name"},
      {"http://h/x?y", "query"},
      {"http://h#x", "query"},
      {"http://h/a b", "space"},
      {"http://ho st/", "characters"},
      {"http://[::1", "']'"},
      {"http://[::1]80", "between"},
      {"http://[::g]:80", "IPv6"},
      {"unix:", "absolute path"},
      {"unix:x.sock", "absolute path"},
      {"unix:/" + std::string(107, 'x'), "longer"},
  };
  for (const Bad& each : cases) {
    const auto endpoint = Endpoint::parse(each.text);
    ASSERT_FALSE(endpoint) << each.text;
    EXPECT_THAT(endpoint.error().message(), HasSubstr(each.why)) << each.text;
  }
}

}  // namespace
}  // namespace rouse
