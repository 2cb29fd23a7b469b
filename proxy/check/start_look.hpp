#pragma once

#include "base/async/task_group.hpp"
#include "proxy/check/machine_files.hpp"
#include "proxy/config/config.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace rouse {

/// Asks whether the files that a model is loaded from are there, before anything makes room for it.
/// Beside the loop, since they may lie where a look hangs. Single thread; @p tasks outlives it, and
/// is joined before it is destroyed.
class StartLook {
 public:
  /// @p patience: who gets no answer for so long goes on without.
  StartLook(TaskGroup& tasks, std::chrono::milliseconds patience,
            const MachineFiles& files = real_files())
      : tasks_(tasks), patience_(patience), files_(files) {}

  /// As start_obstacle(); empty, too, when nobody could tell in time. A command that names no files
  /// of a model is not looked at: the program alone can be looked for without waiting. While a look
  /// hangs there is no second one for the same model.
  Task<std::string> obstacle(const ModelConfig& model);

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  struct Look {
    explicit Look(Timer timer) : bell(std::move(timer)) {}
    Timer bell;  // cancelled when it is done
    bool done = false;
    std::string obstacle;
  };
  Task<void> look(std::string model, std::function<std::string()> job, std::shared_ptr<Look> out);

  TaskGroup& tasks_;
  std::chrono::milliseconds patience_;
  const MachineFiles& files_;
  std::map<std::string, std::shared_ptr<Look>> looks_;  // those that have not come back
};

}  // namespace rouse
