#include "core/sleep/lease.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::power {

namespace {

std::string seconds_text(Duration d) {
  const auto tenths = d.count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::Awake:
      return "awake";
    case State::Draining:
      return "draining";
    case State::Suspending:
      break;
  }
  return "suspending";
}

std::string_view to_string(Deny deny) {
  switch (deny) {
    case Deny::Busy:
      return "busy";
    case Deny::Held:
      return "lease_held";
    case Deny::Gone:
      return "lease_gone";
    case Deny::Stale:
      break;
  }
  return "stale_epoch";
}

Lease::Lease(std::uint64_t epoch, Clocks now, Policy policy)
    : policy_(policy),
      now_(now.mono),
      gap_(now.gap),
      epoch_(epoch),
      since_(now.mono),
      last_work_(now.mono) {}

std::vector<Action> Lease::step(const Event& event, Clocks now) {
  now_ = now.mono;
  const Duration jump = now.gap - gap_;
  gap_ = now.gap;
  jump_ = jump >= policy_.gap_min ? jump : Duration{0};
  // The daemon's word comes with the reason, so it goes before what the clocks say.
  const bool is_told = std::holds_alternative<ResumeReported>(event) && state_ == State::Suspending;
  if (jump_ > Duration{0} && !is_told) notice_sleep();
  std::visit([this](const auto& each) { on(each); }, event);
  return std::exchange(actions_, {});
}

Instant Lease::next_deadline() const {
  return std::min(expires_, heard_by_);
}

Duration Lease::idle(Instant now) const {
  return running_ > 0 ? Duration{0} : std::max(now - last_work_, Duration{0});
}

void Lease::notice_sleep() {
  if (state_ == State::Draining) {
    cancel("slept", "the box slept for " + seconds_text(jump_) + " without a commit");
  }
  wake_up(jump_, "", "clock");
}

void Lease::on(const DrainAsked& asked) {
  if (state_ != State::Awake) {
    return refuse(asked.lease, Deny::Held,
                  "the state is " + std::string(to_string(state_)) + " under lease " + lease_);
  }
  if (!asked.busy.empty() && !asked.force) {
    return refuse(asked.lease, Deny::Busy, "something needs the box", asked.busy);
  }
  if (running_ > 0 && !asked.force) {
    std::vector<Busy> unlisted{{"inflight", "", Duration{0}, 0}};
    return refuse(asked.lease, Deny::Busy, "something needs the box", std::move(unlisted));
  }
  lease_ = asked.lease;
  reason_ = asked.reason;
  forced_ = asked.force;
  ttl_ = std::clamp(asked.ttl, Duration{1}, policy_.ttl_max);
  expires_ = after(now_, ttl_);
  enter(State::Draining);
  actions_.emplace_back(Grant{lease_, epoch_, idle(now_)});
  actions_.emplace_back(Announce{State::Draining, reason_});
}

void Lease::on(const UnloadAsked& asked) {
  if (state_ != State::Draining || !holds(asked.lease)) {
    return refuse(asked.lease, Deny::Gone, "this lease is not held: ask for another drain");
  }
  expires_ = after(now_, ttl_);
  actions_.emplace_back(StartUnload{lease_});
}

void Lease::on(const CommitAsked& asked) {
  if (!holds(asked.lease)) {
    return refuse(asked.lease, Deny::Gone, "this lease is not held: ask for another drain");
  }
  if (state_ == State::Suspending) {
    if (listener_ != ListenerState::Closed) {
      return refuse(asked.lease, Deny::Held, "this lease is being committed already");
    }
    expires_ = after(now_, policy_.suspend_wait);
    actions_.emplace_back(Renewed{epoch_});
    return;
  }
  if ((!asked.busy.empty() || running_ > 0) && !forced_) {
    cancel("request", "something needs the box after all");
    return refuse(asked.lease, Deny::Busy, "something needs the box", asked.busy);
  }
  ++epoch_;
  subscribers_ = asked.subscribers;
  unheard_ = asked.subscribers;
  acks_ = 0;
  heard_by_ = after(now_, policy_.ack_wait);
  expires_ = after(now_, policy_.suspend_wait);
  enter(State::Suspending);
  actions_.emplace_back(Announce{State::Suspending, reason_});
  close_listener_if_heard();
}

void Lease::on(const ReleaseAsked& asked) {
  if (!holds(asked.lease)) {
    return refuse(asked.lease, Deny::Gone, "this lease is not held (any more)");
  }
  actions_.emplace_back(Released{asked.lease});
  if (state_ == State::Suspending) return wake_up(Duration{0}, "", "release");
  cancel("release", "the holder has released it");
}

/// In `suspending` the machine may be on its way down, whoever called for it: the clocks tell.
void Lease::on(const HolderGone& gone) {
  if (state_ == State::Draining && holds(gone.lease)) {
    cancel("gone", "the connection of its holder has ended");
  }
}

void Lease::on(const SubscriberAcked& acked) {
  if (state_ != State::Suspending || acked.epoch != epoch_ || unheard_ == 0) return;
  --unheard_;
  ++acks_;
  close_listener_if_heard();
}

void Lease::on(const SubscriberGone&) {
  if (state_ != State::Suspending || unheard_ == 0) return;
  --unheard_;
  close_listener_if_heard();
}

void Lease::on(const ListenerClosed&) {
  if (listener_ != ListenerState::Closing) return;
  listener_ = ListenerState::Closed;
  actions_.emplace_back(Committed{lease_, epoch_, acks_, subscribers_});
}

void Lease::on(const ResumeReported& told) {
  // Named after the drain or after the commit, or after the return that we have noticed ourselves.
  const bool fits =
      told.epoch <= epoch_ && told.epoch + (state_ == State::Suspending ? 1 : 2) >= epoch_;
  if (!fits) {
    return refuse("", Deny::Stale,
                  "epoch " + std::to_string(told.epoch) + " is not the one of now, " +
                      std::to_string(epoch_));
  }
  if (state_ == State::Suspending) {
    wake_up(std::max(told.slept, jump_), told.wake, "resumed");
  } else {
    actions_.emplace_back(ResumeDetected{told.slept, told.wake, "resumed", false});
  }
  actions_.emplace_back(ResumeAcknowledged{epoch_});
}

void Lease::on(const WorkArrived& work) {
  if (refuses_work()) {
    actions_.emplace_back(RefuseWork{});
    return;
  }
  ++running_;
  actions_.emplace_back(AdmitWork{});
  if (state_ == State::Draining) cancel("request", work.what);
}

void Lease::on(const WorkEnded&) {
  if (running_ > 0) --running_;
  last_work_ = now_;
}

void Lease::on(const Tick&) {
  if (state_ == State::Draining && now_ >= expires_) {
    cancel("ttl", "it was held for " + seconds_text(ttl_) + " without a commit");
  }
  if (state_ != State::Suspending) return;
  if (now_ >= expires_) return wake_up(Duration{0}, "", "timeout");
  if (now_ >= heard_by_) {
    unheard_ = 0;
    close_listener_if_heard();
  }
}

void Lease::enter(State state) {
  state_ = state;
  since_ = now_;
}

/// From `draining` back to `awake`.
void Lease::cancel(std::string by, std::string text) {
  actions_.emplace_back(Cancel{std::exchange(lease_, {}), false, by, text});
  expires_ = Instant::max();
  enter(State::Awake);
  actions_.emplace_back(Announce{State::Awake, "the drain was cancelled (" + by + "): " + text});
}

void Lease::wake_up(Duration slept, std::string wake, std::string noticed) {
  if (state_ == State::Suspending) {
    const std::string lease = std::exchange(lease_, {});
    if (listener_ == ListenerState::Closing || heard_by_ != Instant::max()) {
      actions_.emplace_back(CommitCancelled{lease, "the box is awake again (" + noticed + ")"});
    }
    actions_.emplace_back(OpenListener{});
    actions_.emplace_back(Cancel{lease, true, noticed, "the box is awake"});
  }
  listener_ = ListenerState::Open;
  heard_by_ = Instant::max();
  expires_ = Instant::max();
  unheard_ = 0;
  ++epoch_;
  enter(State::Awake);
  actions_.emplace_back(Announce{State::Awake, "noticed by " + noticed});
  actions_.emplace_back(ResumeDetected{slept, std::move(wake), std::move(noticed), true});
}

void Lease::close_listener_if_heard() {
  if (unheard_ > 0) return;
  heard_by_ = Instant::max();
  listener_ = ListenerState::Closing;
  actions_.emplace_back(CloseListener{});
}

void Lease::refuse(const std::string& lease, Deny why, std::string text, std::vector<Busy> busy) {
  actions_.emplace_back(Refuse{lease, why, std::move(text), std::move(busy)});
}

bool Lease::holds(const std::string& lease) const {
  return state_ != State::Awake && lease == lease_;
}

}  // namespace rouse::core::power
