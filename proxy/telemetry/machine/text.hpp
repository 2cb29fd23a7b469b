#pragma once

#include "proxy/telemetry/machine/readings.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// What the machine is made of, as far as it can be told from below it.
struct HardwareFacts {
  std::chrono::system_clock::time_point at{};
  std::string architecture;  ///< uname's: x86_64
  std::string kernel;
  std::string os_name;
  std::string os_version;
  bool is_container = false;
  CpuModel cpu;
  std::uint64_t memory_bytes = 0;
  std::vector<GpuSample> gpus;
};

// The answers about the machine, in llama-swap's shapes (docs/llama-swap.md, Listings).

/// Of /api/performance: the samples later than @p after.
[[nodiscard]] std::string performance_json(
    const std::deque<SystemSample>& system, const std::deque<std::vector<GpuSample>>& gpus,
    const std::optional<std::chrono::system_clock::time_point>& after);
[[nodiscard]] std::string hardware_json(const HardwareFacts& facts);
/// The 16 llamaswap_* metrics; those of GPUs only where there are any.
[[nodiscard]] std::string llama_swap_metrics(const SystemSample& system,
                                             const std::vector<GpuSample>& gpus);

}  // namespace rouse
