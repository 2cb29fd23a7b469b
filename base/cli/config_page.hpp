#pragma once

#include "base/config/table.hpp"

#include <string>
#include <vector>

namespace rouse {

/// What the manual of a configuration has beside its table of keys.
struct ConfigPage {
  const ConfigTable* table = nullptr;
  std::string name;     ///< "rouse.yaml"
  std::string program;  ///< "rouse 0.1.0"
  std::string headline;
  std::string about;  ///< paragraphs
  std::vector<std::string> see_also;
};

/// The manual of a configuration, section 5: every key with its type, its default and what
/// @p example, a whole file with every key, gives it. What is wrong with the example goes to
/// @p problems.
[[nodiscard]] std::string config_man_page(const ConfigPage& facts, const std::string& example,
                                          const std::string& date, std::vector<Problem>& problems);

}  // namespace rouse
