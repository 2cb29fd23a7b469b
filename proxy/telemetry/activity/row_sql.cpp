#include "proxy/telemetry/activity/row_sql.hpp"

#include "base/text/json_writer.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rouse {

namespace {

using Clock = std::chrono::system_clock;

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

}  // namespace

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
  if (query.bounds) {
    std::string either = "(0";  // no bounds at all leave nothing
    for (std::size_t i = 0; i < query.bounds->globs.size(); ++i) either += " OR model GLOB ?";
    for (std::size_t i = 0; i < query.bounds->names.size(); ++i) either += " OR asked_for = ?";
    all.push_back(either + ")");
  }
  if (query.start) all.emplace_back("time_ms >= ?");
  if (query.end) all.emplace_back("time_ms <= ?");
  if (query.min_id) all.emplace_back("id >= ?");
  if (query.max_id) all.emplace_back("id <= ?");
  return all.empty() ? "" : " WHERE " + fmt::format("{}", fmt::join(all, " AND "));
}

void bind_conditions(Statement& select, const ActivityQuery& query) {
  for (const std::string& model : query.models) select.bind(model);
  if (query.bounds) {
    for (const std::string& glob : query.bounds->globs) select.bind(glob);
    for (const std::string& name : query.bounds->names) select.bind(name);
  }
  if (query.start) select.bind(to_ms(*query.start));
  // A row has milliseconds, an end mostly has none, and is meant to hold its whole second.
  if (query.end) select.bind(to_ms(*query.end) + (to_ms(*query.end) % 1000 == 0 ? 999 : 0));
  if (query.min_id) select.bind(*query.min_id);
  if (query.max_id) select.bind(*query.max_id);
}

}  // namespace rouse
