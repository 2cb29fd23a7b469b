#pragma once

#include <span>
#include <string_view>

namespace rouse {

/// One metric as it is exposed. Dashboards and alerts may use these names and labels only.
struct MetricEntry {
  enum class Kind { Counter, Gauge, Histogram };
  std::string_view name;
  Kind kind = Kind::Counter;
  std::string_view labels;  ///< with blanks between, in the order in which values are given
  std::string_view help;
  std::span<const double> buckets = {};  ///< of a histogram
};

/// All of them, but for process_* (base/proc_self) and llamaswap_* (machine_text).
[[nodiscard]] std::span<const MetricEntry> metric_catalogue();

/// The entry of @p name, which must exist.
[[nodiscard]] const MetricEntry& metric_entry(std::string_view name);

}  // namespace rouse
