#include "proxy/request/request_record.hpp"

#include "base/service/log.hpp"
#include "base/text/ascii.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

std::int64_t ms(RequestRecord::Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

wire::UsageTap::Body kind_of(const ResponseHead& head) {
  const std::string_view type = head.fields.find("content-type").value_or("");
  if (type.starts_with("text/event-stream")) return wire::UsageTap::Body::Events;
  if (type.find("json") != std::string_view::npos) return wire::UsageTap::Body::Json;
  return wire::UsageTap::Body::Other;
}

/// Sound and pictures, in whose bytes nobody reads, and forms that carry them.
bool is_media(const Fields& fields) {
  const std::string type = to_lower(fields.find("content-type").value_or(""));
  for (const std::string_view kind : {"audio/", "image/", "video/", "multipart/"}) {
    if (type.starts_with(kind)) return true;
  }
  return type.starts_with("application/octet-stream");
}

void append(std::string& to, std::string_view piece, std::size_t most) {
  if (to.size() < most) to += piece.substr(0, most - to.size());
}

}  // namespace

RequestRecord::RequestRecord(Recorder& recorder, const RequestHead& head, const wire::Route& route,
                             std::string request_id, std::string session_id)
    : recorder_(recorder) {
  row.path = head.path();
  row.api = wire::to_string(route.api);
  row.request_id = std::move(request_id);
  row.session_id = std::move(session_id);
  if (!recorder_.captures.are_wanted()) return;
  capture_.emplace();
  capture_->path = row.path;
  capture_->request = head.fields;
  look_at(route);
}

void RequestRecord::is_as(const wire::Route& route, std::string_view path) {
  row.path = path;
  row.api = wire::to_string(route.api);
  if (capture_) capture_->path = row.path;
  look_at(route);
}

/// Pictures in JSON are base64, megabytes of it.
void RequestRecord::look_at(const wire::Route& route) {
  makes_pictures_ = route.api == wire::Api::Images;
  sends_pictures_ =
      makes_pictures_ && (route.path.ends_with("/img2img") || route.path.ends_with("/edits"));
}

void RequestRecord::sent(std::string_view piece) {
  row.bytes_in += static_cast<std::int64_t>(piece.size());
  const bool is_shown = capture_ && !is_media(capture_->request) && !sends_pictures_;
  if (is_shown) append(capture_->request_body, piece, recorder_.captures.body_max());
}

void RequestRecord::answered(const ResponseHead& head) {
  row.content_type = head.fields.find("content-type").value_or("");
  row.streamed = kind_of(head) == wire::UsageTap::Body::Events;
  tap_.emplace(kind_of(head), head.status);
  gunzip_ = Gunzip::for_coding(head.fields.find("content-encoding").value_or(""));
  if (!capture_) return;
  capture_->answer = head.fields;
  if (gunzip_) capture_->answer.erase("content-encoding");
}

void RequestRecord::received(std::string_view piece) {
  row.bytes_out += static_cast<std::int64_t>(piece.size());
  std::string plain;
  if (gunzip_) piece = plain = gunzip_->feed(piece);
  const bool is_shown = capture_ && !is_media(capture_->answer) && !makes_pictures_;
  if (is_shown) append(capture_->answer_body, piece, recorder_.captures.body_max());
  if (!tap_ || tap_->feed(piece) == 0) return;
  const Clock::time_point now = Clock::now();
  if (first_content_at_ == Clock::time_point{}) {
    first_content_at_ = now;
  } else {
    timing.max_gap = std::max(timing.max_gap, now - last_content_at_);
  }
  last_content_at_ = now;
}

void RequestRecord::failed(const Failure& failure) {
  detail_ = failure.text.message;
  if (!failure.output.empty()) detail_ += ": " + failure.output;
  row.outcome = outcome_of(failure);
}

void RequestRecord::broke_off(std::string why) {
  detail_ = std::move(why);
  row.outcome = "upstream_error";
}

void RequestRecord::client_left(bool cancelled) {
  if (is_complete()) return;
  if (detail_ == "ok") detail_ = cancelled ? "cancelled by an operator" : "client left";
  row.outcome = "cancelled";
}

void RequestRecord::finish(int status, std::chrono::milliseconds waited, const RequestHead& head) {
  if (row.model.empty()) row.model = row.asked_for;
  row.status = status;
  row.queue_ms = waited.count();
  if (row.outcome.empty()) {
    row.outcome = status < 400 ? "ok" : status < 500 ? "client_error" : "upstream_error";
  }
  if (row.outcome != "ok" && detail_ != "ok") row.error = detail_;
  spdlog::info("{} {} {} model={} status={} bytes={} waited={}ms took={}ms {}",
               for_log(row.request_id, 64), head.method, for_log(head.path()),
               row.asked_for.empty() ? "-" : for_log(row.asked_for, 100), status, row.bytes_out,
               row.queue_ms, ms(Clock::now() - started_at_), for_log(detail_, 400));
}

void RequestRecord::take_usage() {
  if (!tap_) return;
  const wire::Usage usage = tap_->finish();
  timing.has_usage = usage.input.has_value() || usage.output.has_value();
  row.input_tokens = usage.input.value_or(0);
  row.plain_input_tokens = usage.plain_input;
  row.output_tokens = usage.output.value_or(0);
  row.cache_tokens = usage.cached.value_or(-1);
  row.reasoning_tokens = usage.reasoning.value_or(-1);
  row.draft_tokens = usage.drafted.value_or(-1);
  row.draft_acc_tokens = usage.draft_accepted.value_or(-1);
  row.prompt_per_second = usage.prompt_per_second.value_or(-1);
  row.tokens_per_second = usage.tokens_per_second.value_or(-1);
  engine_ms_ = usage.engine_ms();
  if (row.error.empty()) row.error = usage.error;
  tap_.reset();
}

std::int64_t RequestRecord::tokens() {
  take_usage();
  return row.input_tokens + row.output_tokens;
}

void RequestRecord::close(const std::function<bool(const Fields::Field&)>& is_secret) {
  take_usage();
  if (row.error.empty() && (row.status >= 400 || (!row.outcome.empty() && row.outcome != "ok"))) {
    // An engine that refuses without a word.
    row.error = fmt::format("{} {}", row.status, reason_phrase(row.status));
  }
  row.ended_at = std::chrono::system_clock::now();
  row.duration_ms = std::max(ms(Clock::now() - started_at_), engine_ms_);
  if (first_content_at_ != Clock::time_point{}) {
    row.ttft_ms = ms(first_content_at_ - started_at_);
    timing.upstream_ttft = first_content_at_ - std::max(dispatched_at_, started_at_);
    timing.first_to_last = last_content_at_ - first_content_at_;
  }
  timing.dispatched = dispatched_at_ != Clock::time_point{};
  timing.loaded = row.load_ms > 0;
  recorder_.record(std::move(row), timing, std::move(capture_), is_secret);
}

std::string outcome_of(const Failure& failure) {
  if (failure.load_failed) return "load_failed";
  switch (failure.status) {
    case 408:
    case 504:
      return "timeout";
    case 429:
    case 503:
      return "rejected";
    default:
      return failure.status < 500 ? "client_error" : "upstream_error";
  }
}

}  // namespace rouse
