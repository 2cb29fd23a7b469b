#pragma once

#include "core/peer/state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace rouse::core::peer {

using namespace std::chrono_literals;

inline Ticket ticket(std::uint64_t number) {
  return static_cast<Ticket>(number);
}
inline Epoch epoch(std::uint64_t number) {
  return {number, "boot"};
}

/// One peer on a clock of the test, with the questions that one asks of a list of actions.
class Bench {
 public:
  explicit Bench(Policy policy = waking(), const Memory& memory = {})
      : state(policy, memory, Instant{}) {}

  static Policy waking() {
    Policy policy;
    policy.can_wake = true;
    return policy;
  }
  static Policy plain() { return {}; }

  void pass(Duration time) { now += time; }
  void step(const Event& event) {
    last = state.step(event, now);
    for (const Action& action : last) {
      if (const auto* probe = std::get_if<Probe>(&action)) asked = probe->probe;
    }
  }
  /// As a timer does: at each deadline until @p time has passed. A deadline that is due already
  /// would make a real one spin.
  void run(Duration time) {
    const Instant end = now + time;
    all.clear();
    for (;;) {
      const auto next = state.next_deadline();
      if (!next || *next > end) break;
      ASSERT_GT(*next, now) << "a timer would spin";
      now = *next;
      step(Tick{});
      all.insert(all.end(), last.begin(), last.end());
    }
    now = end;
  }

  void want(std::uint64_t who, bool may_wake = true) {
    step(Wanted{ticket(who), may_wake, may_wake ? "" : "its key may not wake it"});
  }
  /// What came of the last probe.
  void answer(Sign sign, std::optional<Epoch> at = std::nullopt) {
    step(Probed{asked, sign, std::move(at)});
  }
  void announce(Announced::PowerState word, std::uint64_t number) {
    step(Announced{word, epoch(number)});
  }
  /// A request brings it there, and is done.
  void be_awake(std::uint64_t number = 1) {
    want(900);
    answer(Sign::Answers, epoch(number));
    step(Taken{ticket(900)});
    step(Left{ticket(900)});
    ASSERT_EQ(phase(), Phase::Awake);
  }
  void be_asleep(std::uint64_t number = 2) {
    be_awake(number - 1);
    announce(Announced::PowerState::Suspending, number);
    ASSERT_EQ(phase(), Phase::Asleep);
    pass(60s);
  }
  void be_waking() {
    be_asleep();
    want(901);
    run(2s);
    ASSERT_EQ(phase(), Phase::Waking);
  }

  [[nodiscard]] Phase phase() const { return state.view().phase; }
  template <typename What>
  [[nodiscard]] int count(const std::vector<Action>& actions) const {
    return static_cast<int>(std::count_if(actions.begin(), actions.end(), [](const Action& each) {
      return std::holds_alternative<What>(each);
    }));
  }
  template <typename What>
  [[nodiscard]] int did() const {
    return count<What>(last);
  }
  [[nodiscard]] bool admitted(std::uint64_t who) const {
    return std::any_of(last.begin(), last.end(), [&](const Action& each) {
      const auto* admit = std::get_if<Admit>(&each);
      return admit != nullptr && admit->ticket == ticket(who);
    });
  }
  /// Of @p who, in the last step.
  [[nodiscard]] std::optional<Refuse> refusal(std::uint64_t who) const {
    for (const Action& each : last) {
      const auto* refuse = std::get_if<Refuse>(&each);
      if (refuse != nullptr && refuse->ticket == ticket(who)) return *refuse;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Cause> cause(std::uint64_t who) const {
    const auto refused = refusal(who);
    return refused ? std::optional<Cause>(refused->cause) : std::nullopt;
  }

  State state;
  Instant now{};
  std::vector<Action> last;
  std::vector<Action> all;  // of the last run()
  std::uint64_t asked = 0;
};

}  // namespace rouse::core::peer
