#pragma once

#include "proxy/wire/ollama_request.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {

/// How long the parts of an answer have taken, as far as we saw it.
struct OllamaTimes {
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds load{0};
  std::chrono::nanoseconds prompt{0};
  std::chrono::nanoseconds eval{0};
};

/// Makes Ollama's answer of an engine's, which is one of OpenAI's API: a line of JSON for each
/// event that says something, and a last one with what it has cost. Says the same however the
/// stream is cut into pieces. Times are texts of RFC 3339.
class OllamaAnswer {
 public:
  /// An event longer than that is an error.
  static constexpr std::size_t kEventMax = 8 * 1024 * 1024;

  OllamaAnswer(OllamaCall call, std::string model);
  ~OllamaAnswer();
  OllamaAnswer(const OllamaAnswer&) = delete;
  OllamaAnswer& operator=(const OllamaAnswer&) = delete;

  /// The lines that the next @p piece of an event stream completes; often none.
  [[nodiscard]] std::string feed(std::string_view piece, std::string_view now);
  /// The last lines, at the end of the stream: what tools are to be called, and the end with its
  /// figures; an error, if the stream has not said that it ended.
  [[nodiscard]] std::string finish(const OllamaTimes& times, std::string_view now);
  /// The stream broke off for that reason.
  [[nodiscard]] std::string broken(std::string_view why);

  /// The same of an answer that is one JSON @p text; nullopt: it is none of the API that was asked.
  [[nodiscard]] std::optional<std::string> whole(std::string_view text, const OllamaTimes& times,
                                                 std::string_view now);

 private:
  struct Reader;
  struct ToolCall {
    std::string id;
    std::string name;
    std::string arguments;  // JSON, as far as it has come
  };
  struct Said {
    std::string_view content;
    std::string_view thinking;
    std::string logprobs;  // JSON
  };

  void end_line(std::string& out, std::string_view now);
  void read_event(std::string_view data, std::string& out, std::string_view now);
  [[nodiscard]] std::string line(const Said& said, std::string_view now, bool with_tools,
                                 const OllamaTimes* end) const;

  OllamaCall call_;
  std::string model_;
  std::unique_ptr<Reader> reader_;
  std::string line_;  // the line of the stream that is being read
  std::vector<ToolCall> tools_;
  std::string finish_reason_;
  std::optional<std::int64_t> prompt_tokens_;
  std::optional<std::int64_t> tokens_;
  double prompt_ms_ = 0;  // that the engine says
  double eval_ms_ = 0;
  bool has_ended_ = false;
  bool has_failed_ = false;  // its client has been told
};

/// The answer to a call that asks for nothing. @p reason: "load" or "unload".
[[nodiscard]] std::string ollama_empty_answer(OllamaCall call, std::string_view model,
                                              std::string_view reason, std::string_view now);

}  // namespace rouse::wire
