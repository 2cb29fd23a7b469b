#pragma once

#include "base/yaml/tree.hpp"

#include <map>
#include <string>
#include <vector>

namespace rouse {

/// Replaces ${env.NAME} in every key and value of @p node. The text is put in as it is: it cannot
/// change the structure of the file, unlike in llama-swap, which replaces before it parses. Comment
/// lines of cmd and cmdStop are removed first.
void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems);

/// Expands the macros of a whole file in place (docs/llama-swap.md, Macros): global ones
/// everywhere, then each model's own, MODEL_ID and PORT; ports are given to the models whose cmd
/// uses ${PORT}, from startPort on, in byte order of the ids; those in @p kept have theirs already.
/// ${PID} stays in cmdStop. What is left over is a problem. Comment lines of cmd and cmdStop are
/// removed first. Returns the ports that it has given, by model.
std::map<std::string, int> expand_macros(YamlNode& root, const std::map<std::string, int>& kept,
                                         std::vector<Problem>& problems);

}  // namespace rouse
