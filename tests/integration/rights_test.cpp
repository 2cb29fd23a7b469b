// What a key of one rouse may do at another, whose key that one holds.
#include "base/text/sha256.hpp"
#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kPath = "/upstream/attic/big";

ProbeHeaders key(std::string_view text) {
  return {{"Authorization", "Bearer " + std::string(text)}};
}

std::string keys(std::string_view name, std::string_view more) {
  return fmt::format("keys: {{{0}: {{sha256: {1}, {2}}}}}\n", name, hex_of(sha256(name)), more);
}

TEST(Rights, AKeyMayNoMoreAtAPeerThanHere) {
  World box(models({fake_model("big"), fake_model("secret")},
                   keys("boss", "scopes: [infer, observe, control, captures]")));
  World front("models: {}\npeers: {attic: {proxy: \"" + box.url() +
              "\", models: [big, secret], apiKey: boss}}\n" +
              keys("agent", "scopes: [infer, wake], models: [\"*/big\"]"));
  const auto at = [](std::string_view below) { return std::string(kPath) + std::string(below); };
  const ProbeResponse chatted = front.post(at("/v1/chat/completions"), chat("big"), key("agent"));
  EXPECT_EQ(chatted.status, 200) << chatted.body;
  for (const char* const below : {"/unload", "/logs", "/api/captures/1", "/running", "/metrics",
                                  "/v1/models", "/upstream/secret/health", "/%75nload"}) {
    EXPECT_EQ(front.get(at(below), key("agent")).status, 403) << below;
  }
  for (const char* const below :
       {"/api/models/load/secret", "/api/config/reload", "/api/models/unload"}) {
    EXPECT_EQ(front.post(at(below), "", key("agent")).status, 403) << below;
  }
  EXPECT_EQ(front.post(at("/v1/chat/completions"), chat("secret"), key("agent")).status, 400);
  EXPECT_EQ(front.post(at("/v1/chat/completions"), R"({"messages":[]})", key("agent")).status, 400);
  EXPECT_EQ(front.get(at("/upstream/big/health"), key("agent")).status, 200);
  EXPECT_THAT(box.get("/running", key("boss")).body,
              AllOf(HasSubstr("\"big\""), Not(HasSubstr("\"secret\""))));
}

}  // namespace
}  // namespace rouse::test
