#pragma once

#include "base/async/task.hpp"
#include "base/http/stream_deadlines.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace rouse {

/// One stream's place in a DeadlineList; it stays at one address while it is in the list.
class DeadlineEntry {
 public:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool has_expired() const { return expired_; }

 protected:
  virtual ~DeadlineEntry() = default;

 private:
  friend class DeadlineList;
  virtual void on_expired() = 0;  ///< must neither add nor remove entries

  Clock::time_point at_ = Clock::time_point::max();
  std::size_t index_ = 0;
  bool expired_ = false;
};

/// What StreamDeadlines hides: the streams, and the timer that looks at all of them twice a second
/// while one has a deadline.
class DeadlineList {
 public:
  explicit DeadlineList(Executor executor) : timer_(executor) {}

  void add(DeadlineEntry& entry);
  void remove(DeadlineEntry& entry);
  void set(DeadlineEntry& entry, DeadlineEntry::Clock::time_point at);

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  void arm();
  void tick();

  Timer timer_;
  bool armed_ = false;
  std::vector<DeadlineEntry*> entries_;
};

struct StreamDeadlines::Impl : DeadlineList {
  using DeadlineList::DeadlineList;
};

}  // namespace rouse
