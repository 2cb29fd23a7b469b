#include "proxy/wire/error_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <string_view>

namespace rouse::wire {
namespace {

/// The text at a JSON pointer of @p json; a failure if it is not there.
std::string at(std::string_view json, std::string_view pointer) {
  simdjson::dom::parser parser;
  std::string_view text;
  const auto error = parser.parse(simdjson::padded_string(json)).at_pointer(pointer).get(text);
  EXPECT_EQ(error, simdjson::SUCCESS) << pointer << " in " << json;
  return error == simdjson::SUCCESS ? std::string(text) : std::string();
}

/// The data of the one event that @p text is.
std::string data_of(std::string_view text, std::string_view first_line) {
  EXPECT_TRUE(text.starts_with(first_line)) << text;
  EXPECT_TRUE(text.ends_with("\n\n")) << text;
  text.remove_prefix(first_line.size());
  EXPECT_EQ(text.find('\n'), text.size() - 2) << text;
  return std::string(text.substr(0, text.size() - 2));
}

TEST(ErrorBody, IsTheShapeThatEveryClientUnderstands) {
  EXPECT_EQ(error_json(404, {{}, {}, "no model \"x\""}),
            R"({"type":"error","error":{"type":"invalid_request_error",)"
            R"("message":"no model \"x\"","code":"not_found","param":null},"src":"rouse"})");
  EXPECT_EQ(error_json(503, {"overloaded_error", "model_loading", "wait"}),
            R"({"type":"error","error":{"type":"overloaded_error",)"
            R"("message":"wait","code":"model_loading","param":null},"src":"rouse"})");
}

TEST(ErrorBody, NamesTypeAndCodeByStatus) {
  const auto names = [](int status) {
    const std::string json = error_json(status, {});
    return at(json, "/error/type") + "/" + at(json, "/error/code");
  };
  EXPECT_EQ(names(400), "invalid_request_error/bad_request");
  EXPECT_EQ(names(401), "authentication_error/unauthorized");
  EXPECT_EQ(names(404), "invalid_request_error/not_found");
  EXPECT_EQ(names(409), "invalid_request_error/conflict");
  EXPECT_EQ(names(413), "invalid_request_error/invalid_request");
  EXPECT_EQ(names(429), "rate_limit_error/rate_limit_exceeded");
  EXPECT_EQ(names(500), "server_error/internal_error");
  EXPECT_EQ(names(502), "server_error/bad_gateway");
  EXPECT_EQ(names(504), "server_error/gateway_timeout");
}

TEST(ErrorEvent, SpeaksTheDialectOfTheStream) {
  const ErrorText error{"server_error", "start_failed", "line\nbreak"};
  for (const Dialect dialect : {Dialect::OpenAiChat, Dialect::OpenAiCompletions, Dialect::Plain}) {
    EXPECT_EQ(error_event(dialect, 503, error),
              "data: {\"error\":{\"type\":\"server_error\",\"message\":\"line\\nbreak\","
              "\"code\":\"start_failed\",\"param\":null}}\n\n");
  }

  std::string data = data_of(error_event(Dialect::Anthropic, 503, error), "event: error\ndata: ");
  EXPECT_EQ(at(data, "/type"), "error");
  EXPECT_EQ(at(data, "/error/type"), "server_error");
  EXPECT_EQ(at(data, "/error/message"), "line\nbreak");

  std::string events = error_event(Dialect::OpenAiResponses, 503, error);
  const std::size_t second = events.find("event: response.failed\n");
  ASSERT_NE(second, std::string::npos) << events;
  data = data_of(events.substr(0, second), "event: response.created\ndata: ");
  EXPECT_EQ(at(data, "/type"), "response.created");
  EXPECT_EQ(at(data, "/response/status"), "in_progress");
  data = data_of(events.substr(second), "event: response.failed\ndata: ");
  EXPECT_EQ(at(data, "/type"), "response.failed");
  EXPECT_EQ(at(data, "/response/status"), "failed");
  EXPECT_EQ(at(data, "/response/object"), "response");
  EXPECT_EQ(at(data, "/response/error/code"), "start_failed");
  EXPECT_EQ(at(data, "/response/error/message"), "line\nbreak");
  events = error_event(Dialect::OpenAiResponses, 502, {});
  data = data_of(events.substr(events.find("event: response.failed")),
                 "event: response.failed\ndata: ");
  EXPECT_EQ(at(data, "/response/error/code"), "bad_gateway");
}

/// What they do: docs/clients.md, Breaking off.
TEST(ErrorEvent, IsForClientsThatShowItAndNotForAgentsThatAskAgainAfterACut) {
  for (const char* const shows :
       {"OpenAI/JS 7.55.0", "OpenAI/Python 3.57.0", "AsyncOpenAI/Python 3.57.0",
        "AzureOpenAI/JS 7.55.0", "Anthropic/JS 1.11.0", "AsyncAnthropic/Python 2.15.0",
        "ai-sdk-openai-compatible/3.0.92 ai-sdk-provider-utils/5.0.81 node.js/22",
        "ai-sdk/openai-compatible/1.0.11 ai-sdk/provider-utils/3.0.5 runtime/node.js/22",
        "ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/22"}) {
    EXPECT_TRUE(shows_error_events(shows)) << shows;
  }
  for (const char* const agent :
       {"", "curl/7.88.1", "claude-cli/2.1.329 (external, cli)", "QwenCode/0.24.4 (linux; x64)",
        "codex_exec/0.169.0 (Debian 12; x86_64) dumb (codex_exec; 0.169.0)",
        "opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14",
        "ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13",
        "air/1.0", "Mozilla/5.0 (OpenAI)"}) {
    EXPECT_FALSE(shows_error_events(agent)) << agent;
  }
}

TEST(ErrorMessageIn, FindsTheMessageInTheUsualShapes) {
  EXPECT_EQ(error_message_in(R"({"error":{"message":"a","code":1}})"), "a");
  EXPECT_EQ(error_message_in(R"({"error":"b"})"), "b");
  EXPECT_EQ(error_message_in(R"({"message":"c"})"), "c");
  EXPECT_EQ(error_message_in(R"({"detail":"d"})"), "d");
  EXPECT_EQ(error_message_in(R"({"detail":[]})"), "");
  EXPECT_EQ(error_message_in("[]"), "");
  EXPECT_EQ(error_message_in("<html>"), "");
  EXPECT_EQ(error_message_in(""), "");
}

TEST(ErrorAnswer, HasTheFormThatAccepts) {
  const ErrorText text{"", "", "no <model> & \"key\""};
  const auto type = [&](std::string_view accept) { return error_answer(404, text, accept).type; };
  for (const char* const accept :
       {"", "*/*", "application/json", "application/json, text/plain, */*", "text/event-stream",
        "text/html, application/problem+json"}) {
    EXPECT_EQ(type(accept), "application/json") << accept;
    EXPECT_EQ(error_answer(404, text, accept).body, error_json(404, text));
  }
  EXPECT_EQ(type("Text/Plain"), "text/plain; charset=utf-8");
  EXPECT_EQ(error_answer(404, text, "text/plain").body, "rouse: no <model> & \"key\"\n");
  EXPECT_EQ(type("text/html,application/xhtml+xml,*/*;q=0.8"), "text/html; charset=utf-8");
  EXPECT_EQ(type("text/plain, text/html"), "text/html; charset=utf-8");
  const std::string page = error_answer(404, text, "text/html").body;
  EXPECT_NE(page.find("<h1>404 Not Found</h1>"), std::string::npos) << page;
  EXPECT_NE(page.find("no &#60;model&#62; &#38; &#34;key&#34;"), std::string::npos) << page;
}

}  // namespace
}  // namespace rouse::wire
