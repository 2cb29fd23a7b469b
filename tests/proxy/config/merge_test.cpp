#include "proxy/config/config.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems_of(const LoadedConfig& loaded) {
  std::vector<std::string> list;
  for (const Problem& problem : loaded.problems) list.push_back(problem.str());
  return list;
}

/// Loads a folder of two files.
LoadedConfig merged(const std::string& a, const std::string& b) {
  const test::TempDir dir;
  dir.write("a.yaml", a);
  dir.write("b.yaml", b);
  return load_config({"", dir.path().string()});
}

TEST(ConfigMerge, JoinsMappingsAndLists) {
  const test::TempDir dir;
  dir.write("a.yaml", "apiKeys: [one]\nmacros: {m: 1}\nmodels: {a: {cmd: \"x ${PORT} ${n}\"}}\n");
  dir.write("b.yml", "apiKeys: [two]\nmacros: {n: 2}\nmodels: {b: {cmd: \"x ${PORT} ${m}\"}}\n");
  dir.write("c.txt", "nonsense: [");
  dir.write("d.yaml", "# nothing\n");
  const LoadedConfig loaded = load_config({"", dir.path().string()});
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(loaded.config->api_keys, ElementsAre("one", "two"));
  EXPECT_EQ(loaded.config->models.at("a").cmd, "x 5800 2");
  EXPECT_EQ(loaded.config->models.at("b").cmd, "x 5801 1");
}

TEST(ConfigMerge, TheFileComesBeforeTheFolder) {
  const test::TempDir dir;
  const test::TempDir elsewhere;
  dir.write("a.yaml", "apiKeys: [folder]\n");
  elsewhere.write("z.yaml", "apiKeys: [file]\n");
  const LoadedConfig loaded =
      load_config({(elsewhere.path() / "z.yaml").string(), dir.path().string()});
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(loaded.config->api_keys, ElementsAre("file", "folder"));
}

TEST(ConfigMerge, WhatBelongsToOneFileIsDefinedOnce) {
  EXPECT_THAT(problems_of(merged("models: {a: {cmd: \"x ${PORT}\"}}\n",
                                 "models: {a: {cmd: \"y ${PORT}\"}}\n")),
              ElementsAre(HasSubstr("b.yaml:1:13: models.a: duplicate models \"a\"")));
  EXPECT_THAT(problems_of(merged("matrix: {sets: {}}\n", "matrix: {sets: {}}\n")),
              testing::Contains(HasSubstr("matrix.sets: duplicate matrix \"sets\"")));
}

TEST(ConfigMerge, EqualValuesAreFineOthersAreNot) {
  EXPECT_NE(merged("startPort: 7000\n", "startPort: 7000\n").config, nullptr);
  EXPECT_EQ(merged("startPort:\n", "startPort: 7000\n").config->start_port, 7000);
  EXPECT_THAT(problems_of(merged("startPort: 7000\n", "startPort: 7001\n")),
              ElementsAre(HasSubstr("b.yaml:1:12: startPort: another value was given")));
  EXPECT_THAT(problems_of(merged("apiKeys: [a]\n", "apiKeys: {}\n")),
              ElementsAre(HasSubstr("a mapping here, a list there")));
}

TEST(ConfigMerge, TheFileMayNotBeInTheFolder) {
  const test::TempDir dir;
  dir.write("a.yaml", "models: {a: {cmd: \"x ${PORT}\"}}\n");
  EXPECT_THAT(problems_of(load_config({(dir.path() / "a.yaml").string(), dir.path().string()})),
              ElementsAre(HasSubstr("a.yaml: is inside the --config-dir, too")));
}

TEST(ConfigMerge, WhatOnlyAnUnreadableFileHasIsNotMissed) {
  const test::TempDir dir;
  dir.write("a.yaml", "models:\n\tm: {cmd: \"x ${PORT}\"}\nmacros: {x: y}\n");
  dir.write("b.yaml", "groups: {g: {members: [m]}}\nmodels: {n: {cmd: \"${x} ${PORT}\"}}\n");
  EXPECT_THAT(problems_of(load_config({"", dir.path().string()})),
              ElementsAre(HasSubstr("a.yaml:2:1: a tab indents this line")));
}

TEST(ConfigMerge, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(problems_of(load_config({"/nowhere/c.yaml", ""})),
              ElementsAre(HasSubstr("/nowhere/c.yaml: cannot be read: No such file")));
  EXPECT_THAT(problems_of(load_config({"", "/nowhere"})),
              ElementsAre(HasSubstr("/nowhere: cannot be listed: No such file")));
  const test::TempDir dir;
  EXPECT_THAT(problems_of(load_config({"", dir.path().string()})),
              ElementsAre(HasSubstr("no configuration sources found")));
  std::filesystem::create_symlink("loop.yaml", dir.path() / "loop.yaml");
  EXPECT_THAT(problems_of(load_config({"", dir.path().string()})),
              ElementsAre(HasSubstr("loop.yaml: cannot be read")));
  dir.write("list.yaml", "- a\n");
  EXPECT_THAT(problems_of(load_config({(dir.path() / "list.yaml").string(), ""})),
              ElementsAre(HasSubstr("list.yaml:1:1: expected a mapping, got a list")));
}

}  // namespace
}  // namespace rouse
