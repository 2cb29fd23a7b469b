#pragma once

#include "base/yaml_tree.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rouse {

/// Replaces ${env.NAME} in every key and value of @p node. The text is put in as it is: it cannot
/// change the structure of the file. @p before may change a scalar first, given with its path.
void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems,
                        const std::function<void(YamlNode&, const std::string&)>& before);

}  // namespace rouse
