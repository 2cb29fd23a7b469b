#pragma once

#include "base/text/json_writer.hpp"

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

// Parts of Ollama's requests as those of OpenAI's API have them: ollama_request.hpp puts them
// together.

/// The member @p name of @p of, unless it is missing or null, which say the same.
[[nodiscard]] std::optional<simdjson::dom::element> ollama_member(const simdjson::dom::object& of,
                                                                  std::string_view name);
/// A text; empty: there is none.
[[nodiscard]] std::string_view ollama_text(const simdjson::dom::object& of, std::string_view name);
/// Writes the member @p name as @p value is.
void copy_ollama(JsonWriter& json, std::string_view name, const simdjson::dom::element& value);

/// Writes "messages" of a chat, whose pictures are parts of their content and whose calls of tools
/// have ids. What is wrong with them; empty: nothing.
[[nodiscard]] std::string write_ollama_messages(JsonWriter& json,
                                                const simdjson::dom::array& messages);
/// The same of the prompt of /api/generate in @p root, for which the model has a template: as a
/// chat of one message.
void write_ollama_prompt(JsonWriter& json, const simdjson::dom::object& root);

}  // namespace rouse::wire
