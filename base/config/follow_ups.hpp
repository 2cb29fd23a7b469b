#pragma once

#include "base/yaml/tree.hpp"

#include <vector>

namespace rouse {

// One fault is told once: not by all who meet it later.

/// Removes from @p list what is said of keys below one that is wrong as a whole in @p faults.
void drop_below(const std::vector<Problem>& faults, std::vector<Problem>& list);

/// Of @p later, adds to @p problems what does not follow from an error that they have already: what
/// is said of the same key, or of one below it.
void add_independent(std::vector<Problem>& problems, std::vector<Problem> later);

}  // namespace rouse
