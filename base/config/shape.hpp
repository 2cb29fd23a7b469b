#pragma once

#include "base/config/table.hpp"

#include <string>
#include <vector>

namespace rouse {

/// Checks the shape of a whole file against @p table: unknown keys (with the likely name), keys
/// that are not indented, wrong kinds, values out of range. At the top, keys that begin with x- and
/// those that lend an anchor may have any name. Adds the paths of keys without a feature to @p
/// unsupported.
void check_shape(const YamlNode& root, const ConfigTable& table, std::vector<Problem>& problems,
                 std::vector<std::string>& unsupported);

/// What is wrong with a file whose top is @p root, if that is neither a mapping nor nothing; empty:
/// it is one of them.
[[nodiscard]] std::string top_fault(const YamlNode& root, const ConfigTable& table);

/// The names of the kinds of a KindList whose section is @p section.
[[nodiscard]] std::vector<std::string> kinds_of(const ConfigTable& table, std::string_view section);

/// The kind of an entry of a KindList: itself, or its key `kind`; empty: it has none.
[[nodiscard]] std::string kind_of(const YamlNode& item);

}  // namespace rouse
