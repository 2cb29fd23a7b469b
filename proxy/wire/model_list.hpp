#pragma once

#include "base/text/json_writer.hpp"

#include <ctime>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {

/// What a listing says of one model (docs/llama-swap.md, Listings).
struct ModelEntry {
  std::string id;
  std::string name;
  std::string description;
  std::vector<std::string> aliases;
  std::string metadata_json;    ///< a JSON object, or empty
  std::vector<std::string> in;  ///< modalities: text, audio, image
  std::vector<std::string> out;
  bool tools = false;
  bool reranker = false;
  int context = 0;  ///< tokens; 0: not said
  bool loaded = false;
  bool is_hidden = false;      ///< only its aliases are listed, whatever is said of aliases
  std::string type = "model";  ///< or selector, profile
  std::string more_json;       ///< further members of meta.llamaswap: "\"a\":1,\"b\":2"
};

/// Writes the member "capabilities", for which clients and pages look; none where nothing is known.
void write_abilities(JsonWriter& json, const ModelEntry& model);

/// What all entries of a listing say.
struct Listing {
  std::string_view owner;  ///< owned_by
  std::time_t created = 0;
};

/// Under which names @p models are listed, sorted: ids and, if @p with_aliases, aliases, of which
/// none hides a model. Points into @p models.
[[nodiscard]] std::map<std::string_view, const ModelEntry*> listed_names(
    const std::vector<ModelEntry>& models, bool with_aliases);

/// The answer of `GET /v1/models`, sorted by id; each alias is an entry of its own if
/// @p with_aliases, but never hides a model. What is empty is left out.
[[nodiscard]] std::string models_json(const std::vector<ModelEntry>& models, bool with_aliases,
                                      const Listing& listing);

/// One entry of that list alone.
[[nodiscard]] std::string model_json(const ModelEntry& model, const Listing& listing);

}  // namespace rouse::wire
