#include "proxy/wire/ollama_request.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <sstream>
#include <string>
#include <string_view>

namespace rouse::wire {
namespace {

using testing::HasSubstr;
using testing::Not;

OllamaCall call_at(std::string_view path) {
  if (path == "/api/chat") return OllamaCall::Chat;
  if (path == "/api/generate") return OllamaCall::Generate;
  return path == "/api/embed" ? OllamaCall::Embed : OllamaCall::Embeddings;
}

OllamaRequest read(OllamaCall call, std::string_view body, std::string_view model = "") {
  auto read = read_ollama_request(call, body, model);
  if (auto* made = std::get_if<OllamaRequest>(&read)) return std::move(*made);
  ADD_FAILURE() << std::get<std::string>(read) << ": " << body;
  return {};
}

std::string problem(OllamaCall call, std::string_view body) {
  const auto read = read_ollama_request(call, body, "");
  const auto* const text = std::get_if<std::string>(&read);
  return text == nullptr ? "" : *text;
}

/// Of a chat with one message, and with @p more members.
std::string chat(std::string_view more) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}],)" + std::string(more) + "}";
}

TEST(OllamaRequest, WhatClientsSentBecomesWhatEnginesGot) {
  std::istringstream lines(test::read_file(test::test_data("ollama/requests.jsonl")));
  simdjson::dom::parser parser;
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const simdjson::dom::element recorded = parser.parse(line);
    const std::string sent = simdjson::minify(recorded["sent"]);
    const std::string becomes = simdjson::minify(recorded["becomes"]);
    const OllamaRequest made = read(call_at(recorded["call"].get_string().value()), sent, "m");
    if (becomes == "{}") {
      EXPECT_TRUE(made.only_loads) << line;
      EXPECT_EQ(made.unloads, sent.find(R"("keep_alive":0)") != std::string::npos) << line;
      continue;
    }
    EXPECT_FALSE(made.only_loads) << line;
    EXPECT_FALSE(made.unloads) << line;
    EXPECT_EQ(made.path, recorded["path"].get_string().value()) << line;
    EXPECT_EQ(made.body, becomes) << line;
  }
  EXPECT_GT(count, 20);
}

TEST(OllamaRequest, StreamsUnlessItIsToldNotTo) {
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("a":1)")).body,
              HasSubstr(R"("stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("stream":null)")).body, HasSubstr(R"("stream":true)"));
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("stream":false)")).body,
              Not(HasSubstr("include_usage")));
  EXPECT_EQ(problem(OllamaCall::Chat, chat(R"("stream":"no")")), "stream: expected true or false");
}

TEST(OllamaRequest, ItsModelIsForTheClientAndForTheEngine) {
  const OllamaRequest made = read(OllamaCall::Chat, chat(R"("stream":false)"), "qwen");
  EXPECT_EQ(made.model, "m");
  EXPECT_THAT(made.body, testing::StartsWith(R"({"model":"qwen",)"));
  EXPECT_EQ(read(OllamaCall::Chat, R"({"messages":[{}]})", "given").model, "given");
}

TEST(OllamaRequest, OptionsThatSayNothingAreLeftOut) {
  const std::string body =
      read(OllamaCall::Chat,
           chat(R"("options":{"temperature":null,"num_predict":-2,"num_ctx":8,"stop":["a"]})"))
          .body;
  EXPECT_THAT(body, HasSubstr(R"("stop":["a"])"));
  EXPECT_THAT(body, Not(HasSubstr("temperature")));
  EXPECT_THAT(body, Not(HasSubstr("max_tokens"))) << "-2: as far as the context goes";
  EXPECT_THAT(body, Not(HasSubstr("ctx"))) << "that is the command's";
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("options":{"num_predict":7})")).body,
              HasSubstr(R"("max_tokens":7)"));
  EXPECT_EQ(problem(OllamaCall::Chat, chat(R"("options":[])")), "options: expected an object");
}

TEST(OllamaRequest, FormatsAreJsonOrASchema) {
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("format":"")")).body,
              Not(HasSubstr("response_format")));
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("format":"json")")).body,
              HasSubstr(R"("response_format":{"type":"json_object"})"));
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("format":{"type":"object"})")).body,
              HasSubstr(R"("json_schema":{"name":"answer","schema":{"type":"object"}})"));
  EXPECT_THAT(problem(OllamaCall::Chat, chat(R"("format":"xml")")), HasSubstr("format: expected"));
  EXPECT_THAT(problem(OllamaCall::Chat, chat(R"("format":3)")), HasSubstr("format: expected"));
}

TEST(OllamaRequest, ThoughtIsAskedForInBothWays) {
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("think":true)")).body,
              HasSubstr(R"("chat_template_kwargs":{"enable_thinking":true})"));
  const std::string most = read(OllamaCall::Chat, chat(R"("think":"max")")).body;
  EXPECT_THAT(most, HasSubstr(R"("reasoning_effort":"high","chat_template_kwargs")"));
  EXPECT_THAT(read(OllamaCall::Chat, chat(R"("think":null)")).body, Not(HasSubstr("thinking")));
}

TEST(OllamaRequest, CallsOfToolsGetIdsByWhichTheirResultsAreFound) {
  const std::string body =
      read(OllamaCall::Chat,
           R"({"model":"m","messages":[{"role":"assistant","content":"","tool_calls":[
             {"function":{"name":"a","arguments":{"x":1}}},{"function":{"name":"b","arguments":{}}},
             {"function":{"name":"a","arguments":"{\"x\":2}"}}]},
             {"role":"tool","tool_name":"b","content":"of b"},
             {"role":"TOOL","tool_name":"a","content":"of the first a"},
             {"role":"tool","content":"of the second a"},
             {"role":"tool","content":"of nothing"}]})")
          .body;
  EXPECT_THAT(
      body,
      HasSubstr(
          R"("id":"call_1","type":"function","function":{"name":"a","arguments":"{\"x\":1}"}})"));
  EXPECT_THAT(
      body,
      HasSubstr(
          R"("id":"call_3","type":"function","function":{"name":"a","arguments":"{\"x\":2}"}})"));
  EXPECT_THAT(body, HasSubstr(R"("content":"of b","tool_call_id":"call_2")"));
  EXPECT_THAT(body,
              HasSubstr(R"({"role":"tool","content":"of the first a","tool_call_id":"call_1")"));
  EXPECT_THAT(body, HasSubstr(R"("content":"of the second a","tool_call_id":"call_3")"));
  EXPECT_THAT(body, HasSubstr(R"("content":"of nothing","tool_call_id":"call_0")"));
}

TEST(OllamaRequest, ThoughtsOfEarlierAnswersGoBack) {
  EXPECT_THAT(read(OllamaCall::Chat,
                   R"({"messages":[{"role":"assistant","content":"a","thinking":"hm"}]})", "m")
                  .body,
              HasSubstr(R"("content":"a","reasoning_content":"hm")"));
}

TEST(OllamaRequest, PicturesSayWhatTheyAre) {
  const auto url = [](const std::string& image) {
    const std::string body =
        read(OllamaCall::Chat,
             R"({"model":"m","messages":[{"role":"user","images":[")" + image + R"("]}]})")
            .body;
    const std::size_t at = body.find(R"("url":")") + 7;
    return body.substr(at, body.find('"', at) - at);
  };
  EXPECT_EQ(url("/9j/4AAQ"), "data:image/jpeg;base64,/9j/4AAQ");
  EXPECT_EQ(url("iVBORw0KGgoA"), "data:image/png;base64,iVBORw0KGgoA");
  EXPECT_EQ(url("R0lGODlh"), "data:image/gif;base64,R0lGODlh");
  EXPECT_EQ(url("UklGRgAA"), "data:image/webp;base64,UklGRgAA");
  EXPECT_EQ(url("AAAA"), "data:image/png;base64,AAAA");
  EXPECT_EQ(url("data:image/x;base64,AA"), "data:image/x;base64,AA");
}

TEST(OllamaRequest, WhatAsksForNothingOnlyLoads) {
  EXPECT_TRUE(read(OllamaCall::Chat, R"({"model":"m"})").only_loads);
  EXPECT_TRUE(read(OllamaCall::Chat, R"({"model":"m","messages":[]})").only_loads);
  EXPECT_TRUE(read(OllamaCall::Generate, R"({"model":"m","prompt":""})").only_loads);
  EXPECT_TRUE(read(OllamaCall::Embed, R"({"model":"m","input":[]})").only_loads);
  EXPECT_TRUE(read(OllamaCall::Embed, R"({"model":"m","input":""})").only_loads);
  EXPECT_TRUE(read(OllamaCall::Embeddings, R"({"model":"m"})").only_loads);
  EXPECT_FALSE(read(OllamaCall::Embed, R"({"model":"m","input":["",""]})").only_loads);
  EXPECT_FALSE(read(OllamaCall::Generate, R"({"model":"m","prompt":" "})").only_loads);
}

TEST(OllamaRequest, AZeroInAnyFormUnloads) {
  const auto unloads = [](const std::string& keep_alive) {
    return read(OllamaCall::Chat, R"({"model":"m","keep_alive":)" + keep_alive + "}").unloads;
  };
  for (const char* const zero : {"0", "0.0", R"("0")", R"("0s")", R"("0m0s")"}) {
    EXPECT_TRUE(unloads(zero)) << zero;
  }
  for (const char* const other : {"1", "-1", R"("5m")", R"("10s")", R"("-1m")", R"("")", "null"}) {
    EXPECT_FALSE(unloads(other)) << other;
  }
}

TEST(OllamaRequest, WhatCannotBeTranslatedSaysSo) {
  EXPECT_THAT(problem(OllamaCall::Chat, "[]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(problem(OllamaCall::Chat, R"({"model":)"), HasSubstr("expected a JSON object"));
  EXPECT_EQ(problem(OllamaCall::Chat, R"({"messages":"hi"})"), "messages: expected an array");
  EXPECT_EQ(problem(OllamaCall::Chat, R"({"messages":["hi"]})"), "messages: expected objects");
  EXPECT_EQ(problem(OllamaCall::Generate, R"({"prompt":["hi"]})"), "prompt: expected a text");
  EXPECT_THAT(problem(OllamaCall::Generate, R"({"prompt":"a","suffix":"b"})"),
              HasSubstr("/infill"));
  EXPECT_EQ(problem(OllamaCall::Embed, R"({"input":3})"), "input: expected a text or texts");
}

}  // namespace
}  // namespace rouse::wire
