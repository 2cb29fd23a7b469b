#include "proxy/request/client_answer.hpp"

#include "base/text/rfc3339.hpp"
#include "proxy/access/cors.hpp"
#include "proxy/request/forwarding.hpp"

#include <fmt/format.h>

#include <utility>

namespace rouse {

namespace {

/// Over how much waiting for a client its reading is judged, when others wait for its place.
constexpr std::chrono::seconds kReadingWindow{5};

}  // namespace

ClientAnswer::ClientAnswer(const Request& request, const RequestBody& body,
                           ClientPresence& presence, RequestRecord& record, InFlight::Entry& flight)
    : request_(request),
      client_(request.client),
      body_(body),
      presence_(presence),
      record_(record),
      flight_(flight),
      heartbeat_(client_, request.proxy.sessions.executor(), request.config->waiting),
      reading_(client_, request.proxy.sessions.executor(), request.config->limits.body_rate_min,
               kReadingWindow) {
  if (request.route.dialect == wire::Dialect::Ollama) heartbeat_.use_blanks();
}

/// Whether the client of a chat is told in the stream that @p model is being loaded.
bool ClientAnswer::shows_loading(const ModelConfig& model) const {
  return model.send_loading_state && request_.route.dialect == wire::Dialect::OpenAiChat;
}

bool ClientAnswer::wants_heartbeat() const {
  return !heartbeat_.is_running() && body_.asks_for_stream() && request_.route.early_head &&
         request_.head.version == 11;
}

void ClientAnswer::start_heartbeat(const Destination& to, const RequestTiming& timing, bool waits,
                                   std::function<std::size_t()> queue_position) {
  auto head_at = request_.started + request_.config->waiting.hold;
  std::function<std::string()> trouble = [this, id = to.peer ? std::string() : to.model->id] {
    return request_.proxy.dispatcher.load_trouble(id);
  };
  heartbeat_.set_note(trouble);
  if (waits && shows_loading(*to.model)) {
    head_at = Request::Clock::now();
    loading_.emplace(to.model->id);
    heartbeat_.set_text(
        [this, trouble = std::move(trouble), position = std::move(queue_position)] {
          return loading_->next(elapsed(), position(), trouble());
        },
        wire::kLoadingInterval);
  }
  ResponseHead head = early_stream_head(request_.head, request_.id);
  if (body_.translated() != nullptr) head.fields.set("content-type", kJsonLines);
  add_own_fields(head, &timing);
  heartbeat_.start(head_at, std::move(head));
}

std::chrono::milliseconds ClientAnswer::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Request::Clock::now() -
                                                               request_.started);
}

/// What we say ourselves in the head of an answer. @p timing null: it is a failure of ours.
void ClientAnswer::add_own_fields(ResponseHead& head, const RequestTiming* timing) const {
  if (timing != nullptr) {
    if (!aux_.empty()) head.fields.set("x-rouse-aux", aux_);
    add_timing(head, *timing);
  }
  add_cors(*request_.config, &request_.route, request_.head, head);
}

/// The engine's own words are part of its log, which is not for every key.
void ClientAnswer::add_output(Failure& failed) const {
  if (failed.output.empty()) return;
  if (!request_.proxy.keys.may(request_.caller, Scope::Observe)) return;
  failed.text.message += ": " + std::exchange(failed.output, {});
}

/// Whether it makes more of an error event than of a cut.
bool ClientAnswer::shows_events() const {
  // Ollama's clients know the error, and do not take a cut for one that passes.
  if (request_.route.dialect == wire::Dialect::Ollama) return true;
  return wire::shows_error_events(request_.head.fields.find("user-agent").value_or(""));
}

Task<void> ClientAnswer::tell(Failure failed) {
  record_.failed(failed);
  add_output(failed);
  heartbeat_.stop();
  presence_.stop_watching();
  if (heartbeat_.head_sent()) {
    status_ = 200;
    if (!failed.passing || shows_events()) {
      // Those that judge by the words (pi does) know by these that it passes.
      if (failed.passing)
        failed.text.message += fmt::format(" ({} {})", failed.status, reason_phrase(failed.status));
      co_await tell_as_event(std::move(failed));
      co_return;
    }
    // Every traced agent tries again after a cut; only three of six do after an error event.
    client_.close();
    keep_alive_ = false;
    co_return;
  }
  ResponseHead head = error_head(failed.status, failed.retry_after_s);
  head.fields.add("x-request-id", request_.id);
  add_own_fields(head, nullptr);
  const std::string body =
      error_body(head, failed.text, request_.head.fields, request_.route.dialect);
  const bool unread = failed.body_unread || !client_.body_done();
  head.keep_alive = request_.head.keep_alive && !unread;
  status_ = failed.status;
  client_.expires_after(request_.config->limits.body_timeout);
  const Result<void> sent = co_await client_.write_response(head, body, false);
  keep_alive_ = head.keep_alive && sent;
  record_.row.bytes_out += static_cast<std::int64_t>(body.size());
  if (unread && sent) co_await client_.linger_close();
}

Task<void> ClientAnswer::tell_remembered(const KnownCapabilities::Answer& answer) {
  presence_.stop_watching();
  ResponseHead head = own_head(200, "application/json; charset=utf-8");
  head.content_length = answer.body.size();
  head.keep_alive = request_.head.keep_alive && client_.body_done();
  head.fields.add("x-request-id", request_.id);
  head.fields.add("x-rouse-remembered", to_rfc3339(answer.at));
  add_own_fields(head, nullptr);
  status_ = head.status;
  client_.expires_after(request_.config->limits.body_timeout);
  const Result<void> sent = co_await client_.write_response(head, answer.body, false);
  keep_alive_ = head.keep_alive && sent;
  record_.row.bytes_out += static_cast<std::int64_t>(answer.body.size());
}

Task<void> ClientAnswer::tell_as_event(Failure failed) {
  record_.failed(failed);
  heartbeat_.stop();
  const std::string event = wire::error_event(request_.route.dialect, failed.status, failed.text);
  client_.expires_after(request_.config->limits.body_timeout);
  const Result<void> sent = co_await client_.write_body(event, false);
  record_.row.bytes_out += static_cast<std::int64_t>(event.size());
  keep_alive_ = sent && client_.body_done();
}

}  // namespace rouse
