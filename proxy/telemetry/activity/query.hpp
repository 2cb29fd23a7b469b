#pragma once

#include "base/result.hpp"
#include "proxy/telemetry/activity/activity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse {

/// Rows that may be told of.
struct ActivityBounds {
  std::vector<std::string> globs;  ///< of their models, as glob_for_sqlite() makes them
  std::vector<std::string> names;  ///< or those they were asked for by

  [[nodiscard]] bool operator==(const ActivityBounds&) const = default;
};

/// What `GET /api/metrics/activity` asks for (docs/llama-swap.md, The history).
struct ActivityQuery {
  std::optional<ActivityBounds> bounds;  ///< nullopt: all
  std::vector<std::string> models;       ///< any of them; empty: all
  std::optional<std::chrono::system_clock::time_point> start;
  std::optional<std::chrono::system_clock::time_point> end;
  std::optional<std::int64_t> min_id;
  std::optional<std::int64_t> max_id;
  std::int64_t limit = 25;
  std::int64_t page = 1;
  std::string sort = "id";
  bool ascending = false;
};

/// @p glob, in which only * stands for something, in SQLite's words.
[[nodiscard]] std::string glob_for_sqlite(std::string_view glob);

/// The query or, for the client, what is wrong with it.
[[nodiscard]] std::variant<ActivityQuery, std::string> parse_activity_query(std::string_view text);

struct ActivityPage {
  std::vector<Activity> rows;
  std::int64_t page = 1;
  std::int64_t limit = 25;
  std::int64_t total = 0;
  std::string fault;  ///< not empty: it could not be read
};

/// How often which values occur.
struct SpeedHistogram {
  std::vector<std::int64_t> bins;
  double min = 0;
  double max = 0;
  double bin_size = 0;  ///< 0: all values are equal
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
};
/// Of the values above 0; nullopt: there are none. Between 5 and 20 bins; percentiles by linear
/// interpolation.
[[nodiscard]] std::optional<SpeedHistogram> histogram_of(std::vector<double> values);

struct ActivityStats {
  std::int64_t requests = 0;
  std::int64_t input_tokens = 0;
  std::int64_t plain_input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cache_tokens = 0;
  std::optional<SpeedHistogram> prompt_speed;
  std::optional<SpeedHistogram> output_speed;
  std::string fault;  ///< not empty: it could not be read
};

[[nodiscard]] std::string to_json(const Activity& row);
[[nodiscard]] std::string to_json(const ActivityPage& page);
[[nodiscard]] std::string to_json(const ActivityStats& stats);

}  // namespace rouse
