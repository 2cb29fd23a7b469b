#include "proxy/request/exchange.hpp"

#include "proxy/access/own_keys.hpp"
#include "proxy/api/ollama_api.hpp"
#include "proxy/request/aux_yield.hpp"
#include "proxy/request/peer_path.hpp"
#include "proxy/wire/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

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
    : request_(proxy, client, std::move(head), route, std::move(path), std::move(remote),
               std::move(caller)),
      record_(proxy.recorder, request_.head, route, request_.id,
              session_id_of(request_.head, *request_.config)),
      presence_(client),
      flight_(
          proxy.recorder.in_flight, request_.head, request_.remote, [this] { presence_.cancel(); },
          [config = request_.config](const Fields::Field& field) {
            return holds_own_key(*config, field);
          }),
      body_(request_),
      answer_(request_, body_, presence_, record_, flight_),
      admission_(request_, body_, answer_, presence_, record_, flight_) {
  if (!request_.path) return;
  // What goes to an engine's own API leaves the same row as what comes by ours.
  const std::string_view target = request_.path->target;
  const wire::RouteMatch same =
      wire::match_route(request_.head.method, target.substr(0, target.find('?')));
  if (same.route != nullptr && same.route->source == wire::ModelSource::Body) {
    record_.is_as(*same.route, target.substr(0, target.find('?')));
    is_kept_ = true;
  }
}

Exchange::~Exchange() = default;

Task<bool> Exchange::run() {
  std::optional<Failure> failed = co_await find_model();
  if (!failed) failed = check_key();
  if (!failed) failed = co_await read_for_place();
  if (!failed) {
    presence_.watch();
    failed = co_await yield_to_others();
    if (!failed) failed = co_await try_destination();
  }
  while (failed && !presence_.is_gone()) {
    const bool again = co_await tries_again(*failed);
    if (!again) break;
    failed = co_await try_destination();
  }
  if (failed && !presence_.is_gone()) {
    count_refusal(*failed);
    // Its place is for others while the client reads why.
    attempt_.reset();
    admission_.leave();
    co_await answer_.tell(std::move(*failed));
  } else if (!presence_.is_gone() && remembered_) {
    co_await answer_.tell_remembered(*remembered_);
  } else if (!presence_.is_gone() && !attempt_) {
    co_await answer_.tell_state(body_.translated()->unloads);
  } else if (!presence_.is_gone()) {
    const RequestTiming timing = admission_.timing(destination());
    co_await answer_.relay(*attempt_, admission_.ticket(), timing);
  }
  answer_.stop_heartbeat();
  presence_.stop_watching();
  attempt_.reset();
  admission_.leave();
  unload_unneeded();
  record();
  co_return answer_.keeps_connection() && !presence_.is_gone() && request_.head.keep_alive;
}

// --- what is asked -------------------------------------------------------------------------------

Task<std::optional<Failure>> Exchange::find_model() {
  const RequestHead& head = request_.head;
  if (head.fields.has_token("expect", "100-continue") && head.version == 11) {
    const Result<void> told = co_await request_.client.write_continue();
    if (!told) presence_.leave();
  }
  std::optional<Failure> failed = co_await read_name();
  if (failed) co_return failed;
  const bool names_none = record_.row.asked_for.empty();
  if (names_none) record_.row.asked_for = request_.config->default_model;
  if (record_.row.asked_for.empty()) co_return request_.unread(failure(400, no_model_text()));
  if (request_.route.ollama != wire::OllamaCall::None) {
    record_.row.asked_for = ollama_name(request_.proxy, record_.row.asked_for);
    failed = co_await body_.translate(record_.row.asked_for);
    if (failed) co_return failed;
  }
  auto found = find_destinations(request_, body_.finder(), record_.row.asked_for);
  if (auto* unknown = std::get_if<Failure>(&found)) co_return std::move(*unknown);
  to_ = std::get<Destinations>(std::move(found));
  failed = co_await check_peer_path(request_, body_, destination());
  if (failed) co_return failed;
  if (names_none) to_.write_name(body_.finder());
  if (!destination().peer) flight_.set_counts(!must_not_load(request_, *destination().model));
  flight_.set_model(destination().model->id);
  record_.row.model = destination().model->id;
  co_return std::nullopt;
}

/// The model's name as the client wrote it: in the path, the query or the body.
Task<std::optional<Failure>> Exchange::read_name() {
  std::string& name = record_.row.asked_for;
  if (request_.path) {
    name = request_.path->name;
    co_return std::nullopt;
  }
  const wire::QueryModel asked = wire::model_in_query(request_.head.query());
  if (asked.named > 1) {
    co_return request_.unread(failure(400, "the query names a model twice: once is enough"));
  }
  name = asked.name.value_or("");
  if (request_.route.source == wire::ModelSource::Query) co_return std::nullopt;
  if (request_.head.framing == Framing::None && name.empty()) {
    co_return failure(400, "the request has no body: expected a JSON object with a \"model\"");
  }
  std::optional<Failure> failed = co_await body_.read_until_model();
  if (failed) co_return failed;
  if (!body_.finder().model()) co_return std::nullopt;
  if (asked.name && *asked.name != *body_.finder().model()) {
    co_return request_.unread(failure(400, "the query names another model than the body"));
  }
  name = *body_.finder().model();
  co_return std::nullopt;
}

std::string Exchange::no_model_text() const {
  std::string text = "no model id could be identified: expected \"model\" in the ";
  if (request_.route.source == wire::ModelSource::Query) return text + "query";
  text += "body";
  if (!body_.finder().is_json()) {
    text += ", which was read as a form, since it does not begin with \"{\"";
  }
  return text;
}

// --- who may -------------------------------------------------------------------------------------

/// Whether the caller's key may use the model, and now.
std::optional<Failure> Exchange::check_key() {
  const Caller& caller = request_.caller;
  Proxy& proxy = request_.proxy;
  record_.row.client = caller.name;
  flight_.set_request(request_.id, caller.name);
  const std::string& asked_for = record_.row.asked_for;
  if (!proxy.keys.may_use(caller, destination().model->id, asked_for)) {
    proxy.recorder.metrics.rejected("model_forbidden", caller.name);
    return request_.unread(failure_of(Keys::model_forbidden(caller, asked_for)));
  }
  const bool is_work = !must_not_load(request_, *destination().model);
  auto begun = proxy.keys.begin(caller, proxy.dispatcher.now(), is_work);
  if (auto* ticket = std::get_if<KeyTicket>(&begun)) {
    key_ticket_ = std::move(*ticket);
    return std::nullopt;
  }
  const KeyRefusal& refusal = std::get<KeyRefusal>(begun);
  const bool too_many = refusal.limit == core::KeyLimit::InFlight;
  proxy.recorder.metrics.rejected(too_many ? "concurrency" : "rate", caller.name);
  return request_.unread(failure_of(refusal));
}

// --- where it waits, and who answers -------------------------------------------------------------

/// A place is for a request that is here, and nobody holds one by sending slowly. What takes no
/// place passes as it comes.
Task<std::optional<Failure>> Exchange::read_for_place() {
  if (must_not_load(request_, *destination().model)) co_return std::nullopt;
  const bool is_edited = std::any_of(to_.all.begin(), to_.all.end(),
                                     [](const Destination& to) { return !to.edits.empty(); });
  if (is_edited) co_return co_await body_.read_whole();
  co_return co_await body_.hold();
}

Task<std::optional<Failure>> Exchange::yield_to_others() {
  AuxYield aux = co_await yield_if_aux(request_, body_, to_, presence_);
  if (aux.told.empty()) co_return std::nullopt;
  is_aux_ = aux.is_behind;
  record_.row.metadata["aux"] = aux.told;
  answer_.set_aux(std::move(aux.told));
  if (!aux.is_refused) co_return std::nullopt;
  co_return request_.unread(failure(
      409, fmt::format("{} is not loaded, and nothing is for so small a request (aux.ifNotLoaded)",
                       record_.row.asked_for)));
}

/// From the queue to the head of an answer; nullopt also when the client has gone.
Task<std::optional<Failure>> Exchange::try_destination() {
  const wire::OllamaRequest* const asked = body_.translated();
  const bool only_loads = asked != nullptr && asked->only_loads;
  if (only_loads && asked->unloads) co_return co_await unload();
  if (!admission_.has_ticket()) ++entered_;
  std::optional<Failure> failed = co_await admission_.enter(to_, which_, is_aux_);
  if (failed) remember_answer();
  if (remembered_) co_return std::nullopt;
  if (failed || presence_.is_gone() || only_loads) co_return failed;
  co_return co_await forward(destination());
}

/// Who only looks gets of an engine that is not loaded what it has said before.
void Exchange::remember_answer() {
  const bool is_read = request_.head.method == "GET" || request_.head.method == "HEAD";
  const Destination& to = destination();
  if (!is_read || to.peer || !must_not_load(request_, *to.model)) return;
  remembered_ = request_.proxy.capabilities.answer(to.model->id, request_.engine_path());
}

/// As asked for by a request that wants nothing else. What a peer has loaded is its own affair.
Task<std::optional<Failure>> Exchange::unload() {
  Proxy& proxy = request_.proxy;
  if (destination().peer) co_return std::nullopt;
  if (!proxy.keys.may(request_.caller, Scope::Control)) {
    co_return failure(403, "the key may not unload models: it lacks the scope control");
  }
  core::UnloadWanted wanted;
  wanted.model = destination().model->id;
  wanted.by = "keep_alive: 0 of a request";
  const std::optional<std::string> id = wanted.model;
  proxy.dispatcher.unload(std::move(wanted));
  co_await proxy.dispatcher.unloaded(id);
  co_return std::nullopt;
}

/// After a request that said keep_alive: 0, unless others want the model, too.
void Exchange::unload_unneeded() {
  const wire::OllamaRequest* const asked = body_.translated();
  if (asked == nullptr || !asked->unloads || asked->only_loads || to_.all.empty()) return;
  Proxy& proxy = request_.proxy;
  const std::string& model = destination().model->id;
  if (destination().peer || !proxy.keys.may(request_.caller, Scope::Control)) return;
  for (const auto& [id, entry] : proxy.recorder.in_flight.entries()) {
    if (id != flight_.id() && entry->model() == model) return;
  }
  core::UnloadWanted wanted;
  wanted.model = model;
  wanted.by = "keep_alive: 0 of a request";
  proxy.dispatcher.unload(std::move(wanted));
}

/// Sends the request where it was admitted. Only one that is wholly in our hands can be sent twice,
/// so only it may use a pooled connection, which may turn out to be stale.
Task<std::optional<Failure>> Exchange::forward(const Destination& to) {
  if (presence_.is_gone()) co_return std::nullopt;
  const bool has_next = which_ + 1 < to_.all.size();
  std::optional<Failure> unfit = body_.fault();
  if (!unfit) unfit = co_await body_.edit_for(to, has_next);
  if (unfit) co_return unfit;
  bool fresh = !body_.is_read();
  bool may_have_run = false;
  const auto announce = [this](const ResponseHead& interim) { answer_.announce(interim); };
  for (;;) {
    attempt_.reset();
    attempt_ = std::make_unique<Attempt>(
        Attempt::Stage{request_, body_, presence_, record_, series_}, to, admission_.ticket());
    std::optional<Failure> failed = co_await attempt_->send(fresh, may_have_run);
    if (!failed && !presence_.is_gone()) {
      if (answer_.wants_heartbeat()) {
        answer_.start_heartbeat(to, admission_.timing(to), false, nullptr);
      }
      failed = co_await attempt_->read_head(announce);
    }
    if (presence_.is_gone()) co_return std::nullopt;
    if (!failed) break;
    if (!to.peer && attempt_->broke_off()) {
      co_await admission_.ticket().ends_within(AdmissionTicket::kDeathNotice);
    }
    if (admission_.is_aborted()) {
      Failure ended = admission_.abort_failure();
      ended.try_again = failed->try_again || attempt_->was_left_unread();
      co_return request_.unread(std::move(ended));
    }
    if (!failed->try_again || !attempt_->was_pooled()) co_return failed;
    request_.proxy.recorder.metrics.retried(to.model->id, "stale_connection");
    fresh = true;
    may_have_run = !attempt_->was_never_delivered();
  }
  body_.let_go();
  record_.answered(attempt_->head());
  flight_.set_answer(attempt_->head());
  flight_.set_phase(Phase::Streaming);
  co_return std::nullopt;
}

/// Whether there is another way for it, after a failure that executed nothing.
Task<bool> Exchange::tries_again(Failure failed) {
  if (to_.all.empty()) co_return false;  // no model was found
  const Destination& to = destination();
  AttemptFacts facts;
  facts.to_peer = to.peer != nullptr;
  facts.is_admitted = admission_.is_admitted();
  facts.only_if_ready = must_not_load(request_, *to.model);
  facts.has_next = which_ + 1 < to_.all.size();
  facts.entered = entered_;
  Metrics& metrics = request_.proxy.recorder.metrics;
  const NextStep next = next_step(failed, facts);
  if (next != NextStep::GiveUp) attempt_.reset();
  switch (next) {
    case NextStep::GiveUp:
      co_return false;
    case NextStep::Rejoin:
      metrics.retried(to.model->id, failed.suspending ? "suspending" : "connect");
      to.peer->turned_away(admission_.ticket(), failed.suspending);
      co_return true;
    case NextStep::Reenter:
      metrics.retried(to.model->id, "connect");
      co_await admission_.pause_before_retry();
      admission_.leave();
      co_return true;
    case NextStep::NextDestination:
      metrics.retried(to.model->id, "other_peer");
      admission_.leave();
      body_.forget_edits();
      ++which_;
      co_return true;
  }
  co_return false;
}

// --- the record ----------------------------------------------------------------------------------

/// Refusals of ours, by their reason; what the engine said is not among them.
void Exchange::count_refusal(const Failure& failed) {
  std::string_view reason;
  if (failed.status == 404) reason = "model_unknown";
  if (failed.status == 413) reason = "body_too_large";
  if (failed.status == 429 && admission_.has_ticket()) reason = "queue_full";
  if (failed.status == 503) reason = failed.load_failed ? "circuit" : "draining";
  if (failed.text.code == kHeldFull) reason = kHeldFull;
  if (!reason.empty()) {
    request_.proxy.recorder.metrics.rejected(reason, record_.row.client);
  }
}

void Exchange::record() {
  Proxy& proxy = request_.proxy;
  const int status = answer_.status();
  if (presence_.is_gone()) record_.client_left(presence_.is_cancelled());
  if (!to_.selector.empty()) record_.row.metadata["selector"] = to_.selector;
  record_.finish(status, admission_.waited(), request_.head);
  proxy.recorder.metrics.http_answered(record_.row.api, request_.head.method, status);
  if (!to_.all.empty() && destination().peer) destination().peer->ended(status);
  if (request_.route.source != wire::ModelSource::Body && !is_kept_) return;
  // After the answer: a stream that runs is never cut.
  const std::int64_t tokens = record_.tokens();
  if (tokens > 0) proxy.keys.count_tokens(request_.caller, tokens, proxy.dispatcher.now());
  const Config& config = *request_.config;
  record_.close([&config](const Fields::Field& field) { return holds_own_key(config, field); });
}

}  // namespace rouse
