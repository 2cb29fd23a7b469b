#include "proxy/wire/usage.hpp"

#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {
namespace {

using testing::Eq;
using testing::Optional;

struct Answer {
  int status = 0;
  UsageTap::Body body = UsageTap::Body::Other;
  std::string text;
};

/// The recorded answer of a real llama-server: comments, head, body as it went over the wire.
Answer recorded(const std::string& name) {
  const std::string all =
      test::read_file(test::test_data("llama-server-captures/" + name + ".http"));
  const std::size_t head = all.find("HTTP/1.1 ");
  const std::size_t blank = all.find("\r\n\r\n", head);
  Answer answer;
  answer.status = std::stoi(all.substr(head + 9, 3));
  const std::string fields = all.substr(head, blank - head);
  answer.body = fields.find("text/event-stream") != std::string::npos ? UsageTap::Body::Events
                                                                      : UsageTap::Body::Json;
  std::string_view rest = std::string_view(all).substr(blank + 4);
  if (fields.find("chunked") == std::string::npos) {
    answer.text = rest;
    return answer;
  }
  for (;;) {
    const std::size_t line = rest.find("\r\n");
    const std::size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
    if (size == 0) return answer;
    answer.text += rest.substr(line + 2, size);
    rest.remove_prefix(line + 2 + size + 2);
  }
}

std::string counts(const Usage& usage) {
  const auto text = [](const auto& field) { return field ? fmt::format("{}", *field) : "-"; };
  return fmt::format("in {} cached {} out {} plain {} {}{}{}", text(usage.input),
                     text(usage.cached), text(usage.output), usage.plain_input, usage.finish_reason,
                     usage.ended ? " ended" : "", usage.error.empty() ? "" : " error");
}

/// What a tap makes of @p answer in pieces of up to @p piece bytes; 0: at random.
std::string tapped(const Answer& answer, std::size_t piece, unsigned seed = 1) {
  UsageTap tap(answer.body, answer.status);
  std::mt19937 random(seed);
  int content = 0;
  for (std::size_t at = 0; at < answer.text.size();) {
    const std::size_t size = piece == 0 ? 1 + random() % 300 : piece;
    content += tap.feed(std::string_view(answer.text).substr(at, size));
    at += size;
  }
  return fmt::format("{} content {}", counts(tap.finish()), content);
}

struct Case {
  const char* name;
  const char* expected;
};

class Captures : public testing::TestWithParam<Case> {};

TEST_P(Captures, GiveTheirCountsHoweverTheyAreCut) {
  const Answer answer = recorded(GetParam().name);
  EXPECT_EQ(tapped(answer, answer.text.size()), GetParam().expected);
  EXPECT_EQ(tapped(answer, 1), GetParam().expected);
  for (unsigned seed = 0; seed < 20; ++seed)
    EXPECT_EQ(tapped(answer, 0, seed), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Usage, Captures,
    testing::Values(
        Case{"chat", "in 22 cached 0 out 6 plain 22 length ended content 0"},
        Case{"chat_stream", "in 22 cached 21 out 6 plain 1 length ended content 6"},
        Case{"chat_stream_usage", "in 22 cached 21 out 6 plain 1 length ended content 6"},
        Case{"chat_stream_ping", "in 924 cached 0 out 2 plain 924 length ended content 2"},
        Case{"chat_stream_progress", "in 28 cached 8 out 3 plain 20 length ended content 3"},
        Case{"chat_think", "in 25 cached 6 out 14 plain 19 stop ended content 0"},
        Case{"chat_think_stream", "in 25 cached 24 out 14 plain 1 stop ended content 12"},
        Case{"chat_tool", "in 400 cached 0 out 10 plain 400 tool_calls ended content 0"},
        Case{"chat_tool_stream", "in 400 cached 399 out 10 plain 1 tool_calls ended content 5"},
        Case{"chat_n2", "in 22 cached 21 out 2 plain 1 length ended content 0"},
        Case{"completion", "in 3 cached 0 out 4 plain 3 length ended content 0"},
        Case{"completion_stream", "in 3 cached 2 out 4 plain 1 length ended content 4"},
        Case{"legacy_completion_stream", "in 3 cached 2 out 3 plain 1  ended content 3"},
        Case{"embeddings", "in 7 cached - out - plain 7  ended content 0"},
        Case{"embeddings_base64", "in 3 cached - out - plain 3  ended content 0"},
        Case{"messages", "in 22 cached 21 out 6 plain 1 max_tokens ended content 0"},
        Case{"messages_stream", "in 22 cached 21 out 6 plain 1 max_tokens ended content 6"},
        Case{"messages_think_stream", "in 25 cached 24 out 14 plain 1 end_turn ended content 12"},
        Case{"messages_tool_stream", "in 400 cached 399 out 10 plain 1 tool_use ended content 5"},
        Case{"responses", "in 22 cached 21 out 6 plain 22  ended content 0"},
        Case{"responses_stream", "in 22 cached 21 out 6 plain 1  ended content 6"},
        Case{"responses_think_stream", "in 25 cached 24 out 14 plain 1  ended content 12"},
        Case{"rerank", "in 11 cached - out - plain 11  ended content 0"},
        Case{"router_chat_stream", "in 22 cached 0 out 3 plain 22 length ended content 3"},
        Case{"err_too_long", "in - cached - out - plain 0  error content 0"},
        Case{"err_stream_too_long", "in - cached - out - plain 0  error content 0"}),
    [](const auto& each) { return std::string(each.param.name); });

Usage of(UsageTap::Body body, const std::vector<std::string_view>& pieces, int status = 200) {
  UsageTap tap(body, status);
  for (const std::string_view piece : pieces) tap.feed(piece);
  return tap.finish();
}

TEST(UsageTap, AnthropicCountsItsInputWithoutTheCache) {
  const Usage usage =
      of(UsageTap::Body::Events,
         {"event: message_start\ndata: "
          "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":"
          "10,\"cache_creation_input_tokens\":100,\"cache_read_input_tokens\":1000,\"output_"
          "tokens\":1}}}"
          "\n\n",
          "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{"
          "\"input_tokens\":0,\"output_tokens\":7}}\r\n\r\ndata: "
          "{\"type\":\"message_stop\"}\r\n\r\n"});
  EXPECT_THAT(usage.input, Optional(Eq(1110)));
  EXPECT_THAT(usage.output, Optional(Eq(7)));
  EXPECT_EQ(usage.plain_input, 10);
  EXPECT_TRUE(usage.ended);
}

TEST(UsageTap, VllmSaysItsSpeedsInMilliseconds) {
  const Usage usage = of(UsageTap::Body::Json,
                         {R"({"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":110,)"
                          R"("completion_tokens":5,"prompt_tokens_details":{"cached_tokens":10},)"
                          R"("completion_tokens_details":{"reasoning_tokens":3}},)"
                          R"("metrics":{"time_to_first_token_ms":500,"mean_itl_ms":20,)"
                          R"("speculative_decoding":{"num_draft_tokens":8,)"
                          R"("num_accepted_draft_tokens":6}}})"});
  EXPECT_THAT(usage.prompt_per_second, Optional(200.0));
  EXPECT_THAT(usage.tokens_per_second, Optional(50.0));
  EXPECT_THAT(usage.reasoning, Optional(Eq(3)));
  EXPECT_THAT(usage.drafted, Optional(Eq(8)));
  EXPECT_THAT(usage.draft_accepted, Optional(Eq(6)));
}

TEST(UsageTap, WhatATextSaysIsNoUsage) {
  const Usage usage = of(
      UsageTap::Body::Events,
      {R"(data: {"choices":[{"delta":{"content":"\"usage\":{\"prompt_tokens\":9}"}}],"usage":null})",
       "\n\n"});
  EXPECT_FALSE(usage.input);
}

TEST(UsageTap, UsageAtTheEndOfSomethingHugeIsFound) {
  const std::string filler(3 << 20, 'x');
  EXPECT_THAT(
      of(UsageTap::Body::Json, {"{\"text\":\"", filler, "\",\"usage\":{\"prompt_tokens\":4}}"})
          .input,
      Optional(Eq(4)));
  EXPECT_THAT(of(UsageTap::Body::Events,
                 {"data: {\"text\":\"", filler, "\",\"usage\":{\"prompt_tokens\":4}}\n\n"})
                  .input,
              Optional(Eq(4)));
  EXPECT_THAT(
      of(UsageTap::Body::Json, {"{\"usage\":{\"prompt_tokens\":4},\"data\":[", filler, "]}"}).input,
      Optional(Eq(4)));
}

TEST(UsageTap, AnErrorIsItsMessage) {
  EXPECT_EQ(of(UsageTap::Body::Json, {R"({"error":{"message":"no)", R"( room"}})"}, 503).error,
            "no room");
  EXPECT_EQ(of(UsageTap::Body::Events, {"data: {\"error\":{\"message\":\"broken\"}}\n\n"}).error,
            "broken");
  const std::string umlauts = of(UsageTap::Body::Json,
                                 {"{\"message\":\"x" +
                                  [] {
                                    std::string text;
                                    for (int i = 0; i < 400; ++i) text += "ä";
                                    return text;
                                  }() +
                                  "\"}"},
                                 500)
                                  .error;
  EXPECT_EQ(umlauts.size(), 499u) << "cut between letters";
}

TEST(UsageTap, NumbersThatJsonDoesNotKnowAreNone) {
  for (const char* const text :
       {R"({"metrics":{"mean_itl_ms":NaN}})", R"({"timings":{"predicted_per_second":Infinity}})",
        R"({"usage":{"prompt_tokens":1e999}})", R"({"usage":{"prompt_tokens":12x}})",
        R"({"usage":{"prompt_tokens":99999999999999999999}})", "{\"usage\":{\"x\":\"\xff\"}}",
        R"({"usage":{x}})"}) {
    EXPECT_FALSE(of(UsageTap::Body::Json, {text}).input) << text;
  }
}

TEST(UsageTap, NonsenseIsHarmless) {
  for (const char* const text :
       {"data: {\"usage\":{", "data: {\"usage\":{\"prompt_tokens\":", "\":{\"usage",
        "data: {\"usage\":{\"prompt_tokens\":-1e300}}\n", "data:\n", ":\n\n"}) {
    EXPECT_FALSE(of(UsageTap::Body::Events, {text}).input) << text;
    (void)of(UsageTap::Body::Json, {text});
  }
}

TEST(UsageTap, ReadsJsonUnderAnotherTypeAndNumbersInQuotes) {
  const std::string answer =
      R"( {"usage":{"prompt_tokens":"12","completion_tokens":"3.0","total_tokens":"x",)"
      R"("prompt_tokens_details":{"cached_tokens":"4"}},"stop":"true"})";
  for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
    UsageTap tap(UsageTap::Body::Other, 200);
    (void)tap.feed(answer.substr(0, cut));
    (void)tap.feed(answer.substr(cut));
    const Usage usage = tap.finish();
    EXPECT_EQ(usage.input, 12) << cut;
    EXPECT_EQ(usage.output, 3) << cut;
    EXPECT_EQ(usage.cached, 4) << cut;
  }
  UsageTap sound(UsageTap::Body::Other, 200);
  (void)sound.feed("RIFF");
  (void)sound.feed(R"({"usage":{"prompt_tokens":12}})");
  EXPECT_FALSE(sound.finish().input);
}

}  // namespace
}  // namespace rouse::wire
