#include "proxy/wire/usage.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

// What counts where, what does not: each with the smallest input that shows it.
namespace rouse::wire {
namespace {

using Body = UsageTap::Body;
using testing::Eq;
using testing::Optional;

struct Seen {
  Usage usage;
  int content = 0;
};

Seen tapped(Body body, std::string_view text, std::size_t piece = 0, int status = 200) {
  UsageTap tap(body, status);
  Seen seen;
  if (piece == 0) piece = text.size() + 1;
  for (std::size_t at = 0; at < text.size(); at += piece)
    seen.content += tap.feed(text.substr(at, piece));
  seen.usage = tap.finish();
  return seen;
}

std::string told(const Seen& seen) {
  const auto text = [](const auto& field) { return field ? fmt::format("{}", *field) : "-"; };
  const Usage& u = seen.usage;
  return fmt::format(
      "in {} out {} cached {} pps {} tps {} finish '{}' error '{}' ended {} content {}",
      text(u.input), text(u.output), text(u.cached), text(u.prompt_per_second),
      text(u.tokens_per_second), u.finish_reason, u.error, u.ended, seen.content);
}

std::string event(std::string_view json) {
  return fmt::format("data: {}\n\n", json);
}

// --- counts

TEST(UsagePlaces, OpenAiUsageWithAnthropicKeysBesideIsNotCountedTwice) {
  // LiteLLM writes this for an Anthropic model behind /v1/chat/completions.
  const Seen seen = tapped(
      Body::Json,
      R"({"usage":{"prompt_tokens":1110,"completion_tokens":7,"prompt_tokens_details":)"
      R"({"cached_tokens":1000},"cache_creation_input_tokens":100,"cache_read_input_tokens":1000}})");
  EXPECT_THAT(seen.usage.input, Optional(Eq(1110)));
}

TEST(UsagePlaces, CacheCreationAloneCounts) {
  EXPECT_THAT(
      tapped(Body::Json, R"({"usage":{"input_tokens":10,"cache_creation_input_tokens":100}})")
          .usage.input,
      Optional(Eq(110)));
}

TEST(UsagePlaces, RerankWithTotalTokensOnly) {
  EXPECT_THAT(tapped(Body::Json, R"({"results":[],"usage":{"total_tokens":11}})").usage.input,
              Optional(Eq(11)));
}

TEST(UsagePlaces, ATotalBesideAnOutputIsNoInput) {
  EXPECT_THAT(
      tapped(Body::Json, R"({"usage":{"completion_tokens":3,"total_tokens":11}})").usage.input,
      Eq(std::nullopt));
}

TEST(UsagePlaces, NativeCompletionWithoutTimings) {
  const Seen seen = tapped(
      Body::Json, R"({"content":"x","stop":true,"tokens_predicted":4,"tokens_evaluated":3})");
  EXPECT_THAT(seen.usage.input, Optional(Eq(3)));
  EXPECT_THAT(seen.usage.output, Optional(Eq(4)));
}

TEST(UsagePlaces, NativeCompletionOfAnOlderServerHasNoCacheN) {
  const Seen seen =
      tapped(Body::Json, R"({"content":"x","stop":true,"tokens_predicted":4,"tokens_evaluated":30,)"
                         R"("timings":{"prompt_n":1,"predicted_n":4}})");
  EXPECT_THAT(seen.usage.input, Optional(Eq(30)));
}

TEST(UsagePlaces, VllmMetricsBeforeUsage) {
  const Seen seen = tapped(Body::Json, R"({"metrics":{"time_to_first_token_ms":500},)"
                                       R"("usage":{"prompt_tokens":100,"completion_tokens":5}})");
  EXPECT_THAT(seen.usage.prompt_per_second, Optional(200.0));
}

TEST(UsagePlaces, InfillAnswersWithAnArrayWhoseLastElementCounts) {
  const Seen seen = tapped(
      Body::Json, R"([{"content":"a","timings":{"prompt_n":1,"predicted_n":1}},)"
                  R"({"content":"b","timings":{"prompt_n":3,"cache_n":6,"predicted_n":4}}])");
  EXPECT_THAT(seen.usage.input, Optional(Eq(9)));
  EXPECT_EQ(seen.usage.plain_input, 3);
  EXPECT_THAT(seen.usage.output, Optional(Eq(4)));
}

TEST(UsagePlaces, CacheThatIsToldAfterTheInputCounts) {
  EXPECT_THAT(tapped(Body::Events,
                     event(R"({"message":{"usage":{"input_tokens":10}}})") +
                         event(R"({"usage":{"output_tokens":5,"cache_read_input_tokens":1000}})"))
                  .usage.input,
              Optional(Eq(1010)));
}

TEST(UsagePlaces, TimesAreThoseOfTheEngine) {
  const Usage usage =
      tapped(Body::Json, R"({"timings":{"prompt_ms":1.5,"predicted_ms":2e3}})").usage;
  EXPECT_THAT(usage.prompt_ms, Optional(1.5));
  EXPECT_THAT(usage.predicted_ms, Optional(2000.0));
  EXPECT_EQ(usage.engine_ms(), 2001);
}

// --- finish reasons

TEST(UsagePlaces, AStopStringIsNoFinishReason) {
  // vLLM names the stop string, or the token id, beside the finish reason.
  const Seen seen =
      tapped(Body::Events,
             event(R"({"choices":[{"delta":{},"finish_reason":"stop","stop_reason":"END"}]})"));
  EXPECT_EQ(seen.usage.finish_reason, "stop");
}

TEST(UsagePlaces, AnIncompleteResponseHasAFinishReason) {
  EXPECT_EQ(tapped(Body::Events,
                   event(R"({"type":"response.incomplete","response":{"status":"incomplete",)"
                         R"("incomplete_details":{"reason":"max_output_tokens"}}})"))
                .usage.finish_reason,
            "max_output_tokens");
}

// --- what the model says is not what the engine says

constexpr std::string_view kToolUse =
    R"({"type":"message","content":[{"type":"tool_use","id":"t","name":"report","input":)"
    R"({"error":{"message":"disk full"},"stop_reason":"bored","usage":{"output_tokens":999}}}],)"
    R"("stop_reason":"tool_use","usage":{"input_tokens":10}})";

TEST(UsagePlaces, AToolsInputIsNoError) {
  EXPECT_EQ(tapped(Body::Json, kToolUse).usage.error, "");
}

TEST(UsagePlaces, AToolsInputIsNoUsage) {
  EXPECT_THAT(tapped(Body::Json, kToolUse).usage.output, Eq(std::nullopt));
}

TEST(UsagePlaces, AToolsInputAfterIsNoFinishReason) {
  EXPECT_EQ(tapped(Body::Json, R"({"stop_reason":"tool_use","content":[{"type":"tool_use","input":)"
                               R"({"stop_reason":"bored"}}]})")
                .usage.finish_reason,
            "tool_use");
}

// --- errors

TEST(UsagePlaces, AnErrorThatIsAString) {
  EXPECT_EQ(tapped(Body::Events, event(R"({"error":"model crashed"})")).usage.error,
            "model crashed");
  EXPECT_EQ(tapped(Body::Json, R"({"error":"model crashed"})").usage.error, "model crashed");
}

TEST(UsagePlaces, AnErrorAnswerThatIsAStream) {
  EXPECT_EQ(
      tapped(Body::Events, "event: error\n" + event(R"({"error":{"message":"broken"}})"), 0, 500)
          .usage.error,
      "broken");
}

TEST(UsagePlaces, AnErrorWithALongTail) {
  EXPECT_EQ(tapped(Body::Json,
                   R"({"error":{"message":"no room"},"trace":")" + std::string(70000, 'x') + "\"}",
                   0, 500)
                .usage.error,
            "no room");
}

TEST(UsagePlaces, AnErrorWithoutMessageErasesNone) {
  EXPECT_EQ(tapped(Body::Events,
                   event(R"({"error":{"message":"broken"}})") + event(R"({"error":{"code":1}})"))
                .usage.error,
            "broken");
}

TEST(UsagePlaces, AnErrorInsideAResponse) {
  EXPECT_EQ(tapped(Body::Events, event(R"({"type":"response.failed","response":{"error":)"
                                       R"({"code":"x","message":"no room"}}})"))
                .usage.error,
            "no room");
}

TEST(UsagePlaces, OfSeveralTextsOfAnErrorTheBestIsTaken) {
  const auto error = [](std::string_view text) {
    return tapped(Body::Json, text, 1, 500).usage.error;
  };
  EXPECT_EQ(error(R"({"error":{"message":"best"},"message":"good","detail":"poor"})"), "best");
  EXPECT_EQ(error(R"({"detail":"poor","message":"good","error":"best"})"), "best");
  EXPECT_EQ(error(R"({"message":"good","detail":"poor"})"), "good");
  EXPECT_EQ(error(R"({"error":null,"detail":"poor"})"), "poor");
  EXPECT_EQ(tapped(Body::Json, R"({"message":"Hello","detail":"high"})").usage.error, "")
      << "no error";
}

TEST(UsagePlaces, AnErrorIsDecodedHoweverLong) {
  std::string escapes;
  for (int i = 0; i < 3000; ++i) escapes += "\\ud83d\\ude00";
  const std::string text = tapped(Body::Json, R"({"error":"a \"b\")" + escapes + "\"}").usage.error;
  EXPECT_EQ(text.substr(0, 9), "a \"b\"\xF0\x9F\x98\x80");
  EXPECT_EQ(text.size(), 497u) << "cut between letters";
}

// --- the end

TEST(UsagePlaces, ACutDocumentHasNotEnded) {
  EXPECT_FALSE(tapped(Body::Json, R"({"choices":[{"message":{"content":"He)").usage.ended);
  EXPECT_FALSE(tapped(Body::Json, "").usage.ended);
}

TEST(UsagePlaces, ATextOfAChatIsNoEnd) {
  EXPECT_FALSE(
      tapped(Body::Events, event(R"({"choices":[],"metadata":{"stop":true}})")).usage.ended);
}

TEST(UsagePlaces, EachApiHasItsLastEvent) {
  for (const char* const json :
       {R"({"type":"message_stop"})", R"({"type":"response.completed","response":{}})",
        R"({"type":"response.incomplete"})", R"({"type":"response.failed"})", R"({"stop":true})",
        "[DONE]"}) {
    EXPECT_TRUE(tapped(Body::Events, event(json)).usage.ended) << json;
    EXPECT_TRUE(tapped(Body::Events, "data:" + std::string(json)).usage.ended) << json;
  }
  for (const char* const json : {R"({"type":"message_start"})", R"({"stop":false})", "[DONE",
                                 R"({"type":"response.completed")", R"({"text":"[DONE]"})"}) {
    EXPECT_FALSE(tapped(Body::Events, event(json)).usage.ended) << json;
  }
}

// --- content events

TEST(UsagePlaces, ContentIsWhatTheDeltasOfEachApiSay) {
  for (const char* const json :
       {R"({"choices":[{"delta":{"content":"a"}}]})",
        R"({"choices":[{"delta":{"reasoning_content":"\\n"}}]})",
        R"({"choices":[{"delta":{"reasoning":"a"}}]})",
        R"({"choices":[{"delta":{"refusal":"a"}}]})",
        R"({"choices":[{"delta":{"content":[{"type":"text"}]}}]})",
        R"({"choices":[{"delta":{"tool_calls":[{"function":{"arguments":""}}]}}]})",
        R"({"choices":[{"text":"a"}]})", R"({"content":"a","stop":false})",
        R"({"delta":{"text":"a"}})", R"({"delta":{"thinking":"a"}})",
        R"({"delta":{"partial_json":"a"}})",
        R"({"type":"response.output_text.delta","delta":"a"})"}) {
    EXPECT_EQ(tapped(Body::Events, event(json)).content, 1) << json;
    EXPECT_EQ(tapped(Body::Events, event(json), 1).content, 1) << json;
  }
  for (const char* const json :
       {R"({"choices":[{"delta":{"role":"assistant","content":null}}]})",
        R"({"choices":[{"delta":{"content":""}}]})", R"({"choices":[{"text":""}]})",
        R"({"delta":{"type":"signature_delta","signature":"a"}})",
        R"({"type":"response.output_text.done","text":"a"})",
        R"({"choices":[{"logprobs":{"content":[{"token":"a"}]}}]})", R"({"item":{"text":"a"}})"}) {
    EXPECT_EQ(tapped(Body::Events, event(json)).content, 0) << json;
  }
}

TEST(UsagePlaces, AnIncompleteResponseRepeatsItsText) {
  EXPECT_EQ(
      tapped(Body::Events, event(R"({"type":"response.output_text.delta","delta":"Hi"})") +
                               event(R"({"type":"response.incomplete","response":{"output":[)"
                                     R"({"content":[{"type":"output_text","text":"Hi"}]}]}})"))
          .content,
      1);
}

TEST(UsagePlaces, AFailedResponseRepeatsItsText) {
  EXPECT_EQ(tapped(Body::Events, event(R"({"type":"response.failed","response":{"output":[)"
                                       R"({"content":[{"type":"output_text","text":"Hi"}]}]}})"))
                .content,
            0);
}

TEST(UsagePlaces, AnEchoOfTheRequestIsNoContent) {
  EXPECT_EQ(tapped(Body::Events,
                   event(R"({"type":"response.created","response":{"instructions":[)"
                         R"({"type":"message","role":"developer","content":"Be brief."}]}})"))
                .content,
            0);
}

TEST(UsagePlaces, NoToolCallsIsNoContent) {
  EXPECT_EQ(tapped(Body::Events, event(R"({"choices":[{"delta":{"tool_calls":[ ]}}]})")).content,
            0);
}

// --- event streams

TEST(UsagePlaces, SeveralDataLinesAreOneEvent) {
  const Seen seen = tapped(Body::Events,
                           "data: {\"choices\":[{\"delta\":{\"content\":\"a\",\n"
                           "data: \"reasoning_content\":\"b\"}}],\"usage\":\n"
                           "data: {\"prompt_tokens\":\n"
                           "data: 5}}\n\n");
  EXPECT_EQ(seen.content, 1);
  EXPECT_THAT(seen.usage.input, Optional(Eq(5)));
}

TEST(UsagePlaces, LinesOfAnEventAreNotGluedTogether) {
  EXPECT_THAT(
      tapped(Body::Events, "data: {\"usage\":{\"prompt_tokens\":5\ndata:5}}\n\n").usage.input,
      Optional(Eq(5)));
}

TEST(UsagePlaces, ABrokenEventEndsWithItsBlankLine) {
  EXPECT_THAT(
      tapped(Body::Events, event(R"({"usage":{"x":")") + event(R"({"usage":{"prompt_tokens":5}})"))
          .usage.input,
      Optional(Eq(5)));
}

TEST(UsagePlaces, SpaceBeforeTheColon) {
  EXPECT_THAT(tapped(Body::Events, event(R"({ "usage" : { "prompt_tokens" : 5 } })")).usage.input,
              Optional(Eq(5)));
}

TEST(UsagePlaces, AByteOrderMark) {
  EXPECT_EQ(tapped(Body::Events, "\xEF\xBB\xBF" + event(R"({"content":"a"})")).content, 1);
}

// --- the same however it is cut

class AnySplit : public testing::TestWithParam<std::pair<Body, std::string>> {};

TEST_P(AnySplit, GivesTheSame) {
  const auto& [body, text] = GetParam();
  const std::string whole = told(tapped(body, text));
  EXPECT_EQ(told(tapped(body, text, 16384)), whole) << "pieces of 16 KiB";
  EXPECT_EQ(told(tapped(body, text, 1400)), whole) << "pieces of 1400 bytes";
  if (text.size() > 10000) return;
  for (std::size_t piece = 1; piece < 60; ++piece) {
    EXPECT_EQ(told(tapped(body, text, piece)), whole) << "pieces of " << piece;
  }
}

const std::string kHuge(3 << 20, 'x');

INSTANTIATE_TEST_SUITE_P(
    UsagePlaces, AnySplit,
    testing::Values(
        std::pair(Body::Events, event(R"({"type":"response.completed","response":{"output":[)"
                                      R"({"text":")" +
                                      kHuge + R"("}],"usage":{"input_tokens":4}}})")),
        std::pair(Body::Events, ": " + kHuge + "\"usage\":{\"prompt_tokens\":4}\n\n"),
        std::pair(Body::Events, "event: " + kHuge + "\n\n"),
        std::pair(Body::Events, event(R"({"object":"image","b64":")" + kHuge + R"("})")),
        std::pair(Body::Json,
                  std::string(R"({"error":{"message":"outer","error":{"message":"in"}},)"
                              R"("padding":"................................."})")),
        std::pair(Body::Json, std::string(R"({"choices":[{"finish_reason":    )"
                                          R"(                              "tool_calls"}]})")),
        std::pair(Body::Json,
                  R"({"usage":{"prompt_tokens":4,"pad":")" + std::string(70000, 'x') + "\"}}")));

}  // namespace
}  // namespace rouse::wire
