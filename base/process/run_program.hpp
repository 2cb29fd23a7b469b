#pragma once

#include "base/async/task.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace rouse {

struct ProgramRun {
  std::vector<std::string> argv;  ///< no shell; found on the PATH
  std::vector<std::string> env;   ///< K=V over our own environment
  std::chrono::milliseconds timeout{30'000};
  std::size_t output_max = 64 * 1024;  ///< of what is kept; the rest is read and dropped
  /// All that it started, in its process group or out of it, ends and is collected with it.
  bool keep = false;
  /// Where given, true as long as it is there: it may have been killed in vain, when a driver
  /// hangs.
  std::shared_ptr<bool> is_there;
};

struct ProgramEnd {
  int status = 0;          ///< as waitpid() gives it; see exit_text()
  bool timed_out = false;  ///< it was killed at its timeout
  std::string output;      ///< standard output and error, mixed

  /// Its exit status; -1 when a signal ended it.
  [[nodiscard]] int exit_status() const;
};

/// Runs a program to its end, or to its timeout: then its whole process group is killed. The same
/// when the caller is cancelled (operation_aborted). It never outlives this by more than the kernel
/// needs. An error: it could not be started. What it leaves running in the background holds up
/// nothing once it has itself exited.
Task<Result<ProgramEnd>> run_program(Executor executor, ProgramRun run);

}  // namespace rouse
