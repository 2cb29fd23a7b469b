#pragma once

#include "base/yaml/tree.hpp"

#include <cstddef>
#include <functional>
#include <set>
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

/// Calls @p visit with the NAME of each ${env.NAME} in @p text, and where it stands.
void for_each_variable(
    std::string_view text,
    const std::function<void(const std::string& name, std::size_t at, std::size_t size)>& visit);

/// Whether @p name is a variable that every program has, and may need: paths, the language, which
/// GPUs there are. Such a one is no secret, whatever names it.
[[nodiscard]] bool is_everybodys_variable(std::string_view name);

/// Adds the other ones that the values of @p node name.
void add_variables(const YamlNode& node, std::set<std::string, std::less<>>& names);

/// Removes the problems from the place @p from on that only say that a value or key with an
/// ${env.NAME} in it is not fit for its purpose: with its variable set, it may be.
void drop_follow_ups(const YamlNode& root, std::size_t from, std::vector<Problem>& problems);

}  // namespace rouse
