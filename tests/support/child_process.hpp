#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rouse::test {

/// A real program, started without a shell; its standard output and error are captured together.
/// The destructor kills it if it still runs and reaps it. What it started itself is its own matter.
class ChildProcess {
 public:
  /// @p env lists K=V to set on top of ours, where state and runtime folders are this process's
  /// own. A program that cannot be run is a test failure.
  explicit ChildProcess(const std::vector<std::string>& argv,
                        const std::vector<std::string>& env = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// All that it has written so far.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] bool running();
  void signal(int number);

  /// The exit status, 128 + N when signal N ended it; nullopt if it still runs after @p limit.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// Waits until the output contains @p text; false on time-out or if it exits without it.
  [[nodiscard]] bool wait_for_output(const std::string& text,
                                     std::chrono::milliseconds limit = std::chrono::seconds(10));

 private:
  void reap(int options);

  pid_t pid_ = -1;
  int output_fd_ = -1;
  std::optional<int> status_;
};

/// Runs @p argv to its end; {exit status, output}. Killed with status -1 after @p limit.
[[nodiscard]] std::pair<int, std::string> run_program(
    const std::vector<std::string>& argv, const std::vector<std::string>& env = {},
    std::chrono::milliseconds limit = std::chrono::seconds(20));

/// Whether the process @p pid has a handler of its own for the signal @p number.
[[nodiscard]] bool catches_signal(pid_t pid, int number);
/// Whether it lets the signal wait, for a while at least: so does whoever starts a thread or a
/// program.
[[nodiscard]] bool holds_signal(pid_t pid, int number);

/// The processes whose environment contains @p marker ("NAME=" or "NAME=value"), without zombies.
[[nodiscard]] std::vector<pid_t> processes_with_environment(const std::string& marker);

}  // namespace rouse::test
