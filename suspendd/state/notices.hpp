#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "core/sleep/event.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/state/state_dir.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace rouse::suspendd {

/// What a person may want to know: goes to the log, into the history, and to the webhook where it
/// is a warning. Single thread; what it gets outlives it.
class Notices {
 public:
  /// @p pause: after a webhook that failed, before the next try.
  Notices(TaskGroup& tasks, HttpPool& pool, StateDir& state,
          std::chrono::milliseconds pause = std::chrono::seconds(5))
      : tasks_(tasks), pool_(pool), state_(state), pause_(pause) {}

  void configure(std::shared_ptr<const Config> config) { config_ = std::move(config); }

  void tell(const core::suspend::Notify& notice, core::suspend::WallTime at);
  /// An operator's command: for the log and the history.
  void note_command(const std::string& what, const std::string& by, bool accepted,
                    const std::string& text, core::suspend::WallTime at);

 private:
  void add_history(const std::string& json);
  Task<void> send(std::string json);

  TaskGroup& tasks_;
  HttpPool& pool_;
  StateDir& state_;
  std::chrono::milliseconds pause_;
  std::shared_ptr<const Config> config_;
  std::size_t sending_ = 0;
  bool history_fails_ = false;
};

}  // namespace rouse::suspendd
