#pragma once

#include "base/text/json_writer.hpp"
#include "proxy/wire/capabilities.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::wire {

// How servers tell in JSON what a model can do: rouse and llama-swap (docs/llama-swap.md,
// Listings), and engines.

/// Writes the member "capabilities", for which clients and pages look; none where nothing is known.
void write_abilities(JsonWriter& json, const Capabilities& can);
/// Writes all members that tell of it, with that one among them.
void write_capabilities(JsonWriter& json, const Capabilities& can);

/// A model, as another server lists it.
struct ListedModel {
  std::string id;
  Capabilities can;

  bool operator==(const ListedModel&) const = default;
};

/// The models of a list; nullopt: @p json is none.
[[nodiscard]] std::optional<std::vector<ListedModel>> read_model_list(std::string_view json);
/// What one entry of such a list tells.
[[nodiscard]] Capabilities read_listed(std::string_view json);
/// What llama-server tells at /props.
[[nodiscard]] Capabilities read_props(std::string_view json);
/// What Hugging Face's servers tell at /info: TEI of vectors and ranks, TGI of texts.
[[nodiscard]] Capabilities read_info(std::string_view json);

}  // namespace rouse::wire
