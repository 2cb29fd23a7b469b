#pragma once

#include "proxy/config/config.hpp"
#include "proxy/wire/json_edit.hpp"

#include <string_view>
#include <vector>

namespace rouse {

/// The changes that @p filters make to the JSON body of a request for @p name, the name after
/// profile and selector, in their order: stripParams, setParamsByMatch, setParams, setParamsByID
/// (docs/llama-swap.md, Filters). "model" is never among them. Empty: the body stays as it is.
[[nodiscard]] std::vector<wire::JsonEdit> edits_for(const Filters& filters, std::string_view name);

}  // namespace rouse
