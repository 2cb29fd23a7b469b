#pragma once

#include "suspendd/checks/check.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/gpu/gpu_probe.hpp"
#include "suspendd/gpu/reading.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace rouse::suspendd {

/// The engines that our proxy runs now: their pids. Processes below them and in their process
/// groups are counted in.
using OwnedPids = std::function<std::vector<int>()>;

/// What one reading means. @p owned is the proxy's.
[[nodiscard]] Finding judge_gpus(const GpuReading& reading, const GpuCheck& settings,
                                 const std::vector<int>& owned);

/// Check `gpu`. @p probe outlives it.
[[nodiscard]] std::unique_ptr<Check> make_gpu_check(GpuCheck settings, GpuProbe& probe,
                                                    OwnedPids owned);

}  // namespace rouse::suspendd
