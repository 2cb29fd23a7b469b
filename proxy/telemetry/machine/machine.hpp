#pragma once

#include "base/async/task_group.hpp"
#include "proxy/telemetry/machine/text.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

struct MachineOptions {
  bool disabled = false;
  std::chrono::milliseconds every{5'000};
  // What only tests change.
  std::string proc = "/proc";
  std::string gpu_program = "nvidia-smi";
  std::chrono::milliseconds gpu_limit{5'000};      ///< for one run of it
  std::chrono::milliseconds watched_for{300'000};  ///< after somebody has looked
  std::chrono::milliseconds history{3'600'000};
};

/// How busy the machine is, and was during the last hour in which somebody cared.
///
/// Samples are taken only while it is looked at: every `every` for five minutes after the last
/// look of a person. An idle machine is neither woken by a timer nor its GPU by nvidia-smi; the
/// price is that the history has gaps. A scrape brings its own clock: it gets a fresh sample and
/// starts nothing that goes on.
///
/// Reads /proc on the loop, which does not block; nvidia-smi runs beside it, one at a time, never
/// longer than gpu_limit. Single thread. @p tasks must be joined before this is destroyed.
class Machine {
 public:
  enum class Looker { Person, Scrape };

  Machine(TaskGroup& tasks, MachineOptions options);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Takes new settings; those of tests stay. Disabling forgets the history.
  void adopt(bool disabled, std::chrono::milliseconds every);
  [[nodiscard]] bool is_disabled() const { return options_.disabled; }

  /// Sees to it that there is a sample not older than `every`; ends within gpu_limit.
  [[nodiscard]] Task<void> look(Looker who);

  // What there is now; look() first. With samples disabled, performance() is {"enabled":false} and
  // the others are empty: 503 for the two of JSON.
  [[nodiscard]] std::string performance(
      const std::optional<std::chrono::system_clock::time_point>& after) const;
  [[nodiscard]] std::string hardware();
  [[nodiscard]] std::string metrics() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  struct GpuRun;

  Task<void> sample_while_watched();
  Task<void> query_gpus();
  Task<void> gpu_answered();
  void sample_system();
  void keep_gpus(std::vector<GpuSample> gpus);
  [[nodiscard]] bool is_fresh() const;
  [[nodiscard]] std::string read(const std::string& name) const;

  TaskGroup& tasks_;
  MachineOptions options_;
  std::deque<SystemSample> system_;          // an hour at most, the newest last
  std::deque<std::vector<GpuSample>> gpus_;  // none of them empty
  std::vector<CpuTimes> cpu_before_;
  std::optional<HardwareFacts> hardware_;  // the first time that it was asked for
  Clock::time_point sampled_at_{};
  Clock::time_point watched_until_{};
  bool watched_ = false;    // sample_while_watched() runs
  bool gpu_busy_ = false;   // a run of nvidia-smi is not over
  bool gpu_asked_ = false;  // and its answer is still waited for
  bool gpu_absent_ = false;
  std::uint64_t gpu_answers_ = 0;  // how many runs have ended
  Timer gpu_bell_;                 // rung when gpu_asked_ ends
};

}  // namespace rouse
