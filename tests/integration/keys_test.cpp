#include "base/text/sha256.hpp"
#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

ProbeHeaders bearer(std::string_view key) {
  return {{"Authorization", "Bearer " + std::string(key)}};
}

/// As `rouse key` and sha256sum print it.
std::string sha256_hex(std::string_view key) {
  std::string text;
  for (const auto byte : sha256(key)) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

std::string keys(std::string_view more = "") {
  return fmt::format(
      "keys:\n"
      "  agent: {{sha256: {}, models: [\"a\"], requestsPerMinute: 3}}\n"
      "  boss: {{sha256: {}, scopes: [infer, observe, control]}}\n"
      "  old: {{sha256: {}, expires: 2020-01-01T00:00:00Z}}\n{}",
      sha256_hex("agent-key"), sha256_hex("boss-key"), sha256_hex("old-key"), more);
}

TEST(Keys, HaveScopesModelsAndLimits) {
  World world(models({fake_model("a"), fake_model("b")}, keys()));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 401);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("wrong")).status, 401);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("old-key")).status, 403);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("agent-key")).status, 200);
  const ProbeResponse forbidden = world.post(kChat, chat("b"), bearer("agent-key"));
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_THAT(forbidden.body, HasSubstr("model_forbidden"));
  EXPECT_EQ(world.post("/api/models/unload/a", "", bearer("agent-key")).status, 403);
  EXPECT_EQ(world.post("/api/models/unload/a", "", bearer("boss-key")).status, 200);
  EXPECT_EQ(world.get("/v1/models", bearer("agent-key")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("agent-key")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("agent-key")).status, 200);
  const ProbeResponse limited = world.post(kChat, chat("a"), bearer("agent-key"));
  EXPECT_EQ(limited.status, 429);
  EXPECT_TRUE(limited.has_header("retry-after"));
  const std::string scrape = world.get("/metrics", bearer("boss-key")).body;
  EXPECT_THAT(scrape, HasSubstr(R"(client="agent",model="a",outcome="ok"} 3)"));
  EXPECT_THAT(scrape,
              HasSubstr(R"(rouse_rejected_requests_total{client="agent",reason="rate"} 1)"));
  EXPECT_THAT(world.log(), Not(HasSubstr("agent-key")));
}

TEST(Keys, TheListingHasWhatTheyMayUse) {
  const auto key = [](std::string_view name, std::string_view models) {
    return fmt::format("  {0}: {{sha256: {1}, scopes: [infer], models: [{2}]}}\n", name,
                       sha256_hex(name), models);
  };
  World world(models({fake_model("a", "", "    aliases: [x, y]\n"), fake_model("b")},
                     "keys:\n" + key("by-id", "a") + key("by-alias", "x") + key("by-peer", "m") +
                         key("by-selector", "s") + key("all", "\"*\"") +
                         "selectors: {s: {strategy: pin, targets: [b]}}\n"
                         "peers: {far: {proxy: \"http://127.0.0.1:1\", models: [m]}}\n"));
  const auto listed = [&](std::string_view who, std::string_view path = "/v1/models") {
    return world.get(path, bearer(who)).body;
  };
  const auto id = [](std::string_view name) { return fmt::format(R"("id":"{}")", name); };
  for (const char* const name : {"a", "b", "s", "far/m"}) {
    EXPECT_THAT(listed("all"), HasSubstr(id(name)));
  }
  EXPECT_THAT(listed("by-id"), HasSubstr(id("a")));
  for (const char* const name : {"b", "s", "far/m"}) {
    EXPECT_THAT(listed("by-id"), Not(HasSubstr(id(name))));
  }
  EXPECT_THAT(listed("by-alias"), HasSubstr(id("x"))) << "the name that it may use";
  EXPECT_THAT(listed("by-alias"), Not(HasSubstr(id("a"))));
  EXPECT_THAT(listed("by-alias"), Not(HasSubstr(id("y"))));
  EXPECT_THAT(listed("by-peer"), HasSubstr(id("m")));
  EXPECT_THAT(listed("by-peer"), Not(HasSubstr(id("far/m"))));
  EXPECT_THAT(listed("by-selector"), HasSubstr(id("s")));
  EXPECT_THAT(listed("by-selector"), Not(HasSubstr(id("b"))));
  for (const ProbeResponse& unknown : {world.post(kChat, chat("nobody"), bearer("by-id")),
                                       world.get("/upstream/nobody/x", bearer("by-id")),
                                       world.get("/v1/models/b", bearer("by-id"))}) {
    EXPECT_EQ(unknown.status, 404);
    EXPECT_THAT(unknown.body, HasSubstr("there are: a"));
    EXPECT_THAT(unknown.body, Not(HasSubstr("a, b"))) << "no name that it may not use";
  }
  EXPECT_EQ(world.get("/v1/models/b", bearer("by-id")).status, 404);
  EXPECT_EQ(world.get("/v1/models/a", bearer("by-id")).status, 200);
  EXPECT_EQ(world.get("/v1/models/x", bearer("by-alias")).status, 200);
}

TEST(Keys, AReloadTakesThemAnew) {
  World world(models({fake_model("a")}, keys()));
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("agent-key")).status, 200);
  world.write_config(models({fake_model("a")}, "apiKeys: [other]"));
  EXPECT_EQ(world.post("/api/config/reload", "", bearer("boss-key")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("agent-key")).status, 401);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer("other")).status, 200);
}

TEST(Origins, APreflightIsAnsweredBeforeKeysAreLookedAt) {
  World world(models({fake_model("a")}, keys()));
  const ProbeResponse answer =
      http(world.port(), "OPTIONS", "/any/path", "",
           {{"Origin", "http://page"}, {"Access-Control-Request-Headers", "X-One, b@d"}});
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
  EXPECT_THAT(answer.header("access-control-allow-headers"), HasSubstr("X-One"));
}

TEST(Origins, APageElsewhereCannotControl) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const ProbeHeaders page{{"Origin", "http://evil.example"}};
  EXPECT_EQ(world.post("/api/models/unload", "", page).status, 403);
  EXPECT_EQ(world.get("/unload", page).status, 403);
  EXPECT_EQ(world.get("/v1/models", page).header("access-control-allow-origin"),
            "http://evil.example");
}

TEST(Origins, AnAllowListDecidesWhoReads) {
  World world(models({fake_model("a")}, "cors: {origins: [\"http://ui.example\"]}"));
  const ProbeResponse good = world.post(kChat, chat("a", true), {{"Origin", "http://ui.example"}});
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.header("access-control-allow-origin"), "http://ui.example");
  EXPECT_EQ(world.post(kChat, chat("nobody"), {{"Origin", "http://ui.example"}})
                .header("access-control-allow-origin"),
            "http://ui.example")
      << "errors can be read, too";
  EXPECT_EQ(world.post(kChat, chat("a"), {{"Origin", "http://evil.example"}}).status, 403);
}

TEST(Keys, TheEnginesOwnIsSentToItInsteadOfTheClients) {
  const TempDir dir;
  World world(models({fake_model("a", "--record " + (dir / "record"), "    apiKey: sesame\n")}));
  EXPECT_EQ(
      world.post("/v1/chat/completions", chat("a"), {{"Authorization", "Bearer mine"}}).status,
      200);
  EXPECT_EQ(world.get("/upstream/a/fake/mirror").status, 200);
  const std::string seen = read_file(dir / "record");
  EXPECT_THAT(seen, HasSubstr(R"(uthorization","Bearer sesame"])"));
  EXPECT_THAT(seen, Not(HasSubstr("mine")));
}

}  // namespace
}  // namespace rouse::test
