#include "proxy/wire/error_body.hpp"

#include "base/http/message.hpp"
#include "base/text/ascii.hpp"
#include "base/text/json_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>

namespace rouse::wire {

namespace {

/// Types and codes as llama-swap gives them (docs/llama-swap.md, Errors).
struct StatusWords {
  int status;
  std::string_view type;
  std::string_view code;
};
constexpr StatusWords kWords[] = {
    {400, "invalid_request_error", "bad_request"}, {401, "authentication_error", "unauthorized"},
    {403, "permission_error", "forbidden"},        {404, "invalid_request_error", "not_found"},
    {409, "invalid_request_error", "conflict"},    {429, "rate_limit_error", "rate_limit_exceeded"},
    {502, "server_error", "bad_gateway"},          {503, "overloaded_error", "service_unavailable"},
    {504, "server_error", "gateway_timeout"},
};

StatusWords words_for(int status) {
  for (const StatusWords& words : kWords) {
    if (words.status == status) return words;
  }
  if (status >= 400 && status < 500) return {status, "invalid_request_error", "invalid_request"};
  return {status, "server_error", "internal_error"};
}

std::string error_object(int status, const ErrorText& error) {
  const StatusWords words = words_for(status);
  return fmt::format(R"({{"type":{},"message":{},"code":{},"param":null}})",
                     json_string(error.type.empty() ? words.type : error.type),
                     json_string(error.message),
                     json_string(error.code.empty() ? words.code : error.code));
}

/// One event of a response that has brought nothing. With every member that the clients' schemas
/// name: some drop an event that lacks one.
std::string empty_response_event(int number, std::string_view what, std::string_view status,
                                 std::string_view error) {
  return fmt::format(
      "event: response.{0}\ndata: {{\"type\":\"response.{0}\",\"sequence_number\":{1},"
      "\"response\":{{\"id\":\"resp_failed\",\"object\":\"response\",\"created_at\":0,"
      "\"status\":\"{2}\",\"error\":{3},\"incomplete_details\":null,"
      "\"model\":\"\",\"output\":[],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\","
      "\"tools\":[],\"usage\":null}}}}\n\n",
      what, number, status, error);
}

/// The SDKs' helpers take no response.failed that no response.created precedes.
std::string failed_response_events(int status, const ErrorText& error) {
  const std::string_view code = error.code.empty() ? words_for(status).code : error.code;
  const std::string told =
      fmt::format(R"({{"code":{},"message":{}}})", json_string(code), json_string(error.message));
  return empty_response_event(0, "created", "in_progress", "null") +
         empty_response_event(1, "failed", "failed", told);
}

std::string for_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'') {
      out += fmt::format("&#{};", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string error_json(int status, const ErrorText& error) {
  return fmt::format(R"({{"type":"error","error":{},"src":"rouse"}})", error_object(status, error));
}

std::string ollama_error(std::string_view message) {
  return "{\"error\":" + json_string(message) + "}";
}

ErrorAnswer error_answer(int status, const ErrorText& error, std::string_view accept,
                         Dialect dialect) {
  if (dialect == Dialect::Ollama) return {"application/json", ollama_error(error.message)};
  const std::string wanted = to_lower(accept);
  const auto names = [&](std::string_view type) { return wanted.find(type) != std::string::npos; };
  if (names("json")) return {"application/json", error_json(status, error)};
  if (names("text/html")) {
    const std::string title = fmt::format("{} {}", status, reason_phrase(status));
    return {"text/html; charset=utf-8",
            fmt::format("<!doctype html>\n<title>{0}</title>\n<h1>{0}</h1>\n<p>rouse: {1}</p>\n",
                        title, for_html(error.message))};
  }
  if (names("text/plain")) {
    return {"text/plain; charset=utf-8", fmt::format("rouse: {}\n", error.message)};
  }
  return {"application/json", error_json(status, error)};
}

std::string error_event(Dialect dialect, int status, const ErrorText& error) {
  switch (dialect) {
    case Dialect::Anthropic:
      return fmt::format("event: error\ndata: {}\n\n", error_json(status, error));
    case Dialect::OpenAiResponses:
      return failed_response_events(status, error);
    case Dialect::Ollama:
      return ollama_error(error.message) + "\n";
    case Dialect::OpenAiChat:
    case Dialect::OpenAiCompletions:
    case Dialect::Plain:
      break;
  }
  return fmt::format("data: {{\"error\":{}}}\n\n", error_object(status, error));
}

bool shows_error_events(std::string_view user_agent) {
  const std::string_view program = user_agent.substr(0, user_agent.find('/'));
  if (program.ends_with("OpenAI") || program.ends_with("Anthropic")) return true;
  if (program == "litellm") return true;
  // Of those that are built on the AI SDK an agent names itself first, or runs on bun.
  const bool is_ai_sdk = program == "ai" || program.starts_with("ai-sdk");
  return is_ai_sdk && user_agent.find("runtime/bun") == std::string_view::npos;
}

std::string error_message_in(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view message;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return {};
  if (root["error"]["message"].get(message) == simdjson::SUCCESS) return std::string(message);
  if (root["error"].get(message) == simdjson::SUCCESS) return std::string(message);
  if (root["message"].get(message) == simdjson::SUCCESS) return std::string(message);
  if (root["detail"].get(message) == simdjson::SUCCESS) return std::string(message);
  return {};
}

}  // namespace rouse::wire
