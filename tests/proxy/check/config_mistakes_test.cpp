#include "proxy/check/findings.hpp"
#include "proxy/config/config.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

// Mistakes that people make in a configuration, and all that they are told of them. A mistake is
// two files in tests/data/mistakes: NAME.yaml, and NAME.txt with the whole of what `rouse check`
// says, a line for each message. To add one: write NAME.yaml, run this test, read what it prints as
// if you had never seen rouse, and copy it to NAME.txt when it says place, meaning and remedy and
// nothing that is not true. kExpected has those that must not get lost.

namespace rouse {
namespace {

constexpr const char* kExpected[] = {
    "alias_twice",
    "bad_matrix",
    "cmd_as_a_list",
    "duplicate_key",
    "empty",
    "fixed_port_clash",
    "json_in_cmd",
    "latin1",
    "lowercase_port",
    "macro_above_its_definition",
    "macro_cycle",
    "missing_cmd",
    "missing_port",
    "model_for_models",
    "models_as_a_list",
    "models_not_indented",
    "negative_ttl",
    "old_profiles",
    "open_quote",
    "own_port",
    "shell_syntax",
    "tab",
    "three_for_four",
    "ttl_with_a_unit",
    "unknown_key",
};

std::vector<std::string> mistakes() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test::test_data("mistakes"))) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// All that is said of the file, with its name alone in the places: what is wrong with it, and what
/// would go wrong on whatever machine it is for.
std::string told(const std::string& name) {
  const std::filesystem::path file = test::test_data("mistakes") / (name + ".yaml");
  const LoadedConfig loaded = load_config({.file = file.string(), .dir = {}});
  std::string out;
  for (Problem problem : loaded.problems) {
    problem.place.file = std::filesystem::path(problem.place.file).filename().string();
    out += problem.str() + "\n";
  }
  if (!loaded.config) return out;
  CheckedPlace place;
  place.files = &unseen_files();
  place.tells_exposure = false;
  for (Finding finding : find_findings(loaded, place)) {
    finding.place.file = std::filesystem::path(finding.place.file).filename().string();
    out += finding.str() + "\n";
  }
  return out;
}

class ConfigMistake : public testing::TestWithParam<std::string> {};

TEST_P(ConfigMistake, IsToldInAPersonsWords) {
  const std::filesystem::path file = test::test_data("mistakes") / (GetParam() + ".txt");
  EXPECT_EQ(told(GetParam()), test::read_file(file));
}

INSTANTIATE_TEST_SUITE_P(Table, ConfigMistake, testing::ValuesIn(mistakes()),
                         [](const auto& each) { return each.param; });

TEST(ConfigMistakes, HaveNoneMissing) {
  const std::vector<std::string> there = mistakes();
  EXPECT_THAT(there, testing::IsSupersetOf(kExpected));
}

}  // namespace
}  // namespace rouse
