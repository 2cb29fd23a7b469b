#pragma once

#include "base/async/task_group.hpp"
#include "suspendd/checks/check.hpp"
#include "suspendd/config/config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// Lets each check look again and again, each with its deadline, and tells what it has found. A
/// check that does not come back counts as unknown and is not asked again until it has. Single
/// thread; the group and the callback outlive it, and the group is joined before it goes.
class CheckRunner {
 public:
  using Clock = std::chrono::steady_clock;

  struct Post {
    std::string name;
    Finding finding;
    std::optional<Clock::time_point> looked;
    std::chrono::milliseconds took{0};
    double took_total = 0;  ///< seconds, of all looks
    std::uint64_t looks = 0;
    std::uint64_t unknowns = 0;
  };

  CheckRunner(TaskGroup& tasks, std::function<void(const Post&)> found);
  ~CheckRunner();
  CheckRunner(const CheckRunner&) = delete;
  CheckRunner& operator=(const CheckRunner&) = delete;

  /// Stops with the checks that there were, and goes on with these.
  void start(std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks);
  void stop();

  /// While paused no new look begins: the machine is about to sleep.
  void pause(bool paused);

  /// What every check finds in a look that begins after this call; also while paused.
  Task<std::vector<Post>> look_again();

  [[nodiscard]] std::vector<Post> posts() const;

 private:
  struct Watch;
  Task<void> keep_looking(std::shared_ptr<Watch> watch);
  Task<void> look_once(std::shared_ptr<Watch> watch);
  Task<void> look_within_limit(std::shared_ptr<Watch> watch);
  void note(Watch& watch, Finding finding, Clock::time_point began);

  TaskGroup& tasks_;
  std::function<void(const Post&)> found_;
  std::list<std::shared_ptr<Watch>> watches_;
  bool paused_ = false;
};

}  // namespace rouse::suspendd
