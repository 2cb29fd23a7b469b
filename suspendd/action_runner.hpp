#pragma once

#include "base/async/task_group.hpp"
#include "core/sleep/event.hpp"
#include "suspendd/box/root.hpp"
#include "suspendd/box/wake_alarm.hpp"
#include "suspendd/checks/check_runner.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/gpu/gpu_probe.hpp"
#include "suspendd/policy_loop.hpp"
#include "suspendd/preflight.hpp"
#include "suspendd/proxy/power_client.hpp"
#include "suspendd/state/notices.hpp"
#include "suspendd/state/state_dir.hpp"
#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/sleep_lock.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace rouse::suspendd {

/// Does what the policy has decided, and tells it how that went. Nothing here decides. Single
/// thread; what it gets outlives it, and the group is joined before it goes.
class ActionRunner {
 public:
  struct Tools {
    TaskGroup& tasks;
    PowerClient& power;
    Logind& logind;
    SleepLock& lock;
    GpuProbe& gpu;
    Preflight& preflight;
    CheckRunner& check_runner;
    StateDir& state;
    Notices& notices;
    const Root& root;
  };
  /// @p tell hands an event to the policy.
  ActionRunner(Tools tools, std::string boot_id, std::function<void(core::suspend::Event)> tell);

  void configure(std::shared_ptr<const Config> config) { config_ = std::move(config); }
  /// Where the answers to commands and gates go, and the clocks come from.
  void attach(PolicyLoop& loop) { loop_ = &loop; }

  void perform(const core::suspend::Action& action);

  /// How the proxy was last reached.
  [[nodiscard]] const Preflight::Proxy& proxy() const { return proxy_; }
  void note_proxy(std::string error) { proxy_ = {std::move(error), tools_.power.pid()}; }

 private:
  using Op = core::suspend::Op;

  void run(Op op, Task<void> task);
  void done(Op op, bool ok, std::string detail);
  void done(Op op, const Result<PowerClient::Answer>& answer, std::string_view fine_code = {});
  [[nodiscard]] std::string lease_of(core::suspend::Attempt attempt) const;

  void on(const core::suspend::Save& save);
  void on(const core::suspend::RequestDrain& ask);
  void on(const core::suspend::Renew& asked);
  void on(const core::suspend::Release& asked);
  void on(const core::suspend::Unload& asked);
  void on(const core::suspend::RunPreflight& asked);
  void on(const core::suspend::ArmAlarm& asked);
  void on(const core::suspend::Commit& asked);
  void on(const core::suspend::Suspend& asked);
  void on(const core::suspend::ReleaseDelayLock&);
  void on(const core::suspend::ReportResume& asked);
  void on(const core::suspend::ProbeGpu& asked);
  void on(const core::suspend::RecoverGpu& asked);
  void on(const core::suspend::RunHook& asked);
  void on(const core::suspend::Cancel& cancel);
  void on(const core::suspend::AnswerGate& answer);
  void on(const core::suspend::Reply& reply);
  void on(const core::suspend::Notify& notice);
  void on(const core::suspend::StateChanged& entered);

  Task<void> drain(core::suspend::RequestDrain ask);
  Task<void> renew(core::suspend::Renew asked);
  Task<void> release(core::suspend::Release asked);
  Task<void> unload(core::suspend::Unload asked);
  Task<void> preflight(Op op);
  Task<void> commit(core::suspend::Commit asked);
  Task<void> suspend(core::suspend::Suspend asked);
  Task<void> release_delay_lock();
  Task<void> report_resume(core::suspend::ReportResume told);
  Task<void> probe_gpu(Op op);
  Task<void> recover(core::suspend::RecoverGpu asked);
  Task<void> run_hook(core::suspend::RunHook asked);

  Tools tools_;
  std::string boot_id_;
  std::function<void(core::suspend::Event)> tell_;
  PolicyLoop* loop_ = nullptr;
  std::shared_ptr<const Config> config_;
  std::map<Op, TaskGroup::Handle> ops_;
  std::map<core::suspend::Attempt, TaskGroup::Handle> leases_;
  std::optional<WakeAlarm> alarm_;
  Preflight::Proxy proxy_{"the proxy was not asked yet", 0};
  bool save_fails_ = false;
};

}  // namespace rouse::suspendd
