#include "proxy/wire/ollama_answer.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/wire/error_body.hpp"

#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace rouse::wire {

namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kDataMark = "data:";
constexpr std::size_t kToolsMax = 1000;

std::string_view text_in(const element& of, std::string_view name) {
  std::string_view text;
  return of[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

/// What a model has thought: llama-server's word, or vLLM's.
std::string_view thought_in(const element& of) {
  const std::string_view text = text_in(of, "reasoning_content");
  return text.empty() ? text_in(of, "reasoning") : text;
}

std::optional<std::int64_t> count_in(const element& of, std::string_view name) {
  std::int64_t value = 0;
  if (of[name].get(value) != simdjson::SUCCESS || value < 0) return std::nullopt;
  return value;
}

double ms_in(const element& of, std::string_view name) {
  double value = 0;
  return of[name].get(value) == simdjson::SUCCESS ? value : 0;
}

/// Tools were called, or a word was met at which to stop: for Ollama both are an end.
std::string_view done_reason(std::string_view finish_reason) {
  return finish_reason == "length" ? "length" : "stop";
}

/// A model may write arguments that are no JSON; its client gets an object all the same.
std::string as_object(const std::string& arguments) {
  simdjson::dom::parser parser;
  object parsed;
  const simdjson::padded_string padded(arguments);
  if (parser.parse(padded).get(parsed) == simdjson::SUCCESS) return simdjson::minify(parsed);
  return "{}";
}

void write_duration(JsonWriter& json, std::string_view name, std::chrono::nanoseconds of) {
  if (of.count() > 0) json.member(name, static_cast<std::int64_t>(of.count()));
}

std::chrono::nanoseconds measured(double ms, std::chrono::nanoseconds else_seen) {
  if (ms <= 0) return else_seen;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::milli>(std::min(ms, 1e12)));
}

}  // namespace

/// Its memory is kept from event to event.
struct OllamaAnswer::Reader {
  simdjson::dom::parser parser;

  /// What OpenAI's answers say outside of choices.
  static void read_figures(const element& root, OllamaAnswer& answer) {
    element usage;
    if (root["usage"].get(usage) == simdjson::SUCCESS && usage.is_object()) {
      if (const auto count = count_in(usage, "prompt_tokens")) answer.prompt_tokens_ = count;
      if (const auto count = count_in(usage, "completion_tokens")) answer.tokens_ = count;
    }
    element timings;
    if (root["timings"].get(timings) == simdjson::SUCCESS && timings.is_object()) {
      answer.prompt_ms_ = ms_in(timings, "prompt_ms");
      answer.eval_ms_ = ms_in(timings, "predicted_ms");
    }
  }

  /// Of a message, or a part of one: then each call has an index, and comes in pieces.
  static void read_tools(const element& message, std::vector<ToolCall>& tools) {
    array calls;
    if (message["tool_calls"].get(calls) != simdjson::SUCCESS) return;
    for (const element each : calls) {
      const auto index = count_in(each, "index");
      std::size_t at = index ? static_cast<std::size_t>(*index) : tools.size();
      if (at >= kToolsMax) continue;
      if (at >= tools.size()) tools.resize(at + 1);
      ToolCall& call = tools[at];
      if (const std::string_view id = text_in(each, "id"); !id.empty()) call.id = id;
      element function;
      if (each["function"].get(function) != simdjson::SUCCESS) continue;
      call.name += text_in(function, "name");
      call.arguments += text_in(function, "arguments");
      object parsed;  // some engines do not wrap it into a text
      if (function["arguments"].get(parsed) == simdjson::SUCCESS) {
        call.arguments = simdjson::minify(parsed);
      }
    }
  }

  /// What the first choice says; nullopt: there is none.
  static std::optional<Said> read_choice(const element& root, OllamaAnswer& answer) {
    array choices;
    element choice;
    if (root["choices"].get(choices) != simdjson::SUCCESS) return std::nullopt;
    if (choices.at(0).get(choice) != simdjson::SUCCESS || !choice.is_object()) return std::nullopt;
    Said said;
    said.content = text_in(choice, "text");
    element message;
    const bool has_message = choice["delta"].get(message) == simdjson::SUCCESS ||
                             choice["message"].get(message) == simdjson::SUCCESS;
    if (has_message && message.is_object()) {
      said.content = text_in(message, "content");
      said.thinking = thought_in(message);
      read_tools(message, answer.tools_);
    }
    array logprobs;
    if (choice.at_pointer("/logprobs/content").get(logprobs) == simdjson::SUCCESS) {
      said.logprobs = simdjson::minify(logprobs);
    }
    if (const std::string_view why = text_in(choice, "finish_reason"); !why.empty()) {
      answer.finish_reason_ = why;
    }
    return said;
  }
};

OllamaAnswer::OllamaAnswer(OllamaCall call, std::string model)
    : call_(call), model_(std::move(model)), reader_(std::make_unique<Reader>()) {}

OllamaAnswer::~OllamaAnswer() = default;

std::string OllamaAnswer::feed(std::string_view piece, std::string_view now) {
  std::string out;
  while (!piece.empty() && !has_failed_) {
    const std::size_t end = piece.find_first_of("\r\n");
    line_ += piece.substr(0, end);
    if (line_.size() > kEventMax) {
      out += broken("the engine sent an event that is too long");
      break;
    }
    if (end == std::string_view::npos) break;
    end_line(out, now);
    piece.remove_prefix(end + 1);
  }
  return out;
}

/// Each event of this API is one line of data.
void OllamaAnswer::end_line(std::string& out, std::string_view now) {
  std::string_view text = line_;
  if (text.starts_with(kDataMark)) {
    text.remove_prefix(kDataMark.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    read_event(text, out, now);
  }
  line_.clear();
}

void OllamaAnswer::read_event(std::string_view data, std::string& out, std::string_view now) {
  if (data == "[DONE]") {
    has_ended_ = true;
    return;
  }
  element root;
  if (reader_->parser.parse(data.data(), data.size()).get(root) != simdjson::SUCCESS) return;
  element error;
  if (root["error"].get(error) == simdjson::SUCCESS && !error.is_null()) {
    const std::string message = error_message_in(data);
    out += broken(message.empty() ? "the engine failed" : message);
    return;
  }
  Reader::read_figures(root, *this);
  const std::optional<Said> said = Reader::read_choice(root, *this);
  if (said && !(said->content.empty() && said->thinking.empty())) {
    out += line(*said, now, false, nullptr);
  }
}

/// One answer, or a part of it. @p end: it is the last.
std::string OllamaAnswer::line(const Said& said, std::string_view now, bool with_tools,
                               const OllamaTimes* end) const {
  const bool is_chat = call_ == OllamaCall::Chat;
  JsonWriter json;
  json.begin_object();
  json.member("model", model_);
  json.member("created_at", now);
  if (is_chat) {
    json.key("message");
    json.begin_object();
    json.member("role", "assistant");
  }
  json.member(is_chat ? "content" : "response", said.content);
  if (!said.thinking.empty()) json.member("thinking", said.thinking);
  if (with_tools) {
    json.key("tool_calls");
    json.begin_array();
    std::int64_t index = 0;
    for (const ToolCall& call : tools_) {
      json.begin_object();
      if (!call.id.empty()) json.member("id", call.id);
      json.key("function");
      json.begin_object();
      json.member("index", index++);
      json.member("name", call.name);
      json.key("arguments");
      json.raw(as_object(call.arguments));
      json.end_object();
      json.end_object();
    }
    json.end_array();
  }
  if (is_chat) json.end_object();
  json.member("done", end != nullptr);
  if (end != nullptr) {
    json.member("done_reason", done_reason(finish_reason_));
    write_duration(json, "total_duration", end->total);
    write_duration(json, "load_duration", end->load);
    if (prompt_tokens_) json.member("prompt_eval_count", *prompt_tokens_);
    write_duration(json, "prompt_eval_duration", measured(prompt_ms_, end->prompt));
    if (tokens_) json.member("eval_count", *tokens_);
    write_duration(json, "eval_duration", measured(eval_ms_, end->eval));
  }
  if (!said.logprobs.empty()) {
    json.key("logprobs");
    json.raw(said.logprobs);
  }
  json.end_object();
  return json.take() + "\n";
}

std::string OllamaAnswer::finish(const OllamaTimes& times, std::string_view now) {
  std::string out;
  if (has_failed_) return out;
  if (!line_.empty()) end_line(out, now);
  if (has_failed_) return out;
  if (!has_ended_ && finish_reason_.empty()) {
    return out + broken("the engine's answer ended before its end");
  }
  if (!tools_.empty()) out += line({}, now, true, nullptr);
  return out + line({}, now, false, &times);
}

std::string OllamaAnswer::broken(std::string_view why) {
  if (std::exchange(has_failed_, true)) return {};
  return ollama_error(why) + "\n";
}

std::optional<std::string> OllamaAnswer::whole(std::string_view text, const OllamaTimes& times,
                                               std::string_view now) {
  element root;
  if (reader_->parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  if (!root.is_object()) return std::nullopt;
  Reader::read_figures(root, *this);
  if (call_ == OllamaCall::Chat || call_ == OllamaCall::Generate) {
    const std::optional<Said> said = Reader::read_choice(root, *this);
    if (!said) return std::nullopt;
    return line(*said, now, !tools_.empty(), &times);
  }
  array data;
  if (root["data"].get(data) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::pair<std::int64_t, std::string>> vectors;
  for (const element each : data) {
    array numbers;
    if (each["embedding"].get(numbers) != simdjson::SUCCESS) return std::nullopt;
    const auto next = static_cast<std::int64_t>(vectors.size());
    vectors.emplace_back(count_in(each, "index").value_or(next), simdjson::minify(numbers));
  }
  std::stable_sort(vectors.begin(), vectors.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  JsonWriter json;
  json.begin_object();
  if (call_ == OllamaCall::Embeddings) {
    if (vectors.empty()) return std::nullopt;
    json.key("embedding");
    json.raw(vectors.front().second);
  } else {
    json.member("model", model_);
    json.key("embeddings");
    json.begin_array();
    for (const auto& [index, numbers] : vectors) json.raw(numbers);
    json.end_array();
    write_duration(json, "total_duration", times.total);
    write_duration(json, "load_duration", times.load);
    if (prompt_tokens_) json.member("prompt_eval_count", *prompt_tokens_);
  }
  json.end_object();
  return json.take() + "\n";
}

std::string ollama_empty_answer(OllamaCall call, std::string_view model, std::string_view reason,
                                std::string_view now) {
  JsonWriter json;
  json.begin_object();
  if (call == OllamaCall::Embeddings) {
    json.key("embedding");
    json.raw("[]");
    json.end_object();
    return json.take();
  }
  json.member("model", model);
  if (call == OllamaCall::Embed) {
    json.key("embeddings");
    json.raw("[]");
    json.end_object();
    return json.take();
  }
  json.member("created_at", now);
  if (call == OllamaCall::Chat) {
    json.key("message");
    json.raw(R"({"role":"assistant","content":""})");
  } else {
    json.member("response", "");
  }
  json.member("done", true);
  json.member("done_reason", reason);
  json.end_object();
  return json.take();
}

}  // namespace rouse::wire
