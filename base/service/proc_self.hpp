#pragma once

#include <string>

namespace rouse {

/// The usual process_* metrics in Prometheus' text format, read from /proc/self.
[[nodiscard]] std::string process_metrics();

}  // namespace rouse
