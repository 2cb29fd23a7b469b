#pragma once

#include "base/async/task.hpp"
#include "proxy/telemetry/metrics.hpp"

namespace rouse {

/// Tells @p metrics how late a timer was that should have come every half second: the loop was busy
/// then, or starved. Ends with its cancellation; @p metrics outlives it.
Task<void> watch_loop_lag(Executor executor, Metrics& metrics);

}  // namespace rouse
