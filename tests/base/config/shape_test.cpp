// A configuration that is checked and read by its table.
#include "base/config/shape.hpp"

#include "base/config/environment.hpp"
#include "base/config/follow_ups.hpp"
#include "base/config/json_schema.hpp"
#include "base/config/section.hpp"
#include "base/config/stray_keys.hpp"
#include "base/config/tell_problems.hpp"
#include "base/config/yaml_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::array kTopKeys = {
    ConfigKey{"name", KeyType::Text, "", "", "of it"},
    ConfigKey{"count", KeyType::Number, "", "3", "how many there are", true, 1, 9},
    ConfigKey{"pause", KeyType::Seconds, "", "", "between two"},
    ConfigKey{"factor", KeyType::Real, "", "", "of growth", true, 2},
    ConfigKey{"mode", KeyType::Text, "", "", "how", true, 0, 0, "|fast|slow"},
    ConfigKey{"modes", KeyType::TextList, "", "", "how", true, 0, 0, "fast|slow"},
    ConfigKey{"token", KeyType::Text, "", "", "hidden", true, 0, 0, "", true},
    ConfigKey{"tokens", KeyType::TextList, "", "", "hidden", true, 0, 0, "", true},
    ConfigKey{"words", KeyType::TextList, "", "", "of a command"},
    ConfigKey{"later", KeyType::Text, "", "", "one day", false},
    ConfigKey{"on", KeyType::Bool, "", "", "whether"},
    ConfigKey{"things", KeyType::SectionMap, "thing", "", "by name"},
    ConfigKey{"checks", KeyType::KindList, "check", "", "in their order"},
};
constexpr std::array kThingKeys = {ConfigKey{"size", KeyType::Size, "", "", "of it"},
                                   ConfigKey{"color", KeyType::Text, "", "", "of it"}};
constexpr std::array kSshKeys = {ConfigKey{"kind", KeyType::Text, "", "", "ssh"},
                                 ConfigKey{"users", KeyType::TextList, "", "", "who"}};
constexpr std::array kLoadKeys = {ConfigKey{"kind", KeyType::Text, "", "", "load"}};
constexpr std::array kSections = {
    ConfigSection{"top", kTopKeys}, ConfigSection{"thing", kThingKeys},
    ConfigSection{"check_ssh", kSshKeys}, ConfigSection{"check_load", kLoadKeys}};
constexpr ConfigTable kTable{"a test", kSections, false, Problem::Severity::Error};

YamlNode tree_of(const std::string& text) {
  std::vector<Problem> problems;
  YamlNode root = read_yaml(text, "c", problems);
  EXPECT_TRUE(problems.empty()) << problems.front().str();
  return root;
}

std::vector<std::string> problems_of(const std::string& text,
                                     std::vector<std::string>* unsupported = nullptr) {
  std::vector<Problem> problems;
  std::vector<std::string> ignored;
  check_shape(tree_of(text), kTable, problems, unsupported == nullptr ? ignored : *unsupported);
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem.str());
  return texts;
}

std::string problem_of(const std::string& text) {
  const std::vector<std::string> all = problems_of(text);
  return all.empty() ? std::string() : all.front();
}

TEST(Shape, NumbersHaveTheirRange) {
  EXPECT_EQ(problem_of("count: 9"), "");
  for (const char* const wrong : {"0", "10", "5x", "1.5", "x"}) {
    EXPECT_THAT(problem_of("count: " + std::string(wrong)),
                HasSubstr("expected a whole number from 1 to 9, got \"" + std::string(wrong)))
        << wrong;
  }
  EXPECT_THAT(problem_of("count: 10"), HasSubstr(": how many there are")) << "what they mean";
  EXPECT_THAT(problem_of("pause: 2min"), HasSubstr("this key has no units: write 120"));
  EXPECT_THAT(problem_of("pause: 500ms"), Not(HasSubstr("write"))) << "half a second is none";
  EXPECT_EQ(problem_of("factor: 2"), "");
  EXPECT_THAT(problem_of("factor: 1.5"), HasSubstr("expected a number from 2 on"));
}

TEST(Shape, ChoicesAreNamedAndGuessed) {
  EXPECT_EQ(problem_of("mode: slow"), "");
  EXPECT_EQ(problem_of("mode: \"\""), "") << "nothing may be one";
  EXPECT_EQ(problem_of("mode: sloow"),
            "c:1:7: mode: expected fast or slow, got \"sloow\": did you mean \"slow\"?");
  EXPECT_THAT(problem_of("modes: [fast, x]"),
              HasSubstr("modes[1]: expected fast or slow, got \"x\""));
}

TEST(Shape, NoSecretIsShownInWhateverForm) {
  for (const char* const text : {"token: [hunter2]", "token: {hunter2: 1}", "tokens: hunter2",
                                 "tokens: {hunter2: 1}", "tokens: [[hunter2]]"}) {
    EXPECT_NE(problem_of(text), "") << text;
    EXPECT_THAT(problem_of(text), Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(problem_of("words: one"), HasSubstr("expected a list, got \"one\": write [one]"));
}

TEST(Shape, AListOfWordsIsACommandWhereThatCanBeWritten) {
  EXPECT_THAT(problem_of("name: [a, \"b c\"]"), HasSubstr("write it as one: a 'b c'"));
  for (const char* const odd : {"[a, \"b: c\"]", "[a, \"b'c\"]", "[\"\"]"}) {
    EXPECT_THAT(problem_of("name: " + std::string(odd)), testing::EndsWith("write it as one"));
  }
}

TEST(Shape, AKindIsAWordOrAMapping) {
  EXPECT_EQ(problem_of("checks: [load, {kind: ssh, users: [a]}]"), "");
  EXPECT_THAT(problem_of("checks: [lod]"), HasSubstr("is no kind; did you mean \"load\"?"));
  EXPECT_THAT(problem_of("checks: [x]"), HasSubstr("is no kind; there are ssh, load"));
  EXPECT_THAT(problem_of("checks: [{users: [a]}]"), HasSubstr("has no kind, one of ssh, load"));
  EXPECT_THAT(problem_of("checks: {ssh: {users: [a]}}"),
              HasSubstr("instead of \"ssh:\" write \"- kind: ssh\""));
}

TEST(Shape, UnknownKeysAreToldWhereTheyBelong) {
  EXPECT_THAT(problem_of("colour: red"), HasSubstr("remove it, or begin its name with x-"));
  EXPECT_THAT(problem_of("color: red"), HasSubstr("it belongs into an entry of \"things:\""));
  EXPECT_THAT(problem_of("things: {a: {count: 1}}"), HasSubstr("it belongs at the top"));
  EXPECT_THAT(problem_of("things: {a: {weight: 1}}"),
              HasSubstr("the keys in here are size, color"));
  EXPECT_THAT(problem_of("kind: ssh"), Not(HasSubstr("belongs"))) << "it has several homes";
  EXPECT_EQ(problem_of("x-mine: 1\nlent: &a {size: 1}\nthings: {b: *a}"), "");
  EXPECT_THAT(problem_of("things: {a: {zzz: 1}}"), Not(HasSubstr("or correct its name")));
}

TEST(Shape, KeysThatAreNotIndentedAreToldOnce) {
  EXPECT_THAT(problems_of("things:\na: {size: 1}\n"),
              ElementsAre(HasSubstr("\"a\" looks like a part of \"things:\" in line 1")));
  EXPECT_THAT(problem_of("things:\na: {size: 1}\nb: {size: 1}\nd: {size: 1}\ne: {size: 1}\n"),
              HasSubstr("\"a\", \"b\" and 2 more look like parts"));
  EXPECT_THAT(problem_of("things:\na: {size: 1, u: 1, v: 1}\n"),
              Not(HasSubstr("looks like a part")))
      << "it has little in common";
}

TEST(Shape, WhatHasNoEffectIsNamed) {
  std::vector<std::string> unsupported;
  EXPECT_THAT(problems_of("later: x\nname: y\n", &unsupported), IsEmpty());
  EXPECT_THAT(unsupported, ElementsAre("later"));
  const std::string schema = json_schema(kTable);
  EXPECT_THAT(schema, HasSubstr("one day (accepted, without effect yet)"));
  EXPECT_THAT(schema, HasSubstr("\"minimum\": 1,\n"));
  EXPECT_THAT(schema, HasSubstr("\"maximum\": 9"));
  EXPECT_THAT(schema, HasSubstr("\"additionalProperties\": false"));
  EXPECT_THAT(schema, HasSubstr("\"additionalProperties\": true"));
}

TEST(Section, WhatIsNoneOfItsTypeReadsAsItsDefault) {
  const YamlNode root = tree_of(
      "count: 5x\npause: 2\nfactor: 2.5\non: TRUE\nname:\nwords: one\nthings: {a: {size: 1KiB}, b: "
      "3}\nchecks: [load, {kind: ssh, users: [u]}]\n");
  std::vector<Problem> problems;
  const Section top(&root, kTable, problems);
  EXPECT_EQ(top.number("count", 3), 3);
  EXPECT_EQ(top.seconds("pause", 0), std::chrono::seconds(2));
  EXPECT_EQ(top.real("factor", 1), 2.5);
  EXPECT_TRUE(top.truth("on", false));
  EXPECT_FALSE(top.is_given("name"));
  EXPECT_EQ(top.text("name", "none"), "none");
  EXPECT_THAT(top.texts("words"), ElementsAre("one"));
  ASSERT_EQ(top.items("words").size(), 1U);
  EXPECT_EQ(top.items("words").front().key, "words");
  std::vector<std::string> seen;
  top.each("things", [&seen](const YamlNode::Member& member, const Section& thing) {
    seen.push_back(member.key + " " + std::to_string(thing.size("size", 7)) + " " +
                   thing.path("size"));
  });
  EXPECT_THAT(seen, ElementsAre("a 1024 things.a.size", "b 7 things.b.size"));
  seen.clear();
  top.each_item("checks", [&seen](const std::string& kind, const Section& check) {
    seen.push_back(kind + " " + check.path(""));
  });
  EXPECT_THAT(seen, ElementsAre("load checks[0]", "ssh checks[1]"));
  top.fault("count", "so");
  top.warn("", "of all");
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].str(), "c:1:8: count: so");
  EXPECT_EQ(problems[1].str(), "c:1:1: warning: of all");
}

TEST(Problems, WhatFollowsFromAFaultIsLeftOut) {
  const auto at = [](std::string path, bool is_error = true) {
    return Problem{is_error ? Problem::Severity::Error : Problem::Severity::Warning,
                   {"c", 1, 1},
                   std::move(path),
                   "so"};
  };
  std::vector<Problem> told{at("a.b"), at("w", false), at("")};
  add_independent(told, {at("a.b"), at("a.b.c"), at("a.b[0]"), at("a.bc"), at("w.x"), at("a")});
  std::vector<std::string> paths;
  for (const Problem& problem : told) paths.push_back(problem.path);
  EXPECT_THAT(paths, ElementsAre("a.b", "w", "", "a.bc", "w.x", "a"));
  EXPECT_EQ(first_error({at("w", false)}), "");
  EXPECT_EQ(first_error({at("w", false), at("a")}), "c:1:1: a: so");
  EXPECT_EQ(first_error({at("a"), at("b"), at("w", false)}), "c:1:1: a: so (and 1 more)");
}

TEST(Problems, WhatAVariableMayMendIsLeftOut) {
  YamlNode root = tree_of("name: ${env.ROUSE_NO_SUCH}\n\"${env.ROUSE_NO_SUCH}\": 1\ncount: x\n");
  EXPECT_TRUE(names_variable("a ${env.B_1} c"));
  EXPECT_FALSE(names_variable("${env.B-1}"));
  EXPECT_FALSE(names_variable("${env.1B}"));
  std::vector<Problem> problems;
  for (const int line : {1, 2, 3}) {
    problems.push_back({Problem::Severity::Error,
                        {"c", line,
                         line == 2   ? 1
                         : line == 1 ? 7
                                     : 8},
                        "",
                        "so"});
  }
  drop_follow_ups(root, 0, problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems.front().place.line, 3);
}

TEST(Problems, WhatAVariableHasChangedHasNoPlaceInTheFile) {
  ::setenv("ROUSE_TEST_VALUE", "value", 1);
  YamlNode root = tree_of("a: ${env.ROUSE_TEST_VALUE}\nb: plain\n");
  std::vector<Problem> problems;
  expand_environment(root, "", problems, nullptr);
  ::unsetenv("ROUSE_TEST_VALUE");
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(root.find("a")->text, "value");
  EXPECT_EQ(root.find("a")->place_of(3).column, 4) << "where it begins";
  EXPECT_EQ(root.find("b")->place_of(3).column, 7);
}

TEST(YamlJson, KeepsTextsInQuotesTexts) {
  EXPECT_EQ(to_json(tree_of("{a: \"1\", b: [1, true, \"x\"], c: , d: {e: 'null'}}")),
            R"({"a":"1","b":[1,true,"x"],"c":null,"d":{"e":"null"}})");
}

}  // namespace
}  // namespace rouse
