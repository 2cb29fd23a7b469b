#include "proxy/wire/ollama_answer.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace rouse::wire {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kNow = "2026-11-21T05:44:37Z";
constexpr OllamaTimes kTimes{9s, 4s, 300ms, 700ms};

/// The body of a recorded answer of a real llama-server.
std::string recorded_body(const std::string& name) {
  const std::string all =
      test::read_file(test::test_data("llama-server-captures/" + name + ".http"));
  const std::size_t head = all.find("HTTP/1.1 ");
  const std::size_t blank = all.find("\r\n\r\n", head);
  std::string_view rest = std::string_view(all).substr(blank + 4);
  if (all.substr(head, blank - head).find("chunked") == std::string::npos) return std::string(rest);
  std::string body;
  for (;;) {
    const std::size_t line = rest.find("\r\n");
    const std::size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
    if (size == 0) return body;
    body += rest.substr(line + 2, size);
    rest.remove_prefix(line + 2 + size + 2);
  }
}

/// What becomes of @p stream in pieces of @p piece bytes; 0: of any size.
std::string lines_of(std::string_view stream, OllamaCall call = OllamaCall::Chat,
                     std::size_t piece = 1 << 20) {
  OllamaAnswer answer(call, "m:latest");
  std::mt19937 random(7);
  std::string out;
  while (!stream.empty()) {
    const std::size_t n = std::min(stream.size(), piece == 0 ? 1 + random() % 90 : piece);
    out += answer.feed(stream.substr(0, n), kNow);
    stream.remove_prefix(n);
  }
  return out + answer.finish(kTimes, kNow);
}

std::optional<std::string> whole(std::string_view text, OllamaCall call = OllamaCall::Chat) {
  OllamaAnswer answer(call, "m");
  return answer.whole(text, kTimes, kNow);
}

constexpr std::string_view kHi =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    ": keep-alive\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" you\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";

TEST(OllamaAnswer, AStreamBecomesLines) {
  const std::string begin = R"({"model":"m:latest","created_at":"2026-11-21T05:44:37Z",)";
  EXPECT_EQ(lines_of(kHi),
            begin + R"("message":{"role":"assistant","content":"Hi"},"done":false})" + "\n" +
                begin + R"("message":{"role":"assistant","content":" you"},"done":false})" + "\n" +
                begin +
                R"("message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",)"
                R"("total_duration":9000000000,"load_duration":4000000000,"prompt_eval_count":5,)"
                R"("prompt_eval_duration":300000000,"eval_count":2,"eval_duration":700000000})" +
                "\n");
}

TEST(OllamaAnswer, OfAPromptItIsAResponse) {
  const std::string text =
      lines_of("data: {\"choices\":[{\"text\":\"Hi\"}]}\n\ndata: [DONE]\n\n", OllamaCall::Generate);
  EXPECT_THAT(text, HasSubstr(R"("response":"Hi","done":false})"));
  EXPECT_THAT(text, HasSubstr(R"("response":"","done":true,"done_reason":"stop")"));
  EXPECT_THAT(lines_of(kHi, OllamaCall::Generate), HasSubstr(R"("response":" you","done":false)"));
}

TEST(OllamaAnswer, SaysTheSameHoweverItIsCut) {
  for (const char* const name :
       {"chat_stream", "chat_stream_usage", "chat_stream_progress", "chat_think_stream",
        "chat_tool_stream", "completion_stream", "err_stream_too_long"}) {
    const std::string body = recorded_body(name);
    const std::string at_once = lines_of(body);
    EXPECT_FALSE(at_once.empty()) << name;
    for (const std::size_t piece : {0U, 1U, 7U}) {
      EXPECT_EQ(lines_of(body, OllamaCall::Chat, piece), at_once) << name << " by " << piece;
    }
  }
  std::string crlf;
  for (const char c : kHi) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(lines_of(crlf, OllamaCall::Chat, 1), lines_of(kHi));
  for (const char* const end : {"\n", "\r\n", "\r"}) {
    const std::string done = std::string("data: [DONE]") + end;
    EXPECT_THAT(lines_of(done, OllamaCall::Chat, 1), HasSubstr("\"done\":true"));
  }
}

TEST(OllamaAnswer, OfARealServerHasItsOwnTimes) {
  const std::string text = lines_of(recorded_body("chat_stream_usage"));
  EXPECT_THAT(text, Not(HasSubstr(R"("prompt_eval_duration":300000000)"))) << "ours, not its own";
  EXPECT_THAT(text, Not(HasSubstr(R"("eval_duration":700000000)")));
  EXPECT_THAT(text, AllOf(HasSubstr(R"("prompt_eval_count":)"), HasSubstr(R"("eval_count":6)")));
  EXPECT_THAT(text, HasSubstr(R"("done_reason":"length")"));
}

TEST(OllamaAnswer, MillisecondsOfTheEngineAreNanoseconds) {
  EXPECT_THAT(whole(R"({"choices":[{"message":{"content":"a"}}],)"
                    R"("timings":{"prompt_ms":12.5,"predicted_ms":30}})"),
              Optional(AllOf(HasSubstr(R"("prompt_eval_duration":12500000)"),
                             HasSubstr(R"("eval_duration":30000000)"))));
}

TEST(OllamaAnswer, ThoughtsAreApart) {
  EXPECT_THAT(lines_of(recorded_body("chat_think_stream")),
              HasSubstr(R"("content":"","thinking":)"));
  EXPECT_THAT(*whole(recorded_body("chat_think")), HasSubstr(R"("thinking":)"));
  EXPECT_THAT(lines_of("data: {\"choices\":[{\"delta\":{\"reasoning\":\"hm\"}}]}\n\n"
                       "data: [DONE]\n\n"),
              HasSubstr(R"("thinking":"hm")"));
}

TEST(OllamaAnswer, ToolsAreCalledWithObjectsBeforeTheEnd) {
  const std::string text = lines_of(recorded_body("chat_tool_stream"));
  const std::size_t at = text.find(R"("tool_calls":[{"id":")");
  ASSERT_NE(at, std::string::npos) << text;
  const std::string rest = text.substr(at);
  EXPECT_THAT(rest, HasSubstr(R"("name":"get_weather","arguments":{)"));
  EXPECT_THAT(rest, HasSubstr(R"(},"done":false})"
                              "\n"));
  EXPECT_THAT(rest, HasSubstr(R"("done":true,"done_reason":"stop")"));
  EXPECT_THAT(*whole(recorded_body("chat_tool")),
              AllOf(HasSubstr(R"("arguments":{)"), HasSubstr(R"("done":true)")));
}

TEST(OllamaAnswer, PiecesOfSeveralToolsAreKeptApart) {
  const auto piece = [](int index, std::string_view members) {
    return "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":" + std::to_string(index) +
           std::string(members) + "}]}}]}\n\n";
  };
  const std::string text =
      lines_of(piece(0, R"(,"id":"c1","function":{"name":"a","arguments":"{\"x\""})") +
               piece(1, R"(,"id":"c2","function":{"name":"b","arguments":"oops"})") +
               piece(0, R"(,"function":{"arguments":":1}"})") + "data: [DONE]\n\n");
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("tool_calls":[{"id":"c1","function":{"index":0,"name":"a","arguments":{"x":1}}},)"
          R"({"id":"c2","function":{"index":1,"name":"b","arguments":{}}}])"));
  EXPECT_THAT(lines_of(piece(999999999, R"(,"id":"c1")") + "data: [DONE]\n\n"),
              Not(HasSubstr("tool_calls")));
}

TEST(OllamaAnswer, LogprobsAreTheSame) {
  const std::string_view text =
      R"({"choices":[{"message":{"content":"a"},"finish_reason":"stop","logprobs":{"content":[{"token":"a","logprob":-0.5}]}}]})";
  EXPECT_THAT(whole(text), Optional(HasSubstr(R"("logprobs":[{"token":"a","logprob":-0.5}])")));
}

TEST(OllamaAnswer, AnErrorInTheStreamIsItsLastLine) {
  const std::string text = lines_of(
      "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
      "data: {\"error\":{\"message\":\"out of memory\"}}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"no\"}}]}\n\n");
  EXPECT_THAT(text, EndsWith("}\n{\"error\":\"out of memory\"}\n"));
  EXPECT_THAT(lines_of("data: {\"error\":{}}\n\n"), "{\"error\":\"the engine failed\"}\n");
  EXPECT_THAT(lines_of("data: {\"error\":null,\"choices\":[]}\n\ndata: [DONE]\n"),
              HasSubstr(R"("done":true)"));
}

TEST(OllamaAnswer, AStreamThatDoesNotSayItsEndHasNone) {
  EXPECT_THAT(lines_of("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"),
              EndsWith("{\"error\":\"the engine's answer ended before its end\"}\n"));
  EXPECT_THAT(lines_of("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}"),
              HasSubstr(R"("done":true)"))
      << "a last line without its end";
  OllamaAnswer answer(OllamaCall::Chat, "m");
  EXPECT_EQ(answer.broken("it died"), "{\"error\":\"it died\"}\n");
  EXPECT_EQ(answer.broken("again"), "");
  EXPECT_EQ(answer.finish(kTimes, kNow), "") << "that was the end";
}

TEST(OllamaAnswer, AnEventHasALimit) {
  OllamaAnswer answer(OllamaCall::Chat, "m");
  const std::string piece(1024 * 1024, 'x');
  std::string out;
  for (int i = 0; i < 9; ++i) out += answer.feed(piece, kNow);
  EXPECT_EQ(out, "{\"error\":\"the engine sent an event that is too long\"}\n");
}

TEST(OllamaAnswer, AWholeAnswerIsOneObject) {
  const auto text = whole(recorded_body("chat"));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text,
              AllOf(StartsWith(R"({"model":"m","created_at":")"), HasSubstr(R"("done":true)"),
                    HasSubstr(R"("eval_count":)"), EndsWith("}\n")));
  EXPECT_FALSE(whole("no"));
  EXPECT_FALSE(whole("[]"));
  EXPECT_FALSE(whole(R"({"choices":[]})"));
}

TEST(OllamaAnswer, EmbeddingsAreInTheOrderOfTheirInput) {
  const std::string_view two =
      R"({"data":[{"index":1,"embedding":[0.5,-1]},{"index":0,"embedding":[0.25]}],"usage":{"prompt_tokens":3}})";
  EXPECT_THAT(
      whole(two, OllamaCall::Embed),
      Optional(std::string(R"({"model":"m","embeddings":[[0.25],[0.5,-1]],)") +
               R"("total_duration":9000000000,"load_duration":4000000000,"prompt_eval_count":3})"
               "\n"));
  EXPECT_THAT(whole(two, OllamaCall::Embeddings),
              Optional(std::string("{\"embedding\":[0.25]}\n")));
  EXPECT_THAT(whole(recorded_body("embeddings"), OllamaCall::Embed),
              Optional(HasSubstr(R"("embeddings":[[)")));
  EXPECT_FALSE(whole(R"({"data":[{"embedding":"AAAA"}]})", OllamaCall::Embed));
  EXPECT_FALSE(whole(R"({"data":[]})", OllamaCall::Embeddings));
}

TEST(OllamaAnswer, WhoAsksForNothingIsToldThatItIsDone) {
  EXPECT_EQ(ollama_empty_answer(OllamaCall::Chat, "m", "load", "now"),
            R"({"model":"m","created_at":"now","message":{"role":"assistant","content":""},)"
            R"("done":true,"done_reason":"load"})");
  EXPECT_EQ(ollama_empty_answer(OllamaCall::Generate, "m", "unload", "now"),
            R"({"model":"m","created_at":"now","response":"","done":true,"done_reason":"unload"})");
  EXPECT_EQ(ollama_empty_answer(OllamaCall::Embed, "m", "load", ""),
            R"({"model":"m","embeddings":[]})");
  EXPECT_EQ(ollama_empty_answer(OllamaCall::Embeddings, "m", "load", ""), R"({"embedding":[]})");
}

}  // namespace
}  // namespace rouse::wire
