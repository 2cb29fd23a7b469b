#pragma once

#include <cstdint>
#include <optional>

namespace rouse::core {

/// What can be told of the body of a request that asks for something small beside the work: a
/// title, a summary, a check of the quota or of its health.
struct AuxSigns {
  std::optional<std::int64_t> max_tokens;
  bool has_empty_tools = false;  ///< "tools": []
  bool wants_title = false;      ///< the answer is to be an object with a title
  bool embeds_one_word = false;  ///< as a check of an embedding model does
  bool fits_rule = false;        ///< a pattern of the configuration fits its body
};

/// Whether it is such a request: no model should be swapped for its sake. Nothing in the protocols
/// says so; the signs are those of recorded clients (docs/clients.md, Small requests).
[[nodiscard]] constexpr bool is_aux(const AuxSigns& signs, std::int64_t max_tokens) {
  if (signs.fits_rule || signs.embeds_one_word) return true;
  if (signs.max_tokens && *signs.max_tokens <= max_tokens) return true;
  return signs.has_empty_tools && signs.wants_title;
}

}  // namespace rouse::core
