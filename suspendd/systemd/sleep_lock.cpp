#include "suspendd/systemd/sleep_lock.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace rouse::suspendd {
namespace {

constexpr std::chrono::milliseconds kRetryFirst{1'000};
constexpr std::chrono::milliseconds kRetryLongest{30'000};

}  // namespace

struct SleepLock::State {
  State(Logind& asked, std::string our_name, std::string our_reason)
      : logind(asked),
        who(std::move(our_name)),
        why(std::move(our_reason)),
        bell(asked.bus().executor(), BusTimer::time_point::max()) {}

  void ring() {
    rung = true;
    bell.cancel();
  }

  Logind& logind;
  std::string who;
  std::string why;
  UniqueFd lock;
  bool wanted = true;  ///< false: from release() to the next resume
  bool valid = false;  ///< the present logind has given it
  bool rung = false;
  unsigned changes = 0;  ///< of the logind that has it
  BusTimer bell;
  std::string trouble;
  std::shared_ptr<void> on_sleep;
  BusSubscription on_service;
};

SleepLock::SleepLock(Logind& logind, std::string who, std::string why)
    : state_(std::make_unique<State>(logind, std::move(who), std::move(why))) {
  State& state = *state_;
  state.on_sleep = logind.on_sleep([&state](SleepSignal signal) {
    if (signal.preparing) return;
    state.wanted = true;
    state.ring();
  });
  state.on_service = logind.bus().on_service("org.freedesktop.login1", [&state](bool) {
    // Kept open until there is a new one: a logind that was only restarted knows it still.
    state.valid = false;
    ++state.changes;
    state.ring();
  });
}

SleepLock::~SleepLock() = default;

Task<void> SleepLock::keep() {
  State& state = *state_;
  auto pause = kRetryFirst;
  for (;;) {
    state.rung = false;
    if (state.wanted && !state.valid) {
      const unsigned asked_at = state.changes;
      auto lock = co_await state.logind.inhibit("sleep", state.who, state.why, "delay");
      // Meanwhile it may have been released, or logind may have gone.
      state.valid = lock && state.wanted && state.changes == asked_at;
      state.trouble = lock ? std::string() : lock.error().message();
      if (lock && state.wanted) state.lock = std::move(*lock);
    }
    if (state.wanted && !state.valid) {
      state.bell.expires_after(pause);
      pause = std::min(pause * 2, kRetryLongest);
    } else {
      state.bell.expires_at(BusTimer::time_point::max());
      pause = kRetryFirst;
    }
    const auto cancel = co_await asio::this_coro::cancellation_state;
    const auto terminal = cancel.cancelled() & asio::cancellation_type::terminal;
    if (terminal != asio::cancellation_type::none) break;
    if (!state.rung) co_await state.bell.async_wait(use_task);
  }
  state.lock.reset();
  state.valid = false;
}

void SleepLock::release() {
  state_->wanted = false;
  state_->valid = false;
  state_->lock.reset();
  state_->trouble.clear();
}

bool SleepLock::held() const {
  return state_->valid;
}

const std::string& SleepLock::trouble() const {
  return state_->trouble;
}

}  // namespace rouse::suspendd
