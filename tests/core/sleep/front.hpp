#pragma once

#include "core/peer/state.hpp"
#include "tests/core/sleep/world.hpp"

namespace rouse::core::suspend::test {

/// An always-on proxy in front of the Box: the real peer state with a simple shell, and its
/// clients, who wait. Loses packets, misses announcements, and can be restarted.
class Front {
 public:
  struct Request {
    int executed = 0;
    int answered = 0;  ///< properly
    int broken = 0;    ///< cut off in the middle of its answer
    int refused = 0;   ///< by the front itself
    int gave_up = 0;   ///< of those: because the box did not wake in time
    Instant asked{};
    Instant done{};
  };

  Front(Timeline& time, Box& box, std::uint64_t seed, int loss)
      : time_(time), box_(box), random_(seed), loss_(loss) {
    policy_.can_wake = true;
    policy_.held_max = 10'000;
    restart();
  }

  bool announce_cut = false;
  bool client_retries = true;  ///< of what was refused or cut off
  int volleys = 0;

  /// A client asks; its work takes the box so long.
  void ask(int id, Duration work) {
    requests_[id].asked = time_.now();
    work_[id] = work;
    want(id);
  }
  [[nodiscard]] const std::map<int, Request>& requests() const { return requests_; }
  [[nodiscard]] peer::View view() const { return state_->view(); }

  void hear(power::State said, std::uint64_t epoch) {
    if (announce_cut) return;
    time_.in_world(latency(), [this, said, epoch, run = run_] {
      if (run != run_) return;
      using PowerState = peer::Announced::PowerState;
      const PowerState announced = said == power::State::Awake      ? PowerState::Awake
                                   : said == power::State::Draining ? PowerState::Draining
                                                                    : PowerState::Suspending;
      if (said == power::State::Suspending) {
        time_.in_world(latency(), [this, epoch] { box_.acked(epoch); });
      }
      step(peer::Announced{announced, {epoch, "boot"}});
    });
  }
  /// The stream of its announcements falls silent with it.
  void box_froze() {
    time_.in_world(10s, [this, run = run_] {
      if (run == run_ && box_.asleep()) step(peer::AnnouncementsLost{});
    });
  }
  /// Dies and comes back with what it wrote down; its clients ask again.
  void restart() {
    const peer::Memory memory = state_ ? state_->memory() : peer::Memory{};
    ++run_;
    tickets_.clear();
    state_ = std::make_unique<peer::State>(policy_, memory, time_.now());
    for (const auto& [id, request] : requests_) {
      if (request.answered == 0 && request.executed == 0) want(id);
    }
  }

 private:
  Duration latency() { return Duration{std::uniform_int_distribution<int>(1, 15)(random_)}; }
  void want(int id) {
    const auto ticket = Ticket{++next_ticket_};
    tickets_[ticket] = id;
    step(peer::Wanted{ticket, true, ""});
  }
  void step(const peer::Event& event) {
    for (const peer::Action& action : state_->step(event, time_.now())) {
      std::visit([&](const auto& each) { act(each); }, action);
    }
    const auto due = state_->next_deadline();
    if (!due) return;
    time_.in_world(std::max(*due - time_.now(), Duration{1}), [this, run = run_, at = *due] {
      if (run != run_) return;
      const auto still = state_->next_deadline();
      if (still && *still <= at) step(peer::Tick{});
    });
  }
  void act(const peer::Admit& a) {
    const int id = tickets_[a.ticket];
    time_.in_world(latency(), [this, ticket = a.ticket, id, sent = time_.now(), run = run_] {
      box_.receive(work_[id], [this, ticket, id, sent, run](Reception what) {
        received(ticket, id, sent, run, what);
      });
    });
  }
  void received(Ticket ticket, int id, Instant sent, std::uint64_t run, Reception what) {
    if (what == Reception::Done) ++requests_[id].executed;
    const Duration wait = what == Reception::Lost ? sent + 1s - time_.now() : latency();
    time_.in_world(wait, [this, ticket, id, run, what] {
      if (run != run_) return;
      Request& request = requests_[id];
      switch (what) {
        case Reception::Lost:
        case Reception::Refused:
          return step(peer::TurnedAway{ticket, false});
        case Reception::Suspending:
          return step(peer::TurnedAway{ticket, true});
        case Reception::Broken:
          ++request.broken;
          tickets_.erase(ticket);
          step(peer::Left{ticket});
          if (client_retries) again(id);
          return;
        case Reception::Done:
          ++request.answered;
          request.done = time_.now();
          tickets_.erase(ticket);
          step(peer::Taken{ticket});
          return step(peer::Left{ticket});
      }
    });
  }
  void act(const peer::Refuse& a) {
    const int id = tickets_[a.ticket];
    tickets_.erase(a.ticket);
    ++requests_[id].refused;
    if (a.cause == peer::Cause::WakeFailed) ++requests_[id].gave_up;
    if (client_retries) again(id);
  }
  void again(int id) {
    time_.in_world(5s, [this, id, run = run_] {
      if (run == run_) want(id);
    });
  }
  void act(const peer::SendVolley&) {
    ++volleys;
    for (int path = 0; path < 2; ++path) {
      if (std::uniform_int_distribution<int>(0, 99)(random_) < loss_) continue;
      time_.in_world(latency(), [this] { box_.magic_packet(); });
    }
  }
  void act(const peer::Probe& a) {
    time_.in_world(latency(), [this, a, sent = time_.now(), run = run_] {
      peer::Probed probed{a.probe, peer::Sign::Refuses, std::nullopt};
      Duration back = latency();
      if (box_.asleep()) {
        probed.sign = peer::Sign::Silent;
        back = sent + a.connect - time_.now();
      } else if (box_.doors_open()) {
        const bool going = box_.proxy()->state() == power::State::Suspending;
        probed.sign = going ? peer::Sign::Suspending : peer::Sign::Answers;
        probed.epoch = peer::Epoch{box_.proxy()->epoch(), "boot"};
      }
      time_.in_world(back, [this, probed, run] {
        if (run == run_) step(probed);
      });
    });
  }
  void act(const peer::DropConnections&) {}
  void act(const peer::Entered&) {}
  void act(const peer::WakeEnded&) {}

  Timeline& time_;
  Box& box_;
  std::mt19937_64 random_;
  int loss_;
  peer::Policy policy_;
  std::unique_ptr<peer::State> state_;
  std::uint64_t run_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::map<Ticket, int> tickets_;
  std::map<int, Duration> work_;
  std::map<int, Request> requests_;
};

}  // namespace rouse::core::suspend::test
