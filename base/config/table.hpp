#pragma once

#include "base/yaml/tree.hpp"

#include <limits>
#include <optional>
#include <span>
#include <string_view>

namespace rouse {

/// What a key of a configuration holds.
enum class KeyType {
  Text,
  Bool,
  Number,   ///< a whole one, within the key's range
  Seconds,  ///< a whole number of them, within the key's range, without a unit as llama-swap has it
  Real,     ///< any number from the key's least on
  Duration,  ///< "90s", "250ms", or seconds
  Size,      ///< "64MiB", or bytes
  TextList,
  TextOrList,  ///< a text, or a list of them
  Anything,
  Section,      ///< a mapping with known keys
  SectionMap,   ///< names of the user's choice, each a mapping with known keys
  SectionList,  ///< a list of mappings with known keys
  /// A list of things of several kinds, each a mapping whose key `kind` names the table of its
  /// other keys: "check" and "ssh" make "check_ssh". A plain text is a kind with its defaults.
  KindList,
  TextMap,  ///< names of the user's choice, each a value
  AnyMap,   ///< names of the user's choice, each anything
};

/// One key, as the reader, the check of a file, the JSON schema and the example's test see it.
struct ConfigKey {
  std::string_view name;
  KeyType type = KeyType::Text;
  std::string_view section;    ///< where the type has known keys: the name of their table
  std::string_view otherwise;  ///< the default, as it would be written; empty: none
  std::string_view text;       ///< one line for people
  bool works = true;           ///< false: accepted, but its feature does not exist yet
  long long least = std::numeric_limits<long long>::min();
  long long most = std::numeric_limits<int>::max();
  /// "a|b|c": the texts that are allowed; empty: any. A Duration may be one of them instead.
  std::string_view one_of;
  bool secret = false;      ///< no message shows what it holds, in whatever form
  /// What to write instead of a mapping in a list of texts, when people try that.
  std::string_view for_mapping = {};
};

/// What to say of a key that the section of this name does not have, but other programs or other
/// times do.
struct ForeignKey {
  std::string_view section;
  std::string_view name;
  std::string_view text;  ///< "write …", behind "unknown key, ignored; "
};

struct ConfigSection {
  std::string_view name;
  std::span<const ConfigKey> keys;
  /// What is said of one that is given as a list, when lists were its form once: {name} is its
  /// name, {items} are the list's texts. Empty: nothing particular.
  std::string_view old_list = {};

  [[nodiscard]] const ConfigKey* find(std::string_view key) const;
};

/// All that is known of one program's configuration. The first section is the whole file.
struct ConfigTable {
  std::string_view title;  ///< "configuration of rouse"
  std::span<const ConfigSection> sections;
  bool has_macros = false;  ///< a ${NAME} may stand for a number or a truth value
  Problem::Severity unknown_key = Problem::Severity::Warning;
  std::span<const ForeignKey> foreign = {};

  /// @p name must be one of them.
  [[nodiscard]] const ConfigSection& section(std::string_view name) const;
  [[nodiscard]] const ConfigSection* find_section(std::string_view name) const;
  [[nodiscard]] const ConfigSection& top() const { return sections.front(); }
};

/// Whether @p text is a truth value as YAML 1.1 writes them; nullopt: it is none.
[[nodiscard]] std::optional<bool> parse_truth(std::string_view text);

}  // namespace rouse
