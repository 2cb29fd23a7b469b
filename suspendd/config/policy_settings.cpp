#include "suspendd/config/policy_settings.hpp"

namespace rouse::suspendd {

namespace {

core::suspend::HookSettings hook_settings(const HookConfig& hook) {
  using core::suspend::OnFail;
  return {!hook.argv.empty(), hook.may_veto ? OnFail::Abort : OnFail::Warn, hook.timeout};
}

}  // namespace

core::suspend::Settings policy_settings(const Config& config, bool dry_run) {
  using core::suspend::ProxyUse;
  core::suspend::Settings settings;
  settings.dry_run = dry_run || config.dry_run;
  for (const CheckConfig& check : config.checks) {
    settings.checks.push_back({check.name, 3 * check.every + check.timeout});
  }
  settings.idle_time = config.idle.time;
  settings.unknown_max = config.idle.unknown_max;
  settings.min_uptime = config.grace.min_uptime;
  settings.resume_grace = config.grace.resume;
  settings.linger_wol = config.linger.wol;
  settings.linger_rtc = config.linger.rtc;
  settings.linger_other = config.linger.other;
  settings.min_sleep = config.suspend.min_sleep;
  settings.proxy = config.proxy.socket.empty()          ? ProxyUse::None
                   : config.proxy.unreachable_is_active ? ProxyUse::Required
                                                        : ProxyUse::IfThere;
  settings.unload = config.unload;
  settings.drain_ttl = config.proxy.drain_ttl;
  settings.unload_timeout = config.proxy.unload_timeout;
  settings.suspend_verify = config.suspend.verify;
  settings.confirm_first = config.suspend.confirm_first;
  settings.backoff_first = config.suspend.backoff;
  settings.backoff_max = config.suspend.backoff_max;
  settings.failures_max = config.suspend.max_failures;
  settings.spurious_max = config.suspend.spurious_limit;
  settings.spurious_window = config.suspend.spurious_window;
  settings.gate_wait = config.gate.wait;
  settings.gate_on_busy =
      config.gate.deny_when_busy ? core::suspend::OnBusy::Deny : core::suspend::OnBusy::Allow;
  settings.gpu = config.gpu.probe;
  settings.gpu_recover = !config.gpu.recover.empty();
  settings.gpu_retry = config.gpu.retry;
  settings.gpu_probe_timeout = config.gpu.timeout;
  settings.gpu_recover_timeout = config.gpu.recover_timeout;
  settings.pre_drain = hook_settings(config.hooks.pre_drain);
  settings.pre_suspend = hook_settings(config.hooks.pre_suspend);
  settings.post_resume = hook_settings(config.hooks.post_resume);
  settings.on_blocked = hook_settings(config.hooks.on_blocked);
  return settings;
}

}  // namespace rouse::suspendd
