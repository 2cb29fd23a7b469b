#include "base/yaml/tree.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
  YamlNode root;
  std::vector<std::string> problems;
};

Read read(const std::string& text) {
  std::vector<Problem> problems;
  Read result{read_yaml(text, "f.yaml", problems), {}};
  for (const Problem& problem : problems) result.problems.push_back(problem.str());
  return result;
}

std::vector<std::string> keys(const YamlNode& node) {
  std::vector<std::string> list;
  for (const YamlNode::Member& member : node.members) list.push_back(member.key);
  return list;
}

std::pair<int, int> where(const SourcePlace& place) {
  return {place.line, place.column};
}

TEST(YamlTree, KeepsOrderTextAndPlaces) {
  const Read yaml = read("b: 1\na:\n  - x\n  - \"y\"\n10: ~\n");
  EXPECT_THAT(yaml.problems, IsEmpty());
  EXPECT_THAT(keys(yaml.root), ElementsAre("b", "a", "10"));
  const YamlNode& list = *yaml.root.find("a");
  EXPECT_EQ(where(list.items[1].place), std::pair(4, 5));
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_TRUE(yaml.root.find("10")->is_null());
}

TEST(YamlTree, MacrosNeedNoQuotesInFlowStyle) {
  const Read yaml = read(
      "a: [${env.K}, x${b}y]\nm: {cmd: run ${PORT} on, ${c}: \"${d}\", ttl: ${t}}\n"
      "s: |\n  ${e} # ${f}\n");
  EXPECT_THAT(yaml.problems, IsEmpty());
  const YamlNode& list = *yaml.root.find("a");
  EXPECT_EQ(list.items[0].text + " " + list.items[1].text, "${env.K} x${b}y");
  EXPECT_EQ(where(list.items[1].place_of(1)), std::pair(1, 16));
  const YamlNode& map = *yaml.root.find("m");
  EXPECT_THAT(keys(map), ElementsAre("cmd", "${c}", "ttl"));
  EXPECT_EQ(map.find("cmd")->text + map.find("${c}")->text, "run ${PORT} on${d}");
  EXPECT_FALSE(map.find("ttl")->quoted);
  EXPECT_EQ(yaml.root.find("s")->text, "${e} # ${f}\n");
}

TEST(YamlTree, MessagesShowMacrosAsTheyAre) {
  EXPECT_THAT(read("${a}: 1\n${a}: 2\n").problems,
              ElementsAre("f.yaml:2:1: ${a}: this key was already given in line 1: keep one of "
                          "them"));
  EXPECT_THAT(read("a: 1\n${b}\n").problems, ElementsAre(HasSubstr("${b}")));
}

TEST(YamlTree, AnEmptyValueStandsAtItsKey) {
  const Read yaml = read("a:\n\n\nb: 1\n");
  EXPECT_EQ(where(yaml.root.find("a")->place), std::pair(1, 1));
}

TEST(YamlTree, PointsIntoTextsThatStandInTheFileAsTheyAre) {
  const Read yaml = read(
      "plain: a & b\nquoted: \"a & b\"\nsingle: 'a & b'\nescaped: \"a \\x26 b\"\n"
      "folded: a &\n  b\nblock: |-\n  a & b\nanchored: &x a & b\n");
  const auto at = [&](const char* key) { return where(yaml.root.find(key)->place_of(2)); };
  for (const char* const key : {"plain", "quoted", "single", "escaped", "folded", "block"}) {
    EXPECT_EQ(yaml.root.find(key)->text, "a & b");
  }
  EXPECT_EQ(at("plain"), std::pair(1, 10));
  EXPECT_EQ(at("quoted"), std::pair(2, 12));
  EXPECT_EQ(at("single"), std::pair(3, 12));
  // Elsewhere only the beginning is known.
  EXPECT_EQ(at("escaped"), std::pair(4, 10));
  EXPECT_EQ(at("folded"), std::pair(5, 9));
  EXPECT_EQ(at("block").first, 7);
  EXPECT_EQ(at("anchored"), std::pair(9, 11));
}

TEST(YamlTree, MergeKeysFillWhatIsNotThere) {
  const Read yaml = read(
      "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nboth: {<<: [*one, *two], a: 0}\n"
      "nested: {<<: {<<: *two, d: 4}}\ntext: {\"<<\": 5}\n");
  EXPECT_THAT(yaml.problems, IsEmpty());
  const YamlNode& both = *yaml.root.find("both");
  EXPECT_THAT(keys(both), ElementsAre("a", "b", "c"));
  EXPECT_EQ(both.find("a")->text, "0");
  EXPECT_EQ(both.find("b")->text, "1");
  EXPECT_THAT(keys(*yaml.root.find("nested")), ElementsAre("d", "b", "c"));
  EXPECT_EQ(yaml.root.find("text")->find("<<")->text, "5");
}

TEST(YamlTree, TellsWhatIsWrong) {
  EXPECT_THAT(read("a: 1\nb: 2\na: 3\n").problems,
              ElementsAre("f.yaml:3:1: a: this key was already given in line 1: keep one of them"));
  EXPECT_THAT(read("m: {<<: 5}\n").problems,
              ElementsAre("f.yaml:1:5: m: << wants a mapping or a list of mappings"));
  EXPECT_THAT(read("? [a]\n: b\n").problems, ElementsAre(HasSubstr("a key must be a plain value")));
  EXPECT_THAT(read("a: 1\n---\nb: 2\n").problems,
              ElementsAre("f.yaml:2:1: a second document begins here (---), and a configuration is "
                          "one: remove the line"));
  EXPECT_THAT(read("--- ,1\n").problems, ElementsAre(HasSubstr("a second document begins here")));
  EXPECT_THAT(read("a: \"x\\0y\"\n").problems, ElementsAre("f.yaml:1:4: a: holds a NUL character"));
  EXPECT_EQ(read("a: \"x\\0y\"\n").root.find("a")->text, "xy");
  EXPECT_THAT(read("a: &a \"x\\0y\"\nb: *a\nc: *a\n").problems, testing::SizeIs(1))
      << "what is repeated is wrong in one place";
}

TEST(YamlTree, AnEntryLendsWhatAnotherOneTakes) {
  const Read yaml = read("lent: &a {size: 1}\ntaken: *a\nown: {x: &b 1, y: *b}\nplain: 1\n");
  ASSERT_THAT(yaml.problems, IsEmpty());
  std::vector<bool> lends;
  for (const YamlNode::Member& member : yaml.root.members) lends.push_back(member.lends);
  EXPECT_THAT(lends, ElementsAre(true, false, false, false));
}

TEST(YamlTree, ATextTagMakesANumberAText) {
  EXPECT_TRUE(read("a: !!str 5\n").root.find("a")->quoted);
}

TEST(YamlTree, AliasesThatMultiplyAreBounded) {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            ", *a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_THAT(read(bomb).problems, ElementsAre(HasSubstr("too large: do aliases multiply?")));
}

TEST(YamlTree, AFileHasSoManyValuesAndNoMore) {
  std::string text = "a: [";
  for (int i = 0; i < 200'001; ++i) text += "1,";
  EXPECT_THAT(read(text + "]\n").problems, ElementsAre(HasSubstr("too large")));
}

TEST(YamlTree, ALongTextThatIsRepeatedIsBounded) {
  std::string text = "a: &a " + std::string(100'000, 'z') + "\nb: [";
  for (int i = 0; i < 10'000; ++i) text += "*a,";
  EXPECT_THAT(read(text + "]\n").problems, ElementsAre(HasSubstr("too large")));
}

TEST(YamlTree, DepthIsBounded) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += std::string(static_cast<std::size_t>(i), ' ') + "k:\n";
  EXPECT_THAT(read(text).problems, ElementsAre(HasSubstr("nested too deeply")));
  EXPECT_THAT(read("a: &a [*a]\n").problems, testing::Not(IsEmpty()));
}

TEST(YamlTree, ManyKeysAreReadInNoTime) {
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(read(text).root.members.size(), 150'000u);  // quadratic, this would be minutes
}

TEST(DidYouMean, NamesWhatIsNear) {
  const std::vector<std::string> names{"proxy", "aliases", "healthCheckTimeout"};
  EXPECT_EQ(did_you_mean("prxy", names), "proxy");
  EXPECT_EQ(did_you_mean("health_check_timeout", names), "healthCheckTimeout");
  EXPECT_EQ(did_you_mean("colour", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
}

}  // namespace
}  // namespace rouse
