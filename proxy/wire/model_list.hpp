#pragma once

#include "proxy/wire/capabilities.hpp"

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
  std::string metadata_json;  ///< a JSON object, or empty
  Capabilities can;
  bool is_typed = false;  ///< some of them are typed, and hide what the metadata say of the same
  bool loaded = false;
  bool is_hidden = false;      ///< only its aliases are listed, whatever is said of aliases
  std::string type = "model";  ///< or selector, profile
  std::string more_json;       ///< further members of meta.llamaswap: "\"a\":1,\"b\":2"
};

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
