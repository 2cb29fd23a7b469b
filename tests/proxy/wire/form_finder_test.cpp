#include "proxy/wire/body_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace rouse::wire {
namespace {

using testing::HasSubstr;

constexpr const char* kMultipart = "multipart/form-data; boundary=xYz";
constexpr const char* kUrlencoded = "application/x-www-form-urlencoded";

std::string part(std::string_view name, std::string_view value, std::string_view more = "") {
  return "--xYz\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"" +
         std::string(more) + "\r\n\r\n" + std::string(value) + "\r\n";
}

/// What a reader makes of @p body, fed in pieces that end at @p cuts.
std::string found(std::string_view type, const std::string& body,
                  const std::vector<std::size_t>& cuts = {}) {
  BodyModel finder(type);
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    finder.feed(std::string_view(body).substr(from, cut - from));
    from = cut;
  }
  finder.feed(std::string_view(body).substr(from));
  finder.finish();
  if (finder.state() == BodyModel::State::Malformed) return finder.problem();
  if (!finder.model()) return "none";
  const std::size_t begin = finder.model_begin();
  return *finder.model() + (finder.stream().value_or(false) ? " streams " : " ") +
         body.substr(begin, finder.model_end() - begin);
}

std::string always(std::string_view type, const std::string& body) {
  const std::string whole = found(type, body);
  for (std::size_t cut = 0; cut <= body.size() && cut < 2000; ++cut) {
    EXPECT_EQ(found(type, body, {cut}), whole) << "cut at " << cut;
  }
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = 0; at < body.size(); at += random() % 9) cuts.push_back(at);
    EXPECT_EQ(found(type, body, cuts), whole);
  }
  return whole;
}

TEST(FormFinder, TheModelMayStandBeforeOrAfterTheFile) {
  const std::string file = part("file", "RIFF\r\n--xY\r\nz--xYz\r\n\r\n-", "; filename=\"a.wav\"");
  EXPECT_EQ(always(kMultipart, part("model", "whisper") + file + "--xYz--\r\n"), "whisper whisper");
  EXPECT_EQ(always(kMultipart, file + part("model", "whisper") + "--xYz--"), "whisper whisper");
}

TEST(FormFinder, AModelThatIsNamedTwiceIsAFault) {
  const std::string a = part("model", "a");
  const char* const fault = "the body is no form: it has the field \"model\" a second time";
  EXPECT_EQ(always(kMultipart, a + part("x", "1") + part("model", "a") + "--xYz--"), fault);
  EXPECT_EQ(always(kMultipart, a + part("Model", "b") + "--xYz--"), fault);
  EXPECT_EQ(always(kMultipart, part("MODEL", "b") + a + "--xYz--"), fault);
  EXPECT_EQ(always(kMultipart, a + part("x\"; name=\"model", "b") + "--xYz--"), fault);
  EXPECT_EQ(always(kMultipart, a + part("x\"; name*=\"utf-8''%6dodel", "b") + "--xYz--"), fault);
  EXPECT_EQ(always(kMultipart, a + part("model", "b", "; filename=\"f\"") + "--xYz--"), "a a")
      << "that is a file";
  EXPECT_EQ(always(kMultipart, part("MODEL", "b") + "--xYz--"), "none");
  EXPECT_EQ(always(kUrlencoded, "model=a&x=1&model=b"), fault);
  EXPECT_EQ(always(kUrlencoded, "model=a&mod%65l"), fault);
  EXPECT_EQ(always(kUrlencoded, "MODEL=a&model=b"), fault);
  EXPECT_EQ(always(kUrlencoded, "MODEL=a"), "none");
}

TEST(FormFinder, TheFirstStreamWins) {
  EXPECT_EQ(always(kMultipart, part("model", "a") + part("stream", "true") +
                                   part("stream", "false") + "--xYz--\r\nepilogue"),
            "a streams a");
  EXPECT_EQ(always(kUrlencoded, "stream=true&model=a%2Fb+c"), "a/b c streams a%2Fb+c");
  EXPECT_EQ(always(kUrlencoded, "x=1&model=a"), "a a");
  EXPECT_EQ(always(kUrlencoded, "stream=false&model=a"), "a a");
  EXPECT_EQ(always(kUrlencoded, "stream=1&model=a"), "a a") << "only true is one";
}

TEST(FormFinder, ABoundaryMayBeQuotedAndHasItsLimit) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=\"a\\\"b\""), "a\"b");
  EXPECT_EQ(multipart_boundary("x; boundary=" + std::string(200, 'b')), std::string(200, 'b'));
  EXPECT_EQ(multipart_boundary("x; boundary=" + std::string(201, 'b')), "");
}

TEST(FormFinder, OddButProperBodies) {
  EXPECT_EQ(always(kMultipart, "preamble\r\n" + part("model", "a") + "--xYz--"), "a a");
  EXPECT_EQ(always(kMultipart, "--xYz \t\r\n\r\nno head\r\n" + part("model", "a") + "--xYz--"),
            "a a");
  EXPECT_EQ(always(kMultipart, part("x", "") + part("model", "") + "--xYz--"), " ");
  EXPECT_EQ(always("multipart/form-data; charset=utf-8; boundary=\"x Y;z\"",
                   "--x Y;z\r\nContent-Type: text/plain\r\ncontent-disposition:form-data;name=model"
                   "\r\n\r\nm\r\n--x Y;z--"),
            "m m");
  EXPECT_EQ(always(kMultipart, part("mo\\\"del", "b") + part("model", "a\r\nb") + "--xYz--"),
            "a\r\nb a\r\nb");
  EXPECT_EQ(always(kMultipart, part("file", std::string(300, '\r')) + "--xYz--"), "none");
}

TEST(FormFinder, WhatIsNoFormIsToldApart) {
  EXPECT_THAT(found(kMultipart, part("model", "a")), HasSubstr("without its last delimiter"));
  EXPECT_THAT(found("multipart/form-data", part("model", "a")), HasSubstr("no boundary"));
  EXPECT_THAT(found(kMultipart, part("model", std::string(5000, 'm')) + "--xYz--"),
              HasSubstr("model is too long"));
  EXPECT_THAT(found(kMultipart, "--xYz\r\nA: " + std::string(20'000, 'b')),
              HasSubstr("head is too long"));
}

TEST(FormFinder, ItsLimitsHoldHoweverTheBodyIsCut) {
  const std::string head = "--xYz\r\nA: " + std::string(20'000, 'b') + "\r\n\r\nv\r\n";
  const std::string padding = "--xYz" + std::string(3'000, ' ') + "\r\n\r\nv\r\n";
  for (const std::string& body : {head, padding}) {
    const std::string all = body + part("model", "m") + "--xYz--";
    EXPECT_THAT(found(kMultipart, all), HasSubstr("the body is no form"));
    EXPECT_EQ(found(kMultipart, all, {1000, 2000, 3000}), found(kMultipart, all));
  }
  const std::string pair = "model=" + std::string(20'000, 'm') + "&x=1";
  EXPECT_THAT(found(kUrlencoded, pair), HasSubstr("model is too long"));
  EXPECT_EQ(found(kUrlencoded, pair, {100, 13'000, 14'000}), found(kUrlencoded, pair));
  EXPECT_EQ(found(kUrlencoded, "x=" + std::string(20'000, 'm') + "&model=a", {100, 13'000}), "a a");
  EXPECT_THAT(found(kUrlencoded, "model=a&model=" + std::string(20'000, 'm')),
              HasSubstr("a second time"));
}

TEST(FormFinder, AFileIsNoName) {
  const std::string file = part("model", std::string(9'000, 'w'), "; filename=\"w.gguf\"");
  EXPECT_EQ(always(kMultipart, file.substr(0, 60) + "\r\n" + part("model", "m") + "--xYz--"),
            found(kMultipart, file.substr(0, 60) + "\r\n" + part("model", "m") + "--xYz--"));
  EXPECT_EQ(found(kMultipart, file + part("model", "m") + "--xYz--"), "m m");
}

TEST(FormFinder, WhatOnlyBeginsLikeADelimiterIsData) {
  const auto file = [](const std::string& text) {
    return part("file", text, "; filename=\"f\"") + part("model", "m") + "--xYz--";
  };
  EXPECT_EQ(always(kMultipart, file("a\r\n--xYz--more\r\nb")), "m m");
  EXPECT_EQ(always(kMultipart, file("a\r\n--xYz\rmore\r\n\r\nb")), "m m");
  EXPECT_EQ(always(kMultipart, file("a\r\n--xYzz\r\n--xYz-\r\n")), "m m");
  EXPECT_EQ(always(kMultipart, file("a\r\n--xYz\r" + part("model", "theirs").substr(5) + "b")),
            "m m")
      << "a CR alone ends no line";
}

TEST(FormFinder, AFoldedHeadIsRead) {
  EXPECT_EQ(always(kMultipart,
                   "--xYz\r\nContent-Disposition: form-data;\r\n name=\"model\"\r\n\r\n"
                   "m\r\n--xYz--"),
            "m m");
}

TEST(FormFinder, LargeFilesNeedNoMemory) {
  BodyModel finder(kMultipart);
  finder.feed("--xYz\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n");
  const std::string piece(1 << 16, '\r');
  for (int i = 0; i < 256; ++i) finder.feed(piece);
  finder.feed("\r\n" + part("model", "m") + "--xYz--");
  finder.finish();
  EXPECT_EQ(finder.model(), "m");
}

TEST(FormFinder, ANewNameIsWrittenAsItsBodyWantsIt) {
  BodyModel urlencoded(kUrlencoded);
  urlencoded.feed("model=a");
  urlencoded.finish();
  EXPECT_EQ(urlencoded.renamed("org/m q"), "org%2Fm%20q");
  BodyModel multipart(kMultipart);
  EXPECT_EQ(multipart.renamed("org/m q"), "org/m q");
  BodyModel json("application/json");
  EXPECT_EQ(json.renamed("a\"b"), R"("a\"b")");
}

TEST(BodyModel, ATypeThatSaysNothingIsJudgedByTheBody) {
  EXPECT_EQ(always("", "  {\"model\":\"a\"}"), "a \"a\"");
  EXPECT_EQ(always("text/plain", "{\"model\":\"a\",\"stream\":true}"), "a streams \"a\"");
  EXPECT_EQ(always("", "model=a"), "a a");
  EXPECT_EQ(always("", "   "), "none") << "a form without fields";
  EXPECT_EQ(always("", ""), "none");
}

TEST(BodyModel, WhatBeginsLikeAnObjectIsJsonWhateverItsTypeSays) {
  const std::string body = R"({"model":"a","stream":true})";
  for (const std::string type :
       {"application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8", "multipart/form-data; boundary=xYz",
        "multipart/form-data", "text/plain;charset=UTF-8", "text/json", "application/vnd.api+json",
        "application/octet-stream", "nonsense", ""}) {
    EXPECT_EQ(always(type, body), "a streams \"a\"") << type;
    EXPECT_EQ(always(type, " \r\n\t" + body), "a streams \"a\"") << type;
    EXPECT_EQ(always(type, "\xef\xbb\xbf" + body), "a streams \"a\"") << type;
    BodyModel finder(type);
    finder.feed(body);
    EXPECT_TRUE(finder.is_json() && finder.is_json_by_look()) << type;
    EXPECT_EQ(finder.renamed("b"), "\"b\"") << type;
  }
  for (const std::string type :
       {"application/json", "APPLICATION/JSON", "application/json; charset=utf-8"}) {
    EXPECT_EQ(always(type, body), "a streams \"a\"") << type;
    BodyModel finder(type);
    finder.feed(body);
    EXPECT_FALSE(finder.is_json_by_look()) << "its type says it already: " << type;
  }
  EXPECT_THAT(found(kUrlencoded, R"({"model": a})"), HasSubstr("the body is not a JSON object"));
}

TEST(BodyModel, BlanksAreNotWaitedForWithoutEnd) {
  BodyModel body("");
  body.feed(std::string(100'000, ' '));
  body.feed(R"({"model":"a"})");
  body.finish();
  EXPECT_FALSE(body.model());
  EXPECT_FALSE(body.is_json());
}

TEST(BodyModel, AFormStaysAForm) {
  EXPECT_EQ(always(kUrlencoded, "\r\n&model=a"), "a a") << "what was blank is part of it";
  EXPECT_EQ(always(kUrlencoded, "x={&model=a"), "a a");
  EXPECT_EQ(always(kUrlencoded, "%7B=1&model=a"), "a a");
  EXPECT_EQ(always(kMultipart, "\r\n" + part("model", "a") + "--xYz--"), "a a");
  EXPECT_THAT(found("multipart/form-data", part("model", "a")), HasSubstr("names no boundary"));
  EXPECT_EQ(always(kUrlencoded, R"([{"model":"a"}])"), "none") << "a list names no model";
  BodyModel form(kUrlencoded);
  form.feed("model=a");
  EXPECT_FALSE(form.is_json() || form.is_json_by_look());
}

}  // namespace
}  // namespace rouse::wire
