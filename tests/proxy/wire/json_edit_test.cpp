#include "proxy/wire/json_edit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>

namespace rouse::wire {
namespace {

using testing::HasSubstr;

std::string set(std::string text, std::string path, std::string json) {
  const auto edited =
      edit_json(std::move(text), {{JsonEdit::Kind::Set, std::move(path), std::move(json)}});
  return edited ? *edited : "error: " + edited.error().doing;
}

std::string remove(std::string text, std::string path) {
  const auto edited = edit_json(std::move(text), {{JsonEdit::Kind::Remove, std::move(path)}});
  return edited ? *edited : "error: " + edited.error().doing;
}

TEST(JsonEdit, WhatIsNotTouchedKeepsItsBytes) {
  const std::string odd = "{ \"a\" :\t1.0e+2 , \"\\u0062\":[ 1,2 ] ,\n \"a\":\"\\/\", \"z\":-0 }";
  EXPECT_EQ(*edit_json(odd, {}), odd);
  EXPECT_EQ(set(odd, "z", "7"),
            "{ \"a\" :\t1.0e+2 , \"\\u0062\":[ 1,2 ] ,\n \"a\":\"\\/\", \"z\":7 }");
  EXPECT_EQ(set(odd, "a", "7"), "{ \"a\" :\t7 , \"\\u0062\":[ 1,2 ] ,\n \"a\":\"\\/\", \"z\":-0 }")
      << "the first of two";
  EXPECT_EQ(set(odd, "b.0", "7"),
            "{ \"a\" :\t1.0e+2 , \"\\u0062\":[ 7,2 ] ,\n \"a\":\"\\/\", \"z\":-0 }")
      << "a key that is written with an escape";
}

TEST(JsonEdit, FillingLeavesWhatIsThere) {
  const auto fill = [](std::string text, std::string path, std::string json) {
    return *edit_json(std::move(text), {{JsonEdit::Kind::Fill, std::move(path), std::move(json)}});
  };
  EXPECT_EQ(fill(R"({"a":1})", "b", "2"), R"({"a":1,"b":2})");
  EXPECT_EQ(fill(R"({"a":{"x":0}})", "a.b", "2"), R"({"a":{"x":0,"b":2}})");
  for (const char* const there : {"0", "false", "\"\"", "null", "[]"}) {
    const std::string text = std::string(R"({"b":)") + there + "}";
    EXPECT_EQ(fill(text, "b", "2"), text);
  }
  EXPECT_EQ(fill(R"({"a":[7]})", "a.-1", "2"), R"({"a":[7]})") << "there is a last one";
}

TEST(JsonEdit, FurtherEditsWaitForAValue) {
  using Kind = JsonEdit::Kind;
  const auto when = [](std::string text, std::string path, std::vector<std::string> texts) {
    return *edit_json(std::move(text), {{Kind::When,
                                         std::move(path),
                                         {},
                                         std::move(texts),
                                         {{Kind::Set, "x", "1"}, {Kind::Remove, "y"}}}});
  };
  const std::string met = R"({"a":"none","y":2})";
  EXPECT_EQ(when(met, "a", {"low", "none"}), R"({"a":"none","x":1})");
  EXPECT_EQ(when(met, "a", {"low"}), met);
  EXPECT_EQ(when(met, "b", {"none"}), met);
  EXPECT_EQ(when(met, "y.z", {"none"}), met);
  EXPECT_EQ(when(R"({"a":"n\u006fne"})", "a", {"none"}), R"({"a":"n\u006fne","x":1})");
  EXPECT_EQ(when(R"({"a": {"b" :false }})", "a.b", {"false"}), R"({"a": {"b" :false },"x":1})");
  EXPECT_EQ(when(R"({"a":8192})", "a", {"8192"}), R"({"a":8192,"x":1})");
  EXPECT_EQ(when(R"({"a":"8192"})", "a", {"8192"}), R"({"a":"8192","x":1})");
  EXPECT_FALSE(edit_json(met, {{Kind::When, "a", {}, {"none"}, {{Kind::Set, "a*", "1"}}}}));
}

TEST(JsonEdit, ANameBecomesAPartOfAPath) {
  for (const std::string name : {"plain", "a.b", "5", "-1", ":x", "a\\b", "*?|#@", "-x"}) {
    EXPECT_EQ(edit_path_fault(path_part(name)), "");
    EXPECT_TRUE(names_member(path_part(name), name)) << name;
    EXPECT_EQ(
        set("{}", "o." + path_part(name), "1"),
        "{\"o\":{" + std::string(name == "a\\b" ? "\"a\\\\b\"" : "\"" + name + "\"") + ":1}}");
  }
}

TEST(JsonEdit, NewMembersComeLast) {
  EXPECT_EQ(set(R"({"a":1})", "b", "2"), R"({"a":1,"b":2})");
  EXPECT_EQ(set("{ \"a\": 1\n}", "b", "2"), "{ \"a\": 1,\"b\":2\n}");
  EXPECT_EQ(set("{}", "b", "2"), R"({"b":2})");
  EXPECT_EQ(set("{ }", "b", "2"), R"({ "b":2})");
  EXPECT_EQ(set("\xef\xbb\xbf {\"a\":1}", "b", "2"), "\xef\xbb\xbf {\"a\":1,\"b\":2}");
  EXPECT_EQ(set("{}", "q\"\n", "2"), R"({"q\"\n":2})");
}

TEST(JsonEdit, ParentsAreMade) {
  EXPECT_EQ(set("{}", "a.b.c", "1"), R"({"a":{"b":{"c":1}}})");
  EXPECT_EQ(set(R"({"a":{"x":0}})", "a.b.c", "1"), R"({"a":{"x":0,"b":{"c":1}}})");
  EXPECT_EQ(set("{}", "a.2", "1"), R"({"a":[null,null,1]})");
  EXPECT_EQ(set("{}", "a.-1", "1"), R"({"a":[1]})");
  EXPECT_EQ(set("{}", "a.:2", "1"), R"({"a":{"2":1}})");
  EXPECT_EQ(set(R"({"a":"text"})", "a.b", "1"), R"({"a":{"b":1}})")
      << "a scalar parent is replaced";
  EXPECT_EQ(set(R"({"a":null})", "a.0", "1"), R"({"a":[1]})");
}

TEST(JsonEdit, ArraysHavePlaces) {
  EXPECT_EQ(set(R"({"a":[1, 2 ,3]})", "a.1", "9"), R"({"a":[1, 9 ,3]})");
  EXPECT_EQ(set(R"({"a":[1, 2 ]})", "a.-1", "9"), R"({"a":[1, 2,9 ]})");
  EXPECT_EQ(set(R"({"a":[]})", "a.-1", "9"), R"({"a":[9]})");
  EXPECT_EQ(set(R"({"a":[1]})", "a.3", "9"), R"({"a":[1,null,null,9]})");
  EXPECT_EQ(set(R"({"a":[{"b":1}]})", "a.0.b", "9"), R"({"a":[{"b":9}]})");
  EXPECT_THAT(set(R"({"a":[1]})", "a.b", "9"), HasSubstr("an array has no \"b\""));
  EXPECT_THAT(set(R"({"a":[1]})", "a.99999999", "9"), HasSubstr("so many"));
  EXPECT_EQ(set(R"({"a":{"1":0}})", "a.1", "9"), R"({"a":{"1":9}})") << "of an object it is a name";
}

TEST(JsonEdit, RemovingTakesOneComma) {
  EXPECT_EQ(remove(R"({"a":1, "b":2, "c":3})", "a"), R"({"b":2, "c":3})");
  EXPECT_EQ(remove(R"({"a":1, "b":2, "c":3})", "b"), R"({"a":1, "c":3})");
  EXPECT_EQ(remove(R"({"a":1, "b":2, "c":3})", "c"), R"({"a":1, "b":2})");
  EXPECT_EQ(remove(R"({"a":1})", "a"), "{}");
  EXPECT_EQ(remove(R"({"a":[1,2,3]})", "a.1"), R"({"a":[1,3]})");
  EXPECT_EQ(remove(R"({"a":[1,2,3]})", "a.-1"), R"({"a":[1,2]})");
  EXPECT_EQ(remove(R"({"a":{"b":{"c":1},"d":2}})", "a.b.c"), R"({"a":{"b":{},"d":2}})");
}

TEST(JsonEdit, RemovingWhatIsNotThereChangesNothing) {
  for (const char* const path : {"b", "a.b", "a.0", "a.-1", "c.d.e", "l.7", "l.x", "e.-1"}) {
    const std::string text = R"({"a":"x","l":[1],"e":[]})";
    EXPECT_EQ(remove(text, path), text) << path;
  }
}

TEST(JsonEdit, StringsHideWhatLooksLikeStructure) {
  const std::string text = R"({"a":"},{\"b\":1,\\","b":"]"})";
  EXPECT_EQ(set(text, "b", "1"), R"({"a":"},{\"b\":1,\\","b":1})");
  EXPECT_EQ(remove(text, "a"), R"({"b":"]"})");
}

TEST(JsonEdit, DotsMayBeEscapedAndWildcardsMustBe) {
  EXPECT_EQ(set("{}", R"(a\.b)", "1"), R"({"a.b":1})");
  EXPECT_EQ(set("{}", R"(a\*)", "1"), R"({"a*":1})");
  EXPECT_THAT(set("{}", "a*", "1"), HasSubstr("\\*"));
  EXPECT_THAT(set("{}", "", "1"), HasSubstr("empty"));
  EXPECT_EQ(edit_path_fault("a.b.0"), "");
  EXPECT_NE(edit_path_fault("a.#.b"), "");
}

TEST(JsonEdit, APathNamesAMemberIfItHasNothingElse) {
  EXPECT_TRUE(names_member("model", "model"));
  EXPECT_TRUE(names_member(":model", "model"));
  EXPECT_FALSE(names_member("model.x", "model"));
  EXPECT_FALSE(names_member(R"(model\.x)", "model"));
}

TEST(JsonEdit, ANumberIsANameInAnObjectHoweverLarge) {
  EXPECT_EQ(remove(R"({"logit_bias":{"50256":-1,"7":1}})", "logit_bias.50256"),
            R"({"logit_bias":{"7":1}})");
  EXPECT_EQ(set(R"({"logit_bias":{}})", "logit_bias.50256", "-100"),
            R"({"logit_bias":{"50256":-100}})");
  EXPECT_THAT(set("{}", "logit_bias.50256", "-100"), HasSubstr("so many"));
  EXPECT_EQ(edit_path_fault("logit_bias.50256"), "");
}

TEST(JsonEdit, KeysAreComparedUnescaped) {
  EXPECT_EQ(remove(R"({"\u00e4\ud83d\ude00\/\n":1})", "ä😀/\n"), "{}");
  EXPECT_EQ(remove(R"({"\u00e":1,"\ud83d":2,"a\":3})", "a"), R"({"\u00e":1,"\ud83d":2,"a\":3})");
}

TEST(JsonEdit, EditsBuildOnEachOther) {
  EXPECT_EQ(*edit_json(R"({"model":"x","temperature":1,"stop":[]})",
                       {{JsonEdit::Kind::Set, "model", "\"y\""},
                        {JsonEdit::Kind::Remove, "temperature"},
                        {JsonEdit::Kind::Set, "k.on", "true"},
                        {JsonEdit::Kind::Set, "k.on", "false"}}),
            R"({"model":"y","stop":[],"k":{"on":false}})");
}

TEST(JsonEdit, WhatIsNoJsonHarmsNobody) {
  for (const std::string text :
       {"", " ", "1", "\"", "{", "[", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "}",
        "{,}", "{\"a\":}", "{:1}", "[1 2]", "{\"a\" 1}"}) {
    for (const char* const path : {"a", "b", "0", "-1", "a.b", "a.0"}) {
      (void)set(text, path, "1");
      (void)remove(text, path);
    }
  }
}

TEST(JsonEdit, DepthCostsNoStack) {
  std::string deep = "{\"a\":";
  for (int i = 0; i < 1'000'000; ++i) deep += '[';
  for (int i = 0; i < 1'000'000; ++i) deep += ']';
  deep += "}";
  EXPECT_EQ(remove(deep, "a"), "{}");
}

}  // namespace
}  // namespace rouse::wire
