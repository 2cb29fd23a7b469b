#pragma once

#include "base/yaml/tree.hpp"
#include "proxy/config/config.hpp"

namespace rouse {

// Which variables of the environment hold secrets of ours, and what of a model's command is none of
// a reader's business. Both are seen in the configuration as it is written: there stands
// ${env.NAME} where later only a text is.

/// Replaces ${env.NAME} in the keys of @p node and below, and in no value: so that what is written
/// has the names of what is read.
void expand_keys(YamlNode& node);

/// Looks at @p config.written, and sets
/// - withheld: the variables that apiKeys, keys, peers, power, tls and the apiKey of a model name;
/// - those of them that a model's cmd, cmdStop or env names, in the env of that model: it has asked
///   for them;
/// - cmd_shown of each model: *** for what comes of ${env.NAME}, a macro that has one, or an option
///   that looks like a key. Variables that everybody has, such as HOME, are shown.
void find_secrets(Config& config);

}  // namespace rouse
