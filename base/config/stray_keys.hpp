#pragma once

#include "base/config/table.hpp"

#include <set>
#include <string>
#include <vector>

namespace rouse {

/// Keys at the top of a file that were to stand below another one.
struct StrayKeys {
  std::set<std::string> names;
  SourcePlace place;  ///< of the first
  std::string text;   ///< what to do, for people
};

/// The keys at the top of @p root that its table does not have and that look like parts of an empty
/// one above them: what was to be indented and is not. One entry for each such section.
[[nodiscard]] std::vector<StrayKeys> stray_keys(const YamlNode& root, const ConfigTable& table);

/// What the unknown key @p member of @p section was probably meant to be, or where it belongs, for
/// people: "did you mean \"models\"?"; empty: nothing is near.
[[nodiscard]] std::string likely_home(const YamlNode::Member& member, const ConfigSection& section,
                                      const ConfigTable& table);

}  // namespace rouse
