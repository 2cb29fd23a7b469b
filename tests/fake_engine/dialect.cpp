#include "tests/fake_engine/dialect.hpp"

#include <fmt/format.h>

#include <atomic>
#include <ctime>

namespace fake_engine {

namespace {

constexpr const char* kFingerprint = "fake-1";
constexpr const char* kToolArguments = R"({"city":"Berlin","unit":"celsius"})";

std::string event(const std::string& name, const std::string& data) {
  return fmt::format("event: {}\ndata: {}\n\n", name, data);
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Writer::Writer(Dialect dialect, const Ask& ask, const Answer& answer, double seconds_a_token)
    : dialect_(dialect),
      ask_(ask),
      answer_(answer),
      seconds_a_token_(seconds_a_token),
      model_(json_text(ask.model)) {
  static std::atomic<int> next{1};
  id_ = fmt::format("{:032d}", next++);
}

std::string Writer::text() const {
  std::string all;
  for (const std::string& word : answer_.words) all += word;
  return all;
}

std::string Writer::thoughts() const {
  std::string all;
  for (const std::string& word : answer_.reasoning) all += word;
  return all;
}

std::string Writer::finish() const {
  if (answer_.calls_tool) return "tool_calls";
  return answer_.cut_by_length ? "length" : "stop";
}

std::string Writer::timings() const {
  const auto tokens = static_cast<double>(answer_.total());
  const double ms = std::max(0.001, tokens * seconds_a_token_ * 1000);
  const int prompt = ask_.prompt_tokens;
  return fmt::format(R"({{"cache_n":0,"prompt_n":{},"prompt_ms":1.0,"prompt_per_token_ms":{:.4f},)"
                     R"("prompt_per_second":{:.1f},"predicted_n":{},"predicted_ms":{:.3f},)"
                     R"("predicted_per_token_ms":{:.4f},"predicted_per_second":{:.1f}}})",
                     prompt, prompt > 0 ? 1.0 / prompt : 0.0, prompt * 1000.0, answer_.total(), ms,
                     tokens > 0 ? ms / tokens : 0.0, tokens * 1000 / ms);
}

std::string Writer::chat_chunk(const std::string& delta, const std::string& finish,
                               const std::string& more) const {
  return fmt::format(
      R"(data: {{"choices":[{{"finish_reason":{},"index":0,"delta":{}}}],"created":{},)"
      R"("id":"chatcmpl-{}","model":{},"system_fingerprint":"{}",)"
      R"("object":"chat.completion.chunk"{}}})"
      "\n\n",
      finish.empty() ? "null" : json_text(finish), delta, std::time(nullptr), id_, model_,
      kFingerprint, more);
}

std::string Writer::begin() const {
  switch (dialect_) {
    case Dialect::Chat:
      return chat_chunk(R"({"role":"assistant","content":null})", "");
    case Dialect::Completions:
    case Dialect::Completion:
      return {};
    case Dialect::Messages:
      return event("message_start",
                   fmt::format(
                       R"({{"type":"message_start","message":{{"id":"chatcmpl-{}",)"
                       R"("type":"message","role":"assistant","content":[],"model":{},)"
                       R"("stop_reason":null,"stop_sequence":null,"usage":)"
                       R"({{"cache_read_input_tokens":0,"input_tokens":{},"output_tokens":0}}}}}})",
                       id_, model_, ask_.prompt_tokens)) +
             event(
                 "content_block_start",
                 R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})");
    case Dialect::Responses: {
      const std::string response = fmt::format(
          R"("response":{{"id":"resp_{}","object":"response","status":"in_progress"}}}})", id_);
      return event("response.created", R"({"type":"response.created",)" + response) +
             event("response.in_progress", R"({"type":"response.in_progress",)" + response) +
             event(
                 "response.output_item.added",
                 fmt::format(
                     R"({{"type":"response.output_item.added","output_index":0,"item":{{"content":[],)"
                     R"("id":"msg_{}","role":"assistant","status":"in_progress","type":"message"}}}})",
                     id_)) +
             event("response.content_part.added",
                   fmt::format(R"({{"type":"response.content_part.added","item_id":"msg_{}",)"
                               R"("output_index":0,"content_index":0,)"
                               R"("part":{{"type":"output_text","text":""}}}})",
                               id_));
    }
  }
  return {};
}

std::string Writer::token(std::size_t i) const {
  const bool thinks = i < answer_.reasoning.size();
  const std::string word =
      json_text(thinks ? answer_.reasoning[i] : answer_.word(i - answer_.reasoning.size()));
  switch (dialect_) {
    case Dialect::Chat:
      return chat_chunk(
          fmt::format(R"({{"{}":{}}})", thinks ? "reasoning_content" : "content", word), "");
    case Dialect::Completions:
      return fmt::format(R"(data: {{"choices":[{{"text":{},"index":0,"logprobs":null,)"
                         R"("finish_reason":null}}],"created":{},"model":{},)"
                         R"("object":"text_completion","id":"cmpl-{}"}})"
                         "\n\n",
                         word, std::time(nullptr), model_, id_);
    case Dialect::Completion:
      return fmt::format("data: {{\"content\":{},\"stop\":false,\"index\":0}}\n\n", word);
    case Dialect::Messages:
      return event("content_block_delta",
                   fmt::format(R"({{"type":"content_block_delta","index":0,"delta":)"
                               R"({{"type":"text_delta","text":{}}}}})",
                               word));
    case Dialect::Responses:
      return event("response.output_text.delta",
                   fmt::format(R"({{"type":"response.output_text.delta","item_id":"msg_{}",)"
                               R"("output_index":0,"content_index":0,"delta":{}}})",
                               id_, word));
  }
  return {};
}

std::string Writer::end() const {
  const std::string more = fmt::format(R"(,"timings":{})", timings());
  const std::size_t produced = answer_.total();
  const std::string usage =
      fmt::format(R"("usage":{{"completion_tokens":{},"prompt_tokens":{},"total_tokens":{},)"
                  R"("prompt_tokens_details":{{"cached_tokens":0}}}})",
                  produced, ask_.prompt_tokens, static_cast<int>(produced) + ask_.prompt_tokens);
  switch (dialect_) {
    case Dialect::Chat: {
      std::string out;
      if (answer_.calls_tool) {
        out +=
            chat_chunk(fmt::format(R"({{"tool_calls":[{{"index":0,"id":"call_1","type":"function",)"
                                   R"("function":{{"name":"get_weather","arguments":{}}}}}]}})",
                                   json_text(kToolArguments)),
                       "");
      }
      out += chat_chunk("{}", finish(), more);
      if (ask_.include_usage) {
        out += fmt::format(R"(data: {{"choices":[],"created":{},"id":"chatcmpl-{}","model":{},)"
                           R"("object":"chat.completion.chunk",{}}})"
                           "\n\n",
                           std::time(nullptr), id_, model_, usage);
      }
      return out + "data: [DONE]\n\n";
    }
    case Dialect::Completions:
      return fmt::format(R"(data: {{"choices":[{{"text":"","index":0,"logprobs":null,)"
                         R"("finish_reason":"{}"}}],"created":{},"model":{},)"
                         R"("object":"text_completion","id":"cmpl-{}",{}{}}})"
                         "\n\ndata: [DONE]\n\n",
                         finish(), std::time(nullptr), model_, id_, usage, more);
    case Dialect::Completion:
      return fmt::format("data: {{\"content\":\"\",\"stop\":true,\"index\":0{}}}\n\n", more);
    case Dialect::Messages:
      return event("content_block_stop", R"({"type":"content_block_stop","index":0})") +
             event("message_delta",
                   fmt::format(R"({{"type":"message_delta","delta":{{"stop_reason":"{}",)"
                               R"("stop_sequence":null}},"usage":{{"output_tokens":{}}}}})",
                               answer_.cut_by_length ? "max_tokens" : "end_turn", produced)) +
             event("message_stop", R"({"type":"message_stop"})");
    case Dialect::Responses: {
      const std::string part =
          fmt::format(R"({{"type":"output_text","annotations":[],"logprobs":[],"text":{}}})",
                      json_text(text()));
      const std::string item = fmt::format(
          R"({{"type":"message","status":"completed","id":"msg_{}","content":[{}],"role":"assistant"}})",
          id_, part);
      return event("response.output_text.done",
                   fmt::format(R"({{"type":"response.output_text.done","item_id":"msg_{}",)"
                               R"("output_index":0,"content_index":0,"text":{}}})",
                               id_, json_text(text()))) +
             event("response.content_part.done",
                   fmt::format(R"({{"type":"response.content_part.done","item_id":"msg_{}",)"
                               R"("output_index":0,"content_index":0,"part":{}}})",
                               id_, part)) +
             event(
                 "response.output_item.done",
                 fmt::format(R"({{"type":"response.output_item.done","output_index":0,"item":{}}})",
                             item)) +
             event(
                 "response.completed",
                 fmt::format(
                     R"({{"type":"response.completed","response":{{"id":"resp_{}",)"
                     R"("object":"response","created_at":{},"status":"completed","model":{},)"
                     R"("output":[{}],"usage":{{"input_tokens":{},"output_tokens":{},)"
                     R"("total_tokens":{},"input_tokens_details":{{"cached_tokens":0}}}}}},"timings":{}}})",
                     id_, std::time(nullptr), model_, item, ask_.prompt_tokens, produced,
                     static_cast<int>(produced) + ask_.prompt_tokens, timings()));
    }
  }
  return {};
}

std::string Writer::whole() const {
  const std::size_t produced = answer_.total();
  const std::string usage =
      fmt::format(R"("usage":{{"completion_tokens":{},"prompt_tokens":{},"total_tokens":{},)"
                  R"("prompt_tokens_details":{{"cached_tokens":0}}}})",
                  produced, ask_.prompt_tokens, static_cast<int>(produced) + ask_.prompt_tokens);
  switch (dialect_) {
    case Dialect::Chat: {
      std::string message = fmt::format(R"({{"role":"assistant","content":{})", json_text(text()));
      if (!answer_.reasoning.empty()) message += R"(,"reasoning_content":)" + json_text(thoughts());
      if (answer_.calls_tool) {
        message += fmt::format(R"(,"tool_calls":[{{"type":"function","id":"call_1","function":)"
                               R"({{"name":"get_weather","arguments":{}}}}}])",
                               json_text(kToolArguments));
      }
      return fmt::format(
          R"({{"choices":[{{"finish_reason":"{}","index":0,"message":{}}}}}],"created":{},)"
          R"("model":{},"system_fingerprint":"{}","object":"chat.completion",{},)"
          R"("id":"chatcmpl-{}","timings":{}}})",
          finish(), message, std::time(nullptr), model_, kFingerprint, usage, id_, timings());
    }
    case Dialect::Completions:
      return fmt::format(
          R"({{"choices":[{{"text":{},"index":0,"logprobs":null,"finish_reason":"{}"}}],)"
          R"("created":{},"model":{},"object":"text_completion",{},"id":"cmpl-{}","timings":{}}})",
          json_text(text()), finish(), std::time(nullptr), model_, usage, id_, timings());
    case Dialect::Completion:
      return fmt::format(R"({{"content":{},"stop":true,"model":{},"tokens_predicted":{},)"
                         R"("tokens_evaluated":{},"timings":{}}})",
                         json_text(text()), model_, produced, ask_.prompt_tokens, timings());
    case Dialect::Messages:
      return fmt::format(R"({{"id":"chatcmpl-{}","type":"message","role":"assistant","content":)"
                         R"([{{"type":"text","text":{}}}],"model":{},"stop_reason":"{}",)"
                         R"("stop_sequence":null,"usage":{{"cache_read_input_tokens":0,)"
                         R"("input_tokens":{},"output_tokens":{}}}}})",
                         id_, json_text(text()), model_,
                         answer_.cut_by_length ? "max_tokens" : "end_turn", ask_.prompt_tokens,
                         produced);
    case Dialect::Responses:
      return fmt::format(R"({{"completed_at":{0},"created_at":{0},"id":"resp_{1}","model":{2},)"
                         R"("object":"response","output":[{{"content":[{{"type":"output_text",)"
                         R"("annotations":[],"logprobs":[],"text":{3}}}],"id":"msg_{1}",)"
                         R"("role":"assistant","status":"completed","type":"message"}}],)"
                         R"("status":"completed","usage":{{"input_tokens":{4},"output_tokens":{5},)"
                         R"("total_tokens":{6},"input_tokens_details":{{"cached_tokens":0}}}}}})",
                         std::time(nullptr), id_, model_, json_text(text()), ask_.prompt_tokens,
                         produced, static_cast<int>(produced) + ask_.prompt_tokens);
  }
  return {};
}

}  // namespace fake_engine
