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

  data =
      data_of(error_event(Dialect::OpenAiResponses, 503, error), "event: response.failed\ndata: ");
  EXPECT_EQ(at(data, "/type"), "response.failed");
  EXPECT_EQ(at(data, "/response/status"), "failed");
  EXPECT_EQ(at(data, "/response/object"), "response");
  EXPECT_EQ(at(data, "/response/error/code"), "start_failed");
  EXPECT_EQ(at(data, "/response/error/message"), "line\nbreak");
  data = data_of(error_event(Dialect::OpenAiResponses, 502, {}), "event: response.failed\ndata: ");
  EXPECT_EQ(at(data, "/response/error/code"), "bad_gateway");
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
