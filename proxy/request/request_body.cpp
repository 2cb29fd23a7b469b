#include "proxy/request/request_body.hpp"

#include "base/text/json_writer.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace rouse {

namespace {

/// How much of a body is held while its request waits: to learn whether it asks for a stream, or to
/// send it again to a machine that may fall asleep.
constexpr std::size_t kHeldMax = 8 * 1024 * 1024;

}  // namespace

RequestBody::RequestBody(const Request& request)
    : request_(request),
      client_(request.client),
      finder_(request.head.fields.find("content-type").value_or("")) {}

bool RequestBody::is_at_most(std::uint64_t most) const {
  return request_.head.framing == Framing::Length && request_.head.content_length <= most;
}

bool RequestBody::may_tell_stream() const {
  return !client_.body_done() && !finder_.stream() && held_.size() < kHeldMax;
}

/// One piece more, within the client's deadline.
Task<Result<void>> RequestBody::read_and_hold() {
  const Result<std::string_view> piece = co_await client_.read_body();
  if (!piece) co_return piece.error();
  held_ += *piece;
  look_at(*piece);
  co_return Result<void>();
}

void RequestBody::look_at(std::string_view piece) {
  finder_.feed(piece);
  if (client_.body_done()) finder_.finish();
}

std::optional<Failure> RequestBody::fault() const {
  if (finder_.state() != wire::BodyModel::State::Malformed || !is_looked_at_) return std::nullopt;
  return request_.unread(failure(400, finder_.problem()));
}

Task<std::optional<Failure>> RequestBody::read_until_model() {
  if (request_.head.framing == Framing::None) co_return std::nullopt;
  is_looked_at_ = true;
  while (!finder_.model() && finder_.state() == wire::BodyModel::State::Reading) {
    client_.expires_after(request_.config->limits.body_timeout);
    const Result<void> read = co_await read_and_hold();
    if (!read) co_return body_failure(read.error());
    if (client_.body_done()) break;
    const bool is_late = held_.size() > request_.config->limits.body_max;
    if (is_late && !finder_.model()) co_return late_model();
  }
  client_.expires_never();
  if (std::optional<Failure> wrong = fault()) co_return wrong;
  if (finder_.model_is_no_text()) {
    co_return request_.unread(failure(400, "\"model\" must be a text"));
  }
  co_return std::nullopt;
}

/// A form passes piece by piece only from where its model is known.
Failure RequestBody::late_model() const {
  return request_.unread(failure(
      413, fmt::format("the form names no model in its first {} bytes (limits.bodyMax): put the "
                       "field \"model\" before the file",
                       request_.config->limits.body_max)));
}

Task<bool> RequestBody::read_until_stream() {
  client_.expires_after(request_.config->limits.body_timeout);
  while (may_tell_stream()) {
    const Result<void> read = co_await read_and_hold();
    if (!read) co_return false;
  }
  client_.expires_never();
  co_return true;
}

bool RequestBody::can_hold() const {
  return !client_.body_done() && (request_.head.framing != Framing::Length || is_at_most(kHeldMax));
}

Task<bool> RequestBody::hold() {
  client_.expires_after(request_.config->limits.body_timeout);
  while (!client_.body_done() && held_.size() < kHeldMax) {
    const Result<void> read = co_await read_and_hold();
    if (!read) co_return false;
  }
  client_.expires_never();
  co_return true;
}

Task<std::optional<Failure>> RequestBody::read_whole() {
  while (!client_.body_done()) {
    client_.expires_after(request_.config->limits.body_timeout);
    const Result<void> read = co_await read_and_hold();
    if (!read) co_return body_failure(read.error());
  }
  client_.expires_never();
  co_return fault();
}

Task<std::optional<Failure>> RequestBody::translate(std::string_view model) {
  std::optional<Failure> failed = co_await read_whole();
  if (failed) co_return failed;
  auto read = wire::read_ollama_request(request_.route.ollama, held_, model);
  if (auto* problem = std::get_if<std::string>(&read)) co_return failure(400, std::move(*problem));
  translated_ = std::get<wire::OllamaRequest>(std::move(read));
  held_ = std::move(translated_->body);
  finder_ = wire::BodyModel("");  // it is JSON by its look, whatever the client said of its own
  finder_.feed(held_);
  finder_.finish();
  co_return std::nullopt;
}

Task<Result<std::string_view>> RequestBody::read_piece() {
  client_.expires_after(request_.config->limits.body_timeout);
  const Result<std::string_view> piece = co_await client_.read_body();
  client_.expires_never();
  if (piece) look_at(*piece);
  co_return piece;
}

Task<std::optional<Failure>> RequestBody::edit_for(const Destination& to, bool keep) {
  if (to.edits.empty() || edited_) co_return std::nullopt;
  std::optional<Failure> failed = co_await read_whole();
  if (failed) co_return failed;
  std::vector<wire::JsonEdit> edits;
  if (!to.sent_name.empty()) {
    edits.push_back({wire::JsonEdit::Kind::Set, "model", json_string(to.sent_name)});
  }
  edits.insert(edits.end(), to.edits.begin(), to.edits.end());
  std::string from = keep ? held_ : std::exchange(held_, std::string());
  Result<std::string> edited = wire::edit_json(std::move(from), edits);
  if (!edited) co_return failure(400, edited.error().doing);
  edited_ = std::move(*edited);
  co_return std::nullopt;
}

RequestBody::Outgoing RequestBody::outgoing(const Destination& to) {
  Outgoing out;
  out.framing = request_.head.framing;
  out.content_length = request_.head.content_length;
  out.more = !client_.body_done();
  if (translated_) {
    out.framing = Framing::Length;
    out.content_length = held_.size();
  }
  if (edited_) {
    out.framing = Framing::Length;
    out.content_length = edited_->size();
    out.first = *edited_;
    return out;
  }
  out.first = out.more ? std::exchange(held_, std::string()) : held_;
  // A body that we do not look at goes on as it is.
  if (!finder_.model() || to.sent_name.empty()) return out;
  const std::size_t length = finder_.model_end() - finder_.model_begin();
  const std::string name = finder_.renamed(to.sent_name);
  out.first.replace(finder_.model_begin(), length, name);
  if (out.framing == Framing::Length) out.content_length += name.size() - length;  // may wrap
  return out;
}

}  // namespace rouse
