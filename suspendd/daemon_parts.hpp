#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/service/life_signals.hpp"
#include "core/sleep/event.hpp"
#include "suspendd/action_runner.hpp"
#include "suspendd/box/root.hpp"
#include "suspendd/box/tree_nic_port.hpp"
#include "suspendd/checks/check_runner.hpp"
#include "suspendd/checks/checks.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/control_server.hpp"
#include "suspendd/daemon.hpp"
#include "suspendd/gpu/gpu_probe.hpp"
#include "suspendd/policy_loop.hpp"
#include "suspendd/preflight.hpp"
#include "suspendd/proxy/power_client.hpp"
#include "suspendd/proxy_watch.hpp"
#include "suspendd/report/report.hpp"
#include "suspendd/state/notices.hpp"
#include "suspendd/state/state_dir.hpp"
#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/sleep_lock.hpp"
#include "suspendd/systemd/sleep_rules.hpp"
#include "suspendd/systemd/sleep_watch.hpp"
#include "suspendd/systemd/units.hpp"
#include "suspendd/wakeup_plan.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rouse::suspendd {

namespace policy = core::suspend;

/// Everything that a running daemon owns, in order of construction; destroyed the other way round.
class Daemon {
 public:
  Daemon(asio::io_context& context, std::shared_ptr<const Config> config, DaemonOptions options,
         StateDir& state, policy::Memory memory);

  Task<void> run();

  [[nodiscard]] int exit_status() const { return exit_status_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

  void heard(LifeSignals::Request request, const std::string& what);
  void configure();

  /// What has to be known before the policy begins.
  Task<void> ask_logind();

  /// A bus that does not answer holds up nothing.
  Task<void> wait_for_logind();

  [[nodiscard]] policy::Settings settings() const;
  void start();
  std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> make_checks();

  [[nodiscard]] std::vector<int> owned_pids() const {
    if (power_.pid() == 0) return {};
    return {power_.pid()};
  }

  // --- wake-ups ----------------------------------------------------------------------------------

  void plan_wakeups() {
    auto wakeups = plan_.plan(config_->wakeups, loop_.now().realtime);
    if (wakeups) loop_.tell(policy::WakeupsChanged{std::move(*wakeups)});
  }

  /// Wake-ups pass, and the wall clock may be set.
  Task<void> keep_planning();

  void set_safety_net(std::optional<policy::WallTime> at) {
    plan_.set_safety_net(at);
    plan_wakeups();
  }

  // --- sleeping and waking -----------------------------------------------------------------------
  void woke(policy::Evidence evidence);

  // --- reporting ---------------------------------------------------------------------------------
  Task<Report> make_report();

  // --- its own life ------------------------------------------------------------------------------
  void reload();

  /// Gives back whatever is taken.
  Task<void> say_goodbye();
  Task<void> leave();

  DaemonOptions options_;
  std::shared_ptr<const Config> config_;
  Root root_;
  std::string boot_id_;
  Executor executor_;
  StreamDeadlines deadlines_;
  TaskGroup tasks_;
  TaskGroup last_tasks_;  // what the policy has asked for: still at work while it says goodbye
  HttpPool pool_;
  StateDir& state_;
  Bus bus_;
  Logind logind_;
  SystemdUnits units_;
  SleepRules rules_;
  SleepLock lock_;
  GpuProbe gpu_;
  std::unique_ptr<NicPort> nic_port_;
  CheckRunner check_runner_;
  Preflight preflight_;
  PowerClient power_;
  Notices notices_;
  ActionRunner action_runner_;
  PolicyLoop loop_;
  SleepWatch watch_;
  ControlServer control_;
  CheckContext checks_;
  ProxyWatch proxy_watch_;
  WakeupPlan plan_;
  LifeSignals life_;
  Timer bell_;  ///< rung when one of these becomes true:
  bool has_asked_ = false;
  bool is_ending_ = false;
  bool is_impatient_ = false;  ///< told to end once more
  bool is_up_ = false;
  bool reload_waits_ = false;  ///< a SIGHUP came before there was anything to reload
  std::string ended_by_;
  bool preparing_ = false;
  int exit_status_ = 0;
};

}  // namespace rouse::suspendd
