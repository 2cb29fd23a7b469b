#pragma once

#include "base/async/hangable_call.hpp"
#include "base/async/task_group.hpp"
#include "proxy/check/findings.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace rouse {

/// Looks for findings beside the loop, as programs and models may lie where a look hangs: on a file
/// system whose server is gone. Single thread; @p tasks outlives it, and is joined before it is
/// destroyed.
class FindingLook {
 public:
  using Tell = std::function<void(std::vector<Finding>)>;

  /// @p patience: how long files may take to answer.
  FindingLook(TaskGroup& tasks, std::chrono::milliseconds patience)
      : tasks_(tasks), patience_(patience), call_(tasks.executor()) {}

  /// Calls @p tell once, on the loop: with all findings, or, when the files do not answer in time,
  /// with those that need no look and one that says so. Never when a newer look has come before its
  /// turn, or when the tasks are cancelled.
  void look(std::shared_ptr<const LoadedConfig> loaded, CheckedPlace place, Tell tell);

 private:
  struct Wanted {
    std::shared_ptr<const LoadedConfig> loaded;
    CheckedPlace place;
    Tell tell;
  };
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  void begin();
  Task<void> ask(Wanted wanted, std::shared_ptr<Timer> limit);

  TaskGroup& tasks_;
  std::chrono::milliseconds patience_;
  HangableCall call_;
  std::optional<Wanted> next_;
  bool is_looking_ = false;
};

}  // namespace rouse
