#pragma once

#include "base/yaml/tree.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// Replaces ${env.NAME} in every key and value of @p node. The text is put in as it is: it cannot
/// change the structure of the file. @p before may change a scalar first, given with its path.
void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems,
                        const std::function<void(YamlNode&, const std::string&)>& before);

/// Whether @p text still has an ${env.NAME} in it: nobody knows what it will be.
[[nodiscard]] bool names_variable(std::string_view text);

/// Removes the problems from the place @p from on that only say that a value or key with an
/// ${env.NAME} in it is not fit for its purpose: with its variable set, it may be.
void drop_follow_ups(const YamlNode& root, std::size_t from, std::vector<Problem>& problems);

}  // namespace rouse
