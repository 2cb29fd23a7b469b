#pragma once

#include "base/async/task.hpp"
#include "base/posix.hpp"
#include "base/result.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

struct GpuProbeSettings {
  std::string program = "/proc/self/exe";       ///< started as `program gpu-probe …`
  std::string nvml = "libnvidia-ml.so.1";       ///< for dlopen
  std::string cuda = "libcuda.so.1";            ///< for the self-test; empty: not tried
  std::string root;                             ///< prefix of /sys and /proc
  std::chrono::milliseconds deadline{2'000};    ///< for one answer
  std::chrono::milliseconds warm_up{30'000};    ///< for the first answer of a fresh helper
  std::chrono::milliseconds self_test{20'000};  ///< for that answer
};

/// One place for a helper process of GpuProbe: started when asked, killed when silent, and never
/// two at once. What it is asked and answers are lines of text over a socket pair.
class ProbeHelper {
 public:
  using Clock = std::chrono::steady_clock;

  ProbeHelper(Executor executor, const GpuProbeSettings& settings)
      : executor_(std::move(executor)), settings_(settings) {}
  ~ProbeHelper();
  ProbeHelper(const ProbeHelper&) = delete;
  ProbeHelper& operator=(const ProbeHelper&) = delete;

  /// The line that answers @p command, or an error by @p deadline at the latest; the first answer
  /// after a start may come until @p warm_up, and is then what the next ask() gets.
  Task<Result<std::string>> ask(std::string command, std::chrono::milliseconds deadline,
                                std::chrono::milliseconds warm_up);
  /// Lets it end by itself, kills it otherwise. No helper is left afterwards, or one that is stuck.
  Task<void> end(std::chrono::milliseconds deadline);

  [[nodiscard]] bool is_running() const { return pid_ > 0; }
  [[nodiscard]] std::optional<Clock::time_point> stuck_since() const;

 private:
  using Socket = asio::basic_stream_socket<asio::local::stream_protocol, Executor>;

  Result<void> start();
  /// Sends @p command unless an earlier one is still unanswered, then reads a line until @p at.
  Task<Result<std::string>> exchange(std::string command, Clock::time_point at);
  Task<Result<std::string>> read_line(Clock::time_point at);
  Task<void> wait_for_end(std::chrono::milliseconds limit);
  void kill();
  /// Reaps it if it has ended; true when no process is left.
  bool reap();
  [[nodiscard]] std::string how_it_ended() const;
  void forget();

  Executor executor_;
  const GpuProbeSettings& settings_;
  bool is_asked_ = false;
  pid_t pid_ = 0;  ///< 0: none
  UniqueFd pidfd_;
  std::shared_ptr<Socket> socket_;  ///< shared with the timer that cancels its reads
  std::string received_;
  bool has_answered_ = false;                   ///< this process, ever
  std::optional<Clock::time_point> asked_at_;   ///< an answer is due
  std::optional<Clock::time_point> killed_at_;  ///< and it has not gone yet
  int status_ = 0;                              ///< of the last one that ended, as waitpid() has it
};

}  // namespace rouse::suspendd
