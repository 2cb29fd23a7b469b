#include "base/text/rfc3339.hpp"
#include "proxy/request/attempt.hpp"
#include "proxy/request/client_answer.hpp"
#include "proxy/request/forwarding.hpp"
#include "proxy/wire/ollama_answer.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace rouse {

namespace {

using std::chrono::nanoseconds;
using Clock = Request::Clock;

/// How much of an answer is held that is one JSON text: as much as of a request.
constexpr std::size_t kWholeMax = 64 * 1024 * 1024;

std::string created_at() {
  return to_rfc3339(std::chrono::system_clock::now());
}

/// When an answer has begun and gone on, for its last line.
class AnswerTimes {
 public:
  AnswerTimes(Clock::time_point began, const RequestTiming& timing)
      : began_(began),
        load_(timing.load + timing.wake),
        admitted_(began + timing.waited),
        first_(admitted_),
        last_(admitted_) {}

  void told_something() {
    last_ = Clock::now();
    if (first_ == admitted_) first_ = last_;
  }
  [[nodiscard]] wire::OllamaTimes now() const {
    return {Clock::now() - began_, load_, first_ - admitted_, last_ - first_};
  }

 private:
  Clock::time_point began_;
  nanoseconds load_;
  Clock::time_point admitted_;
  Clock::time_point first_;
  Clock::time_point last_;
};

}  // namespace

/// The engine's answer in the form of the API that its client speaks.
Task<void> ClientAnswer::relay_translated(Attempt& attempt, AdmissionTicket& ticket,
                                          const RequestTiming& timing) {
  const ResponseHead& answer = attempt.head();
  if (heartbeat_.head_sent()) status_ = 200;
  if (answer.status >= 200 && answer.status < 300) {
    if (is_event_stream(answer)) co_return co_await relay_lines(attempt, ticket, timing);
    co_return co_await relay_whole(attempt, ticket, timing);
  }
  Failure refusal = co_await engine_refusal(attempt);
  if (const auto text = answer.fields.find("retry-after")) {
    std::from_chars(text->data(), text->data() + text->size(), refusal.retry_after_s);
  }
  if (attempt.upstream().body_done()) attempt.give_connection_back();
  co_await tell(std::move(refusal));
}

Task<void> ClientAnswer::relay_lines(Attempt& attempt, AdmissionTicket& ticket,
                                     const RequestTiming& timing) {
  HttpStream& upstream = attempt.upstream();
  if (!heartbeat_.head_sent()) {
    ResponseHead head =
        head_for_client(attempt.head(), request_.head, request_.id, client_.body_done());
    head.framing = Framing::Chunked;
    head.fields.set("content-type", kJsonLines);
    add_own_fields(head, &timing);
    status_ = head.status;
    begin_write();
    heartbeat_.head_was_relayed();
    const Result<void> sent = co_await client_.write_response(head, std::string_view(), true);
    end_write();
    if (!sent) co_return not_taken(ticket);
    keep_alive_ = head.keep_alive;
  }
  wire::OllamaAnswer lines(request_.route.ollama, body_.translated()->model);
  AnswerTimes times(request_.started, timing);
  for (bool more = true; more;) {
    std::string out;
    if (!upstream.body_done()) {
      const Result<std::string_view> piece = co_await upstream.read_body();
      if (presence_.is_gone()) co_return;
      if (!piece) {
        // Unlike other clients, those of Ollama know an error that comes in the stream.
        std::string why = co_await why_broken(attempt, ticket, piece.error());
        out = lines.broken(why);
        record_.broke_off(std::move(why));
        more = false;
      } else {
        record_.received(*piece);
        flight_.add_bytes(piece->size());
        out = lines.feed(*piece, created_at());
        if (!out.empty()) times.told_something();
      }
    }
    const bool has_ended = more && upstream.body_done();
    if (has_ended) {
      out += lines.finish(times.now(), created_at());
      more = false;
    }
    if (out.empty() && more) continue;
    begin_write();
    const Result<void> sent = co_await client_.write_body(out, more);
    end_write();
    heartbeat_.sent(out);
    if (!sent) co_return not_taken(ticket);
    if (has_ended) attempt.give_connection_back();
  }
  client_.expires_never();
  if (!client_.body_done()) keep_alive_ = false;
}

Task<void> ClientAnswer::relay_whole(Attempt& attempt, AdmissionTicket& ticket,
                                     const RequestTiming& timing) {
  HttpStream& upstream = attempt.upstream();
  std::string text;
  while (!upstream.body_done() && text.size() < kWholeMax) {
    const Result<std::string_view> piece = co_await upstream.read_body();
    if (presence_.is_gone()) co_return;
    if (!piece) {
      std::string why = co_await why_broken(attempt, ticket, piece.error());
      co_return co_await tell(failure(502, std::move(why)));
    }
    record_.received(*piece);
    flight_.add_bytes(piece->size());
    text += *piece;
  }
  wire::OllamaAnswer answer(request_.route.ollama, body_.translated()->model);
  AnswerTimes times(request_.started, timing);
  times.told_something();
  const std::optional<std::string> made = answer.whole(text, times.now(), created_at());
  if (!made) {
    std::string message = wire::error_message_in(text);
    if (message.empty()) message = attempt.to().upstream_name() + " gave no answer of its API";
    co_return co_await tell(failure(502, std::move(message)));
  }
  attempt.give_connection_back();
  begin_write();
  Result<void> sent;
  if (heartbeat_.head_sent()) {
    heartbeat_.stop();
    sent = co_await client_.write_body(*made, false);
  } else {
    heartbeat_.stop();
    ResponseHead head =
        head_for_client(attempt.head(), request_.head, request_.id, client_.body_done());
    head.framing = Framing::Length;
    head.content_length = made->size();
    head.fields.set("content-type", "application/json; charset=utf-8");
    add_own_fields(head, &timing);
    status_ = head.status;
    keep_alive_ = head.keep_alive;
    sent = co_await client_.write_response(head, *made, false);
  }
  end_write();
  client_.expires_never();
  if (!sent) co_return not_taken(ticket);
}

Task<void> ClientAnswer::tell_state(bool unloaded) {
  heartbeat_.stop();
  presence_.stop_watching();
  const std::string text = wire::ollama_empty_answer(
      request_.route.ollama, body_.translated()->model, unloaded ? "unload" : "load", created_at());
  status_ = 200;
  client_.expires_after(request_.config->limits.body_timeout);
  Result<void> sent;
  if (heartbeat_.head_sent()) {
    sent = co_await client_.write_body(text + "\n", false);
  } else {
    ResponseHead head = own_head(200, "application/json; charset=utf-8");
    head.content_length = text.size();
    head.keep_alive = request_.head.keep_alive;
    head.fields.add("x-request-id", request_.id);
    add_own_fields(head, nullptr);
    sent = co_await client_.write_response(head, text, false);
  }
  record_.row.bytes_out += static_cast<std::int64_t>(text.size());
  keep_alive_ = sent && request_.head.keep_alive;
}

}  // namespace rouse
