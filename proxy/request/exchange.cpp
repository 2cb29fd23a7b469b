#include "proxy/request/exchange.hpp"

#include "proxy/access/cors.hpp"
#include "proxy/request/filters.hpp"
#include "proxy/request/forwarding.hpp"
#include "proxy/wire/loading_stream.hpp"
#include "proxy/wire/refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

namespace {

/// How much of a body is read while its request waits, to learn whether it asks for a stream.
constexpr std::size_t kReadAheadMax = 8 * 1024 * 1024;
constexpr int kAttemptsMax = 4;
constexpr auto kPauseBeforeRetry = 100ms;
/// Below every priority that somebody gives on purpose.
constexpr int kAuxPriority = 1'000'000;

/// The first header that names the client's session, as configured for the history.
std::string session_id_of(const RequestHead& head, const Config& config) {
  for (const std::string& name : config.activity_session_id) {
    if (const auto value = head.fields.find(name)) return std::string(value->substr(0, 200));
  }
  return {};
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
      record_(proxy.recorder, head_, route, request_id_, session_id_of(head_, *config_)),
      flight_(proxy.recorder.in_flight, head_, remote_, [this] { on_cancelled(); }),
      body_(head_.fields.find("content-type").value_or("")),
      heartbeat_(client, proxy.sessions.executor(), config_->waiting) {}

Exchange::~Exchange() = default;

Task<bool> Exchange::run() {
  std::optional<Failure> failed = co_await find_model();
  if (!failed) failed = check_key();
  if (!failed) client_.on_gone([this] { on_client_gone(); });
  if (!failed && model_ != nullptr) failed = co_await yield_if_aux();
  while (!failed) {
    failed = co_await admit();
    if (!failed && !gone_) failed = co_await forward();
    if (gone_ || !failed) break;
    const bool again = co_await tries_again(*failed);
    if (!again) break;
    failed.reset();
  }
  if (failed && !gone_) {
    co_await tell(std::move(*failed));
  } else if (!gone_) {
    co_await relay();
  }
  heartbeat_.stop();
  client_.on_gone(nullptr);
  place_.reset();
  record();
  co_return keep_alive_ && !gone_ && head_.keep_alive;
}

/// Whether there is another way for it, after a failure that executed nothing.
Task<bool> Exchange::tries_again(Failure failed) {
  if (peer_) co_return tries_peer_again(failed);
  if (!failed.try_again || ++attempts_ == kAttemptsMax) co_return false;
  proxy_.recorder.metrics.retried(model_->id, "connect");
  // The engine has gone while we were on our way to it; the scheduler is about to hear of it.
  co_await place_->changed(Clock::now() + kPauseBeforeRetry);
  place_.reset();
  co_return true;
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
  if (asked_for_.empty()) co_return unread(failure(400, no_model_text()));
  co_return resolve();
}

std::string Exchange::no_model_text() const {
  std::string text = "no model id could be identified: expected \"model\" in the ";
  if (route_.source == wire::ModelSource::Query) return text + "query";
  text += "body";
  if (!body_.is_json()) text += ", which was read as a form, since it does not begin with \"{\"";
  return text;
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
  if (model_ == nullptr) offers_ = proxy_.peers.find(resolved_.name);
  if (!offers_.empty()) {
    use_offer(0);
    return std::nullopt;
  }
  if (model_ == nullptr) {
    const bool was_there = config_->find_model(resolved_.name) != nullptr;
    return unread(failure(404,
                          was_there ? resolved_.name + " was removed from the configuration"
                                    : unknown_model_text(*config_, asked_for_),
                          "model_not_found"));
  }
  if (!model_->use_model_name.empty()) {
    sent_name_ = model_->use_model_name;
  } else if (resolved_.name != asked_for_) {
    sent_name_ = resolved_.name;
  }
  if (!path_ && body_.is_json() && body_.model()) {
    edits_ = edits_for(model_->filters, resolved_.name);
  }
  flight_.set_counts(!must_not_load());
  flight_.set_model(model_->id);
  record_.row.model = model_->id;
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
  record_.row.client = caller_.name;
  flight_.set_request(request_id_, caller_.name);
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
// --- admit ---------------------------------------------------------------------------------------

void Exchange::enter() {
  priority_ = proxy_.dispatcher.priority(resolved_.name, *model_);
  if (!aux_.empty()) priority_ -= kAuxPriority;
  place_ = proxy_.dispatcher.enter(*model_, priority_, request_id_);
}

Task<std::optional<Failure>> Exchange::admit() {
  if (must_not_load()) co_return enter_as_visitor();
  flight_.set_phase(Phase::Queued);
  if (peer_) {
    if (std::optional<Failure> failed = enter_peer()) co_return failed;
  } else {
    std::string missing = co_await proxy_.dispatcher.missing_file(*model_);
    if (!missing.empty()) co_return unread(cannot_start(std::move(missing)));
    enter();
  }
  const auto hold_until = started_ + config_->waiting.hold;
  const bool shows_loading =
      model_->send_loading_state && route_.dialect == wire::Dialect::OpenAiChat;
  if (place_->state() == AdmissionTicket::State::Waiting && shows_loading)
    co_await settle_stream_flag();
  while (place_->state() == AdmissionTicket::State::Waiting && !gone_) {
    start_heartbeat();
    const bool must_look = route_.early_head && !client_.body_done() && !body_.stream() && !gone_;
    const bool may_look = prefix_.size() < kReadAheadMax;
    if (must_look && may_look && Clock::now() >= hold_until) {
      co_await settle_stream_flag();
      if (peer_) peer_->grew(*place_, prefix_.size());
      continue;
    }
    const bool look_later = must_look && may_look;
    const auto until = look_later ? hold_until : Clock::time_point::max();
    co_await place_->changed(until);
  }
  admitted_at_ = Clock::now();
  record_.row.load_ms = place_->load().count();
  record_.row.metadata["fifo_priority"] = std::to_string(priority_);
  flight_.set_phase(Phase::Prefill);
  if (place_->state() == AdmissionTicket::State::Refused) co_return place_->failure();
  if (place_->state() == AdmissionTicket::State::Aborted) co_return stopped_under_us();
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
  place_ =
      peer_ ? peer_->visit(model_->id, request_id_) : proxy_.dispatcher.visit(*model_, request_id_);
  resolved_.lease = {};  // it counts for nothing
  admitted_at_ = Clock::now();
  if (place_) return std::nullopt;
  if (peer_) {
    return unread(failure(409,
                          fmt::format("peer {} is {}; this request does not wake it", peer_->name(),
                                      core::peer::to_string(peer_->view().phase)),
                          "peer_asleep"));
  }
  return unread(failure(
      409, fmt::format("model {} is not loaded; this request does not start it", model_->id)));
}

std::string Exchange::upstream_name() const {
  return peer_ ? "peer " + peer_->name() : "the engine of " + model_->id;
}

Failure Exchange::stopped_under_us() const {
  const std::string what =
      peer_ ? "the request to " + upstream_name() + " was cut" : model_->id + " was stopped";
  return passing_failure(503, fmt::format("{}: {}", what, place_->abort_reason()), 5);
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

void Exchange::start_heartbeat() {
  if (heartbeat_.is_running() || !wants_stream() || !route_.early_head || head_.version != 11)
    return;
  auto head_at = started_ + config_->waiting.hold;
  if (model_->send_loading_state && route_.dialect == wire::Dialect::OpenAiChat &&
      place_->state() == AdmissionTicket::State::Waiting) {
    head_at = Clock::now();
    heartbeat_.set_text(loading_text(), wire::kLoadingInterval);
  }
  ResponseHead head = early_stream_head(head_, request_id_);
  if (!aux_.empty()) head.fields.add("x-rouse-aux", aux_);
  add_timing(head);
  add_cors(*config_, &route_, head_, head);
  heartbeat_.start(head_at, std::move(head));
}

std::function<std::string()> Exchange::loading_text() {
  auto text = std::make_shared<wire::LoadingStream>(model_->id);
  return [this, text] {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
    const bool waits = place_ && place_->state() == AdmissionTicket::State::Waiting;
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

}  // namespace rouse
