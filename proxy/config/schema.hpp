#pragma once

#include "base/yaml_tree.hpp"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// What a key of the configuration holds.
enum class KeyType {
  Text,
  Bool,
  Number,    ///< a whole one, within the key's range
  Duration,  ///< "90s", "250ms", or seconds
  Size,      ///< "64MiB", or bytes
  TextList,
  TextOrList,  ///< a text, or a list of them
  Anything,
  Section,     ///< a mapping with known keys
  SectionMap,  ///< names of the user's choice, each a mapping with known keys
  TextMap,     ///< names of the user's choice, each a value
  AnyMap,      ///< names of the user's choice, each anything
};

/// One key, as the reader, `rouse check`, the JSON schema and the example's test see it.
struct ConfigKey {
  std::string_view name;
  KeyType type = KeyType::Text;
  std::string_view section;    ///< of a Section or SectionMap: the name of its keys' table
  std::string_view otherwise;  ///< the default, as it would be written; empty: none
  std::string_view text;       ///< one line for people
  bool works = true;           ///< false: accepted, but its feature does not exist yet
  long long least = std::numeric_limits<long long>::min();
  long long most = std::numeric_limits<int>::max();
  std::string_view one_of;  ///< "a|b|c": the texts that are allowed; empty: any
  bool secret = false;      ///< no message shows what it holds, in whatever form
};

struct ConfigSection {
  std::string_view name;
  std::span<const ConfigKey> keys;

  [[nodiscard]] const ConfigKey* find(std::string_view key) const;
};

[[nodiscard]] std::span<const ConfigSection> config_sections();
[[nodiscard]] const ConfigSection& config_section(std::string_view name);

/// Whether @p text is a truth value as YAML 1.1 writes them; nullopt: it is none.
[[nodiscard]] std::optional<bool> parse_truth(std::string_view text);

/// Checks the shape of a whole file against the tables: unknown keys (warnings, with the likely
/// name), wrong kinds, values out of range. Adds the paths of keys without a feature to
/// @p unsupported.
void check_shape(const YamlNode& root, std::vector<Problem>& problems,
                 std::vector<std::string>& unsupported);

/// The JSON schema (draft 2020-12) of the configuration, for editors.
[[nodiscard]] std::string json_schema();

}  // namespace rouse
