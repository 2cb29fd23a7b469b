#pragma once

#include "base/async/task.hpp"
#include "base/result.hpp"
#include "suspendd/gpu/probe_helper.hpp"
#include "suspendd/gpu/reading.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace rouse::suspendd {

/// Asks the machine's GPUs by way of a process of its own, since NVML can hang, and what hangs in
/// the kernel can neither be stopped nor frozen for a suspend. One request at a time; a second is
/// refused.
///
/// A helper that misses its deadline is killed. One that cannot be killed (state D) is left alone:
/// until it has gone, every request answers at once with an error that says so, and no other
/// helper is started. The first answer of a fresh helper may take longer than a deadline, since
/// opening several cold GPUs takes seconds: meanwhile requests answer with an error and the helper
/// goes on, for `warm_up`.
///
/// Single thread; must outlive its requests.
class GpuProbe {
 public:
  GpuProbe(Executor executor, GpuProbeSettings settings);
  /// Kills and reaps, unless the helper is beyond it.
  ~GpuProbe();
  GpuProbe(const GpuProbe&) = delete;
  GpuProbe& operator=(const GpuProbe&) = delete;

  /// Looks at all GPUs; uses up the samples since the last look. Error: nobody could tell.
  Task<Result<GpuReading>> read();

  /// After a resume: NVML starts and reads, and libcuda's cuInit succeeds where there is one. In a
  /// helper of its own that ends with it, so that nothing stays open. Success: what was seen ("2
  /// GPUs answer, CUDA starts"); Error: the detail.
  Task<Result<std::string>> self_test();

  /// Before a suspend: NVML is shut down and the helper ends. The next read() starts another.
  Task<void> close();

  /// A helper was killed and is not gone, since when; nullopt: none such.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> stuck_since() const;

 private:
  Executor executor_;
  GpuProbeSettings settings_;
  ProbeHelper reader_;
  ProbeHelper tester_;
};

}  // namespace rouse::suspendd
