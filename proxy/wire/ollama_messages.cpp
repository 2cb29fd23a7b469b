#include "proxy/wire/ollama_messages.hpp"

#include "base/text/ascii.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace rouse::wire {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::optional<element> ollama_member(const object& of, std::string_view name) {
  element value;
  if (of.at_key(name).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

std::string_view ollama_text(const object& of, std::string_view name) {
  std::string_view text;
  const auto value = ollama_member(of, name);
  if (!value || value->get(text) != simdjson::SUCCESS) return {};
  return text;
}

void copy_ollama(JsonWriter& json, std::string_view name, const element& value) {
  json.key(name);
  json.raw(simdjson::minify(value));
}

namespace {

/// An image as engines take it. What it is shows in its first bytes.
std::string image_url(std::string_view base64) {
  struct Kind {
    std::string_view begin;
    std::string_view type;
  };
  static constexpr Kind kKinds[] = {
      {"/9j/", "image/jpeg"},  {"iVBORw0KGgo", "image/png"}, {"R0lGOD", "image/gif"},
      {"UklGR", "image/webp"}, {"Qk", "image/bmp"},
  };
  if (base64.starts_with("data:")) return std::string(base64);
  std::string_view type = "image/png";
  for (const Kind& kind : kKinds) {
    if (base64.starts_with(kind.begin)) type = kind.type;
  }
  return fmt::format("data:{};base64,{}", type, base64);
}

/// "content" of a message: a text, or parts where there are images.
void write_content(JsonWriter& json, const object& message, std::string_view text_name) {
  const auto images = ollama_member(message, "images");
  array list;
  if (!images || images->get(list) != simdjson::SUCCESS || list.size() == 0) {
    const auto content = ollama_member(message, text_name);
    if (content) return copy_ollama(json, "content", *content);
    return json.member("content", "");
  }
  json.key("content");
  json.begin_array();
  if (const std::string_view text = ollama_text(message, text_name); !text.empty()) {
    json.begin_object();
    json.member("type", "text");
    json.member("text", text);
    json.end_object();
  }
  for (const element image : list) {
    std::string_view base64;
    if (image.get(base64) != simdjson::SUCCESS) continue;
    json.begin_object();
    json.member("type", "image_url");
    json.key("image_url");
    json.begin_object();
    json.member("url", image_url(base64));
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

/// Gives the calls of tools the ids that OpenAI's API ties their results to; Ollama's has none, or
/// its clients leave them out.
class CallIds {
 public:
  std::string open(std::string_view name, std::string_view id) {
    std::string made = id.empty() ? fmt::format("call_{}", ++count_) : std::string(id);
    open_.emplace_back(name, made);
    return made;
  }
  /// The call that a result of the tool @p name is of: the first of that name, else the first.
  std::string answered(std::string_view name, std::string_view id) {
    auto found = std::find_if(open_.begin(), open_.end(), [&](const auto& call) {
      return id.empty() ? call.first == name : call.second == id;
    });
    if (found == open_.end() && id.empty()) found = open_.begin();
    if (found == open_.end()) return id.empty() ? "call_0" : std::string(id);
    std::string which = found->second;
    open_.erase(found);
    return which;
  }

 private:
  std::vector<std::pair<std::string, std::string>> open_;
  int count_ = 0;
};

/// Arguments are a text with JSON in it for OpenAI, and the JSON itself for Ollama.
void write_tool_calls(JsonWriter& json, const array& calls, CallIds& ids) {
  json.key("tool_calls");
  json.begin_array();
  for (const element each : calls) {
    object call;
    object function;
    if (each.get(call) != simdjson::SUCCESS) continue;
    if (call["function"].get(function) != simdjson::SUCCESS) continue;
    const std::string_view name = ollama_text(function, "name");
    std::string arguments = "{}";
    if (const auto value = ollama_member(function, "arguments")) {
      std::string_view text;
      const bool is_text = value->get(text) == simdjson::SUCCESS;
      arguments = is_text ? std::string(text) : simdjson::minify(*value);
    }
    json.begin_object();
    json.member("id", ids.open(name, ollama_text(call, "id")));
    json.member("type", "function");
    json.key("function");
    json.begin_object();
    json.member("name", name);
    json.member("arguments", arguments);
    json.end_object();
    json.end_object();
  }
  json.end_array();
}

void write_message(JsonWriter& json, const object& message, CallIds& ids) {
  const std::string role = to_lower(ollama_text(message, "role"));
  json.begin_object();
  json.member("role", role);
  write_content(json, message, "content");
  if (const std::string_view thought = ollama_text(message, "thinking"); !thought.empty()) {
    json.member("reasoning_content", thought);
  }
  array calls;
  const auto tool_calls = ollama_member(message, "tool_calls");
  if (tool_calls && tool_calls->get(calls) == simdjson::SUCCESS && calls.size() > 0) {
    write_tool_calls(json, calls, ids);
  }
  if (role == "tool") {
    std::string_view tool = ollama_text(message, "tool_name");
    if (tool.empty()) tool = ollama_text(message, "name");
    json.member("tool_call_id", ids.answered(tool, ollama_text(message, "tool_call_id")));
  }
  json.end_object();
}

}  // namespace

std::string write_ollama_messages(JsonWriter& json, const array& messages) {
  CallIds ids;
  json.key("messages");
  json.begin_array();
  for (const element each : messages) {
    object message;
    if (each.get(message) != simdjson::SUCCESS) return "messages: expected objects";
    write_message(json, message, ids);
  }
  json.end_array();
  return {};
}

void write_ollama_prompt(JsonWriter& json, const object& root) {
  json.key("messages");
  json.begin_array();
  if (const std::string_view system = ollama_text(root, "system"); !system.empty()) {
    json.begin_object();
    json.member("role", "system");
    json.member("content", system);
    json.end_object();
  }
  json.begin_object();
  json.member("role", "user");
  write_content(json, root, "prompt");
  json.end_object();
  json.end_array();
}

}  // namespace rouse::wire
