#pragma once

#include "proxy/proxy.hpp"

#include <string>
#include <string_view>

namespace rouse {

/// The model that Ollama's client means by @p asked_for: a tag "latest" is left out, or added,
/// where we know no other name.
[[nodiscard]] std::string ollama_name(const Proxy& proxy, std::string_view asked_for);

struct OllamaReply {
  int status = 200;
  std::string body;  ///< JSON
};
/// What Ollama's clients ask beside inference: which models there are, what is loaded, what a model
/// can do. Models are neither fetched nor made here, which 501 says. @p path: of the request.
[[nodiscard]] OllamaReply answer_ollama(std::string_view path, const std::string& body,
                                        const Caller& caller, Proxy& proxy);

}  // namespace rouse
