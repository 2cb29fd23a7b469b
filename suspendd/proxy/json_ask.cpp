#include "suspendd/proxy/json_ask.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <utility>

namespace rouse::suspendd {

HttpAsk json_ask(Endpoint endpoint, std::string method, const std::string& path, std::string body,
                 std::chrono::milliseconds limit) {
  HttpAsk ask;
  ask.method = std::move(method);
  ask.target = endpoint.base_path + path;
  ask.url = std::move(endpoint);
  if (!body.empty()) ask.fields.add("content-type", "application/json");
  ask.body = std::move(body);
  ask.connect_timeout = limit;
  ask.timeout = limit;
  ask.answer_max = 4 * 1024 * 1024;
  return ask;
}

Endpoint unix_endpoint(std::string path) {
  Endpoint endpoint;
  endpoint.unix_path = std::move(path);
  return endpoint;
}

std::string refusal_text(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view message;
  const bool is_told = parser.parse(answer.body).get(root) == simdjson::SUCCESS &&
                       root["message"].get(message) == simdjson::SUCCESS;
  return is_told ? std::string(message)
                 : fmt::format("status {} ({})", answer.status, reason_phrase(answer.status));
}

}  // namespace rouse::suspendd
