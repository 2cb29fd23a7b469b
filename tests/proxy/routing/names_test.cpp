#include "proxy/routing/names.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

std::shared_ptr<const Config> with(const std::string& more) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}}\n"
      "profiles: {day: {pins: {llm: a}}, night: {pins: {llm: b}}, quiet: {pins: {off: \"\", llm: "
      "a}}}\n" +
          more,
      "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config ? loaded.config : std::make_shared<Config>();
}

TEST(Names, BeginWithTheProfileOfTheFile) {
  const Names names(with("hooks: {on_startup: {profile: night}}\n"));
  EXPECT_EQ(names.active_profile(), "night");
  EXPECT_EQ(names.pinned("llm"), "b");
  EXPECT_EQ(Names(with("")).active_profile(), "");
}

TEST(Names, TellThatAProfileHasSwitchedOneOff) {
  Names names(with(""));
  EXPECT_EQ(names.switched_off_text("off"), "");
  ASSERT_TRUE(names.activate("quiet"));
  EXPECT_EQ(names.switched_off_text("off"), "\"off\" is switched off by the active profile, quiet");
  EXPECT_EQ(names.switched_off_text("llm"), "");
  EXPECT_EQ(names.switched_off_text("a"), "");
}

TEST(Names, AReloadKeepsTheProfileThatSomebodyHasSwitchedTo) {
  const std::string night = "hooks: {on_startup: {profile: night}}\n";
  Names names(with(night));
  ASSERT_TRUE(names.activate("day"));
  names.adopt(with(night + "logLevel: warn\n"));
  EXPECT_EQ(names.active_profile(), "day");
  ASSERT_TRUE(names.activate(""));
  names.adopt(with(night));
  EXPECT_EQ(names.active_profile(), "") << "none is a choice, too";
  names.adopt(with("hooks: {on_startup: {profile: day}}\n"));
  EXPECT_EQ(names.active_profile(), "day") << "the file says something new";
}

TEST(Names, WhenTheActiveProfileHasGoneThatOfTheFileIsActive) {
  const auto only_day = [] {
    const LoadedConfig loaded = parse_config(
        "models: {a: {cmd: \"x ${PORT}\"}}\nprofiles: {day: {pins: {llm: a}}}\n"
        "hooks: {on_startup: {profile: day}}\n",
        "c.yaml");
    return loaded.config;
  };
  Names names(with("hooks: {on_startup: {profile: day}}\n"));
  ASSERT_TRUE(names.activate("night"));
  names.adopt(only_day());
  EXPECT_EQ(names.active_profile(), "day");
}

}  // namespace
}  // namespace rouse
