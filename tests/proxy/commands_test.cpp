#include "proxy/cli/commands.hpp"

#include "tests/support/outline_checks.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/tree/tree.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace rouse
