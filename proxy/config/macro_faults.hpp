#pragma once

#include "base/yaml/tree.hpp"

#include <vector>

namespace rouse {

/// Tells, for each ${name} that is left in a file whose macros are expanded, why nothing was put in
/// its place: nobody defines it, it belongs elsewhere, or macros use each other in a wrong order or
/// in a circle. What is wrong with a macro is told once, at the macro. Blocks of the user's own are
/// left alone.
void report_leftovers(YamlNode& root, std::vector<Problem>& problems);

}  // namespace rouse
