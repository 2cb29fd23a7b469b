#pragma once

#include <string>
#include <string_view>

namespace rouse::wire {

/// The API that a route speaks; decides how a failure inside a stream is written.
enum class Dialect { OpenAiChat, OpenAiCompletions, OpenAiResponses, Anthropic, Ollama, Plain };

struct ErrorText {
  std::string type;  ///< "overloaded_error"; empty: by status
  std::string code;  ///< "model_loading"; empty: by status
  std::string message;
};

/// {"type":"error","error":{"type","message","code","param":null},"src":"rouse"}: one shape that
/// every traced client understands (docs/clients.md, Breaking off). Types and codes by
/// status: docs/llama-swap.md, Errors.
[[nodiscard]] std::string error_json(int status, const ErrorText& error);

/// The same as a client wants it by its field Accept: JSON, unless it names text/html or text/plain
/// and no JSON, or speaks Ollama's dialect.
struct ErrorAnswer {
  std::string_view type;  ///< of its content
  std::string body;
};
[[nodiscard]] ErrorAnswer error_answer(int status, const ErrorText& error, std::string_view accept,
                                       Dialect dialect = Dialect::Plain);

/// {"error":"…"}: Ollama's clients read nothing else, neither as an answer nor as a line of a
/// stream.
[[nodiscard]] std::string ollama_error(std::string_view message);

/// The same failure as the end of a stream in @p dialect that had a head and nothing else yet.
[[nodiscard]] std::string error_event(Dialect dialect, int status, const ErrorText& error);

/// Whether a client of this User-Agent shows such an event to its user, and a cut only as "the
/// connection broke": the SDKs, which ask again after neither. Agents ask again after a cut, and
/// only some of them after an event (docs/clients.md, Breaking off).
[[nodiscard]] bool shows_error_events(std::string_view user_agent);

/// The message of an engine's error answer, whichever of the usual shapes it has; empty if none.
[[nodiscard]] std::string error_message_in(std::string_view body);

}  // namespace rouse::wire
