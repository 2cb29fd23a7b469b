#include "proxy/wire/model_list.hpp"

#include "proxy/wire/json_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace rouse::wire {

namespace {

bool holds(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool has_capabilities(const ModelEntry& model) {
  return !model.in.empty() || !model.out.empty() || model.tools || model.reranker ||
         model.context > 0;
}

void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  json.key(name);
  json.begin_array();
  for (const std::string& item : list) json.value(item);
  json.end_array();
}

void write_capabilities(JsonWriter& json, const ModelEntry& model) {
  if (!model.in.empty() || !model.out.empty()) {
    json.key("architecture");
    json.begin_object();
    write_strings(json, "input_modalities", model.in);
    write_strings(json, "output_modalities", model.out);
    if (!model.in.empty() && !model.out.empty()) {
      json.member("modality",
                  fmt::format("{}->{}", fmt::join(model.in, "+"), fmt::join(model.out, "+")));
    }
    json.end_object();
  }
  json.key("capabilities");
  json.begin_object();
  if (holds(model.in, "image")) json.member("vision", true);
  if (holds(model.in, "audio") && holds(model.out, "text")) {
    json.member("audio_transcriptions", true);
  }
  if (holds(model.in, "text") && holds(model.out, "audio")) json.member("audio_speech", true);
  if (holds(model.out, "image")) json.member("image_generation", true);
  if (holds(model.in, "image") && holds(model.out, "image")) json.member("image_to_image", true);
  if (model.tools) json.member("function_calling", true);
  if (model.reranker) json.member("reranker", true);
  json.end_object();
  if (model.tools) {
    json.key("supported_parameters");
    json.raw(R"(["tools","tool_choice"])");
  }
  if (model.context > 0) json.member("context_length", model.context);
}

/// The user's own metadata, without what the capabilities already say.
void write_metadata(JsonWriter& json, const ModelEntry& model) {
  if (model.metadata_json.empty()) return;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (parser.parse(model.metadata_json).get(members) != simdjson::SUCCESS) return;
  const std::vector<std::string> hidden{"architecture", "capabilities", "supported_parameters",
                                        "context_length"};
  for (const auto& [key, value] : members) {
    const std::string name(key);
    if (name == "type" || name == "aliases" || (has_capabilities(model) && holds(hidden, name))) {
      continue;
    }
    json.key(name);
    json.raw(simdjson::minify(value));
  }
}

void write_entry(JsonWriter& json, const ModelEntry& model, const std::string& alias,
                 std::time_t created) {
  json.begin_object();
  json.member("id", alias.empty() ? model.id : alias);
  json.member("object", "model");
  json.member("created", static_cast<std::int64_t>(created));
  json.member("owned_by", "rouse");
  if (!model.name.empty()) json.member("name", model.name);
  if (!model.description.empty()) json.member("description", model.description);
  if (has_capabilities(model)) write_capabilities(json, model);
  json.key("meta");
  json.begin_object();
  json.key("llamaswap");
  json.begin_object();
  json.member("type", alias.empty() ? "model" : "alias");
  if (!alias.empty()) json.member("modelID", model.id);
  if (alias.empty()) write_strings(json, "aliases", model.aliases);
  write_metadata(json, model);
  json.end_object();
  if (model.context > 0) json.member("n_ctx", model.context);
  json.end_object();
  json.key("status");
  json.begin_object();
  json.member("value", model.loaded ? "loaded" : "unloaded");
  json.end_object();
  json.end_object();
}

}  // namespace

std::string models_json(const std::vector<ModelEntry>& models, bool with_aliases,
                        std::time_t created) {
  JsonWriter json;
  json.begin_object();
  json.member("object", "list");
  json.key("data");
  json.begin_array();
  for (const ModelEntry& model : models) {
    write_entry(json, model, {}, created);
    if (!with_aliases) continue;
    for (const std::string& alias : model.aliases) write_entry(json, model, alias, created);
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace rouse::wire
