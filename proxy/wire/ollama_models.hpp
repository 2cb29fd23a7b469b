#pragma once

#include "proxy/wire/model_list.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {

/// A name as Ollama's clients write it: each has a tag, "latest" where none is meant.
[[nodiscard]] std::string with_tag(std::string_view name);
/// The same name without a tag "latest", or, if it has no tag, with that one: what else may be
/// meant by it. Empty: nothing.
[[nodiscard]] std::string other_tag(std::string_view name);

/// A model that is loaded, and until when (RFC 3339).
struct OllamaRunning {
  ModelEntry model;
  std::string expires_at;
};

// What we know of models, as Ollama tells it. Sizes are 0, and what a file would say is empty,
// since models are commands for us. Times are texts of RFC 3339.

/// GET /api/tags: each name is an entry; aliases too where @p with_aliases says so.
[[nodiscard]] std::string ollama_tags(const std::vector<ModelEntry>& models, bool with_aliases,
                                      std::string_view now);
/// GET /api/ps
[[nodiscard]] std::string ollama_ps(const std::vector<OllamaRunning>& models);
/// POST /api/show
[[nodiscard]] std::string ollama_show(const ModelEntry& model, std::string_view now);

}  // namespace rouse::wire
