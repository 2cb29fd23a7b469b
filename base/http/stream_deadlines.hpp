#pragma once

#include "base/async/task.hpp"

#include <memory>

namespace rouse {

class HttpStream;

/// Closes the streams whose expires_after() has passed. One timer for all of them, armed only while
/// a stream has a deadline: setting one is a store, not a timer.
class StreamDeadlines {
 public:
  explicit StreamDeadlines(Executor executor);
  ~StreamDeadlines();
  StreamDeadlines(const StreamDeadlines&) = delete;
  StreamDeadlines& operator=(const StreamDeadlines&) = delete;

 private:
  friend class HttpStream;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rouse
