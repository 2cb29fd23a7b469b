#include "proxy/peers/peer.hpp"

#include "base/check.hpp"
#include "base/http/pool.hpp"
#include "base/service/log.hpp"
#include "core/time.hpp"
#include "proxy/telemetry/metrics_peers.hpp"
#include "proxy/wire/route.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;
namespace peer = core::peer;

namespace {

/// Between two looks at a peer's list while it serves: it grows while nobody can see why it should.
constexpr auto kFirstListPause = 1'000ms;
constexpr auto kLongestListPause = 300'000ms;

}  // namespace

Peer::Peer(std::string name, const PeerConfig& config, PeerWorld& world)
    : name_(std::move(name)),
      config_(config),
      world_(world),
      memory_(world.dir.empty() ? PeerMemory()
                                : read_peer_memory(peer_memory_file(world.dir, name_))),
      state_(policy(), memory_.state, core::to_instant(std::chrono::steady_clock::now())),
      timer_(world.tasks.executor()) {
  adopt(config);
}

Peer::~Peer() {
  ROUSE_CHECK(waiters_.empty());
}

void Peer::adopt(const PeerConfig& config) {
  if (config.endpoint != config_.endpoint) {
    world_.pool.forget(config_.endpoint);
    foreign_ = false;
    if (announcements_) announcements_->close();
  }
  config_ = config;
  make_sender();
  state_.adopt(policy());
  // Those who wait may wait for less than they did.
  if (!weak_from_this().expired()) post(peer::Tick{});
}

void Peer::make_sender() {
  sender_.reset();
  if (!config_.wake) return;
  WakePlan plan = config_.wake->plan;
  if (config_.wake->learns_macs) {
    std::set<MacAddress> macs(plan.macs.begin(), plan.macs.end());
    macs.insert(memory_.macs.begin(), memory_.macs.end());
    plan.macs.assign(macs.begin(), macs.end());
  }
  sender_ = std::make_unique<WakeSender>(world_.tasks, world_.deadlines, std::move(plan));
}

void Peer::retire(const std::string& why) {
  retired_ = true;
  if (announcements_) announcements_->close();
  post(peer::Retired{why});
}

peer::Policy Peer::policy() const {
  peer::Policy policy;
  policy.can_wake = config_.wake.has_value();
  if (config_.wake) {
    policy.wake_timeout = config_.wake->timeout;
    policy.debounce = config_.wake->debounce;
  }
  policy.held_max = config_.hold.max;
  policy.held_bytes_max = config_.hold.bytes;
  policy.hold_max = config_.hold.wait;
  return policy;
}

core::Instant Peer::now() const {
  return core::to_instant(std::chrono::steady_clock::now());
}

bool Peer::is_up() const {
  const peer::View view = state_.view();
  return (view.phase == peer::Phase::Awake || view.phase == peer::Phase::Draining) &&
         !view.service_down;
}

std::vector<std::string> Peer::macs() const {
  std::vector<std::string> list;
  if (!sender_) return list;
  for (const MacAddress& mac : sender_->plan().macs) list.push_back(mac.text());
  return list;
}

const wire::Capabilities& Peer::capabilities(std::string_view model) const {
  static const wire::Capabilities kNothing;
  const auto found = memory_.capabilities.find(model);
  return found == memory_.capabilities.end() ? kNothing : found->second;
}

std::vector<std::pair<Waker, core::Instant>> Peer::waiting() const {
  std::vector<std::pair<Waker, core::Instant>> list;
  for (const auto& [id, waiter] : waiters_) {
    const bool waits =
        !waiter.if_ready && waiter.ticket->state() == AdmissionTicket::State::Waiting;
    if (waits) list.emplace_back(waiter.who, waiter.entered);
  }
  return list;
}

// --- places --------------------------------------------------------------------------------------

std::unique_ptr<AdmissionTicket> Peer::enter(const std::string& model, PeerRequest request) {
  const auto id = static_cast<core::Ticket>(next_ticket_++);
  auto ticket = std::make_unique<AdmissionTicket>(*this, world_.tasks.executor(), id, model,
                                                  request.who.request_id);
  Waiter waiter;
  waiter.ticket = ticket.get();
  waiter.who = std::move(request.who);
  waiter.entered = now();
  waiter.wake = wake_;  // the one under way
  waiters_.emplace(id, std::move(waiter));
  post(peer::Wanted{id, request.may_wake, std::move(request.why_not), request.has_other});
  return ticket;
}

std::unique_ptr<AdmissionTicket> Peer::enter_if_ready(const std::string& model,
                                                      std::string request_id) {
  if (!is_up()) return nullptr;
  const auto id = static_cast<core::Ticket>(next_ticket_++);
  auto ticket = std::make_unique<AdmissionTicket>(*this, world_.tasks.executor(), id, model,
                                                  std::move(request_id));
  Waiter waiter;
  waiter.ticket = ticket.get();
  waiter.if_ready = true;
  waiters_.emplace(id, std::move(waiter));
  ticket->admit(config_.endpoint, core::Duration{0});
  return ticket;
}

void Peer::left(AdmissionTicket& ticket) {
  const auto it = waiters_.find(ticket.id());
  const bool if_ready = it->second.if_ready;
  waiters_.erase(it);
  if (!if_ready && ticket.state() != AdmissionTicket::State::Refused) post(peer::Left{ticket.id()});
  if (waiters_.empty() && world_.on_idle) world_.on_idle();
}

void Peer::cut() {
  for (const auto& [id, waiter] : waiters_) {
    if (waiter.ticket->state() != AdmissionTicket::State::Admitted) continue;
    waiter.ticket->abort(
        "the proxy is shutting down, at once",
        passing_failure(
            503, fmt::format("the request to peer {} was cut: the proxy is shutting down", name()),
            5));
  }
}

void Peer::taken(const AdmissionTicket& ticket) {
  post(peer::Taken{ticket.id()});
}

void Peer::turned_away(AdmissionTicket& ticket, bool suspending) {
  ROUSE_CHECK(!waiters_.at(ticket.id()).if_ready);
  ticket.send_back();
  post(peer::TurnedAway{ticket.id(), suspending});
}

void Peer::grew(const AdmissionTicket& ticket, std::uint64_t bytes) {
  post(peer::Grew{ticket.id(), bytes});
}

void Peer::answered(const AdmissionTicket& ticket) {
  const auto it = waiters_.find(ticket.id());
  if (it == waiters_.end() || it->second.wake == 0) return;
  Wake* wake = world_.ledger.find(it->second.wake);
  if (wake == nullptr || wake->to_first_byte) return;
  wake->to_first_byte = now() - it->second.entered;
}

void Peer::ended(int status) {
  world_.metrics.answered(name_, status);
  // An engine says what it can do once it has been loaded, which may have been for this request.
  const bool is_listed = memory_.listed_at != std::chrono::system_clock::time_point{};
  const auto age = std::chrono::system_clock::now() - memory_.listed_at;
  if (status != 200 || !is_listed || age < list_pause_ || learning_ || !is_up()) return;
  list_pause_ = std::min(2 * list_pause_, kLongestListPause);
  learning_ = true;
  world_.tasks.spawn(learn_models());
}

void Peer::wake(Waker who) {
  operator_ = std::move(who);
  post(peer::WakeWanted{});
  operator_.reset();
}

// --- the loop ------------------------------------------------------------------------------------

void Peer::post(peer::Event event) {
  events_.push_back(std::move(event));
  if (std::exchange(draining_events_, true)) return;
  while (!events_.empty()) {
    const peer::Event next = std::move(events_.front());
    events_.pop_front();
    const std::vector<peer::Action> actions = state_.step(next, now());
    for (const peer::Action& action : actions) {
      std::visit([this](const auto& what) { perform(what); }, action);
    }
  }
  draining_events_ = false;
  world_.metrics.waiting(name_, state_.view().waiting);
  arm_timer();
}

void Peer::arm_timer() {
  const std::optional<core::Instant> next = state_.next_deadline();
  if (!next || retired_) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(SteadyTimer::time_point(next->time_since_epoch()));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& failed) {
    const std::shared_ptr<Peer> self = weak.lock();
    if (!failed && self) self->post(peer::Tick{});
  });
}

void Peer::perform(const peer::Admit& admit) {
  const auto it = waiters_.find(admit.ticket);
  if (it == waiters_.end()) return;
  const bool waited_for_wake = it->second.wake != 0;
  const core::Duration waited = now() - it->second.entered;
  it->second.ticket->admit(config_.endpoint, core::Duration{0},
                           waited_for_wake ? waited : core::Duration{0});
}

void Peer::perform(const peer::Refuse& refuse) {
  const auto it = waiters_.find(refuse.ticket);
  if (it == waiters_.end()) return;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(refuse.retry_after).count();
  Failure failure = passing_failure(503, fmt::format("peer {} {}", name_, refuse.detail),
                                    static_cast<int>(std::clamp<long>(seconds, 1, 30)));
  switch (refuse.cause) {
    case peer::Cause::NotWoken:
      failure.text.code = "peer_asleep";
      failure.passing = false;
      break;
    case peer::Cause::WakeFailed:
      failure.text.code = "peer_wake_failed";
      break;
    case peer::Cause::Unreachable:
      failure.text.code = "peer_unreachable";
      break;
    case peer::Cause::HeldTooMany:
    case peer::Cause::HeldTooLong:
      failure.text.code = "peer_busy";
      break;
  }
  failure.elsewhere = refuse.cause != peer::Cause::HeldTooLong;
  it->second.ticket->refuse(std::move(failure));
}

void Peer::perform(const peer::Probe& probe) {
  world_.tasks.spawn(ask(probe));
}

void Peer::perform(const peer::DropConnections&) {
  world_.pool.forget(config_.endpoint);
}

void Peer::perform(const peer::Entered& entered) {
  const std::string text = fmt::format("peer {}: {} → {}: {}", name_, peer::to_string(entered.from),
                                       peer::to_string(entered.to), entered.reason);
  spdlog::log(entered.to == peer::Phase::Failed ? spdlog::level::warn : spdlog::level::info, "{}",
              text);
  world_.decisions.add(text, name_);
  if (entered.to == peer::Phase::Waking) began_to_wake(entered);
  if (entered.to == peer::Phase::Awake) {
    list_pause_ = kFirstListPause;
    if (!std::exchange(learning_, true)) world_.tasks.spawn(learn_models());
  } else if (entered.to != peer::Phase::Draining && announcements_) {
    announcements_->close();
  }
  world_.metrics.entered(name_, entered.to);
  remember();
  if (world_.on_change) world_.on_change();
}

// --- asking and listening ------------------------------------------------------------------------

ProbePlan Peer::probe_plan() const {
  return {config_.endpoint, config_.api_key, config_.probe_path, foreign_};
}

Task<void> Peer::ask(peer::Probe probe) {
  const std::shared_ptr<Peer> self = shared_from_this();
  PeerAnswer answer;
  Endpoint asked;
  // What answers where it was before a reload moved it may be another machine.
  do {
    asked = config_.endpoint;
    ProbePlan plan = probe_plan();
    answer = co_await probe_peer(world_.pool, std::move(plan), probe.connect);
  } while (asked != config_.endpoint && !retired_);
  spdlog::debug("peer {}: asked: {}", name_, answer.detail);
  if (answer.foreign) foreign_ = true;
  peer::Probed probed{probe.probe, answer.sign, std::nullopt};
  if (answer.news) {
    foreign_ = false;
    probed.epoch = answer.news->epoch;
    learn(*answer.news);
  }
  if (answer.sign != peer::Sign::Silent) {
    world_.metrics.seen(name_);
    Wake* const wake = world_.ledger.find(wake_);
    if (wake != nullptr && !wake->to_network) wake->to_network = now() - wake_began_;
  }
  if (retired_) co_return;
  post(std::move(probed));
  last_asked_ = Asked{now(), answer.detail};  // after what it has changed: it is the reason
  listen_if_up();
}

}  // namespace rouse
