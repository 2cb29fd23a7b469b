#pragma once

#include "base/yaml/tree.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// Something that a configuration without faults will meet on this machine.
struct Finding {
  enum class Severity {
    Warn,   ///< it may bite
    Refuse  ///< what it speaks of cannot work
  };
  Severity severity = Severity::Warn;
  SourcePlace place;
  std::string title;  ///< the key: "models.coder.cmd"
  std::string what;   ///< what was found, and why it bites
  std::string todo;   ///< what to do about it
  /// "config.yaml:3:10: models.coder.cmd: program x does not exist -> correct the path"
  [[nodiscard]] std::string str() const;
};

[[nodiscard]] std::string_view name_of(Finding::Severity severity);

/// How many of @p findings are of @p severity.
[[nodiscard]] std::size_t count_of(const std::vector<Finding>& findings,
                                   Finding::Severity severity);

/// For people: a line for each with its remedy below it, and a last one that sums them up.
[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);

}  // namespace rouse
