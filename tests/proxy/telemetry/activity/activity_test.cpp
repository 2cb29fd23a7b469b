#include "base/async/task_group.hpp"
#include "base/text/rfc3339.hpp"
#include "proxy/telemetry/activity/captures.hpp"
#include "proxy/telemetry/activity/query.hpp"
#include "proxy/telemetry/activity/store.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sqlite3.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// --- the query -----------------------------------------------------------------------------------

ActivityQuery good(std::string_view text) {
  const auto parsed = parse_activity_query(text);
  EXPECT_TRUE(std::holds_alternative<ActivityQuery>(parsed)) << text;
  return std::holds_alternative<ActivityQuery>(parsed) ? std::get<ActivityQuery>(parsed)
                                                       : ActivityQuery();
}

std::string bad(std::string_view text) {
  const auto parsed = parse_activity_query(text);
  return std::holds_alternative<std::string>(parsed) ? std::get<std::string>(parsed) : "accepted";
}

TEST(ActivityQuery, KnowsEveryParameter) {
  const ActivityQuery query = good(
      "model=a&model=b%2Fc&start=2026-01-02T03:04:05Z&end=2026-01-02T03:04:05.25%2B01:00"
      "&min_id=3&max_id=9&limit=999&page=2&sort=gen_speed&order=asc&other=1");
  EXPECT_THAT(query.models, ElementsAre("a", "b/c"));
  EXPECT_EQ(to_rfc3339(*query.start), "2026-01-02T03:04:05Z");
  EXPECT_EQ(to_rfc3339(*query.end), "2026-01-02T02:04:05Z");
  EXPECT_EQ(query.min_id, 3);
  EXPECT_EQ(query.max_id, 9);
  EXPECT_EQ(query.limit, 999);
  EXPECT_EQ(query.page, 2);
  EXPECT_EQ(query.sort, "gen_speed");
  EXPECT_TRUE(query.ascending);
  EXPECT_EQ(good("").limit, 25);
  EXPECT_FALSE(good("").ascending);
}

TEST(ActivityQuery, SaysWhatIsWrong) {
  EXPECT_THAT(bad("limit=0"), HasSubstr("limit: expected a whole number from 1 to 999"));
  for (const char* const text :
       {"limit=1000", "limit=x", "limit=5x", "limit=", "page=0", "min_id=0", "max_id=-1",
        "sort=password", "order=up", "start=yesterday", "end=2026-13-01T00:00:00Z",
        "end=2026-01-01T00:00:00", "start=2026-02-30T00:00:00Z", "start=2026-01-01 00:00:00Z",
        "start=2026-01-01T24:00:00Z", "start=2026-01-01T00:00:00.Z",
        "start=2026-01-01T00:00:00%2B1:00"}) {
    EXPECT_NE(bad(text), "accepted") << text;
  }
}

TEST(SpeedHistogram, HasPercentilesByInterpolation) {
  EXPECT_FALSE(histogram_of({}));
  EXPECT_FALSE(histogram_of({0, -1}));
  const SpeedHistogram equal = *histogram_of({3, 3, 3});
  EXPECT_THAT(equal.bins, ElementsAre(3));
  EXPECT_EQ(equal.bin_size, 0);
  std::vector<double> values;
  for (int i = 1; i <= 101; ++i) values.push_back(i);
  const SpeedHistogram even = *histogram_of(values);
  EXPECT_DOUBLE_EQ(even.p50, 51);
  EXPECT_DOUBLE_EQ(even.p95, 96);
  EXPECT_DOUBLE_EQ(even.p99, 100);
  EXPECT_THAT(even.bins, SizeIs(8)) << "log2 of 101, rounded up, and one";
  EXPECT_EQ(std::accumulate(even.bins.begin(), even.bins.end(), 0), 101) << "the largest, too";
  EXPECT_THAT(histogram_of({1, 2})->bins, SizeIs(5));
  EXPECT_DOUBLE_EQ(histogram_of({1, 2})->p50, 1.5);
}

// --- the store -----------------------------------------------------------------------------------

class Store : public testing::Test {
 protected:
  std::unique_ptr<ActivityStore> open(StoreOptions options) {
    if (!worker_) worker_.emplace(loop_.get_executor());
    auto opened = ActivityStore::open(
        options, *worker_, [this](const std::string& text) { troubles_.push_back(text); });
    if (opened) return std::move(*opened);
    fault_ = opened.error().doing;
    return nullptr;
  }

  static Activity row(const std::string& model, std::int64_t output = 1,
                      std::chrono::system_clock::time_point at = std::chrono::system_clock::now()) {
    Activity made;
    made.model = model;
    made.ended_at = at;
    made.output_tokens = output;
    made.status = 200;
    return made;
  }

  template <class T>
  static Task<void> keep(Task<std::optional<T>> task, std::optional<T>& into) {
    into = co_await std::move(task);
  }

  template <class T>
  T ask(Task<std::optional<T>> task) {
    std::optional<T> result;
    group_.spawn(keep(std::move(task), result));
    for (int i = 0; i < 500 && !result; ++i) {
      loop_.restart();
      loop_.run_for(10ms);
    }
    EXPECT_TRUE(result.has_value());
    return result.value_or(T());
  }

  template <class Done>
  bool run_until(Done done) {
    const auto work = asio::make_work_guard(loop_);  // the worker's is not counted
    for (int i = 0; i < 500 && !done(); ++i) {
      loop_.restart();
      loop_.run_for(10ms);
    }
    return done();
  }

  /// As another program would.
  static void sql(const std::string& path, const char* text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  ActivityPage page(ActivityStore& store, std::string_view query = "") {
    return ask(store.page(good(query)));
  }

  test::TempDir dir_;
  asio::io_context loop_;
  TaskGroup group_{loop_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  std::optional<Worker> worker_;  // made when it is needed: a process with threads cannot fork
  std::vector<std::string> troubles_;
  std::string fault_;
};

TEST_F(Store, KeepsWhatItIsGiven) {
  const auto store = open({});
  Activity full = row("a", 7);
  full.asked_for = "alias";
  full.path = "/v1/x";
  full.error = "it's \"broken\"";
  full.tokens_per_second = 12.5;
  full.ttft_ms = 30;
  full.streamed = true;
  full.metadata = {{"selector", "s"}};
  full.session_id = "mine";
  full.input_tokens = 10;
  full.plain_input_tokens = 6;
  EXPECT_EQ(store->record(full), 1);
  EXPECT_EQ(store->record(row("b")), 2);
  const ActivityPage all = page(*store);
  EXPECT_EQ(all.total, 2);
  ASSERT_THAT(all.rows, SizeIs(2));
  EXPECT_EQ(all.rows[0].model, "b") << "the newest first";
  full.id = 1;
  EXPECT_EQ(to_json(all.rows[1]), to_json(full));
  EXPECT_THAT(to_json(full), HasSubstr(R"("input_tokens":6,"output_tokens":7,"prompt_tokens":10)"));
  EXPECT_THAT(to_json(full), HasSubstr(R"("session_id":"mine")"));
  EXPECT_THAT(to_json(all), HasSubstr(R"("page":1,"limit":25,"total":2,"total_pages":1)"));
}

TEST_F(Store, SelectsSortsAndPages) {
  const auto store = open({});
  const auto then = *parse_rfc3339("2026-01-01T00:00:00Z");
  for (int i = 1; i <= 10; ++i) {
    store->record(
        row(i % 2 == 0 ? "even" : "odd", 100 - i, then + std::chrono::seconds(i) + 250ms));
  }
  const auto ids = [&](std::string_view query) {
    std::vector<std::int64_t> found;
    for (const Activity& each : page(*store, query).rows) found.push_back(each.id);
    return found;
  };
  EXPECT_THAT(ids("model=even&order=asc"), ElementsAre(2, 4, 6, 8, 10));
  EXPECT_THAT(ids("model=even&model=odd&limit=2"), ElementsAre(10, 9));
  EXPECT_EQ(page(*store, "model=even&limit=1").total, 5);
  EXPECT_THAT(ids("limit=3&page=4&order=asc"), ElementsAre(10));
  EXPECT_THAT(ids("sort=generated&limit=2"), ElementsAre(1, 2));
  EXPECT_THAT(ids("min_id=4&max_id=5"), ElementsAre(5, 4));
  EXPECT_THAT(ids("start=2026-01-01T00:00:03Z&end=2026-01-01T00:00:04Z"), ElementsAre(4, 3))
      << "both ends are meant";
  for (const std::string sort :
       {"id", "time", "model", "req_path", "resp_status_code", "resp_content_type", "cached",
        "prompt", "generated", "drafted", "prompt_speed", "gen_speed", "duration"}) {
    EXPECT_THAT(ids("sort=" + sort), SizeIs(10)) << sort;
  }
}

TEST_F(Store, SumsUp) {
  const auto store = open({});
  Activity with = row("a", 5);
  with.input_tokens = 10;
  with.plain_input_tokens = 6;
  with.cache_tokens = 4;
  with.tokens_per_second = 50;
  store->record(with);
  store->record(row("b", 7));
  EXPECT_EQ(
      to_json(ask(store->stats(""))),
      R"({"total_requests":2,"total_input_tokens":6,"total_prompt_tokens":10,"total_output_tokens":12,)"
      R"("total_cache_tokens":4,"prompt_histogram":null,"gen_histogram":{"bins":[1],)"
      R"("min":50.000,"max":50.000,"binSize":0.000,"p50":50.000,"p95":50.000,"p99":50.000}})");
  EXPECT_EQ(ask(store->stats("b")).output_tokens, 7);
  EXPECT_FALSE(ask(store->stats("b")).output_speed) << "that was of the other one";
}

TEST_F(Store, ForgetsByNumberAndByAge) {
  StoreOptions few;
  few.rows_max = 3;
  const auto store = open(few);
  for (int i = 0; i < 10; ++i) store->record(row("a"));
  EXPECT_EQ(page(*store).total, 3);
  EXPECT_EQ(page(*store).rows.front().id, 10);
  StoreOptions young;
  young.rows_max = 0;
  young.age_max = 24h;
  const auto other = open(young);
  other->record(row("old", 1, std::chrono::system_clock::now() - 25h));
  other->record(row("new", 1, std::chrono::system_clock::now() - 23h));
  ASSERT_EQ(page(*other).total, 1);
  EXPECT_EQ(page(*other).rows.front().model, "new");
}

TEST_F(Store, AFileGoesOnWhereItEnded) {
  StoreOptions file;
  file.path = dir_ / "a.sqlite";
  {
    const auto store = open(file);
    store->record(row("a"));
    (void)page(*store);
  }
  const auto again = open(file);
  EXPECT_EQ(again->record(row("b")), 2);
  EXPECT_EQ(page(*again).total, 2);
}

TEST_F(Store, WhatIsNotWrittenYetIsWrittenAtTheEnd) {
  StoreOptions file;
  file.path = dir_ / "a.sqlite";
  open(file)->record(row("a"));
  worker_.reset();  // it finishes what it was given
  EXPECT_EQ(page(*open(file)).total, 1);
}

TEST_F(Store, AFileIsForOneProgramAndItsUser) {
  StoreOptions file;
  file.path = dir_ / "a.sqlite";
  const auto store = open(file);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(std::filesystem::status(file.path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(open(file), nullptr);
  EXPECT_THAT(fault_, HasSubstr("another program writes it"));
}

TEST_F(Store, WhatWasWrittenOutlivesAKill) {
  const std::string path = dir_ / "a.sqlite";
  const std::string marker = dir_ / "written";
  const pid_t child = ::fork();
  if (child == 0) {
    asio::io_context loop;
    Worker worker(loop.get_executor());
    StoreOptions file;
    file.path = path;
    auto store = ActivityStore::open(file, worker, [](const std::string&) {});
    TaskGroup group(loop.get_executor(), [](const std::string&) {});
    std::optional<ActivityPage> seen;
    for (int i = 0; store && i < 50; ++i) (*store)->record(row("a"));
    group.spawn(keep((*store)->page({}), seen));
    while (!seen) loop.run_one();
    std::ofstream{marker} << "yes";
    for (;;) {  // until it is killed
      (*store)->record(row("b"));
      loop.restart();
      loop.run_for(1ms);
    }
    ::_exit(1);
  }
  EXPECT_TRUE(test::wait_until([&] { return std::filesystem::exists(marker); }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  StoreOptions file;
  file.path = path;
  const auto store = open(file);
  ASSERT_NE(store, nullptr) << fault_;
  EXPECT_GE(page(*store).total, 50);
}

TEST_F(Store, AFileThatIsSomethingElseIsLeftAlone) {
  const std::string text = dir_.write("notes.txt", std::string(5000, 'x'));
  StoreOptions options;
  options.path = text;
  EXPECT_EQ(open(options), nullptr);
  EXPECT_THAT(fault_, HasSubstr("notes.txt"));
  EXPECT_EQ(test::read_file(text), std::string(5000, 'x'));
  options.path = dir_ / "missing/a.sqlite";
  EXPECT_EQ(open(options), nullptr);
  options.path = dir_ / "theirs.sqlite";
  sql(options.path, "CREATE TABLE activity (id INTEGER)");
  EXPECT_EQ(open(options), nullptr);
  EXPECT_THAT(fault_, HasSubstr("of another program"));
  options.path = dir_ / "newer.sqlite";
  ASSERT_NE(open(options), nullptr);
  worker_.reset();
  sql(options.path, "PRAGMA user_version = 2");
  EXPECT_EQ(open(options), nullptr);
  EXPECT_THAT(fault_, HasSubstr("newer rouse"));
}

TEST_F(Store, TroubleIsToldOnceAndHarmsNobody) {
  StoreOptions file;
  file.path = dir_ / "a.sqlite";
  const auto store = open(file);
  store->record(row("a"));
  (void)page(*store);
  sql(file.path, "ALTER TABLE activity RENAME TO gone");
  for (const char* const model : {"b", "c"}) {
    store->record(row(model));
    ASSERT_TRUE(run_until([&] { return !troubles_.empty(); }));
    EXPECT_THAT(page(*store).fault, HasSubstr("no such table"));
  }
  EXPECT_THAT(troubles_, ElementsAre(HasSubstr("is not written, it waits")));
  sql(file.path, "ALTER TABLE gone RENAME TO activity");
  store->record(row("d"));
  ASSERT_TRUE(run_until([&] { return troubles_.size() > 1; }));
  EXPECT_THAT(troubles_.back(), HasSubstr("is written again; 0 rows were lost"));
  EXPECT_EQ(page(*store).total, 4);
}

// --- captures ------------------------------------------------------------------------------------

Capture capture(std::int64_t id, std::size_t size = 10) {
  Capture made;
  made.id = id;
  made.path = "/v1/x";
  made.request.add("Authorization", "Bearer secret");
  made.request.add("X-Other", "ours");
  made.request.add("X-Plain", "yes");
  made.request_body = std::string(size, 'a');
  made.answer.add("Set-Cookie", "c=1");
  return made;
}

TEST(Captures, HideSecrets) {
  Captures captures(10'000);
  captures.keep(capture(1), [](const Fields::Field& field) { return field.value == "ours"; });
  EXPECT_EQ(captures.json(1),
            R"({"id":1,"req_path":"/v1/x","req_headers":{"Authorization":"[REDACTED]",)"
            R"("X-Other":"[REDACTED]","X-Plain":"yes"},"req_body":"YWFhYWFhYWFhYQ==",)"
            R"("resp_headers":{"Set-Cookie":"[REDACTED]"},"resp_body":""})");
  EXPECT_EQ(captures.json(2), "");
}

TEST(Captures, JoinFieldsOfOneName) {
  Captures captures(10'000);
  Capture made = capture(1);
  made.answer.add("Via", "1.1 a");
  made.answer.add("via", "1.1 b");
  captures.keep(made, [](const Fields::Field&) { return false; });
  EXPECT_THAT(captures.json(1), HasSubstr(R"("Via":"1.1 a, 1.1 b")"));
}

TEST(Captures, KeepToTheirRoom) {
  const auto none = [](const Fields::Field&) { return false; };
  Captures captures(10'000);
  for (int i = 1; i <= 5; ++i) captures.keep(capture(i, 3'000), none);
  EXPECT_EQ(captures.json(1), "");
  EXPECT_NE(captures.json(5), "");
  EXPECT_NE(captures.json(4), "") << "there is room for two at least";
  captures.keep(capture(6, 20'000), none);
  EXPECT_EQ(captures.json(6), "") << "larger than all the room";
  EXPECT_NE(captures.json(5), "") << "and nobody had to go for it";
  captures.set_bytes_max(0);
  EXPECT_EQ(captures.json(5), "");
  EXPECT_FALSE(captures.are_wanted());
}

}  // namespace
}  // namespace rouse
