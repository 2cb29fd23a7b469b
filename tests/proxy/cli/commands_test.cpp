#include "proxy/cli/commands.hpp"

#include "proxy/config/config.hpp"
#include "tests/support/outline_checks.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/tree/tree.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace rouse {
namespace {

TEST(Commands, HelpManualAndCompletionsHaveThemAll) {
  CommandLine line(rouse_program());
  add_commands(line);
  test::expect_documented(line.outline());
}

TEST(Commands, TheManualOfTheConfigurationHasEveryKey) {
  test::expect_documented(rouse_config_page(),
                          test::read_file(test::source_path("config.example.yaml")));
}

/// A unit or a compose file that was written for llama-swap goes on working.
TEST(Commands, TakeEveryOptionOfLlamaSwap) {
  CommandLine line(rouse_program());
  add_commands(line);
  const CliOutline outline = line.outline();
  const CliCommandOutline* const serve = outline.find(outline.program.default_command);
  ASSERT_NE(serve, nullptr);
  for (const char* name : {"--config", "--config-dir", "--listen", "--tls-cert-file",
                           "--tls-key-file", "--watch-config", "--version"}) {
    EXPECT_NE(outline.find_option(serve, name), nullptr) << name;
  }
}

TEST(Commands, TellWhoeverComesFromWolProxyWhichConfigurationDoesTheSame) {
  CommandLine line(rouse_program());
  add_commands(line);
  const std::vector<const char*> argv{"rouse",
                                      "-mac",
                                      "aa:bb:cc:dd:ee:ff",
                                      "-upstream",
                                      "http://192.168.1.13:8080",
                                      "-listen",
                                      ":8080",
                                      "-log",
                                      "debug",
                                      "-timeout",
                                      "90"};
  testing::internal::CaptureStderr();
  EXPECT_EQ(line.run(static_cast<int>(argv.size()), argv.data()), 2);
  const std::string said = testing::internal::GetCapturedStderr();
  const std::string yaml = said.substr(said.find("peers:"));
  const LoadedConfig loaded = parse_config(yaml, "said.yaml");
  ASSERT_TRUE(loaded.config) << said;
  EXPECT_TRUE(loaded.problems.empty()) << said;
  const PeerConfig& peer = loaded.config->peers.at("upstream");
  EXPECT_EQ(peer.endpoint.authority(), "192.168.1.13:8080");
  ASSERT_TRUE(peer.wake);
  EXPECT_EQ(peer.wake->plan.macs.size(), 1U);
  EXPECT_EQ(peer.wake->timeout, std::chrono::seconds(90));
}

}  // namespace
}  // namespace rouse
