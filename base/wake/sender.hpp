#pragma once

#include "base/async/task_group.hpp"
#include "base/wake/packets.hpp"
#include "base/wake/plan.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace rouse {

class StreamDeadlines;

/// Sends wake signals to one machine: volleys over all paths of its plan at once. One path's error
/// never stops another, and nothing here waits: sockets do not block, and a relay, a hook or a
/// command works on in a task while the next volley leaves. What has not answered yet is not begun
/// again by a later volley, and a hook or command that succeeded not before kHookPause has passed.
///
/// Single thread. May be destroyed while its tasks run: they report all the same.
class WakeSender {
 public:
  using Told = std::function<void(const WakeResult&)>;
  static constexpr std::chrono::seconds kHookPause{10};
  static constexpr std::chrono::seconds kHttpTimeout{10};

  /// @p tasks and @p deadlines outlive everything that is sent.
  WakeSender(TaskGroup& tasks, StreamDeadlines& deadlines, WakePlan plan);
  ~WakeSender();
  WakeSender(const WakeSender&) = delete;
  WakeSender& operator=(const WakeSender&) = delete;

  /// One volley. @p told is called once for each path: packets before this returns, the others when
  /// they have answered, or not in time (it is destroyed then). A path that is skipped, because it
  /// is still at work, tells nothing.
  void volley(const Told& told);
  /// The same, and all results; for a caller that has nothing else to do. Not beside other volleys.
  Task<std::vector<WakeResult>> volley_to_end();

  [[nodiscard]] const WakePlan& plan() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< shared with the tasks
};

}  // namespace rouse
