#include "proxy/exchange.hpp"

#include "base/log.hpp"
#include "base/tunnel.hpp"
#include "base/use_task.hpp"
#include "proxy/authorise.hpp"
#include "proxy/cors.hpp"
#include "proxy/filters.hpp"
#include "proxy/forwarding.hpp"
#include "proxy/refusal.hpp"
#include "proxy/wire/aux_signs.hpp"
#include "proxy/wire/loading_stream.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <re2/re2.h>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

namespace {

/// How much of a body is read while its request waits, to learn whether it asks for a stream.
constexpr std::size_t kReadAheadMax = 8 * 1024 * 1024;
/// How much of an engine's refusal is read to pass its message on inside a stream.
constexpr std::size_t kRefusalMax = 64 * 1024;
constexpr int kAttemptsMax = 4;
constexpr auto kPauseBeforeRetry = 100ms;
/// Below every priority that somebody gives on purpose.
constexpr int kAuxPriority = 1'000'000;
constexpr auto kAuxLook = 50ms;

/// The first header that names the client's session, as configured for the history.
std::string session_id_of(const RequestHead& head, const Config& config) {
  for (const std::string& name : config.activity_session_id) {
    if (const auto value = head.fields.find(name)) return std::string(value->substr(0, 200));
  }
  return {};
}

core::TargetState target_state(core::EngineState state) {
  switch (state) {
    case core::EngineState::Starting:
      return core::TargetState::Starting;
    case core::EngineState::Ready:
      return core::TargetState::Ready;
    case core::EngineState::Stopping:
      return core::TargetState::Stopping;
    case core::EngineState::Stopped:
    case core::EngineState::Failed:
      break;
  }
  return core::TargetState::Stopped;
}

}  // namespace

Exchange::Exchange(Proxy& proxy, HttpStream& client, RequestHead head, const wire::Route& route,
                   std::optional<PathTarget> path, std::string remote, Caller caller)
    : proxy_(proxy),
      config_(proxy.config),
      client_(client),
      head_(std::move(head)),
      route_(route),
      path_(std::move(path)),
      remote_(std::move(remote)),
      caller_(std::move(caller)),
      request_id_(request_id_for(head_)),
      account_(proxy.recorder, head_, route, request_id_, session_id_of(head_, *config_)),
      flight_(proxy.recorder.in_flight, head_, remote_, [this] { on_cancelled(); }),
      body_(head_.fields.find("content-type").value_or("")),
      lifeline_(client, proxy.sessions.executor(), config_->waiting) {}

Exchange::~Exchange() = default;

Task<bool> Exchange::run() {
  std::optional<Failure> failed = co_await find_model();
  if (!failed) failed = check_key();
  if (!failed) client_.on_gone([this] { on_client_gone(); });
  if (!failed && model_ != nullptr) failed = co_await yield_if_aux();
  for (int attempt = 1; !failed; ++attempt) {
    failed = co_await admit();
    if (!failed && !gone_) failed = co_await forward();
    if (gone_ || !failed || !failed->try_again || attempt == kAttemptsMax) break;
    proxy_.recorder.metrics.retried(model_->id, "connect");
    // The engine has gone while we were on our way to it; the scheduler is about to hear of it.
    failed.reset();
    co_await place_->changed(Clock::now() + kPauseBeforeRetry);
    place_.reset();
  }
  if (failed && !gone_) {
    co_await tell(std::move(*failed));
  } else if (!gone_) {
    co_await relay();
  }
  lifeline_.stop();
  client_.on_gone(nullptr);
  place_.reset();
  record();
  co_return keep_alive_ && !gone_ && head_.keep_alive;
}

// --- find the model ------------------------------------------------------------------------------

Task<std::optional<Failure>> Exchange::find_model() {
  if (std::optional<Failure> failed = check_body_size()) co_return failed;
  if (head_.fields.has_token("expect", "100-continue") && head_.version == 11) {
    const Result<void> told = co_await client_.write_continue();
    if (!told) gone_ = true;
  }
  if (path_) {
    asked_for_ = path_->name;
  } else if (route_.source == wire::ModelSource::Query) {
    asked_for_ = wire::query_value(head_.query(), "model").value_or("");
  } else {
    std::optional<Failure> failed = co_await read_model_name();
    if (failed) co_return failed;
  }
  if (asked_for_.empty()) {
    co_return unread(failure(
        400, "no model id could be identified: expected \"model\" in the " +
                 std::string(route_.source == wire::ModelSource::Query ? "query" : "body")));
  }
  co_return resolve();
}

/// From the name that the client wrote to a model, and to what the engine is told.
std::optional<Failure> Exchange::resolve() {
  if (path_) {
    // Selectors and filters are for requests whose body we read.
    resolved_.name = proxy_.names.pinned(asked_for_);
    resolved_.model = config_->find_model(resolved_.name);
  } else {
    resolved_ = proxy_.names.resolve(asked_for_, [this](const std::string& model) {
      return target_state(proxy_.dispatcher.engine_state(model));
    });
  }
  if (!resolved_.problem.empty()) return unread(passing_failure(503, resolved_.problem, 5));
  // A reload may have come since the request did, and taken the model away.
  model_ = resolved_.model == nullptr ? nullptr : config_->find_model(resolved_.model->id);
  if (model_ == nullptr) {
    return unread(failure(404, unknown_model_text(*config_, asked_for_), "model_not_found"));
  }
  if (!model_->use_model_name.empty()) {
    sent_name_ = model_->use_model_name;
  } else if (resolved_.name != asked_for_) {
    sent_name_ = resolved_.name;
  }
  if (!path_ && body_.is_json() && body_.model()) {
    edits_ = edits_for(model_->filters, resolved_.name);
  }
  flight_.set_model(model_->id);
  account_.row.model = model_->id;
  return std::nullopt;
}

std::optional<Failure> Exchange::check_body_size() const {
  const LimitsConfig& limits = config_->limits;
  if (head_.framing != Framing::Length || head_.content_length <= limits.body_max) return {};
  return unread(failure(413, fmt::format("the body has {} bytes, the limit is {} (limits.bodyMax)",
                                         head_.content_length, limits.body_max)));
}

/// A failure that leaves the rest of the body unread ends the connection.
Failure Exchange::unread(Failure made) const {
  made.body_unread = !client_.body_done();
  return made;
}

Task<std::optional<Failure>> Exchange::read_model_name() {
  const std::string in_query = wire::query_value(head_.query(), "model").value_or("");
  if (head_.framing == Framing::None && in_query.empty()) {
    co_return failure(400, "the request has no body: expected a JSON object with a \"model\"");
  }
  client_.expires_after(config_->limits.body_timeout);
  const bool has_body = head_.framing != Framing::None;
  while (has_body && !body_.model() && body_.state() == wire::BodyModel::State::Reading) {
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) co_return body_failure(piece.error());
    prefix_ += *piece;
    body_.feed(*piece);
    if (client_.body_done()) break;
  }
  client_.expires_never();
  if (has_body && client_.body_done() && !body_.model()) body_.finish();
  if (body_.state() == wire::BodyModel::State::Malformed) {
    co_return unread(failure(400, body_.problem()));
  }
  if (body_.model_is_no_text()) co_return unread(failure(400, "\"model\" must be a text"));
  asked_for_ = body_.model().value_or(in_query);
  co_return std::nullopt;
}

/// Whether the caller's key may use the model, and now.
std::optional<Failure> Exchange::check_key() {
  account_.row.client = caller_.name;
  if (!proxy_.keys.may_use(caller_, model_->id, asked_for_)) {
    proxy_.recorder.metrics.rejected("model_forbidden", caller_.name);
    return unread(failure_of(Keys::model_forbidden(caller_, asked_for_)));
  }
  auto begun = proxy_.keys.begin(caller_, proxy_.dispatcher.now());
  if (auto* ticket = std::get_if<KeyTicket>(&begun)) {
    ticket_ = std::move(*ticket);
    return std::nullopt;
  }
  const KeyRefusal& refusal = std::get<KeyRefusal>(begun);
  const bool too_many = refusal.limit == core::KeyLimit::InFlight;
  proxy_.recorder.metrics.rejected(too_many ? "concurrency" : "rate", caller_.name);
  return unread(failure_of(refusal));
}

// --- let others go first -------------------------------------------------------------------------

/// A title or a count is worth no swap: a model that is loaded may answer, or others go first.
Task<std::optional<Failure>> Exchange::yield_if_aux() {
  const AuxConfig& aux = config_->aux;
  if (!aux.enabled || path_ || !body_.is_json() || !body_.model()) co_return std::nullopt;
  if (proxy_.dispatcher.engine_state(model_->id) == core::EngineState::Ready)
    co_return std::nullopt;
  const bool is_one = co_await looks_aux();
  if (!is_one || gone_ || hand_over()) co_return std::nullopt;
  aux_ = "low priority";
  SteadyTimer timer(proxy_.sessions.executor());
  const auto until = Clock::now() + aux.patience;
  // Whoever asks for real work meanwhile has it loaded first, and may even answer this.
  while (!gone_ && Clock::now() < until) {
    timer.expires_at(std::min(until, Clock::now() + kAuxLook));
    co_await timer.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
    const auto now = proxy_.dispatcher.engine_state(model_->id);
    if (now == core::EngineState::Ready || hand_over()) break;
  }
  co_return std::nullopt;
}

/// Reads the body to its end, if it is small, and looks at it.
Task<bool> Exchange::looks_aux() {
  core::AuxSigns signs;
  signs.counts_tokens = route_.counts_tokens();
  if (signs.counts_tokens) co_return true;
  const AuxConfig& aux = config_->aux;
  const bool is_small = head_.framing == Framing::Length && head_.content_length <= aux.body_max;
  if (!is_small || route_.dialect == wire::Dialect::Plain) co_return false;
  client_.expires_after(config_->limits.body_timeout);
  while (!client_.body_done() && !gone_) {
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) co_return false;  // whoever reads on is told what is wrong
    prefix_ += *piece;
    body_.feed(*piece);
  }
  client_.expires_never();
  signs = wire::aux_signs(prefix_);
  signs.fits_rule = std::any_of(aux.rules.begin(), aux.rules.end(), [this](const auto& rule) {
    return re2::RE2::PartialMatch(prefix_, *rule);
  });
  co_return core::is_aux(signs, aux.max_tokens);
}

/// To a loaded model that the configuration allows; false: there is none.
bool Exchange::hand_over() {
  for (const std::string& id : config_->aux.answer_by) {
    const ModelConfig* other = config_->find_exact(id);
    if (other == nullptr || proxy_.dispatcher.engine_state(id) != core::EngineState::Ready)
      continue;
    aux_ = "answered by " + id;
    model_ = other;
    resolved_.name = id;
    resolved_.lease = {};
    sent_name_ = other->use_model_name.empty() ? id : other->use_model_name;
    edits_ = edits_for(other->filters, id);
    flight_.set_model(id);
    account_.row.model = id;
    return true;
  }
  return false;
}

// --- admit ---------------------------------------------------------------------------------------

Task<std::optional<Failure>> Exchange::admit() {
  if (must_not_load()) co_return enter_as_visitor();
  flight_.set_phase(Phase::Queued);
  place_ = proxy_.dispatcher.enter(*model_, resolved_.name, request_id_,
                                   aux_.empty() ? 0 : kAuxPriority);
  const auto hold_until = started_ + config_->waiting.hold;
  const bool shows_loading =
      model_->send_loading_state && route_.dialect == wire::Dialect::OpenAiChat;
  if (place_->state() == Place::State::Waiting && shows_loading) co_await settle_stream_flag();
  while (place_->state() == Place::State::Waiting && !gone_) {
    start_lifeline();
    const bool must_look = route_.early_head && !client_.body_done() && !body_.stream() && !gone_;
    const bool may_look = prefix_.size() < kReadAheadMax;
    if (must_look && may_look && Clock::now() >= hold_until) {
      co_await settle_stream_flag();
      continue;
    }
    const bool look_later = must_look && may_look;
    const auto until = look_later ? hold_until : Clock::time_point::max();
    co_await place_->changed(until);
  }
  admitted_at_ = Clock::now();
  account_.row.load_ms = place_->load().count();
  account_.row.metadata["fifo_priority"] = std::to_string(place_->priority());
  flight_.set_phase(Phase::Prefill);
  if (place_->state() == Place::State::Refused) co_return failure_of(place_->refusal());
  if (place_->state() == Place::State::Aborted) co_return stopped_under_us();
  co_return std::nullopt;
}

bool Exchange::wants_upgrade() const {
  return head_.fields.contains("upgrade") && head_.fields.has_token("connection", "upgrade");
}

/// What is no work for the model must not load it, hold a slot of it, or keep it from its ttl.
bool Exchange::must_not_load() const {
  const bool is_probe = route_.route_class != wire::RouteClass::Inference;
  const bool is_page = path_ && !path_->starts;
  return is_probe || is_page || (wants_upgrade() && model_->ignore_websockets);
}

std::optional<Failure> Exchange::enter_as_visitor() {
  place_ = proxy_.dispatcher.visit(*model_, request_id_);
  resolved_.lease = {};  // it counts for nothing
  admitted_at_ = Clock::now();
  if (place_) return std::nullopt;
  return unread(failure(
      409, fmt::format("model {} is not loaded; this request does not start it", model_->id)));
}

Failure Exchange::stopped_under_us() const {
  return passing_failure(503, fmt::format("{} was stopped: {}", model_->id, place_->abort_reason()),
                         5);
}

/// Reads on until the body says whether it asks for a stream. Up to then the body stays in the
/// kernel's buffers, where it costs us nothing.
Task<void> Exchange::settle_stream_flag() {
  client_.expires_after(config_->limits.body_timeout);
  while (!body_.stream() && !client_.body_done() && prefix_.size() < kReadAheadMax && !gone_) {
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) {
      on_client_gone();
      break;
    }
    prefix_ += *piece;
    body_.feed(*piece);
  }
  client_.expires_never();
}

bool Exchange::wants_stream() const {
  return body_.stream().value_or(false);
}

void Exchange::start_lifeline() {
  if (lifeline_.is_running() || !wants_stream() || !route_.early_head || head_.version != 11)
    return;
  auto head_at = started_ + config_->waiting.hold;
  if (model_->send_loading_state && route_.dialect == wire::Dialect::OpenAiChat &&
      place_->state() == Place::State::Waiting) {
    head_at = Clock::now();
    lifeline_.set_text(loading_text(), wire::kLoadingInterval);
  }
  ResponseHead head = early_stream_head(head_, request_id_);
  if (!aux_.empty()) head.fields.add("x-rouse-aux", aux_);
  add_cors(*config_, &route_, head_, head);
  lifeline_.start(head_at, std::move(head));
}

std::function<std::string()> Exchange::loading_text() {
  auto text = std::make_shared<wire::LoadingStream>(model_->id);
  return [this, text] {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
    const bool waits = place_ && place_->state() == Place::State::Waiting;
    const std::size_t position = waits ? proxy_.dispatcher.queue_position(*place_) : 0;
    return text->next(elapsed, position);
  };
}

/// An operator has cancelled it: as if the client had left, and it is told by the cut.
void Exchange::on_cancelled() {
  cancelled_ = true;
  client_.close(true);
  on_client_gone();
}

void Exchange::on_client_gone() {
  gone_ = true;
  if (place_) place_->wake();
  cut_upstream();
}

void Exchange::cut_upstream() {
  if (upstream_) upstream_->close();
}

// --- forward -------------------------------------------------------------------------------------

Task<std::optional<Failure>> Exchange::forward() {
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
          502,
          fmt::format("no connection to the engine of {}: {}", model_->id, lease.error().message()),
          5);
      // What went out on a pooled connection may be what the engine died of.
      made.try_again = !was_sent;
      made.body_unread = !client_.body_done();
      co_return made;
    }
    upstream_ = std::move(lease->stream);
    place_->on_abort([this] { cut_upstream(); });
    const bool reused = lease->reused;
    std::optional<Failure> failed = co_await send_request(reused);
    if (!failed) failed = co_await read_head(reused);
    if (!failed || gone_) co_return failed;
    if (place_->state() == Place::State::Aborted) co_return stopped_under_us();
    if (!failed->try_again || !reused) co_return failed;
    proxy_.recorder.metrics.retried(model_->id, "stale_connection");
    fresh = true;
    was_sent = true;
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
    all.push_back({wire::JsonEdit::Kind::Set, "model", wire::json_string(sent_name_)});
  }
  all.insert(all.end(), edits_.begin(), edits_.end());
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
  if (is_renamed() && head.framing == Framing::Length) {
    // Wraps for a shorter name.
    const std::size_t before = body_.model_end() - body_.model_begin();
    head.content_length += body_.renamed(sent_name_).size() - before;
  }
  if (wants_upgrade()) head.fields.set("upgrade", *head_.fields.find("upgrade"));
  const std::string first = body_prefix();
  const bool more = !client_.body_done();
  upstream_->expires_after(config_->limits.body_timeout);
  account_.sent(first);
  const Result<void> sent = co_await upstream_->write_request(head, first, more);
  account_.dispatched();
  if (!sent) {
    Failure made = passing_failure(
        502,
        fmt::format("the engine of {} took no request: {}", model_->id, sent.error().message()), 5);
    made.try_again = reused;
    made.body_unread = more;
    co_return made;
  }
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
    account_.sent(*piece);
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
  start_lifeline();
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
    account_.answered(answer_);
    flight_.set_answer(answer_);
    flight_.set_phase(Phase::Streaming);
    co_return std::nullopt;
  }
  const int kind = status_for(answer.error().code);
  const bool timed_out = answer.error().code == make_error_code(HttpErrc::Timeout);
  Failure made = passing_failure(timed_out ? 504 : 502,
                                 fmt::format("the engine of {} gave no proper answer: {}",
                                             model_->id, answer.error().message()),
                                 5);
  made.try_again = reused && kind == 0;
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

// --- relay ---------------------------------------------------------------------------------------

Task<void> Exchange::relay() {
  if (answer_.status == 101) {
    co_await relay_tunnel();
    co_return;
  }
  const bool events = is_event_stream(answer_);
  if (lifeline_.head_sent()) {
    status_ = 200;
    if (answer_.status != 200 || !events) {
      Failure refusal = co_await engine_refusal();
      co_await tell_as_event(std::move(refusal));
      co_return;
    }
  } else {
    if (!events) lifeline_.stop();
    ResponseHead head = head_for_client(answer_, head_, request_id_, client_.body_done());
    if (!aux_.empty()) head.fields.set("x-rouse-aux", aux_);
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
    lifeline_.set_writing(true);
    lifeline_.head_was_relayed();
    client_.expires_after(config_->limits.idle_timeout);
    const Result<void> sent = co_await client_.write_response(head, first, !ended);
    lifeline_.set_writing(false);
    if (!sent) co_return on_client_gone();
    account_.received(first);
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
      account_.row.outcome = "upstream_error";
      outcome_ = place_->state() == Place::State::Aborted
                     ? "cut: " + place_->abort_reason()
                     : "engine broke off: " + piece.error().message();
      client_.close(answer_.framing == Framing::UntilClose || head_.version == 10);
      keep_alive_ = false;
      co_return;
    }
    account_.received(*piece);
    flight_.add_bytes(piece->size());
    lifeline_.set_writing(true);
    client_.expires_after(config_->limits.idle_timeout);
    const bool more = !upstream_->body_done();
    const Result<void> sent = co_await client_.write_body(*piece, more);
    lifeline_.set_writing(false);
    lifeline_.sent(*piece);
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
  lifeline_.stop();
  client_.on_gone(nullptr);  // the end of one direction is not the end of the other
  keep_alive_ = false;
  ResponseHead head = head_for_client(answer_, head_, request_id_, false);
  head.fields.set("upgrade", answer_.fields.find("upgrade").value_or("websocket"));
  status_ = head.status;
  const Result<void> sent = co_await client_.write_response(head, std::string_view(), false);
  if (!sent) co_return on_client_gone();
  const TunnelBytes bytes = co_await tunnel(client_, *upstream_, config_->limits.tunnel_timeout);
  account_.row.bytes_in = static_cast<std::int64_t>(bytes.up);
  account_.row.bytes_out = static_cast<std::int64_t>(bytes.down);
  if (place_->state() == Place::State::Aborted) outcome_ = "cut: " + place_->abort_reason();
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
                    message.empty() ? fmt::format("the engine of {} answered with status {}",
                                                  model_->id, answer_.status)
                                    : message);
}

// --- tell ----------------------------------------------------------------------------------------

Task<void> Exchange::tell(Failure failed) {
  outcome_ = failed.text.message;
  account_.row.outcome = outcome_of(failed);
  count_refusal(failed);
  lifeline_.stop();
  client_.on_gone(nullptr);
  if (lifeline_.head_sent()) {
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
  account_.row.bytes_out += static_cast<std::int64_t>(body.size());
  if (unread && sent) co_await client_.linger_close();
}

Task<void> Exchange::tell_as_event(Failure failed) {
  outcome_ = failed.text.message;
  account_.row.outcome = outcome_of(failed);
  lifeline_.stop();
  const std::string event = wire::error_event(route_.dialect, failed.status, failed.text);
  client_.expires_after(config_->limits.body_timeout);
  const Result<void> sent = co_await client_.write_body(event, false);
  account_.row.bytes_out += static_cast<std::int64_t>(event.size());
  keep_alive_ = sent && client_.body_done();
}

/// Refusals of ours, by their reason; what the engine said is not among them.
void Exchange::count_refusal(const Failure& failed) {
  std::string_view reason;
  if (failed.status == 404) reason = "model_unknown";
  if (failed.status == 413) reason = "body_too_large";
  if (failed.status == 429 && place_) reason = "queue_full";
  if (failed.status == 503) reason = failed.load_failed ? "circuit" : "draining";
  if (!reason.empty()) proxy_.recorder.metrics.rejected(reason, account_.row.client);
}

void Exchange::record() {
  const auto ms = [](Clock::duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  };
  const bool left_early = gone_ && !account_.is_complete();
  if (left_early) {
    outcome_ = cancelled_ ? "cancelled by an operator" : "client left";
    account_.row.outcome = "cancelled";
  }
  const auto waited =
      admitted_at_ == Clock::time_point{} ? Clock::duration::zero() : admitted_at_ - started_;
  Activity& row = account_.row;
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
  if (route_.source == wire::ModelSource::Body) {
    // After the answer: a stream that runs is never cut.
    const std::int64_t tokens = account_.tokens();
    if (tokens > 0) proxy_.keys.count_tokens(caller_, tokens, proxy_.dispatcher.now());
    account_.close([this](const Fields::Field& field) { return holds_own_key(*config_, field); });
  }
}

}  // namespace rouse
