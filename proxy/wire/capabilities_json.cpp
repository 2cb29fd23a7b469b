#include "proxy/wire/capabilities_json.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <limits>

namespace rouse::wire {

namespace {

using simdjson::dom::element;
using Found = simdjson::simdjson_result<element>;

/// What others call them; a text of theirs that we do not know goes no further.
constexpr std::array<std::string_view, 4> kModalities{"text", "audio", "image", "video"};

void write_list(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  json.key(name);
  json.begin_array();
  for (const std::string& item : list) json.value(item);
  json.end_array();
}

std::vector<std::string_view> abilities_of(const Capabilities& can) {
  std::vector<std::string_view> abilities;
  if (can.takes("image")) abilities.push_back("vision");
  if (can.takes("audio") && can.gives("text")) abilities.push_back("audio_transcriptions");
  if (can.takes("text") && can.gives("audio")) abilities.push_back("audio_speech");
  if (can.takes("text") && can.gives("image")) abilities.push_back("image_generation");
  if (can.takes("image") && can.gives("image")) abilities.push_back("image_to_image");
  if (can.tools.value_or(false)) abilities.push_back("function_calling");
  if (can.reranker.value_or(false)) abilities.push_back("reranker");
  if (can.embedding.value_or(false)) abilities.push_back("embedding");
  return abilities;
}

/// The first of @p all that is a number of tokens; 0: none is.
int tokens_in(std::initializer_list<Found> all) {
  for (const Found& each : all) {
    std::int64_t number = 0;
    if (each.get(number) != simdjson::SUCCESS) continue;
    if (number > 0 && number <= std::numeric_limits<int>::max()) return static_cast<int>(number);
  }
  return 0;
}

bool is_true(const Found& found) {
  bool truth = false;
  return found.get(truth) == simdjson::SUCCESS && truth;
}

bool is_there(const Found& found) {
  return found.error() == simdjson::SUCCESS;
}

/// The texts of a list; of an object the names of what is true.
std::vector<std::string_view> named_in(const Found& from) {
  std::vector<std::string_view> names;
  std::string_view name;
  simdjson::dom::array list;
  if (from.get(list) == simdjson::SUCCESS) {
    for (const element item : list) {
      if (item.get(name) == simdjson::SUCCESS) names.push_back(name);
    }
  }
  simdjson::dom::object members;
  if (from.get(members) == simdjson::SUCCESS) {
    for (const auto& [key, value] : members) {
      if (is_true(Found(element(value)))) names.push_back(key);
    }
  }
  return names;
}

void add_modality(std::vector<std::string>& list, std::string_view name) {
  const bool is_known =
      std::find(kModalities.begin(), kModalities.end(), name) != kModalities.end();
  if (is_known && std::find(list.begin(), list.end(), name) == list.end()) list.emplace_back(name);
}

/// What one word of "capabilities" means, whoever writes it: rouse and llama-swap, Ollama, LM
/// Studio.
void add_ability(Capabilities& can, std::string_view name) {
  if (name == "tools" || name == "function_calling" || name == "tool_use") can.tools = true;
  if (name == "reranker" || name == "rerank") can.reranker = true;
  if (name == "embedding" || name == "embeddings") can.embedding = true;
  if (name == "vision" && can.in.empty()) can.in = {"text", "image"};
}

Capabilities read_entry(const element& entry) {
  Capabilities can;
  can.context = tokens_in({entry["meta"]["n_ctx"], entry["context_length"], entry["max_model_len"],
                           entry["n_ctx"], entry["max_context_length"]});
  for (const std::string_view name : named_in(entry["architecture"]["input_modalities"])) {
    add_modality(can.in, name);
  }
  for (const std::string_view name : named_in(entry["architecture"]["output_modalities"])) {
    if (name.starts_with("embedding")) can.embedding = true;
    add_modality(can.out, name);
  }
  for (const std::string_view name : named_in(entry["capabilities"])) add_ability(can, name);
  for (const std::string_view name : named_in(entry["supported_parameters"])) {
    if (name == "tools") can.tools = true;
  }
  return can;
}

/// n_ctx is that of a slot, which is what one request can have.
Capabilities read_llama_props(const element& props) {
  Capabilities can;
  can.context = tokens_in({props["default_generation_settings"]["n_ctx"]});
  if (const Found modalities = props["modalities"]; is_there(modalities)) {
    can.in = {"text"};
    if (is_true(modalities["vision"])) can.in.emplace_back("image");
    if (is_true(modalities["audio"])) can.in.emplace_back("audio");
    if (is_true(modalities["video"])) can.in.emplace_back("video");
    can.out = {"text"};
  }
  const Found of_template = props["chat_template_caps"];
  if (is_there(of_template)) {
    can.tools =
        is_true(of_template["supports_tools"]) || is_true(of_template["supports_tool_calls"]);
  } else if (is_there(props["chat_template_tool_use"])) {
    can.tools = true;  // builds before chat_template_caps have a second template for them
  }
  return can;
}

Capabilities read_hugging_face_info(const element& info) {
  Capabilities can;
  const Found kind = info["model_type"];
  if (is_there(kind["embedding"])) can.embedding = true;
  if (is_there(kind["reranker"])) can.reranker = true;
  can.context = tokens_in({info["max_total_tokens"], info["max_input_length"]});
  return can;
}

/// What @p read makes of a text; nothing of one that is no JSON.
template <class Read>
Capabilities read_text(std::string_view json, Read read) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(json);
  element root;
  if (parser.parse(text).get(root) != simdjson::SUCCESS) return {};
  return read(root);
}

}  // namespace

void write_abilities(JsonWriter& json, const Capabilities& can) {
  const std::vector<std::string_view> abilities = abilities_of(can);
  if (abilities.empty()) return;
  json.key("capabilities");
  json.begin_object();
  for (const std::string_view ability : abilities) json.member(ability, true);
  json.end_object();
}

void write_capabilities(JsonWriter& json, const Capabilities& can) {
  if (!can.in.empty() || !can.out.empty()) {
    json.key("architecture");
    json.begin_object();
    write_list(json, "input_modalities", can.in);
    write_list(json, "output_modalities", can.out);
    if (!can.in.empty() && !can.out.empty()) {
      json.member("modality",
                  fmt::format("{}->{}", fmt::join(can.in, "+"), fmt::join(can.out, "+")));
    }
    json.end_object();
  }
  write_abilities(json, can);
  if (can.tools.value_or(false)) {
    json.key("supported_parameters");
    json.raw(R"(["tools","tool_choice"])");
  }
  if (can.context == 0) return;
  json.member("context_length", can.context);
  json.member("max_model_len", can.context);
}

std::optional<std::vector<ListedModel>> read_model_list(std::string_view json) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(json);
  simdjson::dom::array entries;
  if (parser.parse(text)["data"].get(entries) != simdjson::SUCCESS) return std::nullopt;
  std::vector<ListedModel> models;
  for (const element entry : entries) {
    std::string_view id;
    if (entry["id"].get(id) != simdjson::SUCCESS || id.empty()) continue;
    models.push_back({std::string(id), read_entry(entry)});
  }
  return models;
}

Capabilities read_listed(std::string_view json) {
  return read_text(json, read_entry);
}

Capabilities read_props(std::string_view json) {
  return read_text(json, read_llama_props);
}

Capabilities read_info(std::string_view json) {
  return read_text(json, read_hugging_face_info);
}

}  // namespace rouse::wire
