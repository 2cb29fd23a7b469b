#include "proxy/wire/model_list.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/wire/capabilities_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace rouse::wire {

namespace {

bool holds(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

void write_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& list) {
  if (list.empty()) return;
  json.key(name);
  json.begin_array();
  for (const std::string& item : list) json.value(item);
  json.end_array();
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
    if (name == "type" || name == "aliases" || name == "modelID" ||
        (model.is_typed && holds(hidden, name))) {
      continue;
    }
    json.key(name);
    json.raw(simdjson::minify(value));
  }
}

/// @p id is the model's own or one of its aliases.
void write_entry(JsonWriter& json, const ModelEntry& model, std::string_view id,
                 const Listing& listing) {
  const bool is_alias = id != model.id;
  json.begin_object();
  json.member("id", id);
  json.member("object", "model");
  json.member("created", static_cast<std::int64_t>(listing.created));
  json.member("owned_by", listing.owner);
  if (!model.name.empty()) json.member("name", model.name);
  if (!model.description.empty()) json.member("description", model.description);
  write_capabilities(json, model.can);
  json.key("meta");
  json.begin_object();
  json.key("llamaswap");
  json.begin_object();
  json.member("type", is_alias ? "alias" : model.type);
  if (is_alias) json.member("modelID", model.id);
  if (!is_alias) write_strings(json, "aliases", model.aliases);
  if (!is_alias && !model.more_json.empty()) json.members(model.more_json);
  write_metadata(json, model);
  json.end_object();
  if (model.can.context > 0) json.member("n_ctx", model.can.context);
  json.end_object();
  json.key("status");
  json.begin_object();
  json.member("value", model.loaded ? "loaded" : "unloaded");
  json.end_object();
  json.end_object();
}

}  // namespace

std::map<std::string_view, const ModelEntry*> listed_names(const std::vector<ModelEntry>& models,
                                                           bool with_aliases) {
  std::map<std::string_view, const ModelEntry*> listed;
  for (const ModelEntry& model : models) {
    if (!model.is_hidden) listed.emplace(model.id, &model);
  }
  for (const ModelEntry& model : models) {
    if (!with_aliases && !model.is_hidden) continue;
    for (const std::string& alias : model.aliases) listed.emplace(alias, &model);
  }
  return listed;
}

std::string models_json(const std::vector<ModelEntry>& models, bool with_aliases,
                        const Listing& listing) {
  JsonWriter json;
  json.begin_object();
  json.member("object", "list");
  json.key("data");
  json.begin_array();
  for (const auto& [id, model] : listed_names(models, with_aliases))
    write_entry(json, *model, id, listing);
  json.end_array();
  json.end_object();
  return json.take();
}

std::string model_json(const ModelEntry& model, const Listing& listing) {
  JsonWriter json;
  write_entry(json, model, model.id, listing);
  return json.take();
}

}  // namespace rouse::wire
