#include "proxy/request/attempt.hpp"

#include "base/http/tcp_delivery.hpp"
#include "proxy/access/own_keys.hpp"
#include "proxy/request/forwarding.hpp"
#include "proxy/wire/query.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <utility>

namespace rouse {

using namespace std::chrono_literals;

std::string AttemptSeries::next() {
  if (id_.empty()) id_ = fresh_id();
  return fmt::format("{};n={}", id_, ++count_);
}

Attempt::Attempt(Stage stage, const Destination& to, AdmissionTicket& ticket)
    : stage_(stage),
      to_(to),
      ticket_(ticket),
      cut_when_client_leaves_(stage.presence, [this] { cut(); }) {}

Attempt::~Attempt() {
  ticket_.on_abort(nullptr);
}

Task<std::optional<Failure>> Attempt::send(bool fresh, bool may_have_run) {
  Result<HttpPool::Lease> lease = co_await stage_.request.proxy.pool.connect(
      ticket_.endpoint(), to_.model->timeouts.connect, fresh);
  if (stage_.presence.is_gone()) co_return std::nullopt;
  if (!lease) {
    Failure made = passing_failure(
        502, fmt::format("no connection to {}: {}", to_.upstream_name(), lease.error().message()),
        5);
    // What went out on a pooled connection may be what an engine died of. A machine that goes to
    // sleep closes its idle connections, and the one that we took was among them.
    made.try_again = !may_have_run || to_.peer;
    made.elsewhere = made.try_again;
    co_return stage_.request.unread(std::move(made));
  }
  upstream_ = std::move(lease->stream);
  pooled_ = lease->reused;
  ticket_.on_abort([this] { cut(); });
  const RequestBody::Outgoing outgoing = stage_.body.outgoing(to_);
  RequestHead head = head_to_send(outgoing);
  to_.peer ? add_peer_fields(head) : add_engine_key(head);
  is_whole_ = !outgoing.more;
  has_length_ = head.framing != Framing::Chunked;
  acknowledged_ = acknowledged_bytes(upstream_->socket().native_handle());
  upstream_->expires_after(stage_.request.config->limits.body_timeout);
  stage_.record.sent(outgoing.first);
  const Result<void> sent = co_await upstream_->write_request(head, outgoing.first, outgoing.more);
  stage_.record.dispatched();
  if (outgoing.more) stage_.body.let_go();  // it cannot be sent again without its rest
  if (!sent) {
    Failure made = passing_failure(
        502, fmt::format("{} took no request: {}", to_.upstream_name(), sent.error().message()), 5);
    // Over a unix socket, what could not be written whole has not arrived whole.
    made.try_again = was_never_delivered() || (pooled_ && !acknowledged_);
    broke_off_ = true;
    was_reset_ = true;
    made.body_unread = outgoing.more;
    co_return made;
  }
  if (to_.peer) to_.peer->taken(ticket_);
  if (outgoing.more) co_return co_await send_rest();
  co_return std::nullopt;
}

RequestHead Attempt::head_to_send(const RequestBody::Outgoing& outgoing) const {
  const Request& request = stage_.request;
  RequestHead head = head_for_upstream(request, ticket_.endpoint());
  if (to_.peer) head.fields.set("host", ticket_.endpoint().host_field());
  head.target = ticket_.endpoint().base_path + without_own_keys(*request.config, target());
  head.framing = outgoing.framing;
  head.content_length = outgoing.content_length;
  // Engines on FastAPI (vLLM and others) refuse JSON that does not say so.
  if (stage_.body.finder().is_json_by_look()) head.fields.set("content-type", "application/json");
  if (stage_.body.translated() != nullptr) head.fields.erase("accept");
  return head;
}

std::string Attempt::target() const {
  const Request& request = stage_.request;
  if (request.path) return request.path->target;
  if (const auto* const made = stage_.body.translated()) return made->path;
  std::string target = request.route.upstream_target(request.head.target);
  if (request.route.source == wire::ModelSource::Query && !to_.sent_name.empty()) {
    target = wire::with_query_value(target, "model", to_.sent_name);
  }
  return target;
}

/// The engine's own key, if it wants one: that of a client is nothing to it.
void Attempt::add_engine_key(RequestHead& head) const {
  const std::string& key = to_.model->api_key;
  if (key.empty()) return;
  head.fields.set("authorization", "Bearer " + key);
  head.fields.set("x-api-key", key);
}

/// The peer's own key, and which attempt of this request it is.
void Attempt::add_peer_fields(RequestHead& head) {
  const std::string& key = to_.peer->config().api_key;
  if (!key.empty()) {
    head.fields.set("authorization", "Bearer " + key);
    head.fields.set("x-api-key", key);
    head.fields.erase("cookie");
  }
  head.fields.set("x-request-attempt", stage_.series.next());
}

Task<std::optional<Failure>> Attempt::send_rest() {
  while (!stage_.body.is_read()) {
    const Result<std::string_view> piece = co_await stage_.body.read_piece();
    if (!piece) {
      cut();  // the engine must not take half a request for a whole one
      co_return stage_.body.unreadable(piece.error());
    }
    if (std::optional<Failure> wrong = stage_.body.fault()) {
      cut();  // before the end of it, so that nobody has it whole
      co_return wrong;
    }
    stage_.record.sent(*piece);
    upstream_->expires_after(stage_.request.config->limits.body_timeout);
    const Result<void> sent = co_await upstream_->write_body(*piece, !stage_.body.is_read());
    // An engine may refuse early and close its reading side: its answer says why.
    if (!sent) break;
  }
  co_return std::nullopt;
}

/// RFC 9110 §7.8: a server switches to nothing but what the client has named.
bool Attempt::is_asked_for(const ResponseHead& answer) const {
  if (!stage_.request.wants_upgrade()) return false;
  const auto chosen = answer.fields.find("upgrade");
  return chosen && stage_.request.head.fields.has_token("upgrade", *chosen);
}

Task<std::optional<Failure>> Attempt::read_head(std::function<void(const ResponseHead&)> interim) {
  const std::chrono::seconds limit = to_.model->timeouts.response_header;
  if (limit > 0s) {
    upstream_->expires_after(limit);
  } else {
    upstream_->expires_never();
  }
  const auto hear = [interim = std::move(interim), this](const ResponseHead& head) {
    ResponseHead shown = head;
    if (!is_from_rouse()) remove_own_fields(shown.fields);
    interim(shown);
  };
  Result<ResponseHead> answer =
      co_await upstream_->read_response(stage_.request.head.method == "HEAD", hear);
  if (answer && answer->status == 101 && !is_asked_for(*answer)) {
    answer = Error{make_error_code(HttpErrc::BadMessage),
                   "the engine changed to a protocol that nobody asked for"};
  }
  if (answer) {
    upstream_->expires_never();
    head_ = std::move(*answer);
    if (!is_from_rouse()) remove_own_fields(head_.fields);
    std::optional<Failure> suspending = suspending_failure();
    if (!suspending && to_.peer) to_.peer->answered(ticket_);
    co_return suspending;
  }
  const boost::system::error_code code = answer.error().code;
  broke_off_ = status_for(code) == 0 || code == make_error_code(HttpErrc::Truncated);
  was_reset_ = code == asio::error::connection_reset;
  const bool timed_out = answer.error().code == make_error_code(HttpErrc::Timeout);
  Failure made = passing_failure(
      timed_out ? 504 : 502,
      fmt::format("{} gave no proper answer: {}", to_.upstream_name(), answer.error().message()),
      5);
  // What only reads may be sent twice (RFC 9110 §9.2.2), on a connection that had gone stale. What
  // anything of has been confirmed may have been executed: it is for its client to ask again.
  const std::string& method = stage_.request.head.method;
  const bool is_safe = method == "GET" || method == "HEAD" || method == "OPTIONS";
  made.try_again = (pooled_ && is_safe && broke_off_) || was_never_delivered();
  co_return stage_.request.unread(std::move(made));
}

/// What another rouse says of its own (x-rouse-cold-start, x-rouse-aux, x-rouse-not-executed) is as
/// good as what we say.
bool Attempt::is_from_rouse() const {
  return to_.peer && !to_.peer->is_foreign();
}

/// A peer that goes to sleep says that it has not looked at the request.
std::optional<Failure> Attempt::suspending_failure() const {
  if (!to_.peer || head_.status != 503 || head_.fields.find(kNotExecuted) != "suspending") {
    return std::nullopt;
  }
  Failure made = passing_failure(503, to_.upstream_name() + " goes to sleep", 2);
  made.try_again = stage_.body.is_read();
  made.suspending = true;
  return stage_.request.unread(std::move(made));
}

bool Attempt::was_never_delivered() const {
  if (!upstream_ || !acknowledged_ || !is_whole_) return false;
  const auto now = acknowledged_bytes(upstream_->socket().native_handle());
  return now && *now == *acknowledged_;
}

void Attempt::give_connection_back() {
  stage_.request.proxy.pool.give_back(ticket_.endpoint(), std::move(upstream_),
                                      to_.model->timeouts.idle_conn);
}

void Attempt::cut() {
  if (upstream_) upstream_->close();
}

}  // namespace rouse
