#include "proxy/wire/upstream_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace rouse::wire {
namespace {

std::string split(std::string_view path) {
  static const std::set<std::string> names{"a", "org/m", "org/m/q4", "ä"};
  const auto found =
      split_upstream(path, [](const std::string& name) { return names.contains(name); });
  return found ? found->name + " " + std::string(found->rest) : "none";
}

TEST(UpstreamPath, TheLongestNameWins) {
  EXPECT_EQ(split("a/v1/x"), "a /v1/x");
  EXPECT_EQ(split("org/m/v1"), "org/m /v1");
  EXPECT_EQ(split("org/m/q4/v1"), "org/m/q4 /v1");
  EXPECT_EQ(split("org/m"), "org/m ");
}

TEST(UpstreamPath, ASlashMayBeEscapedAndTheRestStaysAsItCame) {
  EXPECT_EQ(split("org%2Fm/a%2Fb//c/../d"), "org/m /a%2Fb//c/../d");
  EXPECT_EQ(split("%C3%A4/"), "ä /");
}

TEST(UpstreamPath, UnknownNamesAreNone) {
  EXPECT_EQ(split(""), "none");
  EXPECT_EQ(split("/a"), "none");
  EXPECT_EQ(split("b/a/v1"), "none");
  EXPECT_EQ(split("ab"), "none");
  EXPECT_EQ(split(std::string(100'000, '/')), "none");
}

TEST(UpstreamPath, ANameThatIsTooLongIsNotLookedUp) {
  std::size_t longest = 0;
  (void)split_upstream(std::string(5000, 'a') + "/b", [&](const std::string& name) {
    longest = std::max(longest, name.size());
    return false;
  });
  EXPECT_LE(longest, 1024U);
}

TEST(UpstreamPath, WhatOnlyShowsTheStateOfAnEngineIsAProbe) {
  for (const char* const path :
       {"/health", "/health/", "/props", "/metrics", "/slots", "/v1/models", "/v1/models/org/m",
        "/models", "/api/tags", "/queue"}) {
    EXPECT_TRUE(is_probe("GET", path)) << path;
    EXPECT_TRUE(is_probe("HEAD", path)) << path;
    EXPECT_FALSE(is_probe("POST", path)) << path;
  }
  for (const char* const path :
       {"/", "", "/v1/chat/completions", "/healthy", "/x/health", "/prompt"}) {
    EXPECT_FALSE(is_probe("GET", path)) << path;
  }
}

}  // namespace
}  // namespace rouse::wire
