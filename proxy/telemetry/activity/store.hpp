#pragma once

#include "base/async/worker.hpp"
#include "base/result.hpp"
#include "proxy/telemetry/activity/activity.hpp"
#include "proxy/telemetry/activity/query.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

struct StoreOptions {
  std::string path;                      ///< an SQLite file; empty: in memory
  std::int64_t rows_max = 1000;          ///< the newest that are kept; 0: all
  std::chrono::milliseconds age_max{0};  ///< older ones are removed; 0: none
  std::int64_t first_id = 1;             ///< ids go on from here, or from those of the file
};

/// Keeps what has ended in SQLite, off the request's way: record() only adds to a list, which the
/// worker writes in one transaction. A disk that is full or gone is told once; rows wait meanwhile,
/// up to a bound, and requests do not.
///
/// Single thread; @p worker outlives it. Questions that nobody waits for any more end with it.
class ActivityStore {
 public:
  using Trouble = std::function<void(const std::string&)>;

  /// Opens or makes the file. A file that is no database of ours, or of a newer version, is an
  /// error, and is left as it is.
  [[nodiscard]] static Result<std::unique_ptr<ActivityStore>> open(const StoreOptions& options,
                                                                   Worker& worker, Trouble trouble);
  ~ActivityStore();
  ActivityStore(const ActivityStore&) = delete;
  ActivityStore& operator=(const ActivityStore&) = delete;

  /// Gives @p row its id and keeps it. Returns the id.
  std::int64_t record(Activity row);

  [[nodiscard]] Task<std::optional<ActivityPage>> page(ActivityQuery query);
  /// Of @p model, or of all when it is empty; of what @p bounds leave.
  [[nodiscard]] Task<std::optional<ActivityStats>> stats(
      std::string model, std::optional<ActivityBounds> bounds = std::nullopt);

  /// For rows that come from now on.
  void set_limits(std::int64_t rows_max, std::chrono::milliseconds age_max) {
    options_.rows_max = rows_max;
    options_.age_max = age_max;
  }
  [[nodiscard]] const StoreOptions& options() const { return options_; }
  [[nodiscard]] std::int64_t next_id() const { return next_id_; }

 private:
  struct Database;
  ActivityStore(StoreOptions options, Worker& worker, Trouble trouble,
                std::shared_ptr<Database> database, std::int64_t last_id);
  void flush();
  void flush_soon();
  void keep(std::deque<Activity> rows);
  void tell(const std::string& fault);

  StoreOptions options_;
  Worker& worker_;
  Trouble trouble_;
  std::shared_ptr<Database> database_;  // touched by the worker only, once it is open
  std::int64_t next_id_;
  std::deque<Activity> waiting_;
  std::size_t lost_ = 0;
  bool writing_ = false;
  bool lingering_ = false;  // the timer runs
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer_;
  bool in_trouble_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace rouse
