#include "proxy/cli/status.hpp"

#include "base/http_pool.hpp"
#include "base/stream_deadlines.hpp"
#include "base/task_group.hpp"
#include "base/text_table.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace rouse {

namespace {

namespace dom = simdjson::dom;
using Row = TableRow;

constexpr int kWatchPauseMs = 1000;

std::string text_of(dom::element object, const char* key) {
  std::string_view text;
  if (object[key].get(text) == simdjson::SUCCESS) return std::string(text);
  std::int64_t number = 0;
  if (object[key].get(number) == simdjson::SUCCESS) return std::to_string(number);
  return {};
}

std::string seconds_of(dom::element object, const char* key) {
  double seconds = 0;
  if (object[key].get(seconds) != simdjson::SUCCESS) return {};
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string table(Row title, std::vector<Row> rows) {
  rows.insert(rows.begin(), std::move(title));
  TableFit fit;
  fit.indent = 0;
  return text_table(rows, fit);
}

std::vector<Row> rows_of(dom::element root, const char* list, Row (*to_row)(dom::element)) {
  std::vector<Row> rows;
  dom::array items;
  if (root[list].get(items) != simdjson::SUCCESS) return rows;
  for (const dom::element item : items) rows.push_back(to_row(item));
  return rows;
}

std::string model_note(dom::element model) {
  if (const std::string failure = text_of(model, "last_failure"); !failure.empty()) {
    return failure.substr(0, 120);
  }
  if (const std::string left = seconds_of(model, "unload_in_s"); !left.empty()) {
    return "unloads in " + left;
  }
  bool draining = false;
  if (model["draining"].get(draining) == simdjson::SUCCESS && draining)
    return "admits no newcomers";
  return {};
}

Row model_row(dom::element model) {
  return {text_of(model, "model"),   text_of(model, "state"),   seconds_of(model, "for_s"),
          text_of(model, "running"), text_of(model, "waiting"), model_note(model)};
}

Row waiting_row(dom::element waiting) {
  return {text_of(waiting, "request_id"), text_of(waiting, "model"),
          seconds_of(waiting, "waiting_s"), text_of(waiting, "next")};
}

Row decision_row(dom::element decision) {
  return {text_of(decision, "at"), text_of(decision, "text")};
}

/// One GET with a deadline, for a program that does nothing else meanwhile.
Task<void> fetch(HttpPool& pool, Endpoint endpoint, std::string key, Result<std::string>& out) {
  Result<HttpPool::Lease> lease = co_await pool.connect(endpoint, std::chrono::seconds(5), true);
  if (!lease) {
    out = lease.error();
    co_return;
  }
  HttpStream& stream = *lease->stream;
  stream.expires_after(std::chrono::seconds(10));
  RequestHead head;
  head.method = "GET";
  head.target = endpoint.base_path + "/api/queue";
  head.keep_alive = false;
  head.fields.add("host", endpoint.host_field());
  if (!key.empty()) head.fields.add("authorization", "Bearer " + key);
  const Result<void> sent = co_await stream.write_request(head, std::string_view(), false);
  if (!sent) {
    out = sent.error();
    co_return;
  }
  const Result<ResponseHead> answer = co_await stream.read_response(false);
  if (!answer) {
    out = answer.error();
    co_return;
  }
  std::string body;
  while (!stream.body_done()) {
    const Result<std::string_view> piece = co_await stream.read_body();
    if (!piece) {
      out = piece.error();
      co_return;
    }
    body += *piece;
  }
  out = std::move(body);
}

Result<std::string> fetch_queue(const StatusOptions& options) {
  const Result<Endpoint> endpoint = Endpoint::parse(options.url);
  if (!endpoint) return endpoint.error();
  asio::io_context context(1);
  StreamDeadlines deadlines(context.get_executor());
  HttpPool pool(context.get_executor(), HttpLimits{}, deadlines);
  TaskGroup tasks(context.get_executor(), [](const std::string&) {});
  Result<std::string> out = std::string();
  tasks.spawn(fetch(pool, *endpoint, options.key, out));
  context.run();
  return out;
}

}  // namespace

std::string status_tables(const std::string& queue_json) {
  dom::parser parser;
  dom::element root;
  dom::array models;
  if (parser.parse(queue_json).get(root) != simdjson::SUCCESS ||
      root["models"].get(models) != simdjson::SUCCESS) {
    return "the answer is not the state of a rouse: " + queue_json.substr(0, 200) + "\n";
  }
  std::string out = table({"MODEL", "STATE", "FOR", "RUNNING", "WAITING", "NOTE"},
                          rows_of(root, "models", model_row));
  const std::vector<Row> waiting = rows_of(root, "waiting", waiting_row);
  out += waiting.empty() ? "\nnobody waits\n"
                         : "\n" + table({"REQUEST", "MODEL", "WAITS", "NEXT"}, waiting);
  const std::vector<Row> decisions = rows_of(root, "decisions", decision_row);
  if (!decisions.empty()) {
    constexpr std::size_t kShown = 10;
    const std::size_t first = decisions.size() > kShown ? decisions.size() - kShown : 0;
    const std::vector<Row> last(decisions.begin() + static_cast<std::ptrdiff_t>(first),
                                decisions.end());
    out += "\n" + table({"AT", "DECISION"}, last);
  }
  return out;
}

int print_status(const StatusOptions& options) {
  for (;;) {
    const Result<std::string> queue = fetch_queue(options);
    if (!queue) {
      std::fprintf(stderr, "rouse status: no answer from %s: %s\n", options.url.c_str(),
                   queue.error().message().c_str());
      return 1;
    }
    const std::string text = options.json ? *queue + "\n" : status_tables(*queue);
    if (options.watch && !options.json && ::isatty(STDOUT_FILENO) != 0)
      std::fputs("\x1b[H\x1b[2J", stdout);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    if (!options.watch) return 0;
    ::poll(nullptr, 0, kWatchPauseMs);
  }
}

}  // namespace rouse
