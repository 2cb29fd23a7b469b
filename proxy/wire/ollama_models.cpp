#include "proxy/wire/ollama_models.hpp"

#include "base/text/json_writer.hpp"
#include "base/text/sha256.hpp"

#include <fmt/format.h>

namespace rouse::wire {

namespace {

constexpr std::string_view kLatest = ":latest";
/// Ours; the clients look for "<architecture>.context_length".
constexpr std::string_view kArchitecture = "rouse";

/// Of the name, since the file is not ours: clients cut it to 12 letters without a look.
std::string digest_of(std::string_view name) {
  return hex_of(sha256(name));
}

void write_details(JsonWriter& json, const ModelEntry& model) {
  json.key("details");
  json.begin_object();
  json.member("parent_model", "");
  json.member("format", "");
  json.member("family", "");
  json.key("families");
  json.raw("[]");
  json.member("parameter_size", "");
  json.member("quantization_level", "");
  if (model.can.context > 0) json.member("context_length", model.can.context);
  json.end_object();
}

void write_ollama_capabilities(JsonWriter& json, const ModelEntry& model) {
  const bool embeds = model.can.embedding.value_or(false);
  json.key("capabilities");
  json.begin_array();
  if (embeds) json.value("embedding");
  if (!embeds && !model.can.reranker.value_or(false)) json.value("completion");
  if (model.can.tools.value_or(false)) json.value("tools");
  if (model.can.takes("image")) json.value("vision");
  if (model.can.takes("audio")) json.value("audio");
  json.end_array();
}

void write_name(JsonWriter& json, std::string_view name) {
  json.member("name", with_tag(name));
  json.member("model", with_tag(name));
}

}  // namespace

std::string with_tag(std::string_view name) {
  const bool has_tag = name.substr(name.rfind('/') + 1).find(':') != std::string_view::npos;
  return std::string(name) + std::string(has_tag || name.empty() ? std::string_view() : kLatest);
}

std::string other_tag(std::string_view name) {
  if (name.ends_with(kLatest)) return std::string(name.substr(0, name.size() - kLatest.size()));
  std::string tagged = with_tag(name);
  return tagged == name ? std::string() : tagged;
}

std::string ollama_tags(const std::vector<ModelEntry>& models, bool with_aliases,
                        std::string_view now) {
  JsonWriter json;
  json.begin_object();
  json.key("models");
  json.begin_array();
  for (const auto& [name, model] : listed_names(models, with_aliases)) {
    json.begin_object();
    write_name(json, name);
    json.member("modified_at", now);
    json.member("size", 0);
    json.member("digest", digest_of(name));
    write_details(json, *model);
    write_ollama_capabilities(json, *model);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string ollama_ps(const std::vector<OllamaRunning>& models) {
  JsonWriter json;
  json.begin_object();
  json.key("models");
  json.begin_array();
  for (const OllamaRunning& running : models) {
    json.begin_object();
    write_name(json, running.model.id);
    json.member("size", 0);
    json.member("digest", digest_of(running.model.id));
    write_details(json, running.model);
    json.member("expires_at", running.expires_at);
    json.member("size_vram", 0);
    json.member("context_length", running.model.can.context);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string ollama_show(const ModelEntry& model, std::string_view now) {
  JsonWriter json;
  json.begin_object();
  json.member("modelfile", fmt::format("# {}, served by rouse", model.id));
  json.member("parameters", "");
  json.member("template", "");
  write_details(json, model);
  json.key("model_info");
  json.begin_object();
  json.member("general.architecture", kArchitecture);
  json.member("general.basename", model.name.empty() ? model.id : model.name);
  if (model.can.context > 0)
    json.member(fmt::format("{}.context_length", kArchitecture), model.can.context);
  json.end_object();
  write_ollama_capabilities(json, model);
  json.member("modified_at", now);
  json.end_object();
  return json.take();
}

}  // namespace rouse::wire
