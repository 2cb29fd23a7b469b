#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace rouse::wire {

/// Which of Ollama's calls a route is.
enum class OllamaCall { None, Chat, Generate, Embed, Embeddings };

/// A call of Ollama's as engines understand it: a request of OpenAI's API (docs/ollama.md).
struct OllamaRequest {
  OllamaCall call = OllamaCall::None;
  std::string path;         ///< "/v1/chat/completions"
  std::string body;         ///< JSON
  std::string model;        ///< as the client wrote it, which it reads in the answer
  bool only_loads = false;  ///< it asks for nothing: the model is to be loaded, or unloaded
  bool unloads = false;     ///< keep_alive is 0: the model is not needed afterwards
};

/// Translates @p body, a whole JSON text. @p model: the name for the engine; empty: as it is there.
/// Else what is wrong with it, for its client.
[[nodiscard]] std::variant<OllamaRequest, std::string> read_ollama_request(OllamaCall call,
                                                                           std::string_view body,
                                                                           std::string_view model);

}  // namespace rouse::wire
