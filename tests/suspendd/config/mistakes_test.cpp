#include "suspendd/config/config.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

// The same table as tests/proxy/check/config_mistakes_test.cpp, for suspendd.yaml: NAME.yaml and,
// whole, what is said of it in NAME.txt, both in tests/data/suspendd_mistakes.

namespace rouse::suspendd {
namespace {

std::vector<std::string> mistakes() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::test_data("suspendd_mistakes"))) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string told(const std::string& name) {
  const std::filesystem::path file = test::test_data("suspendd_mistakes") / (name + ".yaml");
  std::string out;
  for (Problem problem : load_config(file.string()).problems) {
    problem.place.file = file.filename().string();
    out += problem.str() + "\n";
  }
  return out;
}

class SuspenddMistake : public testing::TestWithParam<std::string> {};

TEST_P(SuspenddMistake, IsToldInAPersonsWords) {
  const std::filesystem::path file = test::test_data("suspendd_mistakes") / (GetParam() + ".txt");
  EXPECT_EQ(told(GetParam()), test::read_file(file));
}

INSTANTIATE_TEST_SUITE_P(Table, SuspenddMistake, testing::ValuesIn(mistakes()),
                         [](const auto& each) { return each.param; });

TEST(SuspenddMistakes, HaveNoneMissing) {
  EXPECT_THAT(mistakes(),
              testing::IsSupersetOf({"misspelt_section", "unknown_section", "section_not_indented",
                                     "checks_as_a_mapping", "bad_duration", "tab"}));
}

}  // namespace
}  // namespace rouse::suspendd
