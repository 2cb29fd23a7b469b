// Ollama's calls on their way to engines and peers that know nothing of Ollama, with both sides in
// the test's hands.
#include "base/text/sha256.hpp"
#include "tests/support/exchange_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>

namespace rouse {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kChat =
    R"({"model":"m:latest","messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view kWhole =
    R"({"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}]})";
constexpr std::string_view kEventHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kAnswer =
    R"({"choices":[{"message":{"content":"you"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":1}})";

std::string chunk(std::string_view data) {
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

std::string event(std::string_view json) {
  return chunk("data: " + std::string(json) + "\n\n");
}

std::string content(std::string_view text) {
  return event(fmt::format(R"({{"choices":[{{"delta":{{"content":"{}"}}}}]}})", text));
}

class OllamaExchanges : public ExchangeWorld {
 protected:
  /// One model m, loaded, whose engine is engine_. @p model: further lines of it; @p rest: of the
  /// file.
  void start_with(const std::string& model = "", const std::string& rest = "") {
    start(
        "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    proxy: "
        "http://127.0.0.1:" +
        std::to_string(engine_.port()) + "\n" + model + rest);
    load("m");
    engine_.listen();
    connect_client();
  }
  /// Up to the whole request at the engine.
  std::string ask_engine(std::string_view body, std::string_view fields = {},
                         std::string_view call = "/api/chat") {
    ask(call, body, fields);
    engine_.accept();
    return engine_.hear_request();
  }
  [[nodiscard]] bool becomes(core::EngineState state) {
    return run_until([this, state] { return dispatcher().engine_state("m") == state; });
  }

  OtherSide engine_{*this};
};

TEST_F(OllamaExchanges, AStreamIsTranslatedBothWays) {
  start_with("    filters: {setParams: {top_k: 5}}\n");
  const std::string got = ask_engine(kChat, "Accept: application/x-ndjson\r\n");
  EXPECT_THAT(got, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(got, HasSubstr("application/json\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("ndjson")));
  EXPECT_THAT(got, EndsWith(R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
                            R"("messages":[{"role":"user","content":"hi"}],"top_k":5})"))
      << "what filters set is for engines";
  engine_.say(std::string(kEventHead) + content("He"));
  std::string told = client_hears("\"done\":false}\n");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("application/x-ndjson\r\n"),
                          HasSubstr("x-rouse-cold-start: "), Not(HasSubstr("event-stream"))));
  EXPECT_THAT(told, HasSubstr(R"({"model":"m:latest","created_at":")"));
  engine_.say(content("y") + event(R"({"choices":[{"delta":{},"finish_reason":"length"}]})") +
              event(R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})") +
              chunk("data: [DONE]\n\n") + "0\r\n\r\n");
  told = client_hears("0\r\n\r\n");
  EXPECT_THAT(told, HasSubstr(R"("done_reason":"length","total_duration":)"));
  EXPECT_THAT(told, HasSubstr(R"("prompt_eval_count":3)"));
  const Activity row = last_row();
  EXPECT_EQ(row.path, "/api/chat");
  EXPECT_EQ(row.model, "m");
  EXPECT_EQ(row.outcome, "ok");
  EXPECT_EQ(row.input_tokens, 3);
  EXPECT_EQ(row.output_tokens, 2);
}

TEST_F(OllamaExchanges, AWholeAnswerIsTranslatedAndBothConnectionsStay) {
  start_with();
  ask_engine(kWhole);
  engine_.answer(200, kAnswer);
  EXPECT_THAT(client_hears("}\n"),
              AllOf(HasSubstr("application/json"), HasSubstr(R"("content":"you"})"),
                    HasSubstr(R"("done":true)")));
  ask("/api/generate", R"({"model":"m","prompt":"why","raw":true,"stream":false})");
  EXPECT_THAT(engine_.hear_request(), AllOf(StartsWith("POST /v1/completions HTTP/1.1\r\n"),
                                            HasSubstr(R"("prompt":"why")")))
      << "on the same connection";
  engine_.answer(200, R"({"choices":[{"text":"so","finish_reason":"stop"}]})");
  client_hears(R"("response":"so","done":true)");
  ask("/api/embed", R"({"model":"m","input":"a"})");
  EXPECT_THAT(engine_.hear_request(), StartsWith("POST /v1/embeddings HTTP/1.1\r\n"));
  engine_.answer(200, R"({"data":[{"embedding":[0.5]}]})");
  client_hears(R"("embeddings":[[0.5]])");
}

TEST_F(OllamaExchanges, ARefusalKeepsItsStatusAndIsOneText) {
  start_with();
  ask_engine(kWhole);
  engine_.answer(429, R"({"error":{"message":"too much"}})", "Retry-After: 7\r\n");
  EXPECT_THAT(client_hears(R"({"error":"too much"})"),
              AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("etry-after: 7\r\n"),
                    HasSubstr("application/json\r\n")));
  EXPECT_EQ(last_row().error, "too much");
  ask("/api/chat", R"({"model":"q","messages":[]})", "Accept: text/html\r\n");
  EXPECT_THAT(client_hears("there are: m\"}"),
              AllOf(HasSubstr("HTTP/1.1 404 "), HasSubstr(R"({"error":"no model is called)")));
}

TEST_F(OllamaExchanges, WhatIsNoAnswerIsOurError) {
  start_with();
  ask_engine(kWhole);
  engine_.answer(200, R"({"ok":1})");
  EXPECT_THAT(client_hears("gave no answer of its API\"}"), StartsWith("HTTP/1.1 502 "));
  ask_engine(kWhole);
  engine_.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{");
  engine_.hang_up();
  EXPECT_THAT(client_hears("broke off"),
              AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr(R"({"error":")")));
}

TEST_F(OllamaExchanges, BlanksKeepTheStreamAliveUntilItsFirstLine) {
  start_with("", "waiting: {hold: 1ms, keepAlive: 10ms}\n");
  ask_engine(kChat);
  const std::string told = client_hears("1\r\n \r\n1\r\n \r\n");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("application/x-ndjson\r\n"),
                          Not(HasSubstr("keep-alive\n"))));
  engine_.say(std::string(kEventHead) + content("He"));
  client_hears("\"done\":false}\n\r\n1\r\n \r\n");  // a silence between two lines
  engine_.say(event(R"({"choices":[{"delta":{},"finish_reason":"stop"}]})") + "0\r\n\r\n");
  EXPECT_THAT(client_hears("0\r\n\r\n"), HasSubstr("\"done\":true"));
}

TEST_F(OllamaExchanges, AfterTheEarlyHeadARefusalIsALine) {
  start_with("", "waiting: {hold: 1ms, keepAlive: 5s}\n");
  ask_engine(kChat);
  client_hears("\r\n\r\n");
  engine_.answer(400, R"({"error":{"message":"the prompt is too long"}})");
  EXPECT_THAT(client_hears("0\r\n\r\n"), HasSubstr("{\"error\":\"the prompt is too long\"}\n"));
  connect_client();
  ask("/api/chat", kChat);
  engine_.hear_request();
  client_hears("\r\n\r\n");
  engine_.answer(200, kAnswer);
  EXPECT_THAT(client_hears("0\r\n\r\n"), HasSubstr(R"("content":"you"},"done":true)"))
      << "an engine that does not stream";
}

TEST_F(OllamaExchanges, AnEngineThatDiesInMidStreamIsItsLastLine) {
  start_with();
  ask_engine(kChat);
  engine_.say(std::string(kEventHead) + content("He"));
  client_hears(R"("content":"He")");
  ::kill(dispatcher().engine_pid("m"), SIGKILL);
  engine_.hang_up();
  EXPECT_THAT(client_hears("0\r\n\r\n"),
              AllOf(HasSubstr(R"({"error":"cut: )"), HasSubstr("signal 9")));
  EXPECT_EQ(last_row().outcome, "upstream_error");
}

TEST_F(OllamaExchanges, AnErrorInTheEnginesStreamIsTheLastLine) {
  start_with();
  ask_engine(kChat);
  engine_.say(std::string(kEventHead) + event(R"({"error":{"message":"out of memory"}})") +
              "0\r\n\r\n");
  EXPECT_THAT(client_hears("0\r\n\r\n"),
              AllOf(HasSubstr("{\"error\":\"out of memory\"}\n"), Not(HasSubstr("done"))));
}

TEST_F(OllamaExchanges, WhoAsksForNothingHasTheModelLoadedOrUnloaded) {
  start(
      "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    proxy: "
      "http://127.0.0.1:" +
      std::to_string(engine_.port()) + "\n");
  connect_client();
  ask("/api/generate", R"({"model":"m","stream":false})");
  EXPECT_THAT(client_hears(R"("done_reason":"load"})"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Ready);
  ask("/api/chat", R"({"model":"m","messages":[],"keep_alive":0})");
  client_hears(R"("done_reason":"unload"})");
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Stopped);
  EXPECT_EQ(last_row().outcome, "ok");
}

TEST_F(OllamaExchanges, AModelThatIsNotNeededAfterwardsGoesWhenNobodyElseWantsIt) {
  start_with();
  ask_engine(R"({"model":"m","stream":false,"keep_alive":0,"messages":[{"content":"hi"}]})");
  const int first = ::dup(peer_.get());  // whose client stays
  connect_client();
  ask("/api/chat", kWhole);
  ASSERT_TRUE(run_until([this] { return recorder().in_flight.entries().size() == 2; }));
  engine_.answer(200, kAnswer);
  ASSERT_TRUE(run_until([this] { return recorder().in_flight.entries().size() == 1; }));
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Ready) << "another wants it";
  ::close(first);
  engine_.accept();
  engine_.hear_request();
  engine_.answer(200, kAnswer);
  client_hears("}\n");
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Ready) << "nobody sent it away";
  ask("/api/chat",
      R"({"model":"m","stream":false,"keep_alive":"0s","messages":[{"content":"hi"}]})");
  engine_.hear_request();
  engine_.answer(200, kAnswer);
  client_hears("}\n");
  EXPECT_TRUE(becomes(core::EngineState::Stopped));
}

TEST_F(OllamaExchanges, KeysMayUnloadOnlyWithTheirScope) {
  start_with("", "keys:\n  chat: {sha256: " + hex_of(sha256("chat")) + ", scopes: [infer]}\n");
  ask("/api/chat", kWhole);
  EXPECT_THAT(client_hears("\"}"), AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr(R"({"error":")")));
  connect_client();
  ask("/api/generate", R"({"model":"m","keep_alive":0})", "Authorization: Bearer chat\r\n");
  EXPECT_THAT(client_hears("the scope control\"}"), StartsWith("HTTP/1.1 403 "));
  ask_engine(R"({"model":"m","stream":false,"keep_alive":0,"messages":[{"content":"hi"}]})",
             "Authorization: Bearer chat\r\n");
  engine_.answer(200, kAnswer);
  client_hears("}\n");
  EXPECT_TRUE(run_until([this] { return is_quiet(); }));
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Ready);
}

TEST_F(OllamaExchanges, APeerGetsTheFormOfEngines) {
  start("peers:\n  attic:\n    proxy: http://127.0.0.1:" + std::to_string(engine_.port()) +
        "\n    models: [q]\n");
  engine_.listen();
  connect_client();
  ask("/api/chat", R"({"model":"q:latest","stream":false,"messages":[{"content":"hi"}]})");
  std::string got;
  for (int calls = 0; calls < 10 && !got.starts_with("POST "); ++calls) {
    engine_.accept();
    got = engine_.hear_request();
    if (got.starts_with("POST ")) break;
    engine_.answer(got.starts_with("GET /health") ? 200 : 404, "{}", "Connection: close\r\n");
    engine_.hang_up();
  }
  EXPECT_THAT(got, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(got, HasSubstr(R"({"model":"q",)"));
  engine_.answer(200, kAnswer);
  EXPECT_THAT(client_hears("}\n"), HasSubstr(R"("model":"q:latest")"));
}

}  // namespace
}  // namespace rouse
