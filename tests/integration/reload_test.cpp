#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kReload = "/api/config/reload";

/// The pid of the engine of @p model as /api/queue tells it; "" while there is none.
std::string pid_of(const World& world, std::string_view model) {
  const std::string text = world.get("/api/queue").body;
  const std::size_t at = text.find(fmt::format("\"model\":\"{}\"", model));
  if (at == std::string::npos) return {};
  const std::size_t pid = text.find("\"pid\":", at);
  const std::size_t end = text.find('}', at);
  if (pid == std::string::npos || pid > end) return {};
  return text.substr(pid + 6, text.find_first_of(",}", pid) - pid - 6);
}

TEST(Reload, FiftyUnderLoadChangeNoPidAndCutNoStream) {
  const std::string both = "groups: {both: {swap: false, members: [a, b]}}";
  const std::string a = fake_model("a", "--tps 50 --tokens 200");
  const std::string b = fake_model("b");
  World world(models({a, b}, both));
  HttpProbe streaming = world.connect();
  ASSERT_TRUE(streaming.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = streaming.read_head();
  ASSERT_TRUE(streaming.read_until(stream, "data:"));
  ASSERT_EQ(world.post(kChat, chat("b")).status, 200);
  const std::string before = pid_of(world, "a") + " " + pid_of(world, "b");
  for (int i = 0; i < 50; ++i) {
    // A key that starts nothing anew changes each time.
    world.write_config(models({a, b}, both + fmt::format("\nschedule: {{queueMax: {}}}", 100 + i)));
    if (i % 2 == 0) {
      EXPECT_EQ(world.post(kReload, "").status, 200);
    } else {
      world.signal(SIGHUP);
    }
    EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  }
  EXPECT_EQ(pid_of(world, "a") + " " + pid_of(world, "b"), before);
  while (streaming.read_piece(stream)) {
  }
  EXPECT_TRUE(stream.clean());
  EXPECT_THAT(stream.body, HasSubstr("[DONE]"));
  EXPECT_TRUE(world.wait_for_log("reload after SIGHUP: 2 models; all engines go on"));
}

TEST(Reload, ABrokenFileChangesNothingAndSaysWhy) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const std::string before = pid_of(world, "a");
  world.write_config("models: {a: {cmd: [1]}}\nnonsens: 1\n");
  const ProbeResponse answer = world.post(kReload, "");
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, HasSubstr("models.a.cmd"));
  EXPECT_THAT(world.get("/metrics").body, HasSubstr("rouse_config_last_reload_successful 0"));
  world.signal(SIGHUP);
  EXPECT_TRUE(world.wait_for_log("reload after SIGHUP: the configuration has errors"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(pid_of(world, "a"), before);
}

TEST(Reload, AFileThatIsEmptiedOrHalfWrittenStopsNothing) {
  const std::string whole = models({fake_model("a")}, "apiKeys: [k]");
  World world(whole);
  const ProbeHeaders key{{"Authorization", "Bearer k"}};
  EXPECT_EQ(world.post(kChat, chat("a"), key).status, 200);
  const auto pid = [&] {
    const std::string text = world.get("/api/queue", key).body;
    const std::size_t at = text.find("\"pid\":");
    return at == std::string::npos ? text : text.substr(at, text.find_first_of(",}", at) - at);
  };
  const std::string before = pid();
  for (const char* const text : {"", "\n \n", "# models:\n", "models:\n", "logLevel: info\n",
                                 "models:\n  a:\n    cm", "models: {a: {cmd: \"fake"}) {
    world.write_config(text);
    const ProbeResponse answer = world.post(kReload, "", key);
    EXPECT_EQ(answer.status, 422) << text;
    EXPECT_EQ(pid(), before) << text;
  }
  EXPECT_THAT(world.post(kReload, "", key).body, HasSubstr("is never closed"));
  // Without its keys, a file would let everybody in.
  world.write_config(models({fake_model("a")}));
  EXPECT_THAT(world.post(kReload, "", key).body, HasSubstr("has no keys at all"));
  EXPECT_EQ(world.get("/api/queue").status, 401);
  world.write_config("");
  world.signal(SIGHUP);
  EXPECT_TRUE(world.wait_for_log("reload after SIGHUP: not taken"));
  EXPECT_EQ(pid(), before);
  // What the file says, is done.
  world.write_config("models: {}\nkeys: {}\n");
  EXPECT_EQ(world.post(kReload, "", key).status, 200);
  EXPECT_TRUE(world.wait_for_log("a is gone"));
}

TEST(Reload, AChangedLaunchServesWhoItHasAndIsReplaced) {
  const std::string a = fake_model("a", "--tps 20 --tokens 20");
  World world(models({a}));
  HttpProbe streaming = world.connect();
  ASSERT_TRUE(streaming.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = streaming.read_head();
  ASSERT_TRUE(streaming.read_until(stream, "data:"));
  const std::string before = pid_of(world, "a");
  world.write_config(models({fake_model("a", "--tokens 3")}));
  const ProbeResponse answer = world.post(kReload, "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("replaced":["a"])"));
  HttpProbe next = world.connect();
  ASSERT_TRUE(next.send_request("POST", kChat, chat("a")));
  while (streaming.read_piece(stream)) {
  }
  EXPECT_THAT(stream.body, HasSubstr("[DONE]")) << "the old one finished what it served";
  EXPECT_EQ(next.read_response().status, 200);
  EXPECT_NE(pid_of(world, "a"), before);
}

TEST(Reload, ModelsComeAndGo) {
  const std::string a = fake_model("a");
  const std::string b = fake_model("b");
  World world(models({a}));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 404);
  world.write_config(models({b}));
  EXPECT_EQ(world.post(kReload, "").status, 200);
  EXPECT_EQ(world.post(kChat, chat("a")).status, 404);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  EXPECT_TRUE(world.wait_for_log("a is gone"));
  EXPECT_THAT(world.get("/v1/models").body, Not(HasSubstr(R"("id":"a")")));
}

TEST(Reload, AModelMoreDoesNotMoveThePortsOfTheOthers) {
  const std::string program = built_program("fake_engine");
  const auto entry = [&](std::string_view id) {
    return fmt::format("  {0}:\n    cmd: {1} --name {0} --port ${{PORT}}\n", id, program);
  };
  const std::string start = fmt::format("startPort: {}", free_port(3));
  World world(models({entry("m")}, start));
  EXPECT_EQ(world.post(kChat, chat("m")).status, 200);
  const std::string before = pid_of(world, "m");
  world.write_config(models({entry("a"), entry("m")}, start));
  EXPECT_THAT(world.post(kReload, "").body, HasSubstr(R"("replaced":[])"));
  EXPECT_EQ(world.post(kChat, chat("m")).status, 200);
  EXPECT_EQ(pid_of(world, "m"), before);
}

TEST(Reload, AWatchedFileIsReloadedAlsoWhenALinkIsSwapped) {
  WorldOptions options;
  options.args = {"--watch-config"};
  options.start = false;
  World world(models({fake_model("a")}), options);
  const TempDir versions;
  const std::string first = versions.write("1.yaml", read_file(world.config_file()));
  const std::string second = versions.write("2.yaml", models({fake_model("b")}));
  std::filesystem::remove(world.config_file());
  std::filesystem::create_symlink(first, world.config_file());
  world.start();
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  const std::string fresh = world.config_file() + ".new";
  std::filesystem::create_symlink(second, fresh);
  std::filesystem::rename(fresh, world.config_file());
  ASSERT_TRUE(world.wait_for_log("reload after a change of a file"));
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
}

}  // namespace
}  // namespace rouse::test
