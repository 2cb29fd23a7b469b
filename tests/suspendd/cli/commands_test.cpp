#include "suspendd/cli/commands.hpp"

#include "tests/support/outline_checks.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/tree/tree.hpp"

#include <gtest/gtest.h>

namespace rouse::suspendd {
namespace {

TEST(Commands, HelpManualAndCompletionsHaveThemAll) {
  CommandLine line(suspendd_program());
  add_commands(line);
  test::expect_documented(line.outline());
}

TEST(Commands, TheManualOfTheConfigurationHasEveryKey) {
  test::expect_documented(suspendd_config_page(),
                          test::read_file(test::source_path("suspendd.example.yaml")));
}

}  // namespace
}  // namespace rouse::suspendd
