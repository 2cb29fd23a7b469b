#pragma once

#include "base/posix.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "suspendd/gpu/reading.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace rouse::suspendd {

struct GpuProbeSettings {
  std::string program = "/proc/self/exe";     ///< started as `program gpu-probe …`
  std::string nvml = "libnvidia-ml.so.1";     ///< for dlopen
  std::string cuda = "libcuda.so.1";          ///< for the self-test; empty: not tried
  std::string root;                           ///< prefix of /sys and /proc
  std::chrono::milliseconds deadline{2'000};  ///< for one answer
};

/// Asks the machine's GPUs by way of a process of its own, since NVML can hang, and what hangs in
/// the kernel can neither be stopped nor frozen for a suspend. One request at a time.
///
/// A helper that misses its deadline is killed. One that cannot be killed (state D) is left alone:
/// until it has gone, every request answers at once with an error that says so, and no other
/// helper is started.
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

  /// A helper cannot be killed, since when; nullopt: none such.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> stuck_since() const;

 private:
  class Helper;
  Task<Result<std::string>> ask(Helper& helper, std::string_view command,
                                std::chrono::milliseconds deadline);

  Executor executor_;
  GpuProbeSettings settings_;
  std::unique_ptr<Helper> reader_;
  std::unique_ptr<Helper> tester_;
};

}  // namespace rouse::suspendd
