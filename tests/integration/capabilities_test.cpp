// What models can do is asked of their engines, remembered, and told to whoever asks.
#include "tests/integration/peer_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

bool lists(const World& world, const std::string& text) {
  return wait_until([&] { return world.get("/v1/models").body.find(text) != std::string::npos; });
}

/// What a llama-server that sees and calls tools says of itself.
std::string seeing_props(const TempDir& dir, int context = 4096) {
  return dir.write("props.json", fmt::format(R"({{"default_generation_settings":{{"n_ctx":{}}},)"
                                             R"("modalities":{{"vision":true,"audio":false}},)"
                                             R"("chat_template_caps":{{"supports_tools":true}}}})",
                                             context));
}

TEST(Capabilities, AreAskedOfAnEngineAndTold) {
  const TempDir dir;
  World world(models({fake_model("a", "--props " + seeing_props(dir), "    aliases: [x]\n")},
                     "selectors: {s: {strategy: pin, targets: [a]}}\n"
                     "profiles: {p: {pins: {pinned: a}}}\nincludeAliasesInList: true"));
  EXPECT_THAT(world.get("/v1/models").body, Not(HasSubstr("context_length")));
  HttpProbe listener = world.connect();
  ASSERT_TRUE(listener.send_request("GET", "/api/events"));
  ProbeResponse events = listener.read_head();
  ASSERT_TRUE(listener.read_until(events, "uiConfig"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  ASSERT_TRUE(lists(world, R"("context_length":4096,"max_model_len":4096)"));
  const std::string list = world.get("/v1/models/a").body;
  EXPECT_THAT(list, HasSubstr(R"("capabilities":{"vision":true,"function_calling":true})"));
  EXPECT_THAT(list, HasSubstr(R"("input_modalities":["text","image"])"));
  EXPECT_THAT(list, HasSubstr(R"("n_ctx":4096)"));
  for (const char* const name : {"x", "s"}) {
    EXPECT_THAT(world.post("/api/show", fmt::format(R"({{"model":"{}"}})", name)).body,
                AllOf(HasSubstr(R"("rouse.context_length":4096)"),
                      HasSubstr(R"("capabilities":["completion","tools","vision"])")))
        << name;
  }
  http(world.port(), "PUT", "/api/profiles/active", R"({"name":"p"})");
  const std::string all = world.get("/v1/models").body;
  const std::size_t pinned = all.find(R"("id":"pinned")");
  ASSERT_NE(pinned, std::string::npos);
  EXPECT_THAT(all.substr(pinned, 400), HasSubstr(R"("context_length":4096)"));
  EXPECT_TRUE(listener.read_until(
      events,
      R"(\"capabilities\":{\"vision\":true,\"function_calling\":true},\"context_length\":4096)"));
}

TEST(Capabilities, AreKnownOverARestartUntilTheCommandIsAnother) {
  const std::string entry = fake_model("a", "-c 4096");
  World world(models({entry}));
  EXPECT_THAT(world.get("/v1/models").body, HasSubstr(R"("n_ctx":4096)")) << "as its command says";
  EXPECT_EQ(world.get("/upstream/a/props").status, 409);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const std::string kept = world.dir() / "state/capabilities.json";
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(kept); }));
  EXPECT_EQ(world.stop(), 0);
  world.start();
  EXPECT_THAT(world.children(), IsEmpty());
  for (const char* const target :
       {"/upstream/a/props", "/upstream/a/props?x=1", "/props?model=a", "/upstream/a/v1/models"}) {
    const ProbeResponse got = world.get(target);
    EXPECT_EQ(got.status, 200) << target;
    EXPECT_THAT(got.header("x-rouse-remembered"), HasSubstr("T")) << target;
    EXPECT_EQ(got.header("content-type"), "application/json; charset=utf-8");
  }
  EXPECT_THAT(world.get("/upstream/a/props").body, HasSubstr(R"("n_ctx":4096)"));
  EXPECT_EQ(http(world.port(), "HEAD", "/upstream/a/props").status, 200);
  EXPECT_EQ(world.get("/upstream/a/health").status, 409) << "that is known of one that runs only";
  EXPECT_EQ(http(world.port(), "POST", "/props?model=a", "{}").status, 405);
  EXPECT_THAT(world.children(), IsEmpty()) << "who looks loads nothing";
  world.write_config(models({entry.substr(0, entry.find("-c 4096")) + "-c 8192 \n" +
                             entry.substr(entry.find('\n', entry.find("-c 4096")) + 1)}));
  ASSERT_EQ(world.post("/api/config/reload", "").status, 200);
  EXPECT_EQ(world.get("/upstream/a/props").status, 409);
  EXPECT_THAT(world.get("/v1/models").body, HasSubstr(R"("n_ctx":8192)"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const ProbeResponse live = world.get("/upstream/a/props");
  EXPECT_THAT(live.body, HasSubstr(R"("n_ctx":8192)"));
  EXPECT_EQ(live.header("x-rouse-remembered"), "") << "the engine itself has answered";
}

TEST(Capabilities, AreNotAskedWhereThatIsOff) {
  World world(models({fake_model("a", "-c 4096", "    capabilities: {disableAuto: true}\n"),
                      fake_model("b", "-c 4096")},
                     "routing: {router: {use: group, settings: {groups: {g: {swap: false, "
                     "members: [a, b]}}}}}"));
  for (const char* const model : {"a", "b"}) {
    EXPECT_EQ(world.post(kChat, chat(model)).status, 200);
  }
  ASSERT_TRUE(wait_until([&] {
    return world.get("/upstream/b/fake/stats").body.find(R"("props":1)") != std::string::npos;
  }));
  EXPECT_THAT(world.get("/upstream/a/fake/stats").body, HasSubstr(R"("props":0)"));
  EXPECT_THAT(world.get("/v1/models/a").body, Not(HasSubstr("4096")));
}

TEST(Capabilities, AContradictionIsToldOnceWithBothFigures) {
  World world(models({fake_model("qwen", "-c 4096", "    capabilities: {context: 256000}\n")}));
  const std::string text = "models: qwen: capabilities.context says 256000, the engine says 4096";
  EXPECT_TRUE(world.wait_for_log(
      "models.qwen.capabilities.context: says 256000, and the command has -c 4096"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(world.post(kChat, chat("qwen")).status, 200);
    ASSERT_TRUE(world.wait_for_log(text));
    EXPECT_EQ(world.post("/api/models/unload", "").status, 200);
  }
  EXPECT_THAT(world.get("/v1/models").body, HasSubstr(R"("context_length":256000)"))
      << "what is typed counts";
  const std::string log = world.log();
  EXPECT_EQ(log.find(text), log.rfind(text));
}

TEST(Capabilities, WhoAsksForThemIsInNobodysWay) {
  World world(models({fake_model("a", "--hang-props", "    ttl: 1\n    concurrencyLimit: 1\n")}));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4s);
  EXPECT_TRUE(wait_until([&] { return world.children().empty(); }, 8s)) << "its ttl counts on";
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const auto stops = std::chrono::steady_clock::now();
  EXPECT_EQ(world.post("/api/models/unload", "").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - stops, 4s);
}

TEST(Capabilities, ABrokenFileOfThemIsAWarning) {
  World world(models({fake_model("a")}), {.start = false});
  std::filesystem::create_directories(world.dir() / "state");
  world.dir().write("state/capabilities.json", "{");
  world.start();
  EXPECT_TRUE(world.wait_for_log("it is forgotten, and each engine is asked anew"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
}

TEST(Capabilities, OfAPeersModelsAreThoseThatItTells) {
  PeerWorld world("-c 4096");
  const std::string told = R"("id":"attic/big","object":"model")";
  ASSERT_EQ(world.front.post(kChat, chat("big")).status, 200);
  ASSERT_TRUE(lists(world.front, R"("context_length":4096)"));
  EXPECT_THAT(world.front.get("/v1/models/attic/big").body,
              AllOf(HasSubstr(told), HasSubstr(R"("n_ctx":4096)")));
  HttpProbe listener = world.front.connect();
  ASSERT_TRUE(listener.send_request("GET", "/api/events"));
  ProbeResponse events = listener.read_head();
  ASSERT_TRUE(listener.read_until(events, "uiConfig"));
  EXPECT_THAT(events.body, HasSubstr(R"(\"context_length\":4096})"));
  EXPECT_THAT(world.front.post("/api/show", R"({"model":"big"})").body,
              HasSubstr(R"("rouse.context_length":4096)"));
  world.sleep();
  ASSERT_TRUE(world.becomes("asleep"));
  EXPECT_EQ(world.front.stop(), 0);
  world.front.start();
  EXPECT_THAT(world.front.get("/v1/models").body, HasSubstr(R"("context_length":4096)"))
      << "also while it sleeps";
  EXPECT_FALSE(world.was_woken());
}

TEST(Capabilities, ThatAPeerLearnsLaterAreHeardOf) {
  const TempDir dir;
  PeerWorld world("--props " + seeing_props(dir));
  EXPECT_TRUE(wait_until(
      [&] {
        EXPECT_EQ(world.front.post(kChat, chat("big")).status, 200);
        return world.front.get("/v1/models").body.find(R"("vision":true)") != std::string::npos;
      },
      10s));
}

}  // namespace
}  // namespace rouse::test
