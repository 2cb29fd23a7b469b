#include "base/http/tunnel.hpp"
#include "proxy/request/attempt.hpp"
#include "proxy/request/client_answer.hpp"
#include "proxy/request/forwarding.hpp"

#include <fmt/format.h>

#include <utility>

namespace rouse {

using namespace std::chrono_literals;

namespace {

/// How much of an engine's refusal is read to pass its message on inside a stream.
constexpr std::size_t kRefusalMax = 64 * 1024;

}  // namespace

void ClientAnswer::announce(const ResponseHead& interim) {
  // We say 100 ourselves, where it is asked for.
  if (interim.status == 100 || heartbeat_.head_sent() || request_.head.version != 11) return;
  ResponseHead head = interim;
  remove_hop_by_hop(head.fields);
  // A hint is not worth a wait.
  (void)client_.try_write_response(head, std::string_view());
}

Task<void> ClientAnswer::relay(Attempt& attempt, AdmissionTicket& ticket,
                               const RequestTiming& timing) {
  ticket.on_hurry([this] { reading_.start(); });
  co_await relay_answer(attempt, ticket, timing);
  ticket.on_hurry(nullptr);
  reading_.stop();
}

Task<void> ClientAnswer::relay_answer(Attempt& attempt, AdmissionTicket& ticket,
                                      const RequestTiming& timing) {
  if (attempt.head().status == 101) {
    co_await relay_tunnel(attempt, ticket);
    co_return;
  }
  if (body_.translated() != nullptr) co_return co_await relay_translated(attempt, ticket, timing);
  if (heartbeat_.head_sent()) {
    status_ = 200;
    if (attempt.head().status != 200 || !is_event_stream(attempt.head())) {
      Failure refusal = co_await engine_refusal(attempt);
      co_await tell_as_event(std::move(refusal));
      co_return;
    }
    const bool sent = co_await end_loading_text();
    if (!sent) co_return not_taken(ticket);
  } else {
    const bool sent = co_await relay_head(attempt, timing);
    if (!sent) co_return not_taken(ticket);
  }
  co_await relay_body(attempt, ticket);
}

/// Before the model's own text. False: the client has gone.
Task<bool> ClientAnswer::end_loading_text() {
  const std::string last = loading_ ? loading_->end(elapsed()) : std::string();
  if (last.empty()) co_return true;
  begin_write();
  const Result<void> sent = co_await client_.write_body(last, true);
  end_write();
  heartbeat_.sent(last);
  co_return static_cast<bool>(sent);
}

/// Before a piece of the engine's answer is written.
void ClientAnswer::begin_write() {
  heartbeat_.set_writing(true);
  reading_.set_writing(true);
  client_.expires_after(request_.config->limits.idle_timeout);
}

void ClientAnswer::end_write() {
  heartbeat_.set_writing(false);
  reading_.set_writing(false);
}

/// The client has gone, or does not read what it has asked for: it must not take a part for the
/// whole.
void ClientAnswer::not_taken(const AdmissionTicket& ticket) {
  if (reading_.has_started()) {
    record_.note("cut: the client did not read, and " + ticket.hurried_by());
  }
  client_.close(true);
  presence_.leave();
}

/// The engine's head, and what has come with it. False: the client has gone.
Task<bool> ClientAnswer::relay_head(Attempt& attempt, const RequestTiming& timing) {
  const ResponseHead& answer = attempt.head();
  HttpStream& upstream = attempt.upstream();
  if (!is_event_stream(answer)) heartbeat_.stop();
  ResponseHead head = head_for_client(answer, request_.head, request_.id, client_.body_done());
  add_own_fields(head, &timing);
  status_ = head.status;
  std::string_view first;
  bool ended = upstream.body_done();  // there is none, as with HEAD and a length of 0
  // A body of known length follows its head at once; both go out in one call.
  if (!ended && head.framing == Framing::Length && upstream.has_buffered()) {
    const Result<std::string_view> piece = co_await upstream.read_body();
    if (piece) first = *piece;
    ended = upstream.body_done();
  }
  begin_write();
  heartbeat_.head_was_relayed();
  const Result<void> sent = co_await client_.write_response(head, first, !ended);
  end_write();
  if (!sent) co_return false;
  record_.received(first);
  flight_.add_bytes(first.size());
  keep_alive_ = head.keep_alive;
  co_return true;
}

Task<void> ClientAnswer::relay_body(Attempt& attempt, AdmissionTicket& ticket) {
  HttpStream& upstream = attempt.upstream();
  while (!upstream.body_done()) {
    const Result<std::string_view> piece = co_await upstream.read_body();
    if (presence_.is_gone()) co_return;
    if (!piece) {
      cut();
      std::string why = co_await why_broken(attempt, ticket, piece.error());
      record_.broke_off(std::move(why));
      co_return;
    }
    record_.received(*piece);
    flight_.add_bytes(piece->size());
    const bool more = !upstream.body_done();
    if (!more && attempt.head().framing == Framing::UntilClose) {
      // Such a body ends with its connection, and so does one whose engine was killed.
      const bool ended = co_await engine_ended(attempt, ticket);
      if (ended) {
        cut();
        co_return record_.broke_off("cut: " + ticket.abort_reason());
      }
    }
    begin_write();
    const Result<void> sent = co_await client_.write_body(*piece, more);
    end_write();
    heartbeat_.sent(*piece);
    if (!sent) co_return not_taken(ticket);
  }
  client_.expires_never();
  if (!client_.body_done()) keep_alive_ = false;
  attempt.give_connection_back();
}

/// Never a clean end: the client must not take a part for the whole. In HTTP/1.0 its end looks like
/// any close, but a reset does not.
void ClientAnswer::cut() {
  client_.close(request_.head.version == 10);
  keep_alive_ = false;
}

/// Whether the connection ended because the engine did, of which the news may come a moment later.
Task<bool> ClientAnswer::engine_ended(const Attempt& attempt, AdmissionTicket& ticket) {
  const auto notice = attempt.to().peer ? 0ms : AdmissionTicket::kDeathNotice;
  co_return co_await ticket.ends_within(notice);
}

Task<std::string> ClientAnswer::why_broken(const Attempt& attempt, AdmissionTicket& ticket,
                                           const Error& error) {
  const bool ended = co_await engine_ended(attempt, ticket);
  if (ended) co_return "cut: " + ticket.abort_reason();
  co_return attempt.to().upstream_name() + " broke off: " + error.message();
}

/// A WebSocket, or whatever else both sides have agreed on.
Task<void> ClientAnswer::relay_tunnel(Attempt& attempt, const AdmissionTicket& ticket) {
  heartbeat_.stop();
  presence_.stop_watching();  // the end of one direction is not the end of the other
  keep_alive_ = false;
  ResponseHead head = head_for_client(attempt.head(), request_.head, request_.id, false);
  head.fields.set("upgrade", attempt.head().fields.find("upgrade").value_or("websocket"));
  status_ = head.status;
  const Result<void> sent = co_await client_.write_response(head, std::string_view(), false);
  if (!sent) co_return presence_.leave();
  const TunnelBytes bytes =
      co_await tunnel(client_, attempt.upstream(), request_.config->limits.tunnel_timeout);
  record_.row.bytes_in = static_cast<std::int64_t>(bytes.up);
  record_.row.bytes_out = static_cast<std::int64_t>(bytes.down);
  if (ticket.state() == AdmissionTicket::State::Aborted) {
    record_.note("cut: " + ticket.abort_reason());
  }
}

/// The engine said no after our early head: its message has to travel inside the stream.
Task<Failure> ClientAnswer::engine_refusal(Attempt& attempt) {
  HttpStream& upstream = attempt.upstream();
  std::string body;
  while (!upstream.body_done() && body.size() < kRefusalMax) {
    const Result<std::string_view> piece = co_await upstream.read_body();
    if (!piece) break;
    body += *piece;
  }
  const int status = attempt.head().status;
  std::string message = wire::error_message_in(body);
  if (message.empty()) {
    message = fmt::format("{} answered with status {}", attempt.to().upstream_name(), status);
  }
  co_return failure(status == 200 ? 502 : status, std::move(message));
}

}  // namespace rouse
