#include "proxy/telemetry/activity/query.hpp"

#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "proxy/wire/query.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

namespace rouse {

namespace {

using Clock = std::chrono::system_clock;

constexpr std::array<std::string_view, 13> kSorts{
    "id",      "time",   "model",     "req_path", "resp_status_code", "resp_content_type",
    "cached",  "prompt", "generated", "drafted",  "prompt_speed",     "gen_speed",
    "duration"};

std::optional<std::int64_t> whole(std::string_view text, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_plain = !text.starts_with('-');
  const bool fits = is_plain && error == std::errc{} && end == text.data() + text.size();
  return fits && value >= least && value <= most ? std::optional(value) : std::nullopt;
}

/// Reads one parameter into @p query; what is wrong with it, or empty.
std::string take(ActivityQuery& query, const std::string& name, const std::string& value) {
  const auto number = [&](auto& field, std::int64_t most) -> std::string {
    const auto read = whole(value, 1, most);
    if (!read) return fmt::format("{}: expected a whole number from 1 to {}", name, most);
    field = *read;
    return {};
  };
  const auto time = [&](auto& field) -> std::string {
    field = parse_rfc3339(value);
    return field ? "" : fmt::format("{}: expected a time like 2026-11-21T05:44:37Z", name);
  };
  constexpr std::int64_t kMost = 9'000'000'000'000'000;
  if (name == "model") {
    query.models.push_back(value);
  } else if (name == "start") {
    return time(query.start);
  } else if (name == "end") {
    return time(query.end);
  } else if (name == "min_id") {
    return number(query.min_id, kMost);
  } else if (name == "max_id") {
    return number(query.max_id, kMost);
  } else if (name == "limit") {
    return number(query.limit, 999);
  } else if (name == "page") {
    return number(query.page, 1'000'000'000);
  } else if (name == "sort") {
    if (std::find(kSorts.begin(), kSorts.end(), value) == kSorts.end()) {
      return fmt::format("sort: expected one of {}", fmt::join(kSorts, ", "));
    }
    query.sort = value;
  } else if (name == "order") {
    if (value != "asc" && value != "desc") return "order: expected asc or desc";
    query.ascending = value == "asc";
  }
  return {};
}

void write_histogram(JsonWriter& json, std::string_view name,
                     const std::optional<SpeedHistogram>& histogram) {
  json.key(name);
  if (!histogram) return json.null();
  json.begin_object();
  json.key("bins");
  json.begin_array();
  for (const std::int64_t count : histogram->bins) json.value(count);
  json.end_array();
  json.member("min", histogram->min);
  json.member("max", histogram->max);
  json.member("binSize", histogram->bin_size);
  json.member("p50", histogram->p50);
  json.member("p95", histogram->p95);
  json.member("p99", histogram->p99);
  json.end_object();
}

/// Whoever adds the rows up wants no -1 among them. What is ours is left out where it is not known;
/// pages of llama-swap's miss what is not there.
void write_tokens(JsonWriter& json, const Activity& row) {
  const auto known = [](auto value) { return std::max(value, decltype(value){0}); };
  json.key("tokens");
  json.begin_object();
  json.member("cache_tokens", known(row.cache_tokens));
  json.member("draft_tokens", known(row.draft_tokens));
  json.member("draft_acc_tokens", known(row.draft_acc_tokens));
  json.member("input_tokens", row.plain_input_tokens);
  json.member("output_tokens", row.output_tokens);
  json.member("prompt_tokens", row.input_tokens);
  if (row.reasoning_tokens >= 0) json.member("reasoning_tokens", row.reasoning_tokens);
  json.member("prompt_per_second", known(row.prompt_per_second));
  json.member("tokens_per_second", known(row.tokens_per_second));
  json.end_object();
}

}  // namespace

std::string glob_for_sqlite(std::string_view glob) {
  std::string text;
  for (const char c : glob) {
    if (c == '?' || c == '[') {
      text += {'[', c, ']'};
    } else {
      text += c;
    }
  }
  return text;
}

std::variant<ActivityQuery, std::string> parse_activity_query(std::string_view text) {
  ActivityQuery query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = wire::form_decode(pair.substr(0, equals));
    const std::string value = wire::form_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (std::string wrong = take(query, name, value); !wrong.empty()) return wrong;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

std::optional<SpeedHistogram> histogram_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !(value > 0) || !std::isfinite(value); });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  SpeedHistogram made;
  made.min = values.front();
  made.max = values.back();
  const auto percentile = [&](double part) {
    const double at = part * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
  };
  made.p50 = percentile(0.50);
  made.p95 = percentile(0.95);
  made.p99 = percentile(0.99);
  if (made.min == made.max) {
    made.bins = {static_cast<std::int64_t>(values.size())};
    return made;
  }
  const auto wanted =
      static_cast<std::size_t>(std::ceil(std::log2(static_cast<double>(values.size())))) + 1;
  const std::size_t count = std::clamp<std::size_t>(wanted, 5, 20);
  made.bins.assign(count, 0);
  made.bin_size = (made.max - made.min) / static_cast<double>(count);
  for (const double value : values) {
    const auto bin = static_cast<std::size_t>((value - made.min) / made.bin_size);
    ++made.bins[std::min(bin, count - 1)];
  }
  return made;
}

std::string to_json(const Activity& row) {
  JsonWriter json;
  json.begin_object();
  json.member("id", row.id);
  json.member("timestamp", to_rfc3339(row.ended_at));
  json.member("model", row.model);
  json.member("req_path", row.path);
  json.member("resp_content_type", row.content_type);
  json.member("resp_status_code", row.status);
  write_tokens(json, row);
  json.member("duration_ms", row.duration_ms);
  json.member("has_capture", row.has_capture);
  if (!row.error.empty()) json.member("error_msg", row.error);
  if (!row.metadata.empty()) {
    json.key("metadata");
    json.begin_object();
    for (const auto& [name, value] : row.metadata) json.member(name, value);
    json.end_object();
  }
  json.member("asked_for", row.asked_for);
  json.member("api", row.api);
  json.member("client", row.client);
  json.member("outcome", row.outcome);
  json.member("streamed", row.streamed);
  if (row.ttft_ms >= 0) json.member("ttft_ms", row.ttft_ms);
  json.member("queue_ms", row.queue_ms);
  json.member("load_ms", row.load_ms);
  json.member("bytes_in", row.bytes_in);
  json.member("bytes_out", row.bytes_out);
  json.member("request_id", row.request_id);
  if (!row.session_id.empty()) json.member("session_id", row.session_id);
  json.end_object();
  return json.take();
}

std::string to_json(const ActivityPage& page) {
  JsonWriter json;
  json.begin_object();
  json.key("data");
  json.begin_array();
  for (const Activity& row : page.rows) json.raw(to_json(row));
  json.end_array();
  json.member("page", page.page);
  json.member("limit", page.limit);
  json.member("total", page.total);
  json.member("total_pages", (page.total + page.limit - 1) / page.limit);
  json.end_object();
  return json.take();
}

std::string to_json(const ActivityStats& stats) {
  JsonWriter json;
  json.begin_object();
  json.member("total_requests", stats.requests);
  json.member("total_input_tokens", stats.plain_input_tokens);
  json.member("total_prompt_tokens", stats.input_tokens);
  json.member("total_output_tokens", stats.output_tokens);
  json.member("total_cache_tokens", stats.cache_tokens);
  write_histogram(json, "prompt_histogram", stats.prompt_speed);
  write_histogram(json, "gen_histogram", stats.output_speed);
  json.end_object();
  return json.take();
}

}  // namespace rouse
