#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

struct MetricSum {
  std::string name;
  double sum = 0;          ///< over all of its series; NaN when one of them is
  std::size_t series = 0;  ///< 0: there is none of that name
};

/// Sums up the series of each of @p names in Prometheus' text format (0.0.4, or OpenMetrics).
/// Lines that are not samples are passed over. Pure.
[[nodiscard]] std::vector<MetricSum> sum_metrics(std::string_view exposition,
                                                 const std::vector<std::string>& names);

}  // namespace rouse::suspendd
