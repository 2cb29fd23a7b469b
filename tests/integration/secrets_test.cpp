// Where secrets must not be seen, with the built programs: environments of engines, what is told of
// them, and files.
#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace rouse::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

std::string environment_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/environ", pid), std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::replace(text.begin(), text.end(), '\0', '\n');
  return "\n" + text;
}

ProbeHeaders bearer() {
  return {{"Authorization", "Bearer sesame-admin"}};
}

const std::vector<std::string> kEnvironment{"T_ADMIN=sesame-admin", "T_PEER=sesame-peer",
                                            "T_OWN=sesame-own", "ROUSE_KEY=sesame-key",
                                            "T_HF_TOKEN=sesame-token"};

TEST(Secrets, AreNotInTheEnvironmentOfAnEngine) {
  World world(
      models({fake_model("a", "", "    env: [\"OWN=${env.T_OWN}\"]\n")},
             "apiKeys: [\"${env.T_ADMIN}\"]\n"
             "peers: {p: {proxy: http://127.0.0.1:9, apiKey: \"${env.T_PEER}\", models: [x]}}"),
      {.env = kEnvironment});
  ASSERT_EQ(world.post(kChat, chat("a"), bearer()).status, 200);
  const std::vector<pid_t> engines = world.children();
  ASSERT_EQ(engines.size(), 1U);
  EXPECT_THAT(
      environment_of(engines.front()),
      AllOf(Not(HasSubstr("T_ADMIN=")), Not(HasSubstr("T_PEER=")), Not(HasSubstr("ROUSE_KEY=")),
            HasSubstr("\nOWN=sesame-own\n"), HasSubstr("\nPATH=")));
}

TEST(Secrets, AreNotShownOfWhatRuns) {
  World world(
      models({fake_model("a", "--api-key sesame-plain"),
              "  b:\n    cmd: /bin/sh -c 'echo it is ${env.T_HF_TOKEN} and sesame-plain; exit 3' "
              "x --api-key sesame-plain\n    proxy: http://127.0.0.1:9\n"}),
      {.env = kEnvironment});
  const ProbeResponse failed = world.post(kChat, chat("b"));
  EXPECT_GE(failed.status, 500);
  (void)world.post("/api/models/load/b", "");
  for (const char* const target :
       {"/running", "/api/explain", "/api/queue", "/api/metrics/activity"}) {
    EXPECT_THAT(world.get(target).body, Not(HasSubstr("sesame"))) << target;
  }
  EXPECT_THAT(failed.body, Not(HasSubstr("sesame")));
  EXPECT_TRUE(world.wait_for_log("it is *** and ***")) << world.log();
  EXPECT_THAT(world.log(), Not(HasSubstr("sesame")));
}

TEST(Secrets, StateIsForItsOwnerAlone) {
  TempDir state;
  ASSERT_EQ(::chmod(state.path().c_str(), 0755), 0);
  ::umask(022);
  const std::string store = state / "history.sqlite";
  std::ofstream(store + ".lock") << "";
  {
    World world(models({fake_model("a")}, "store: {path: " + store + "}"),
                {.args = {"--state-dir", state.path().string()}});
    ASSERT_EQ(world.post(kChat, chat("a")).status, 200);
    struct stat seen {};
    ASSERT_EQ(::stat(state.path().c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0067U, 0U);
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(state.path())) {
      ASSERT_EQ(::stat(entry.path().c_str(), &seen), 0);
      EXPECT_EQ(seen.st_mode & 0077U, 0U) << entry.path();
      ++files;
    }
    EXPECT_GE(files, 2) << "the engines', the history";
  }
}

TEST(Flood, OfSilentConnectionsLeavesHealthChecksAndKeysTheirPlaces) {
  World world(models({fake_model("a")},
                     "apiKeys: [sesame-admin]\nlimits: {connectionsMax: 50, headTimeout: 30s}"));
  std::vector<HttpProbe> silent;
  for (int i = 0; i < 60; ++i) silent.push_back(world.connect());
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(world.get("/health").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(world.get("/v1/models", bearer()).status, 200);
  EXPECT_EQ(world.post(kChat, chat("a"), bearer()).status, 200);
  EXPECT_EQ(world.get("/v1/models").status, 503);
}

TEST(Flood, AConnectionThatNeverSaysAWordEnds) {
  World world(models({fake_model("a")}, "limits: {headTimeout: 1s, idleTimeout: 1m}"));
  HttpProbe client = world.connect();
  EXPECT_TRUE(client.peer_closes(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace rouse::test
