#pragma once

#include "base/async/hangable_call.hpp"
#include "base/async/task_group.hpp"
#include "base/page_cache.hpp"
#include "proxy/config/config.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse {

/// The files that an engine of @p model reads while it loads: those of prefetch:, or else the
/// models that cmd names, with all parts of one that is split. None where the command runs in
/// another place.
[[nodiscard]] std::vector<std::string> files_to_prefetch(const ModelConfig& model);

/// Has the kernel read @p files into memory that nobody uses, as far as that goes.
[[nodiscard]] ReadAhead read_into_free_memory(const std::vector<std::string>& files,
                                              const std::atomic<bool>& is_over);

/// Reads the files of the model that is loaded next into the page cache, while the one in its way
/// still works: its load then waits for no disk. On a thread of its own, after everybody else's
/// reads, and only what fits into the memory that nobody uses. Single thread; @p tasks outlives it,
/// and is joined before it is destroyed.
class Prefetcher {
 public:
  /// Reads files until it is over; on another thread.
  using Reader = std::function<ReadAhead(const std::vector<std::string>& files,
                                         const std::atomic<bool>& is_over)>;

  explicit Prefetcher(TaskGroup& tasks, Reader reader = read_into_free_memory)
      : tasks_(tasks), call_(tasks.executor()), reader_(std::move(reader)) {}
  ~Prefetcher() { want({}, {}); }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// From now on @p files, of @p model, are wanted, and nothing else; none: nothing is.
  void want(const std::string& model, std::vector<std::string> files);

 private:
  struct Wish {
    std::string model;
    std::vector<std::string> files;
    std::atomic<bool> is_over = false;
  };
  Task<void> run();

  TaskGroup& tasks_;
  HangableCall call_;
  const Reader reader_;
  std::shared_ptr<Wish> wish_ = std::make_shared<Wish>();  ///< shared with the thread
  bool is_running_ = false;
};

}  // namespace rouse
