#include "proxy/wire/model_finder.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace rouse::wire {
namespace {

using State = ModelFinder::State;
using testing::Eq;
using testing::HasSubstr;
using testing::Optional;

ModelFinder find(std::string_view body) {
  ModelFinder finder;
  finder.feed(body);
  finder.finish();
  return finder;
}

ModelFinder find_in_two(std::string_view body, std::size_t split) {
  ModelFinder finder;
  finder.feed(body.substr(0, split));
  finder.feed(body.substr(split));
  finder.finish();
  return finder;
}

ModelFinder find_byte_by_byte(std::string_view body) {
  ModelFinder finder;
  for (const char c : body) finder.feed({&c, 1});
  finder.finish();
  return finder;
}

std::string literal(const ModelFinder& finder, std::string_view body) {
  return std::string(body.substr(finder.model_begin(), finder.model_end() - finder.model_begin()));
}

void expect_same(const ModelFinder& a, const ModelFinder& b, std::string_view what) {
  EXPECT_EQ(a.state(), b.state()) << what;
  EXPECT_EQ(a.problem(), b.problem()) << what;
  EXPECT_EQ(a.model(), b.model()) << what;
  EXPECT_EQ(a.stream(), b.stream()) << what;
  EXPECT_EQ(a.model_begin(), b.model_begin()) << what;
  EXPECT_EQ(a.model_end(), b.model_end()) << what;
}

struct Body {
  const char* name;
  std::string text;
  State state;
  std::optional<std::string> model;
  std::optional<bool> stream;
};

void PrintTo(const Body& body, std::ostream* out) {
  *out << body.name;
}

class Bodies : public testing::TestWithParam<Body> {};

TEST_P(Bodies, AreReadTheSameHoweverTheyAreSplit) {
  const Body& body = GetParam();
  const ModelFinder whole = find(body.text);
  EXPECT_EQ(whole.state(), body.state) << whole.problem();
  EXPECT_EQ(whole.model(), body.model);
  EXPECT_EQ(whole.stream(), body.stream);
  expect_same(whole, find_byte_by_byte(body.text), "byte by byte");
  for (std::size_t split = 0; split <= body.text.size(); ++split) {
    expect_same(whole, find_in_two(body.text, split), "split at " + std::to_string(split));
  }
}

constexpr auto kNone = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    Wire, Bodies,
    testing::Values(
        Body{"Plain", R"({"model":"m","stream":true})", State::Done, "m", true},
        Body{"Spaces", " \r\n\t{ \"model\" : \"m\" , \"stream\" : false } \n", State::Done, "m",
             false},
        Body{"Last", R"({"messages":[{"content":"x"}],"stream":false,"model":"m"})", State::Done,
             "m", false},
        Body{"Nested", R"({"t":[{"model":"x","stream":true}],"o":{"model":"y"},"model":"m"})",
             State::Done, "m", kNone},
        Body{"OnlyNested", R"({"t":{"model":"x"}})", State::Done, kNone, kNone},
        Body{"AsAValue", R"({"a":"model","b":["model","x"]})", State::Done, kNone, kNone},
        Body{"Empty", "{}", State::Done, kNone, kNone},
        Body{"FirstWins", R"({"model":"a","stream":true,"stream":false})", State::Done, "a", true},
        Body{"NamedTwice", R"({"model":"a","x":1,"model":"a"})", State::Malformed, "a", kNone},
        Body{"NamedByEscapes", R"({"model":"a","mod\u0065l":"b"})", State::Malformed, "a", kNone},
        Body{"NamedInCapitals", R"({"MODEL":"a","model":"b"})", State::Malformed, kNone, kNone},
        Body{"NamedInSome", R"({"model":"a","Model":"b"})", State::Malformed, "a", kNone},
        Body{"CapitalsAlone", R"({"MODEL":"a"})", State::Done, kNone, kNone},
        Body{"NullIsFirst", R"({"model":null,"model":"b"})", State::Malformed, kNone, kNone},
        Body{"EscapedKey", R"({"mod\u0065l":"m","\u0073tream":true})", State::Done, "m", true},
        Body{"Escapes", R"({"model":"\"\\\/\b\f\n\r\t\u00e9"})", State::Done,
             "\"\\/\b\f\n\r\t\xC3\xA9", kNone},
        Body{"SurrogatePair", R"({"model":"a\ud83d\uDE00z"})", State::Done, "a\xF0\x9F\x98\x80z",
             kNone},
        Body{"HalfPair", R"({"model":"\ud83dx\ude00\ud83d\ud83d"})", State::Done,
             "\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", kNone},
        Body{"Utf8", "{\"model\":\"h\xC3\xA9\"}", State::Done, "h\xC3\xA9", kNone},
        Body{"Number", R"({"model":-12.5e+3})", State::Done, "-12.5e+3", kNone},
        Body{"NumberLast", "{\"model\":0 }", State::Done, "0", kNone},
        Body{"EmptyName", R"({"model":""})", State::Done, "", kNone},
        Body{"LongerKeys", R"({"models":"x","streams":true,"mode":"y","model":"m"})", State::Done,
             "m", kNone},
        Body{"ByteOrderMark", "\xEF\xBB\xBF{\"model\":\"m\"}", State::Done, "m", kNone},
        Body{"Truths", R"({"stream":0})", State::Done, kNone, false},
        Body{"TruthOfNumber", R"({"stream":0.10e2})", State::Done, kNone, true},
        Body{"TruthOfZero", R"({"stream":-0.0e7})", State::Done, kNone, false},
        Body{"TruthOfText", R"({"stream":"yes"})", State::Done, kNone, true},
        Body{"TruthOfNoText", R"({"stream":""})", State::Done, kNone, false},
        Body{"TruthOfNull", R"({"stream":null,"stream":true})", State::Done, kNone, false},
        Body{"TruthOfArray", R"({"stream":[]})", State::Done, kNone, true},
        Body{
            "LongText",
            R"({"c":"0123456789abcdefghijklmnopqrstuvwxyz\n0123456789\\\"abcdef\u0041","model":"m"})",
            State::Done, "m", kNone},
        Body{"Cut", R"({"model":"m")", State::Malformed, "m", kNone},
        Body{"NoBytes", "", State::Malformed, kNone, kNone},
        Body{"Garbage", R"({"model":"m"} x)", State::Malformed, "m", kNone},
        Body{"Two", "{}{}", State::Malformed, kNone, kNone},
        Body{"Array", R"(["model"])", State::Malformed, kNone, kNone},
        Body{"HalfAMark", "\xEF\xBB{}", State::Malformed, kNone, kNone},
        Body{"LateMark", " \xEF\xBB\xBF{}", State::Malformed, kNone, kNone},
        Body{"ControlCharacter", "{\"a\":\"0123456789abcdef0123\x1f\"}", State::Malformed, kNone,
             kNone},
        Body{"BadEscape", R"({"a":"\x"})", State::Malformed, kNone, kNone},
        Body{"BadHex", R"({"a":"\u12g4"})", State::Malformed, kNone, kNone},
        Body{"WrongBracket", R"({"a":[1}})", State::Malformed, kNone, kNone},
        Body{"NoColon", R"({"a" 1})", State::Malformed, kNone, kNone},
        Body{"CommaAtEnd", R"({"a":1,})", State::Malformed, kNone, kNone},
        Body{"CommaInArray", R"({"a":[1,]})", State::Malformed, kNone, kNone},
        Body{"NoComma", R"({"a":1 "b":2})", State::Malformed, kNone, kNone},
        Body{"LeadingZero", R"({"model":01})", State::Malformed, "0", kNone},
        Body{"NoFraction", R"({"a":1.})", State::Malformed, kNone, kNone},
        Body{"NoExponent", R"({"a":1e+})", State::Malformed, kNone, kNone},
        Body{"Minus", R"({"a":-})", State::Malformed, kNone, kNone},
        Body{"BadWord", R"({"a":nul1})", State::Malformed, kNone, kNone},
        Body{"LongWord", R"({"a":truex})", State::Malformed, kNone, kNone},
        Body{"NoValue", R"({"a":})", State::Malformed, kNone, kNone}),
    [](const auto& body) { return std::string(body.param.name); });

TEST(ModelFinder, KnowsWhereTheValueIs) {
  const std::string text = R"({"a":1, "model" : "m\u0041" ,"stream":true})";
  EXPECT_EQ(literal(find(text), text), R"("m\u0041")");
  const std::string number = R"({"model":123,"x":4})";
  EXPECT_EQ(literal(find(number), number), "123");
}

TEST(ModelFinder, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(find(R"({"model" "m"})").problem(), "expected ':' at byte 9");
  EXPECT_EQ(find("[1]").problem(), "expected '{' at byte 0");
  EXPECT_EQ(find("{\"a\":\"bc\n\"}").problem(), "control character in a string at byte 8");
  EXPECT_EQ(find("{").problem(), "unfinished JSON object at byte 1");
  EXPECT_EQ(find("{}").problem(), "");
}

TEST(ModelFinder, TellsAModelThatIsNoTextFromNone) {
  EXPECT_TRUE(find(R"({"model":null})").model_is_no_text());
  EXPECT_TRUE(find(R"({"model":["m"]})").model_is_no_text());
  EXPECT_FALSE(find(R"({"model":1})").model_is_no_text());
  EXPECT_FALSE(find(R"({"x":null})").model_is_no_text());
}

TEST(ModelFinder, IsSettledAsSoonAsBothAreKnown) {
  ModelFinder finder;
  finder.feed(R"({"model":"m","stream":tru)");
  EXPECT_FALSE(finder.settled());
  finder.feed("e");
  EXPECT_TRUE(finder.settled());
  EXPECT_EQ(finder.state(), State::Reading);
}

TEST(ModelFinder, LimitsDepthAndNameAndNothingElse) {
  const auto nested = [](std::size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') +
           ",\"model\":\"m\"}";
  };
  EXPECT_THAT(find(nested(ModelFinder::kDepthMax)).model(), Optional(Eq("m")));
  EXPECT_THAT(find(nested(ModelFinder::kDepthMax + 1)).problem(), HasSubstr("too deep"));

  const std::string name(ModelFinder::kValueBytesMax, 'n');
  EXPECT_THAT(find(R"({"model":")" + name + "\"}").model(), Optional(Eq(name)));
  EXPECT_THAT(find(R"({"model":")" + name + "n\"}").problem(), HasSubstr("too long"));
  EXPECT_THAT(find(R"({"model":1)" + std::string(5000, '0') + "}").problem(),
              HasSubstr("too long"));
  const std::string digits(100'000, '1');
  EXPECT_EQ(find("{\"" + name + name + "\":" + digits + "}").state(), State::Done);
  EXPECT_EQ(find("{\"a\":" + digits + "e--1}").state(), State::Malformed);
}

TEST(ModelFinder, ReadsTheKeyBehindMegabytesOfMessages) {
  std::string body = R"({"messages":[)";
  for (int i = 0; i < 4000; ++i) {
    body += R"({"role":"user","content":")" + std::string(1000, 'x') + R"( \"model\": \n"},)";
  }
  body += R"({}],"model":"m"})";
  EXPECT_THAT(find(body).model(), Optional(Eq("m")));
}

struct Trace {
  const char* file;
  const char* model;
};

class Traces : public testing::TestWithParam<Trace> {};

TEST_P(Traces, OfRealClientsGiveTheTopLevelModel) {
  const std::string body =
      test::read_file(test::test_data("client-traces/" + std::string(GetParam().file)));
  const ModelFinder whole = find(body);
  EXPECT_EQ(whole.state(), State::Done) << whole.problem();
  EXPECT_THAT(whole.model(), Optional(Eq(GetParam().model)));
  EXPECT_THAT(whole.stream(), Optional(true));
  EXPECT_EQ(literal(whole, body), '"' + std::string(GetParam().model) + '"');
  expect_same(whole, find_byte_by_byte(body), GetParam().file);
  // Every split is a quadratic cost: short bodies only.
  for (std::size_t split = 0; split <= body.size() && body.size() < 5000; ++split) {
    expect_same(whole, find_in_two(body, split), GetParam().file);
  }

  // The same with "model" moved behind everything, as the Python clients send it.
  std::string moved = body;
  moved.replace(whole.model_begin(), whole.model_end() - whole.model_begin(), "0");
  moved.replace(moved.find("\"model\""), 7, "\"first\"");
  moved.replace(moved.rfind('}'), 1, R"(,"model":"last"})");
  EXPECT_THAT(find(moved).model(), Optional(Eq("last")));
}

INSTANTIATE_TEST_SUITE_P(Wire, Traces,
                         testing::Values(Trace{"claude-code.title.json", "local-small"},
                                         Trace{"claude-code.turn.json", "local-big"},
                                         Trace{"codex.turn.json", "local-big"},
                                         Trace{"opencode.title.json", "local-small"},
                                         Trace{"opencode.turn.json", "local-big"}));

}  // namespace
}  // namespace rouse::wire
