#include "proxy/telemetry/activity/store.hpp"

#include "base/posix.hpp"
#include "base/service/private_files.hpp"
#include "proxy/telemetry/activity/row_sql.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <sqlite3.h>
#include <utility>

namespace rouse {

namespace {

using Clock = std::chrono::system_clock;

constexpr int kVersion = 1;
constexpr int kApplication = 0x726f7573;  // "rous": says whose file it is
constexpr std::chrono::milliseconds kLinger{50};
/// In memory nothing is lost by waiting, and under load most rows are too old before they are due.
constexpr std::chrono::milliseconds kLingerInMemory{1'000};
constexpr std::size_t kWaitingMax = 100'000;
constexpr int kBusyMs = 2'000;
/// Percentiles are of so many newest rows: more say no more, and cost time.
constexpr int kSpeedsMax = 100'000;

constexpr const char* kSchema = R"(
CREATE TABLE activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, model TEXT NOT NULL, asked_for TEXT NOT NULL,
  req_path TEXT NOT NULL, api TEXT NOT NULL, client TEXT NOT NULL,
  resp_content_type TEXT NOT NULL, resp_status_code INTEGER NOT NULL, outcome TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, plain_input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cache_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL, draft_tokens INTEGER NOT NULL,
  draft_acc_tokens INTEGER NOT NULL, prompt_per_second REAL NOT NULL,
  tokens_per_second REAL NOT NULL, duration_ms INTEGER NOT NULL, ttft_ms INTEGER NOT NULL,
  queue_ms INTEGER NOT NULL, load_ms INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL, streamed INTEGER NOT NULL, has_capture INTEGER NOT NULL,
  request_id TEXT NOT NULL, session_id TEXT NOT NULL, error_msg TEXT NOT NULL,
  metadata TEXT NOT NULL
);
)";
/// For files, which hold a million rows. The thousand in memory are found without.
constexpr const char* kIndexes = R"(
CREATE INDEX activity_time ON activity (time_ms);
CREATE INDEX activity_model ON activity (model, time_ms);
)";

}  // namespace

/// The connection. Used by the worker's thread alone, once it is open.
struct ActivityStore::Database {
  sqlite3* db = nullptr;
  UniqueFd lock;  // held while the file is ours
  std::atomic<bool> closing = false;
  std::atomic<bool> reading = false;

  Database() = default;
  ~Database() { sqlite3_close(db); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  bool run(const char* sql) {
    return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  [[nodiscard]] std::string fault() const { return sqlite3_errmsg(db); }
  std::int64_t number(const char* sql) {
    Statement select(db, sql);
    return select.step() ? select.integer() : 0;
  }

  /// Empty, or what went wrong; then nothing was written.
  std::string write(const std::deque<Activity>& rows, const StoreOptions& options) {
    if (!run("BEGIN IMMEDIATE")) return fault();
    std::string marks = "?";
    for (int i = 1; i < kActivityColumnCount; ++i) marks += ",?";
    Statement insert(db,
                     fmt::format("INSERT INTO activity ({}) VALUES ({})", kActivityColumns, marks));
    for (const Activity& row : rows) {
      const std::string metadata = metadata_json(row.metadata);
      bind_row(insert, row, metadata);
      insert.step();
      if (insert.failed()) {
        std::string why = fault();
        run("ROLLBACK");
        return why;
      }
      insert.reset();
    }
    prune(rows.back().id, options);
    if (run("COMMIT")) return {};
    std::string why = fault();
    run("ROLLBACK");
    return why;
  }

  /// Nobody waits for an answer any more. From the loop's thread.
  void stop_reading() {
    closing = true;
    if (reading) sqlite3_interrupt(db);
  }

  /// A part of what is too old, so that no write takes long; the next ones remove the rest.
  void prune(std::int64_t last_id, const StoreOptions& options) {
    if (options.rows_max > 0) {
      Statement remove(db,
                       "DELETE FROM activity WHERE id IN "
                       "(SELECT id FROM activity WHERE id <= ? ORDER BY id LIMIT 5000)");
      remove.bind(last_id - options.rows_max);
      remove.step();
    }
    if (options.age_max.count() > 0) {
      Statement remove(db,
                       "DELETE FROM activity WHERE id IN "
                       "(SELECT id FROM activity WHERE time_ms < ? ORDER BY time_ms LIMIT 5000)");
      remove.bind(to_ms(Clock::now() - options.age_max));
      remove.step();
    }
  }

  ActivityPage page(const ActivityQuery& query) {
    ActivityPage page{{}, query.page, query.limit, 0, {}};
    if (closing) return page;
    reading = true;
    const std::string where = conditions(query);
    {
      Statement count(db, "SELECT COUNT(*) FROM activity" + where);
      bind_conditions(count, query);
      if (count.step()) page.total = count.integer();
    }
    const char* const order = query.ascending ? "ASC" : "DESC";
    Statement select(db,
                     fmt::format("SELECT {} FROM activity{} ORDER BY {} {}, id {} LIMIT ? OFFSET ?",
                                 kActivityColumns, where, column_for(query.sort), order, order));
    bind_conditions(select, query);
    select.bind(query.limit);
    select.bind((query.page - 1) * query.limit);
    while (select.step()) page.rows.push_back(read_row(select));
    if (select.failed()) page.fault = fault();
    reading = false;
    return page;
  }

  std::vector<double> speeds(const char* column, const ActivityQuery& query) {
    Statement select(db,
                     fmt::format("SELECT {0} FROM (SELECT id, {0} FROM activity{1}) WHERE {0} > 0 "
                                 "ORDER BY id DESC LIMIT {2}",
                                 column, conditions(query), kSpeedsMax));
    bind_conditions(select, query);
    std::vector<double> values;
    while (select.step()) values.push_back(select.real());
    return values;
  }

  ActivityStats stats(const ActivityQuery& query) {
    ActivityStats stats;
    if (closing) return stats;
    reading = true;
    Statement sums(
        db, std::string(
                "SELECT COUNT(*), SUM(input_tokens), SUM(plain_input_tokens), SUM(output_tokens), "
                "SUM(MAX(cache_tokens, 0)) FROM activity") +
                conditions(query));
    bind_conditions(sums, query);
    if (sums.step()) {
      stats.requests = sums.integer();
      stats.input_tokens = sums.integer();
      stats.plain_input_tokens = sums.integer();
      stats.output_tokens = sums.integer();
      stats.cache_tokens = sums.integer();
    }
    if (sums.failed()) stats.fault = fault();
    stats.prompt_speed = histogram_of(speeds("prompt_per_second", query));
    stats.output_speed = histogram_of(speeds("tokens_per_second", query));
    reading = false;
    return stats;
  }
};

Result<std::unique_ptr<ActivityStore>> ActivityStore::open(const StoreOptions& options,
                                                           Worker& worker, Trouble trouble) {
  auto database = std::make_shared<Database>();
  const auto failed = [&](std::string_view what) {
    return Error{boost::system::error_code(EIO, boost::system::system_category()),
                 fmt::format("the request history {}: {}", options.path, what)};
  };
  const std::string path = options.path.empty() ? ":memory:" : options.path;
  if (!options.path.empty()) {
    database->lock = UniqueFd(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!database->lock) return failed(errno_code().message());
    make_private(path + ".lock");
    if (::flock(database->lock.get(), LOCK_EX | LOCK_NB) != 0) {
      return failed("another program writes it");
    }
    // It says who asked for what: for its owner only.
    const UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  }
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database->db, flags, nullptr) != SQLITE_OK) {
    return failed(database->fault());
  }
  sqlite3_busy_timeout(database->db, kBusyMs);
  // Reading it first: a file that is something else must not be touched.
  if (!database->run("SELECT COUNT(*) FROM sqlite_master")) return failed(database->fault());
  const std::int64_t version = database->number("PRAGMA user_version");
  const std::int64_t tables = database->number("SELECT COUNT(*) FROM sqlite_master");
  const bool is_fresh = version == 0 && tables == 0;
  if (!is_fresh && database->number("PRAGMA application_id") != kApplication) {
    return failed("is a database of another program");
  }
  if (!options.path.empty()) {
    for (const char* const end : {"", "-wal", "-shm"}) make_private(path + end);
  }
  if (version > kVersion) {
    return failed(
        fmt::format("was written by a newer rouse (version {} of its tables, this one "
                    "knows {})",
                    version, kVersion));
  }
  if (!options.path.empty() && !database->run("PRAGMA journal_mode = WAL")) {
    return failed(database->fault());
  }
  // A power cut may lose the last rows, never the file.
  database->run("PRAGMA synchronous = NORMAL");
  if (is_fresh) {
    const std::string make =
        fmt::format("BEGIN; {} {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                    kSchema, options.path.empty() ? "" : kIndexes, kApplication, kVersion);
    if (!database->run(make.c_str())) return failed(database->fault());
  }
  Statement sequence(database->db, "SELECT seq FROM sqlite_sequence WHERE name = 'activity'");
  const std::int64_t last = sequence.step() ? sequence.integer() : 0;
  if (sequence.failed()) return failed(database->fault());
  return std::unique_ptr<ActivityStore>(
      new ActivityStore(options, worker, std::move(trouble), std::move(database), last));
}

ActivityStore::ActivityStore(StoreOptions options, Worker& worker, Trouble trouble,
                             std::shared_ptr<Database> database, std::int64_t last_id)
    : options_(std::move(options)),
      worker_(worker),
      trouble_(std::move(trouble)),
      database_(std::move(database)),
      next_id_(std::max(last_id + 1, options_.first_id)),
      timer_(worker.home()) {}

ActivityStore::~ActivityStore() {
  *alive_ = false;
  database_->stop_reading();
  if (waiting_.empty()) return;
  worker_.run([database = database_, rows = std::move(waiting_),
               options = options_] { return database->write(rows, options); },
              [](const std::string&) {});
}

std::int64_t ActivityStore::record(Activity row) {
  row.id = next_id_++;
  const std::int64_t id = row.id;
  if (waiting_.size() < kWaitingMax) {
    waiting_.push_back(std::move(row));
  } else {
    ++lost_;
  }
  const bool is_bounded = options_.path.empty() && options_.rows_max > 0;
  if (is_bounded && waiting_.size() > static_cast<std::size_t>(options_.rows_max)) {
    waiting_.pop_front();  // it would be written, and removed in the same moment
  }
  flush_soon();
  return id;
}

/// A transaction costs far more than a row.
void ActivityStore::flush_soon() {
  if (writing_ || lingering_) return;
  lingering_ = true;
  timer_.expires_after(options_.path.empty() ? kLingerInMemory : kLinger);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& failed) {
    if (failed || !*alive) return;
    lingering_ = false;
    if (!writing_ && !waiting_.empty()) flush();
  });
}

// What comes while a transaction is written goes into the next. What could not be written waits for
// the next, too.
void ActivityStore::flush() {
  struct Written {
    std::deque<Activity> rows;
    std::string fault;
  };
  writing_ = true;
  worker_.run(
      [database = database_, rows = std::exchange(waiting_, {}), options = options_]() mutable {
        Written written;
        written.fault = database->write(rows, options);
        if (!written.fault.empty()) written.rows = std::move(rows);
        return written;
      },
      [this, alive = alive_](Written written) {
        if (!*alive) return;
        writing_ = false;
        tell(written.fault);
        if (!written.fault.empty()) return keep(std::move(written.rows));
        if (!waiting_.empty() && !in_trouble_) flush_soon();
      });
}

void ActivityStore::keep(std::deque<Activity> rows) {
  rows.insert(rows.end(), std::make_move_iterator(waiting_.begin()),
              std::make_move_iterator(waiting_.end()));
  waiting_ = std::move(rows);
}

/// Once when it begins to fail, and once when it is well again.
void ActivityStore::tell(const std::string& fault) {
  if (fault.empty() != in_trouble_) return;
  in_trouble_ = !fault.empty();
  if (in_trouble_) {
    trouble_("the request history is not written, it waits: " + fault);
  } else {
    trouble_(fmt::format("the request history is written again; {} rows were lost",
                         std::exchange(lost_, 0)));
  }
}

Task<std::optional<ActivityPage>> ActivityStore::page(ActivityQuery query) {
  if (!waiting_.empty() && !in_trouble_) flush();  // a question sees all that ended before it
  std::function<ActivityPage()> job = [database = database_, query = std::move(query)] {
    return database->page(query);
  };
  co_return co_await worker_.ask(std::move(job));
}

Task<std::optional<ActivityStats>> ActivityStore::stats(std::string model,
                                                        std::optional<ActivityBounds> bounds) {
  if (!waiting_.empty() && !in_trouble_) flush();
  ActivityQuery query;
  if (!model.empty()) query.models.push_back(std::move(model));
  query.bounds = std::move(bounds);
  std::function<ActivityStats()> job = [database = database_, query = std::move(query)] {
    return database->stats(query);
  };
  co_return co_await worker_.ask(std::move(job));
}

}  // namespace rouse
