#include "base/service/log.hpp"
#include "base/wake/sender.hpp"
#include "proxy/peers/peer.hpp"
#include "proxy/telemetry/metrics_peers.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace rouse {

namespace peer = core::peer;

// The wake of another machine: what is sent, who caused it, and what came of it.

namespace {

std::string describe(const Waker& who) {
  std::string text = who.model.empty() ? "" : "for " + for_log(who.model, 100);
  if (!who.key.empty()) text += fmt::format(" by key {}", who.key);
  if (!who.address.empty()) text += fmt::format(" from {}", who.address);
  if (!who.agent.empty()) text += fmt::format(" ({})", for_log(who.agent, 60));
  return text;
}

std::string_view to_string(peer::WakeEnded::Outcome outcome) {
  switch (outcome) {
    case peer::WakeEnded::Outcome::Ok:
      return "ok";
    case peer::WakeEnded::Outcome::Timeout:
      return "timeout";
    case peer::WakeEnded::Outcome::Cancelled:
      break;
  }
  return "cancelled";
}

}  // namespace

void Peer::perform(const peer::SendVolley& volley) {
  if (Wake* wake = world_.ledger.find(wake_)) wake->volleys = volley.number;
  if (!sender_) return;
  const bool has_path = sender_->plan().has_path();
  if (!has_path && volley.number == 1) {
    spdlog::warn(
        "peer {} cannot be woken: its hardware address is not known yet; it is learned "
        "when the peer is met awake, or write wake.mac",
        name_);
  }
  sender_->volley([weak = weak_from_this()](const WakeResult& result) {
    if (const std::shared_ptr<Peer> self = weak.lock()) self->sent(result);
  });
}

/// Each path's success or failure is news once, and counted always.
void Peer::sent(const WakeResult& result) {
  world_.metrics.sent(name_, result.path, result.ok, result.code);
  const std::string what = result.path + " to " + result.destination;
  if (std::exchange(last_result_[what], result.text) == result.text) return;
  if (result.ok) {
    spdlog::info("peer {}: {}: {}", name_, what, result.text);
  } else {
    spdlog::warn("peer {}: {}: {}", name_, what, result.text);
  }
}

void Peer::began_to_wake(const peer::Entered& entered) {
  make_sender();  // what rests after its success is wanted anew
  Wake wake;
  wake.peer = name_;
  wake.at = std::chrono::system_clock::now();
  wake.reason = entered.reason;
  if (operator_) {
    wake.by = *operator_;
  } else {
    // Who came first; those who may not wake anything are among them only by chance.
    for (const auto& [id, waiter] : waiters_) {
      if (waiter.if_ready || waiter.ticket->state() != AdmissionTicket::State::Waiting) continue;
      wake.by = waiter.who;
      break;
    }
  }
  spdlog::info("wake peer {}: {}{}{}", name_, entered.reason, wake.by.address.empty() ? "" : ": ",
               describe(wake.by));
  wake_began_ = now();
  wake_ = world_.ledger.begin(std::move(wake));
  last_result_.clear();
  for (auto& [id, waiter] : waiters_) {
    if (waiter.ticket->state() == AdmissionTicket::State::Waiting) waiter.wake = wake_;
  }
}

void Peer::perform(const peer::WakeEnded& ended) {
  const std::string_view outcome = to_string(ended.outcome);
  world_.metrics.wake_ended(name_, outcome, ended.took);
  Wake* const wake = world_.ledger.find(wake_);
  if (wake != nullptr) {
    wake->outcome = outcome;
    if (ended.outcome == peer::WakeEnded::Outcome::Ok) wake->to_service = ended.took;
  }
  const bool failed = ended.outcome == peer::WakeEnded::Outcome::Timeout;
  spdlog::log(failed ? spdlog::level::warn : spdlog::level::info,
              "wake of peer {}: {} after {} ms, {} volleys", name_, outcome, ended.took.count(),
              wake == nullptr ? 0 : wake->volleys);
  // Who comes between the end of this wake and the start of the next waits for none.
  wake_ = 0;
}

}  // namespace rouse
