#include "proxy/telemetry/activity/store.hpp"

#include "base/posix.hpp"
#include "base/text/json_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>

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
CREATE INDEX activity_time ON activity (time_ms);
CREATE INDEX activity_model ON activity (model, time_ms);
)";

constexpr const char* kColumns =
    "id, time_ms, model, asked_for, req_path, api, client, resp_content_type, resp_status_code, "
    "outcome, input_tokens, plain_input_tokens, output_tokens, cache_tokens, reasoning_tokens, "
    "draft_tokens, "
    "draft_acc_tokens, prompt_per_second, tokens_per_second, duration_ms, ttft_ms, queue_ms, "
    "load_ms, bytes_in, bytes_out, streamed, has_capture, request_id, session_id, error_msg, "
    "metadata";
constexpr int kColumnCount = 31;

std::int64_t to_ms(Clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

std::string metadata_json(const std::map<std::string, std::string>& metadata) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, value] : metadata) json.member(name, value);
  json.end_object();
  return json.take();
}

std::map<std::string, std::string> metadata_of(const std::string& text) {
  std::map<std::string, std::string> metadata;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (parser.parse(text).get(members) != simdjson::SUCCESS) return metadata;
  for (const auto& [name, value] : members) {
    std::string_view plain;
    if (value.get(plain) == simdjson::SUCCESS) metadata.emplace(name, plain);
  }
  return metadata;
}

/// A prepared statement; its parameters are bound and its columns read in order.
class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql) {
    status_ =
        sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()), &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(std::int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }
  void bind(double value) { sqlite3_bind_double(statement_, ++bound_, value); }
  /// Not copied: @p value must stay as it is until the statement is reset or ends.
  void bind(const std::string& value) {
    sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
  }
  void bind(std::string&&) = delete;
  /// Whether there is a row.
  bool step() {
    if (status_ == SQLITE_OK || status_ == SQLITE_ROW) status_ = sqlite3_step(statement_);
    column_ = 0;
    return status_ == SQLITE_ROW;
  }
  void reset() {
    sqlite3_reset(statement_);
    status_ = status_ == SQLITE_DONE ? SQLITE_OK : status_;
    bound_ = 0;
  }
  [[nodiscard]] bool failed() const {
    return status_ != SQLITE_OK && status_ != SQLITE_ROW && status_ != SQLITE_DONE;
  }
  std::int64_t integer() { return sqlite3_column_int64(statement_, column_++); }
  double real() { return sqlite3_column_double(statement_, column_++); }
  std::string text() {
    const int at = column_++;
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, at));
    const int size = sqlite3_column_bytes(statement_, at);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int status_ = SQLITE_OK;
  int bound_ = 0;
  int column_ = 0;
};

void bind_row(Statement& insert, const Activity& row, const std::string& metadata) {
  insert.bind(row.id);
  insert.bind(to_ms(row.ended_at));
  for (const std::string* text :
       {&row.model, &row.asked_for, &row.path, &row.api, &row.client, &row.content_type}) {
    insert.bind(*text);
  }
  insert.bind(std::int64_t{row.status});
  insert.bind(row.outcome);
  for (const std::int64_t number :
       {row.input_tokens, row.plain_input_tokens, row.output_tokens, row.cache_tokens,
        row.reasoning_tokens, row.draft_tokens, row.draft_acc_tokens}) {
    insert.bind(number);
  }
  insert.bind(row.prompt_per_second);
  insert.bind(row.tokens_per_second);
  for (const std::int64_t number :
       {row.duration_ms, row.ttft_ms, row.queue_ms, row.load_ms, row.bytes_in, row.bytes_out,
        std::int64_t{row.streamed}, std::int64_t{row.has_capture}}) {
    insert.bind(number);
  }
  for (const std::string* text : {&row.request_id, &row.session_id, &row.error}) insert.bind(*text);
  insert.bind(metadata);
}

Activity read_row(Statement& select) {
  Activity row;
  row.id = select.integer();
  row.ended_at = Clock::time_point(std::chrono::milliseconds(select.integer()));
  for (std::string* text :
       {&row.model, &row.asked_for, &row.path, &row.api, &row.client, &row.content_type}) {
    *text = select.text();
  }
  row.status = static_cast<int>(select.integer());
  row.outcome = select.text();
  for (std::int64_t* number :
       {&row.input_tokens, &row.plain_input_tokens, &row.output_tokens, &row.cache_tokens,
        &row.reasoning_tokens, &row.draft_tokens, &row.draft_acc_tokens}) {
    *number = select.integer();
  }
  row.prompt_per_second = select.real();
  row.tokens_per_second = select.real();
  for (std::int64_t* number : {&row.duration_ms, &row.ttft_ms, &row.queue_ms, &row.load_ms,
                               &row.bytes_in, &row.bytes_out}) {
    *number = select.integer();
  }
  row.streamed = select.integer() != 0;
  row.has_capture = select.integer() != 0;
  for (std::string* text : {&row.request_id, &row.session_id, &row.error}) *text = select.text();
  row.metadata = metadata_of(select.text());
  return row;
}

std::string column_for(const std::string& sort) {
  static const std::map<std::string, std::string> kSorted{{"time", "time_ms"},
                                                          {"cached", "cache_tokens"},
                                                          {"prompt", "plain_input_tokens"},
                                                          {"generated", "output_tokens"},
                                                          {"drafted", "draft_tokens"},
                                                          {"prompt_speed", "prompt_per_second"},
                                                          {"gen_speed", "tokens_per_second"},
                                                          {"duration", "duration_ms"}};
  const auto it = kSorted.find(sort);
  return it == kSorted.end() ? sort : it->second;
}

std::string conditions(const ActivityQuery& query) {
  std::vector<std::string> all;
  if (!query.models.empty()) {
    std::string marks;
    for (std::size_t i = 0; i < query.models.size(); ++i) marks += i > 0 ? ",?" : "?";
    all.push_back("model IN (" + marks + ")");
  }
  if (query.start) all.emplace_back("time_ms >= ?");
  if (query.end) all.emplace_back("time_ms <= ?");
  if (query.min_id) all.emplace_back("id >= ?");
  if (query.max_id) all.emplace_back("id <= ?");
  return all.empty() ? "" : " WHERE " + fmt::format("{}", fmt::join(all, " AND "));
}

void bind_conditions(Statement& select, const ActivityQuery& query) {
  for (const std::string& model : query.models) select.bind(model);
  if (query.start) select.bind(to_ms(*query.start));
  // A row has milliseconds, an end mostly has none, and is meant to hold its whole second.
  if (query.end) select.bind(to_ms(*query.end) + (to_ms(*query.end) % 1000 == 0 ? 999 : 0));
  if (query.min_id) select.bind(*query.min_id);
  if (query.max_id) select.bind(*query.max_id);
}

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
  std::string write(const std::vector<Activity>& rows, const StoreOptions& options) {
    if (!run("BEGIN IMMEDIATE")) return fault();
    std::string marks = "?";
    for (int i = 1; i < kColumnCount; ++i) marks += ",?";
    Statement insert(db, fmt::format("INSERT INTO activity ({}) VALUES ({})", kColumns, marks));
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
                                 kColumns, where, column_for(query.sort), order, order));
    bind_conditions(select, query);
    select.bind(query.limit);
    select.bind((query.page - 1) * query.limit);
    while (select.step()) page.rows.push_back(read_row(select));
    if (select.failed()) page.fault = fault();
    reading = false;
    return page;
  }

  std::vector<double> speeds(const char* column, const std::string& model) {
    Statement select(db, fmt::format("SELECT {0} FROM activity WHERE {0} > 0{1} ORDER BY id DESC "
                                     "LIMIT {2}",
                                     column, model.empty() ? "" : " AND model = ?", kSpeedsMax));
    if (!model.empty()) select.bind(model);
    std::vector<double> values;
    while (select.step()) values.push_back(select.real());
    return values;
  }

  ActivityStats stats(const std::string& model) {
    ActivityStats stats;
    if (closing) return stats;
    reading = true;
    Statement sums(
        db, std::string(
                "SELECT COUNT(*), SUM(input_tokens), SUM(plain_input_tokens), SUM(output_tokens), "
                "SUM(MAX(cache_tokens, 0)) FROM activity") +
                (model.empty() ? "" : " WHERE model = ?"));
    if (!model.empty()) sums.bind(model);
    if (sums.step()) {
      stats.requests = sums.integer();
      stats.input_tokens = sums.integer();
      stats.plain_input_tokens = sums.integer();
      stats.output_tokens = sums.integer();
      stats.cache_tokens = sums.integer();
    }
    if (sums.failed()) stats.fault = fault();
    stats.prompt_speed = histogram_of(speeds("prompt_per_second", model));
    stats.output_speed = histogram_of(speeds("tokens_per_second", model));
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
        fmt::format("BEGIN; {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                    kSchema, kApplication, kVersion);
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
  flush_soon();
  return id;
}

/// A transaction costs far more than a row.
void ActivityStore::flush_soon() {
  if (writing_ || lingering_) return;
  lingering_ = true;
  timer_.expires_after(kLinger);
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
    std::vector<Activity> rows;
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

void ActivityStore::keep(std::vector<Activity> rows) {
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

Task<std::optional<ActivityStats>> ActivityStore::stats(std::string model) {
  if (!waiting_.empty() && !in_trouble_) flush();
  std::function<ActivityStats()> job = [database = database_, model = std::move(model)] {
    return database->stats(model);
  };
  co_return co_await worker_.ask(std::move(job));
}

}  // namespace rouse
