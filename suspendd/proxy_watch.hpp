#pragma once

#include "base/async/task.hpp"
#include "core/sleep/policy.hpp"
#include "suspendd/action_runner.hpp"
#include "suspendd/box/nic.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/policy_loop.hpp"
#include "suspendd/preflight.hpp"
#include "suspendd/proxy/power_client.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse::suspendd {

/// Keeps an eye on the proxy between the sleeps, and tells it what only the daemon knows. Single
/// thread; what it gets outlives it.
class ProxyWatch {
 public:
  struct Pace {
    std::chrono::milliseconds facts{60'000};  ///< told again, should the proxy have been restarted
    std::chrono::milliseconds gather{100};    ///< a step often brings others
  };
  ProxyWatch(Executor executor, PowerClient& power, PolicyLoop& loop, ActionRunner& action_runner,
             Preflight& preflight, Pace pace);
  ProxyWatch(Executor executor, PowerClient& power, PolicyLoop& loop, ActionRunner& action_runner,
             Preflight& preflight)
      : ProxyWatch(std::move(executor), power, loop, action_runner, preflight, Pace()) {}

  void configure(std::shared_ptr<const Config> config) { config_ = std::move(config); }
  /// Something may be new for the proxy.
  void ring() { bell_.cancel(); }

  /// Whether it is there, and whether it has served anything since the last look. Until cancelled.
  Task<void> watch();
  /// The countdown, blocks, cards, the last sleep: when they change, and now and then. Until
  /// cancelled.
  Task<void> tell_facts();

 private:
  using Clock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

  Executor executor_;
  PowerClient& power_;
  PolicyLoop& loop_;
  ActionRunner& action_runner_;
  Preflight& preflight_;
  Pace pace_;
  std::shared_ptr<const Config> config_;
  Timer bell_;
};

/// What `POST /v1/power/facts` says.
struct PowerFactsText {
  std::string json;
  std::string gist;  ///< equal for two that say the same: a countdown counts down at the proxy, too
};
[[nodiscard]] PowerFactsText power_facts(const core::suspend::View& view, core::suspend::Now now,
                                         const std::vector<Nic>& nics);

}  // namespace rouse::suspendd
