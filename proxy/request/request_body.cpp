#include "proxy/request/request_body.hpp"

#include "base/text/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace rouse {

namespace {

using namespace std::chrono_literals;

/// How much of a body is held while its request waits: so much may be sent again, and asks for no
/// place before it is whole.
constexpr std::size_t kHeldMax = 8 * 1024 * 1024;

/// How much is read at once of what need not be held.
constexpr std::size_t kLookAhead = 512 * 1024;

/// From here on a body that has told its length gets the memory for all of it.
constexpr std::size_t kReserveFrom = 1024 * 1024;

/// Over how much waiting for a client its rate is judged.
constexpr std::chrono::milliseconds kRateWindow{30'000};

}  // namespace

RequestBody::RequestBody(const Request& request)
    : request_(request),
      client_(request.client),
      rate_(request.config->limits.body_rate_min,
            std::min(kRateWindow, request.config->limits.body_timeout)),
      share_(request.proxy.held),
      finder_(request.head.fields.find("content-type").value_or("")) {}

bool RequestBody::is_at_most(std::uint64_t most) const {
  return request_.head.framing == Framing::Length && request_.head.content_length <= most;
}

Task<Result<std::string_view>> RequestBody::read_piece() {
  using Span = Request::Clock::duration;
  const Span most = request_.config->limits.body_timeout;
  const auto began = Request::Clock::now();
  client_.expires_after(std::min<Span>(most, rate_.patience()));
  const Result<std::string_view> piece = co_await client_.read_body();
  client_.expires_never();
  rate_.add(piece ? piece->size() : 0, Request::Clock::now() - began);
  if (!piece) co_return piece;
  if (is_looked_at_) look_at(*piece);
  if (rate_.is_too_slow() && !client_.body_done()) {
    co_return Error{make_error_code(HttpErrc::Timeout), "reading a body"};
  }
  co_return piece;
}

Failure RequestBody::unreadable(const Error& error) const {
  Failure made = body_failure(error);
  if (rate_.is_too_slow()) {
    made.text.message =
        fmt::format("the body came slower than {} bytes a second (limits.bodyRateMin)",
                    request_.config->limits.body_rate_min);
  }
  return made;
}

/// One piece more.
Task<std::optional<Failure>> RequestBody::read_and_hold() {
  const Result<std::string_view> piece = co_await read_piece();
  if (!piece) co_return unreadable(piece.error());
  if (!share_.add(piece->size())) co_return no_room();
  if (held_.size() > kReserveFrom && is_at_most(request_.config->limits.body_max)) {
    held_.reserve(static_cast<std::size_t>(request_.head.content_length));
  }
  held_ += *piece;
  co_return std::nullopt;
}

/// What others hold already is served first.
Failure RequestBody::no_room() {
  let_go();
  constexpr int kAgainInSeconds = 5;
  Failure made = passing_failure(
      503,
      fmt::format("the bodies of requests that wait fill the {} bytes of limits.heldMax",
                  request_.proxy.held.most()),
      kAgainInSeconds);
  made.text.code = kHeldFull;
  return request_.unread(std::move(made));
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
    std::optional<Failure> failed = co_await read_and_hold();
    if (failed) co_return failed;
    if (client_.body_done()) break;
    const bool is_late = held_.size() > request_.config->limits.body_max;
    if (is_late && !finder_.model()) co_return late_model();
  }
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

Task<std::optional<Failure>> RequestBody::hold() {
  const bool is_long = request_.head.framing == Framing::Length && !is_at_most(kHeldMax);
  while (!client_.body_done() && !is_long && held_.size() < kHeldMax &&
         request_.proxy.held.has_plenty()) {
    std::optional<Failure> failed = co_await read_and_hold();
    if (failed) co_return failed;
  }
  co_return std::nullopt;
}

Task<bool> RequestBody::look_ahead() {
  if (client_.is_secure()) co_return true;  // what has arrived may be no whole record
  const std::size_t enough = held_.size() + kLookAhead;
  while (!client_.body_done() && held_.size() < enough && request_.proxy.held.has_plenty()) {
    boost::system::error_code ignored;
    if (!client_.has_buffered() && client_.socket().available(ignored) == 0) break;
    const std::optional<Failure> failed = co_await read_and_hold();
    if (failed) co_return false;
  }
  co_return true;
}

Task<std::optional<Failure>> RequestBody::read_whole() {
  while (!client_.body_done()) {
    std::optional<Failure> failed = co_await read_and_hold();
    if (failed) co_return failed;
  }
  co_return fault();
}

Task<std::optional<Failure>> RequestBody::translate(std::string_view model) {
  std::optional<Failure> failed = co_await read_whole();
  if (failed) co_return failed;
  auto read = wire::read_ollama_request(request_.route.ollama, held_, model);
  if (auto* problem = std::get_if<std::string>(&read)) co_return failure(400, std::move(*problem));
  translated_ = std::get<wire::OllamaRequest>(std::move(read));
  held_ = std::move(translated_->body);
  share_.set(held_.size());
  finder_ = wire::BodyModel("");  // it is JSON by its look, whatever the client said of its own
  finder_.feed(held_);
  finder_.finish();
  co_return std::nullopt;
}

Task<std::optional<Failure>> RequestBody::edit_for(const Destination& to, bool keep) {
  if (to.edits.empty() || edited_) co_return std::nullopt;
  std::optional<Failure> failed = co_await read_whole();
  if (failed) co_return failed;
  if (keep && !share_.add(held_.size())) co_return no_room();
  std::vector<wire::JsonEdit> edits;
  if (!to.sent_name.empty()) {
    edits.push_back({wire::JsonEdit::Kind::Set, "model", json_string(to.sent_name)});
  }
  edits.insert(edits.end(), to.edits.begin(), to.edits.end());
  std::string from = keep ? held_ : std::exchange(held_, std::string());
  Result<std::string> edited = wire::edit_json(std::move(from), edits);
  if (!edited) co_return failure(400, edited.error().doing);
  edited_ = std::move(*edited);
  share_.set(held_.size() + edited_->size());
  co_return std::nullopt;
}

/// Puts @p name where the body names its model, in what is held; empty: as the client wrote it.
void RequestBody::write_name(const std::string& name) {
  if (!finder_.model() || (name.empty() && !written_name_)) return;
  const std::size_t at = finder_.model_begin();
  if (!written_name_) {
    name_size_ = finder_.model_end() - at;
    written_name_ = held_.substr(at, name_size_);
  }
  const std::string written = name.empty() ? *written_name_ : finder_.renamed(name);
  held_.replace(at, name_size_, written);
  name_size_ = written.size();
}

RequestBody::Outgoing RequestBody::outgoing(const Destination& to) {
  Outgoing out;
  out.framing = request_.head.framing;
  out.content_length = request_.head.content_length;
  out.more = !client_.body_done();
  if (edited_) {
    out.framing = Framing::Length;
    out.content_length = edited_->size();
    out.first = *edited_;
    return out;
  }
  // A body that we do not look at goes on as it is.
  write_name(to.sent_name);
  if (translated_) {
    out.framing = Framing::Length;
    out.content_length = held_.size();
  } else if (written_name_ && out.framing == Framing::Length) {
    out.content_length += name_size_ - written_name_->size();  // may wrap
  }
  out.first = held_;
  return out;
}

void RequestBody::let_go() {
  held_ = std::string();
  edited_.reset();
  share_.set(0);
}

}  // namespace rouse
