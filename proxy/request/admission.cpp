#include "proxy/request/admission.hpp"

#include "proxy/request/aux_yield.hpp"
#include "proxy/request/who_asks.hpp"

#include <fmt/format.h>

#include <ctime>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

namespace {

constexpr auto kPauseBeforeRetry = 100ms;

/// How often what has arrived of a body is looked at while its request waits.
constexpr auto kLookAgain = 2s;

bool is_quiet_now(const std::vector<WeekSpan>& spans) {
  if (spans.empty()) return false;
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  ::localtime_r(&now, &local);
  return is_within(spans, (local.tm_wday + 6) % 7, local.tm_hour * 60 + local.tm_min);
}

/// Why the request must not wake @p peer; empty: it may.
std::string why_no_wake(const Request& request, const Peer& peer, std::string_view x_wake) {
  if (x_wake == "never") return "the request says x-wake: never";
  if (!request.proxy.keys.may(request.caller, Scope::Wake)) {
    return fmt::format("key {} lacks the scope wake", request.caller.name);
  }
  const auto& wake = peer.config().wake;
  return wake && is_quiet_now(wake->quiet_hours) ? "these are its quiet hours" : "";
}

}  // namespace

Admission::Admission(const Request& request, RequestBody& body, ClientAnswer& answer,
                     ClientPresence& presence, RequestRecord& record, InFlight::Entry& flight)
    : request_(request),
      body_(body),
      answer_(answer),
      presence_(presence),
      record_(record),
      flight_(flight) {}

Task<std::optional<Failure>> Admission::enter(Destinations& from, std::size_t which, bool is_aux) {
  const Destination& to = from.all[which];
  flight_.set_model(to.model->id);
  record_.row.model = to.model->id;
  if (must_not_load(request_, *to.model)) {
    from.lease = {};  // it counts for nothing
    co_return take_ticket_if_ready(to);
  }
  flight_.set_phase(Phase::Queued);
  if (!ticket_) {
    std::optional<Failure> failed = co_await take_ticket(from, which, is_aux);
    if (failed) co_return failed;
  }
  co_await wait(to);
  admitted_at_ = Request::Clock::now();
  record_.row.load_ms = ticket_->load().count();
  if (record_.row.load_ms > 0 && !to.peer) record_.row.metadata["swap"] = ticket_->swap().text();
  record_.row.metadata.try_emplace("fifo_priority", "0");  // a peer knows none
  flight_.set_phase(Phase::Prefill);
  if (ticket_->state() == AdmissionTicket::State::Refused) co_return ticket_->failure();
  if (is_aborted()) co_return abort_failure();
  co_return std::nullopt;
}

Task<std::optional<Failure>> Admission::take_ticket(const Destinations& from, std::size_t which,
                                                    bool is_aux) {
  const Destination& to = from.all[which];
  if (to.peer) co_return take_ticket_of_peer(to, which + 1 < from.all.size());
  Dispatcher& dispatcher = request_.proxy.dispatcher;
  std::string missing = co_await dispatcher.missing_file(*to.model);
  if (!missing.empty()) co_return request_.unread(cannot_start(std::move(missing)));
  int priority = dispatcher.priority(from.name, *to.model);
  if (is_aux) priority += kAuxPriority;
  record_.row.metadata["fifo_priority"] = std::to_string(priority);
  ticket_ = dispatcher.enter(*to.model, priority, request_.id,
                             who_asks(request_.caller.name, request_.remote, request_.head.fields,
                                      record_.row.session_id, &request_.client));
  co_return std::nullopt;
}

std::optional<Failure> Admission::take_ticket_if_ready(const Destination& to) {
  ticket_ = to.peer ? to.peer->enter_if_ready(to.model->id, request_.id)
                    : request_.proxy.dispatcher.enter_if_ready(*to.model, request_.id);
  admitted_at_ = Request::Clock::now();
  if (ticket_) return std::nullopt;
  if (to.peer) {
    const core::peer::Phase phase = to.peer->view().phase;
    return request_.unread(failure(409,
                                   fmt::format("peer {} is {}; this request does not wake it",
                                               to.peer->name(), core::peer::to_string(phase)),
                                   "peer_asleep"));
  }
  return request_.unread(failure(
      409, fmt::format("model {} is not loaded; this request does not start it", to.model->id)));
}

std::optional<Failure> Admission::take_ticket_of_peer(const Destination& to, bool has_next) {
  const std::string_view x_wake = request_.head.fields.find("x-wake").value_or("wait");
  PeerRequest wanted;
  wanted.who.key = request_.caller.name;
  wanted.who.address = request_.remote;
  wanted.who.agent = request_.head.fields.find("user-agent").value_or("");
  wanted.who.model = record_.row.asked_for;
  wanted.who.request_id = request_.id;
  wanted.why_not = why_no_wake(request_, *to.peer, x_wake);
  wanted.may_wake = wanted.why_not.empty();
  wanted.has_other = has_next;
  if (x_wake == "async" && wanted.may_wake && to.peer->can_wake() && !to.peer->is_up()) {
    to.peer->wake(std::move(wanted.who));
    Failure failed = passing_failure(
        503, fmt::format("peer {} is being woken: ask again in a moment", to.peer->name()), 5);
    failed.text.code = "peer_waking";
    return request_.unread(std::move(failed));
  }
  ticket_ = to.peer->enter(to.model->id, std::move(wanted));
  return std::nullopt;
}

/// Meanwhile the client's connection is kept alive, and looked at: its end may be behind what is
/// unread of the body.
Task<void> Admission::wait(const Destination& to) {
  const auto waits = [this] { return ticket_->state() == AdmissionTicket::State::Waiting; };
  ClientPresence::Interrupt end_wait(presence_, [this] { ticket_->wake(); });
  if (to.peer && waits()) to.peer->grew(*ticket_, body_.held().size());
  while (waits() && !presence_.is_gone()) {
    if (answer_.wants_heartbeat()) {
      answer_.start_heartbeat(to, timing(to), waits(), [this, &to] { return queue_position(to); });
    }
    const auto now = Request::Clock::now();
    const auto until = body_.is_read() ? Request::Clock::time_point::max() : now + kLookAgain;
    co_await ticket_->changed(until);
    if (!waits() || presence_.is_gone() || body_.is_read()) continue;
    const bool is_there = co_await body_.look_ahead();
    if (!is_there) presence_.leave();
    if (to.peer && waits()) to.peer->grew(*ticket_, body_.held().size());
  }
}

Task<void> Admission::pause_before_retry() {
  co_await ticket_->changed(Request::Clock::now() + kPauseBeforeRetry);
}

bool Admission::is_admitted() const {
  return ticket_ && ticket_->state() == AdmissionTicket::State::Admitted;
}

bool Admission::is_aborted() const {
  return ticket_ && ticket_->state() == AdmissionTicket::State::Aborted;
}

const Failure& Admission::abort_failure() const {
  return ticket_->failure();
}

std::size_t Admission::queue_position(const Destination& to) const {
  const bool waits = ticket_ && ticket_->state() == AdmissionTicket::State::Waiting;
  return waits && !to.peer ? request_.proxy.dispatcher.queue_position(*ticket_) : 0;
}

RequestTiming Admission::timing(const Destination& to) const {
  RequestTiming timing;
  timing.to_peer = to.peer != nullptr;
  if (!ticket_) return timing;
  timing.is_admitted = is_admitted();
  timing.waited = waited();
  timing.load = ticket_->load();
  timing.wake = ticket_->wake_time();
  timing.swap = ticket_->swap();
  if (timing.wake > 0ms) {
    timing.cold_start = ColdStart::Wake;
  } else if (timing.load > 0ms) {
    timing.cold_start = ColdStart::Load;
  } else if (ticket_->state() == AdmissionTicket::State::Waiting &&
             !to.is_ready(request_.proxy.dispatcher)) {
    timing.cold_start = to.peer ? ColdStart::Wake : ColdStart::Load;
  }
  return timing;
}

std::chrono::milliseconds Admission::waited() const {
  if (admitted_at_ == Request::Clock::time_point{}) return 0ms;
  return std::chrono::duration_cast<std::chrono::milliseconds>(admitted_at_ - request_.started);
}

}  // namespace rouse
