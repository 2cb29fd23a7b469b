#include "base/http/tunnel.hpp"
#include "base/service/log.hpp"
#include "proxy/access/authorise.hpp"
#include "proxy/access/cors.hpp"
#include "proxy/request/exchange.hpp"
#include "proxy/request/forwarding.hpp"
#include "proxy/wire/refusal.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace rouse {

using namespace std::chrono_literals;

// The part of an Exchange's way from the head of an answer, or a failure, to the record of it.

namespace {

/// How much of an engine's refusal is read to pass its message on inside a stream.
constexpr std::size_t kRefusalMax = 64 * 1024;

}  // namespace

Task<void> Exchange::relay() {
  if (answer_.status == 101) {
    co_await relay_tunnel();
    co_return;
  }
  const bool events = is_event_stream(answer_);
  if (heartbeat_.head_sent()) {
    status_ = 200;
    if (answer_.status != 200 || !events) {
      Failure refusal = co_await engine_refusal();
      co_await tell_as_event(std::move(refusal));
      co_return;
    }
  } else {
    if (!events) heartbeat_.stop();
    ResponseHead head = head_for_client(answer_, head_, request_id_, client_.body_done());
    if (!aux_.empty()) head.fields.set("x-rouse-aux", aux_);
    add_timing(head);
    add_cors(*config_, &route_, head_, head);
    status_ = head.status;
    const bool more = head.framing != Framing::None;
    std::string_view first;
    bool ended = !more;
    // A body of known length follows its head at once; both go out in one call.
    if (head.framing == Framing::Length && upstream_->has_buffered()) {
      const Result<std::string_view> piece = co_await upstream_->read_body();
      if (piece) first = *piece;
      ended = upstream_->body_done();
    }
    heartbeat_.set_writing(true);
    heartbeat_.head_was_relayed();
    client_.expires_after(config_->limits.idle_timeout);
    const Result<void> sent = co_await client_.write_response(head, first, !ended);
    heartbeat_.set_writing(false);
    if (!sent) co_return on_client_gone();
    record_.received(first);
    flight_.add_bytes(first.size());
    keep_alive_ = head.keep_alive;
  }
  co_await relay_body();
}

Task<void> Exchange::relay_body() {
  while (!upstream_->body_done()) {
    const Result<std::string_view> piece = co_await upstream_->read_body();
    if (gone_) co_return;
    if (!piece) {
      // Cut, never ended cleanly: the client must not take a part for the whole.
      record_.row.outcome = "upstream_error";
      outcome_ = place_->state() == AdmissionTicket::State::Aborted
                     ? "cut: " + place_->abort_reason()
                     : upstream_name() + " broke off: " + piece.error().message();
      client_.close(answer_.framing == Framing::UntilClose || head_.version == 10);
      keep_alive_ = false;
      co_return;
    }
    record_.received(*piece);
    flight_.add_bytes(piece->size());
    heartbeat_.set_writing(true);
    client_.expires_after(config_->limits.idle_timeout);
    const bool more = !upstream_->body_done();
    const Result<void> sent = co_await client_.write_body(*piece, more);
    heartbeat_.set_writing(false);
    heartbeat_.sent(*piece);
    if (!sent) co_return on_client_gone();
  }
  client_.expires_never();
  if (!client_.body_done()) keep_alive_ = false;
  if (answer_.keep_alive) {
    proxy_.pool.give_back(place_->endpoint(), std::move(upstream_), model_->timeouts.idle_conn);
  }
}

/// A WebSocket, or whatever else both sides have agreed on.
Task<void> Exchange::relay_tunnel() {
  heartbeat_.stop();
  client_.on_gone(nullptr);  // the end of one direction is not the end of the other
  keep_alive_ = false;
  ResponseHead head = head_for_client(answer_, head_, request_id_, false);
  head.fields.set("upgrade", answer_.fields.find("upgrade").value_or("websocket"));
  status_ = head.status;
  const Result<void> sent = co_await client_.write_response(head, std::string_view(), false);
  if (!sent) co_return on_client_gone();
  const TunnelBytes bytes = co_await tunnel(client_, *upstream_, config_->limits.tunnel_timeout);
  record_.row.bytes_in = static_cast<std::int64_t>(bytes.up);
  record_.row.bytes_out = static_cast<std::int64_t>(bytes.down);
  if (place_->state() == AdmissionTicket::State::Aborted)
    outcome_ = "cut: " + place_->abort_reason();
}

/// The engine said no after our early head: its message has to travel inside the stream.
Task<Failure> Exchange::engine_refusal() {
  std::string body;
  while (!upstream_->body_done() && body.size() < kRefusalMax) {
    const Result<std::string_view> piece = co_await upstream_->read_body();
    if (!piece) break;
    body += *piece;
  }
  const std::string message = wire::error_message_in(body);
  co_return failure(answer_.status == 200 ? 502 : answer_.status,
                    message.empty()
                        ? fmt::format("{} answered with status {}", upstream_name(), answer_.status)
                        : message);
}

// --- tell ----------------------------------------------------------------------------------------

Task<void> Exchange::tell(Failure failed) {
  outcome_ = failed.text.message;
  record_.row.outcome = outcome_of(failed);
  count_refusal(failed);
  heartbeat_.stop();
  client_.on_gone(nullptr);
  if (heartbeat_.head_sent()) {
    status_ = 200;
    if (!failed.passing) {
      co_await tell_as_event(std::move(failed));
      co_return;
    }
    // Every traced agent tries again after a cut; only three of six do after an error event.
    client_.close();
    keep_alive_ = false;
    co_return;
  }
  ResponseHead head = error_head(failed.status, failed.retry_after_s);
  head.fields.add("x-request-id", request_id_);
  add_cors(*config_, &route_, head_, head);
  const std::string body = wire::error_json(failed.status, failed.text);
  head.content_length = body.size();
  const bool unread = failed.body_unread || !client_.body_done();
  head.keep_alive = head_.keep_alive && !unread;
  status_ = failed.status;
  client_.expires_after(config_->limits.body_timeout);
  const Result<void> sent = co_await client_.write_response(head, body, false);
  keep_alive_ = head.keep_alive && sent;
  record_.row.bytes_out += static_cast<std::int64_t>(body.size());
  if (unread && sent) co_await client_.linger_close();
}

Task<void> Exchange::tell_as_event(Failure failed) {
  outcome_ = failed.text.message;
  record_.row.outcome = outcome_of(failed);
  heartbeat_.stop();
  const std::string event = wire::error_event(route_.dialect, failed.status, failed.text);
  client_.expires_after(config_->limits.body_timeout);
  const Result<void> sent = co_await client_.write_body(event, false);
  record_.row.bytes_out += static_cast<std::int64_t>(event.size());
  keep_alive_ = sent && client_.body_done();
}

/// Refusals of ours, by their reason; what the engine said is not among them.
void Exchange::count_refusal(const Failure& failed) {
  std::string_view reason;
  if (failed.status == 404) reason = "model_unknown";
  if (failed.status == 413) reason = "body_too_large";
  if (failed.status == 429 && place_) reason = "queue_full";
  if (failed.status == 503) reason = failed.load_failed ? "circuit" : "draining";
  if (!reason.empty()) proxy_.recorder.metrics.rejected(reason, record_.row.client);
}

void Exchange::record() {
  const auto ms = [](Clock::duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  };
  const bool left_early = gone_ && !record_.is_complete();
  if (left_early) {
    outcome_ = cancelled_ ? "cancelled by an operator" : "client left";
    record_.row.outcome = "cancelled";
  }
  const auto waited =
      admitted_at_ == Clock::time_point{} ? Clock::duration::zero() : admitted_at_ - started_;
  Activity& row = record_.row;
  row.asked_for = asked_for_;
  if (row.model.empty()) row.model = asked_for_;
  row.status = status_;
  row.queue_ms = ms(waited);
  if (row.outcome.empty()) {
    row.outcome = status_ < 400 ? "ok" : status_ < 500 ? "client_error" : "upstream_error";
  }
  if (row.outcome != "ok" && outcome_ != "ok") row.error = outcome_;
  if (!aux_.empty()) row.metadata["aux"] = aux_;
  if (!resolved_.selector.empty()) row.metadata["selector"] = resolved_.selector;
  spdlog::info("{} {} {} model={} status={} bytes={} waited={}ms took={}ms {}",
               for_log(request_id_, 64), head_.method, for_log(head_.path()),
               asked_for_.empty() ? "-" : for_log(asked_for_, 100), status_, row.bytes_out,
               row.queue_ms, ms(Clock::now() - started_), for_log(outcome_, 400));
  proxy_.recorder.metrics.http_answered(row.api, head_.method, status_);
  if (peer_) peer_->ended(status_);
  if (route_.source == wire::ModelSource::Body) {
    // After the answer: a stream that runs is never cut.
    const std::int64_t tokens = record_.tokens();
    if (tokens > 0) proxy_.keys.count_tokens(caller_, tokens, proxy_.dispatcher.now());
    record_.close([this](const Fields::Field& field) { return holds_own_key(*config_, field); });
  }
}

}  // namespace rouse