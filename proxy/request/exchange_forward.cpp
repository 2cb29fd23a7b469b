#include "base/text/json_writer.hpp"
#include "proxy/request/exchange.hpp"
#include "proxy/request/forwarding.hpp"
#include "proxy/wire/refusal.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <utility>

namespace rouse {

using namespace std::chrono_literals;

// The part of an Exchange's way from a place on an engine to the head of its answer.

Task<std::optional<Failure>> Exchange::forward() {
  if (peer_ && place_->endpoint().may_sleep) co_await hold_body();
  if (gone_) co_return std::nullopt;
  if (!edits_.empty()) {
    std::optional<Failure> failed = co_await edit_body();
    if (failed) co_return failed;
  }
  // Only a request that is wholly in our hands can be sent twice, so only it may use a pooled
  // connection, which may turn out to be stale.
  bool fresh = !client_.body_done();
  bool was_sent = false;
  for (;;) {
    Result<HttpPool::Lease> lease =
        co_await proxy_.pool.connect(place_->endpoint(), model_->timeouts.connect, fresh);
    if (gone_) co_return std::nullopt;
    if (!lease) {
      Failure made = passing_failure(
          502, fmt::format("no connection to {}: {}", upstream_name(), lease.error().message()), 5);
      // What went out on a pooled connection may be what an engine died of. A machine that goes to
      // sleep closes its idle connections, and the one that we took was among them.
      made.try_again = !was_sent || peer_;
      made.elsewhere = made.try_again;
      made.body_unread = !client_.body_done();
      co_return made;
    }
    upstream_ = std::move(lease->stream);
    place_->on_abort([this] { cut_upstream(); });
    const bool reused = lease->reused;
    std::optional<Failure> failed = co_await send_request(reused);
    if (!failed) failed = co_await read_head(reused);
    if (!failed || gone_) co_return failed;
    if (place_->state() == AdmissionTicket::State::Aborted) co_return stopped_under_us();
    if (!failed->try_again || !reused) co_return failed;
    proxy_.recorder.metrics.retried(model_->id, "stale_connection");
    fresh = true;
    was_sent = !was_never_delivered();
  }
}

std::string Exchange::target_for_engine() const {
  if (path_) return path_->target;
  std::string target = route_.upstream_target(head_.target);
  if (route_.source == wire::ModelSource::Query && !sent_name_.empty()) {
    target = wire::with_query_value(target, "model", sent_name_);
  }
  return target;
}

/// Filters need the whole body; it is read only now, when there is an engine to send it to.
Task<std::optional<Failure>> Exchange::edit_body() {
  while (!client_.body_done()) {
    client_.expires_after(config_->limits.body_timeout);
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) co_return body_failure(piece.error());
    body_.feed(*piece);
    prefix_ += *piece;
  }
  client_.expires_never();
  body_.finish();
  if (body_.state() == wire::BodyModel::State::Malformed) {
    co_return failure(400, body_.problem());
  }
  std::vector<wire::JsonEdit> all;
  if (!sent_name_.empty()) {
    all.push_back({wire::JsonEdit::Kind::Set, "model", json_string(sent_name_)});
  }
  all.insert(all.end(), edits_.begin(), edits_.end());
  if (offer_ + 1 < offers_.size()) unedited_ = prefix_;
  Result<std::string> edited = wire::edit_json(std::move(prefix_), all);
  if (!edited) co_return failure(400, edited.error().doing);
  prefix_ = std::move(*edited);
  sent_name_.clear();
  edits_.clear();
  head_.framing = Framing::Length;
  head_.content_length = prefix_.size();
  co_return std::nullopt;
}

Task<std::optional<Failure>> Exchange::send_request(bool reused) {
  RequestHead head = head_for_engine(head_, place_->endpoint(), *config_, remote_, request_id_);
  head.target = place_->endpoint().base_path + target_for_engine();
  if (peer_) add_peer_fields(head);
  // Engines on FastAPI (vLLM and others) refuse JSON that does not say so.
  if (body_.is_json_by_look()) head.fields.set("content-type", "application/json");
  if (is_renamed() && head.framing == Framing::Length) {
    // Wraps for a shorter name.
    const std::size_t before = body_.model_end() - body_.model_begin();
    head.content_length += body_.renamed(sent_name_).size() - before;
  }
  if (wants_upgrade()) head.fields.set("upgrade", *head_.fields.find("upgrade"));
  const std::string first = body_prefix();
  const bool more = !client_.body_done();
  upstream_->expires_after(config_->limits.body_timeout);
  record_.sent(first);
  const Result<void> sent = co_await upstream_->write_request(head, first, more);
  record_.dispatched();
  if (!sent) {
    Failure made = passing_failure(
        502, fmt::format("{} took no request: {}", upstream_name(), sent.error().message()), 5);
    made.try_again = reused || was_never_delivered();
    made.body_unread = more;
    co_return made;
  }
  if (peer_) peer_->taken(*place_);
  if (more) co_return co_await send_rest_of_body();
  // The start of the body and the answer to come need no buffer of ours meanwhile.
  co_return std::nullopt;
}

Task<std::optional<Failure>> Exchange::send_rest_of_body() {
  while (!client_.body_done()) {
    client_.expires_after(config_->limits.body_timeout);
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) {
      cut_upstream();  // the engine must not take half a request for a whole one
      co_return body_failure(piece.error());
    }
    body_.feed(*piece);
    record_.sent(*piece);
    upstream_->expires_after(config_->limits.body_timeout);
    const bool more = !client_.body_done();
    const Result<void> sent = co_await upstream_->write_body(*piece, more);
    // An engine may refuse early and close its reading side: its answer says why.
    if (!sent) break;
  }
  client_.expires_never();
  co_return std::nullopt;
}

Task<std::optional<Failure>> Exchange::read_head(bool reused) {
  start_heartbeat();
  const std::chrono::seconds limit = model_->timeouts.response_header;
  if (limit > 0s) {
    upstream_->expires_after(limit);
  } else {
    upstream_->expires_never();
  }
  Result<ResponseHead> answer = co_await upstream_->read_response(head_.method == "HEAD");
  if (answer) {
    upstream_->expires_never();
    answer_ = std::move(*answer);
    record_.answered(answer_);
    flight_.set_answer(answer_);
    flight_.set_phase(Phase::Streaming);
    if (peer_ && answer_.status == 503 && answer_.fields.find(kNotExecuted) == "suspending") {
      Failure made = passing_failure(503, upstream_name() + " goes to sleep", 2);
      made.try_again = client_.body_done();
      made.suspending = true;
      made.body_unread = !client_.body_done();
      co_return made;
    }
    if (peer_) peer_->answered(*place_);
    co_return std::nullopt;
  }
  const int kind = status_for(answer.error().code);
  const bool timed_out = answer.error().code == make_error_code(HttpErrc::Timeout);
  Failure made = passing_failure(
      timed_out ? 504 : 502,
      fmt::format("{} gave no proper answer: {}", upstream_name(), answer.error().message()), 5);
  // A machine that fell asleep keeps what its kernel has confirmed, and answers it after its sleep.
  const bool may_come_late =
      peer_ && place_->endpoint().may_sleep && answer.error().code == asio::error::timed_out;
  made.try_again = (reused && kind == 0 && !may_come_late) || was_never_delivered();
  made.body_unread = !client_.body_done();
  co_return made;
}

/// A body that we do not look at goes on as it is.
bool Exchange::is_renamed() const {
  return body_.model() && !sent_name_.empty();
}

std::string Exchange::body_prefix() {
  if (!is_renamed()) {
    // Kept only while the request may have to be sent again.
    return client_.body_done() ? prefix_ : std::exchange(prefix_, std::string());
  }
  std::string renamed = prefix_;
  renamed.replace(body_.model_begin(), body_.model_end() - body_.model_begin(),
                  body_.renamed(sent_name_));
  return renamed;
}

}  // namespace rouse
