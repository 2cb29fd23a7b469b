#include "proxy/wire/aux_signs.hpp"

#include <simdjson.h>

namespace rouse::wire {

namespace {

using simdjson::dom::element;

/// Where the dialects keep the schema of the answer.
constexpr const char* kSchemas[] = {
    "/response_format/json_schema/schema/properties/title",  // chat
    "/text/format/schema/properties/title",                  // responses
    "/output_config/format/schema/properties/title",         // messages
    "/output_format/schema/properties/title",
};

}  // namespace

core::AuxSigns aux_signs(std::string_view body) {
  core::AuxSigns signs;
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(body);
  element root;
  if (parser.parse(padded).get(root) != simdjson::SUCCESS || !root.is_object()) return signs;
  for (const char* const name : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    std::int64_t value = 0;
    if (root[name].get(value) == simdjson::SUCCESS) signs.max_tokens = value;
  }
  simdjson::dom::array tools;
  signs.has_empty_tools = root["tools"].get(tools) == simdjson::SUCCESS && tools.size() == 0;
  for (const char* const schema : kSchemas) {
    element title;
    if (root.at_pointer(schema).get(title) == simdjson::SUCCESS) signs.wants_title = true;
  }
  return signs;
}

core::AuxSigns embedding_signs(std::string_view body) {
  core::AuxSigns signs;
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(body);
  element input;
  if (parser.parse(padded).at_key("input").get(input) != simdjson::SUCCESS) return signs;
  simdjson::dom::array list;
  if (input.get(list) == simdjson::SUCCESS && (list.size() != 1 || list.at(0).get(input))) {
    return signs;
  }
  std::string_view text;
  if (input.get(text) != simdjson::SUCCESS) return signs;
  signs.embeds_one_word = text.find_first_of(" \t\r\n") == std::string_view::npos;
  return signs;
}

}  // namespace rouse::wire
