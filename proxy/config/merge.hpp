#pragma once

#include "base/yaml/tree.hpp"

#include <string>
#include <vector>

namespace rouse {

/// Adds @p more to @p into, file by file (docs/llama-swap.md, Several files): mappings are merged,
/// lists joined, equal values are fine, other conflicts are problems; a model, group, profile,
/// selector or peer may be defined once only.
void merge_config(YamlNode& into, YamlNode more, std::vector<Problem>& problems);

}  // namespace rouse
