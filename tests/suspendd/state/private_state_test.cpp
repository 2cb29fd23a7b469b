// What is kept, and what programs get of the environment, is no business of others.
#include "suspendd/config/config.hpp"
#include "suspendd/state/state_dir.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

namespace rouse::suspendd {
namespace {

using std::filesystem::perms;
using testing::UnorderedElementsAre;

TEST(StateDir, ClosesWhatAnEarlierVersionLeftOpen) {
  const test::TempDir dir;
  const std::string file = dir.write("history.jsonl", "{}\n");
  std::filesystem::permissions(file, perms(0644));
  std::filesystem::permissions(dir.path(), perms(0777));
  StateDir state(dir.path().string());
  ASSERT_TRUE(state.open());
  EXPECT_EQ(std::filesystem::status(file).permissions(), perms(0600));
  EXPECT_EQ(std::filesystem::status(dir.path()).permissions(), perms(0710));
}

TEST(StateDir, FollowsNoLinkAndKeepsNoModeOfWhatWasLeftOver) {
  const test::TempDir dir;
  StateDir state(dir.path().string());
  ASSERT_TRUE(state.open());
  const std::string fresh = dir.write("state.json.new", "{}");
  std::filesystem::permissions(fresh, perms(0644));
  ASSERT_TRUE(state.save({}));
  EXPECT_EQ(std::filesystem::status(dir / "state.json").permissions(), perms(0600));
  const std::string victim = dir.write("victim", "kept");
  for (const char* const name : {"state.json.new", "history.jsonl", ".write-test"}) {
    std::filesystem::create_symlink(victim, dir / name);
  }
  EXPECT_FALSE(state.save({}));
  EXPECT_FALSE(state.add_history("{}"));
  EXPECT_FALSE(state.open());
  EXPECT_EQ(test::read_file(victim), "kept");
}

TEST(SuspenddSecrets, AreTheVariablesThatNoCommandNames) {
  for (const char* const name : {"T_NOTICE", "T_HOOK", "T_CHECK"}) ::setenv(name, "x", 1);
  const LoadedConfig loaded = parse_config(
      "notify: {webhook: \"http://192.0.2.1/x\", token: \"${env.T_NOTICE}\"}\n"
      "hooks: {post_resume: {command: [/bin/true, \"${env.T_HOOK}\"]}}\n"
      "checks: [{kind: command, command: [/bin/true, \"${env.T_CHECK}\", \"${env.T_NOTICE}\"]}]\n"
      "relay: {token: \"${env.T_HOOK}\"}\n",
      "s.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  ASSERT_TRUE(loaded.config);
  EXPECT_TRUE(loaded.config->withheld.empty()) << "each is named by a command, too";
  const LoadedConfig other = parse_config(
      "notify: {webhook: \"http://192.0.2.1/x\", token: \"${env.T_NOTICE}\"}\n"
      "hooks: {post_resume: {command: [\"${env.HOME}/x\", \"${env.T_HOOK}\"]}}\n",
      "s.yaml");
  ASSERT_TRUE(other.config);
  EXPECT_THAT(other.config->withheld, UnorderedElementsAre("T_NOTICE"));
}

}  // namespace
}  // namespace rouse::suspendd
