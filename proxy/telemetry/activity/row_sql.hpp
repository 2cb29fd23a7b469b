#pragma once

#include "proxy/telemetry/activity/activity.hpp"
#include "proxy/telemetry/activity/query.hpp"
#include "proxy/telemetry/activity/statement.hpp"

#include <chrono>
#include <map>
#include <string>

namespace rouse {

// A row of the history as SQLite has it.

inline constexpr const char* kActivityColumns =
    "id, time_ms, model, asked_for, req_path, api, client, resp_content_type, resp_status_code, "
    "outcome, input_tokens, plain_input_tokens, output_tokens, cache_tokens, reasoning_tokens, "
    "draft_tokens, "
    "draft_acc_tokens, prompt_per_second, tokens_per_second, duration_ms, ttft_ms, queue_ms, "
    "load_ms, bytes_in, bytes_out, streamed, has_capture, request_id, session_id, error_msg, "
    "metadata";
inline constexpr int kActivityColumnCount = 31;

/// Milliseconds since 1970.
[[nodiscard]] std::int64_t to_ms(std::chrono::system_clock::time_point at);
/// A JSON object.
[[nodiscard]] std::string metadata_json(const std::map<std::string, std::string>& metadata);

/// Binds @p row in the order of kActivityColumns. @p metadata: metadata_json() of it, which
/// outlives the step.
void bind_row(Statement& insert, const Activity& row, const std::string& metadata);
/// The row that @p select of kActivityColumns has come to.
[[nodiscard]] Activity read_row(Statement& select);
/// The column that a query sorts by.
[[nodiscard]] std::string column_for(const std::string& sort);
/// " WHERE …" of @p query, or nothing.
[[nodiscard]] std::string conditions(const ActivityQuery& query);
/// The values of conditions().
void bind_conditions(Statement& select, const ActivityQuery& query);

}  // namespace rouse
