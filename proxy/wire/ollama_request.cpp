#include "proxy/wire/ollama_request.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/wire/ollama_messages.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace rouse::wire {

namespace {

using simdjson::dom::array;
using simdjson::dom::object;

/// Whether @p name is true; a level of thought is no truth.
bool is_true(const object& of, std::string_view name) {
  bool truth = false;
  const auto value = ollama_member(of, name);
  return value && value->get(truth) == simdjson::SUCCESS && truth;
}

/// 0, "0", "0s": the model may go at once. Durations are Go's, so a zero has no other digit.
bool is_zero_keep_alive(const object& of) {
  const auto value = ollama_member(of, "keep_alive");
  if (!value) return false;
  double number = 0;
  if (value->get(number) == simdjson::SUCCESS) return number == 0;
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) return false;
  return text.find('0') != std::string_view::npos &&
         text.find_first_of("123456789") == std::string_view::npos;
}

struct OptionName {
  const char* ollama;
  const char* sent;
};
/// Where OpenAI's API has no word, llama-server's, and vLLM's beside it where that is another.
constexpr OptionName kOptions[] = {
    {"temperature", "temperature"},
    {"top_p", "top_p"},
    {"top_k", "top_k"},
    {"min_p", "min_p"},
    {"typical_p", "typical_p"},
    {"presence_penalty", "presence_penalty"},
    {"frequency_penalty", "frequency_penalty"},
    {"repeat_penalty", "repeat_penalty"},
    {"repeat_penalty", "repetition_penalty"},
    {"repeat_last_n", "repeat_last_n"},
    {"mirostat", "mirostat"},
    {"mirostat_tau", "mirostat_tau"},
    {"mirostat_eta", "mirostat_eta"},
    {"num_keep", "n_keep"},
    {"seed", "seed"},
    {"stop", "stop"},
};

void write_options(JsonWriter& json, const object& root) {
  object options;
  const auto value = ollama_member(root, "options");
  if (!value || value->get(options) != simdjson::SUCCESS) return;
  for (const OptionName& option : kOptions) {
    if (const auto set = ollama_member(options, option.ollama))
      copy_ollama(json, option.sent, *set);
  }
  double most = 0;
  const auto num_predict = ollama_member(options, "num_predict");
  if (num_predict && num_predict->get(most) == simdjson::SUCCESS && most >= 1) {
    json.member("max_tokens",
                static_cast<std::int64_t>(std::min(most, 1e9)));  // -1 and -2: without a limit
  }
}

/// What is wrong with "format"; empty: nothing.
std::string write_format(JsonWriter& json, const object& root) {
  const auto format = ollama_member(root, "format");
  if (!format) return {};
  std::string_view word;
  if (format->get(word) == simdjson::SUCCESS) {
    if (word.empty()) return {};
    if (word != "json") return R"(format: expected "json" or a JSON schema)";
    json.key("response_format");
    json.raw(R"({"type":"json_object"})");
    return {};
  }
  if (!format->is_object()) return R"(format: expected "json" or a JSON schema)";
  json.key("response_format");
  json.begin_object();
  json.member("type", "json_schema");
  json.key("json_schema");
  json.begin_object();
  json.member("name", "answer");
  copy_ollama(json, "schema", *format);
  json.end_object();
  json.end_object();
  return {};
}

/// Engines have two ways to ask for thought: of the template, and OpenAI's effort.
void write_think(JsonWriter& json, const object& root) {
  const auto think = ollama_member(root, "think");
  if (!think) return;
  bool truth = false;
  std::string_view level;
  if (think->get(truth) == simdjson::SUCCESS) {
    json.key("chat_template_kwargs");
    json.raw(truth ? R"({"enable_thinking":true})" : R"({"enable_thinking":false})");
  } else if (think->get(level) == simdjson::SUCCESS && !level.empty()) {
    const std::string effort = json_string(level == "max" ? "high" : level);
    json.key("reasoning_effort");
    json.raw(effort);
    json.key("chat_template_kwargs");
    json.raw(fmt::format(R"({{"enable_thinking":true,"reasoning_effort":{}}})", effort));
  }
}

void write_logprobs(JsonWriter& json, const object& root) {
  if (!is_true(root, "logprobs")) return;
  json.member("logprobs", true);
  if (const auto top = ollama_member(root, "top_logprobs")) copy_ollama(json, "top_logprobs", *top);
}

/// Streams unless it is told not to. What is wrong; empty: nothing.
std::string write_stream(JsonWriter& json, const object& root) {
  bool streams = true;
  const auto value = ollama_member(root, "stream");
  if (value && value->get(streams) != simdjson::SUCCESS) return "stream: expected true or false";
  json.member("stream", streams);
  if (streams) {
    json.key("stream_options");
    json.raw(R"({"include_usage":true})");
  }
  return {};
}

/// "messages" of a chat; whether there are any goes to @p made.
std::string write_chat(JsonWriter& json, const object& root, OllamaRequest& made) {
  array messages;
  const auto value = ollama_member(root, "messages");
  if (value && value->get(messages) != simdjson::SUCCESS) return "messages: expected an array";
  made.path = "/v1/chat/completions";
  made.only_loads = !value || messages.size() == 0;
  if (made.only_loads) return {};
  array tools;
  const auto list = ollama_member(root, "tools");
  if (list && list->get(tools) == simdjson::SUCCESS && tools.size() > 0)
    copy_ollama(json, "tools", *list);
  return write_ollama_messages(json, messages);
}

std::string write_generate(JsonWriter& json, const object& root, OllamaRequest& made) {
  if (!ollama_text(root, "suffix").empty()) {
    return "suffix: rouse does not translate text that is to be put in between; llama-server has "
           "POST /infill for it";
  }
  const auto prompt = ollama_member(root, "prompt");
  if (prompt && !prompt->is_string()) return "prompt: expected a text";
  made.only_loads = ollama_text(root, "prompt").empty();
  if (is_true(root, "raw")) {
    made.path = "/v1/completions";
    json.member("prompt", ollama_text(root, "prompt"));
  } else {
    made.path = "/v1/chat/completions";
    write_ollama_prompt(json, root);
  }
  return {};
}

std::string write_input(JsonWriter& json, const object& root, OllamaRequest& made) {
  made.path = "/v1/embeddings";
  json.member("encoding_format", "float");
  const auto input = ollama_member(root, made.call == OllamaCall::Embed ? "input" : "prompt");
  array list;
  const bool is_list = input && input->get(list) == simdjson::SUCCESS;
  if (input && !input->is_string() && !is_list) return "input: expected a text or texts";
  made.only_loads = !input || (is_list ? list.size() == 0 : simdjson::minify(*input) == R"("")");
  if (input) copy_ollama(json, "input", *input);
  if (const auto dimensions = ollama_member(root, "dimensions"))
    copy_ollama(json, "dimensions", *dimensions);
  return {};
}

/// All but the name of the model, which its caller has written.
std::string write_request(JsonWriter& json, const object& root, OllamaRequest& made) {
  if (made.call == OllamaCall::Embed || made.call == OllamaCall::Embeddings) {
    return write_input(json, root, made);
  }
  std::string problem = write_stream(json, root);
  if (problem.empty()) {
    problem = made.call == OllamaCall::Chat ? write_chat(json, root, made)
                                            : write_generate(json, root, made);
  }
  if (problem.empty()) problem = write_format(json, root);
  write_options(json, root);
  write_think(json, root);
  write_logprobs(json, root);
  return problem;
}

}  // namespace

std::variant<OllamaRequest, std::string> read_ollama_request(OllamaCall call, std::string_view body,
                                                             std::string_view model) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(body);
  object root;
  if (const auto error = parser.parse(padded).get(root); error != simdjson::SUCCESS) {
    return fmt::format("expected a JSON object: {}", simdjson::error_message(error));
  }
  if (const auto options = ollama_member(root, "options"); options && !options->is_object()) {
    return "options: expected an object";
  }
  OllamaRequest made;
  made.call = call;
  made.model = ollama_text(root, "model");
  if (made.model.empty()) made.model = ollama_text(root, "name");
  made.unloads = is_zero_keep_alive(root);
  JsonWriter json;
  json.begin_object();
  json.member("model", model.empty() ? std::string_view(made.model) : model);
  std::string problem = write_request(json, root, made);
  if (!problem.empty()) return problem;
  json.end_object();
  made.body = json.take();
  if (made.model.empty()) made.model = model;
  return made;
}

}  // namespace rouse::wire
