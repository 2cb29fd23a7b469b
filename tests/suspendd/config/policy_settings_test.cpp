#include "suspendd/config/policy_settings.hpp"

#include <gtest/gtest.h>

namespace rouse::suspendd {
namespace {

namespace policy = core::suspend;
using namespace std::chrono_literals;

TEST(PolicySettings, TheDefaultsOfTheFileAreThoseOfThePolicy) {
  const policy::Settings from_file = policy_settings(Config(), false);
  const policy::Settings own;
  EXPECT_FALSE(from_file.dry_run);
  EXPECT_FALSE(from_file.gpu_recover);
  EXPECT_EQ(from_file.idle_time, own.idle_time);
  EXPECT_EQ(from_file.unknown_max, own.unknown_max);
  EXPECT_EQ(from_file.min_uptime, own.min_uptime);
  EXPECT_EQ(from_file.resume_grace, own.resume_grace);
  EXPECT_EQ(from_file.linger_wol, own.linger_wol);
  EXPECT_EQ(from_file.linger_rtc, own.linger_rtc);
  EXPECT_EQ(from_file.linger_other, own.linger_other);
  EXPECT_EQ(from_file.min_sleep, own.min_sleep);
  EXPECT_EQ(from_file.proxy, own.proxy);
  EXPECT_EQ(from_file.unload, own.unload);
  EXPECT_EQ(from_file.drain_ttl, own.drain_ttl);
  EXPECT_EQ(from_file.unload_timeout, own.unload_timeout);
  EXPECT_EQ(from_file.suspend_verify, own.suspend_verify);
  EXPECT_EQ(from_file.confirm_first, own.confirm_first);
  EXPECT_EQ(from_file.backoff_first, own.backoff_first);
  EXPECT_EQ(from_file.backoff_max, own.backoff_max);
  EXPECT_EQ(from_file.failures_max, own.failures_max);
  EXPECT_EQ(from_file.spurious_max, own.spurious_max);
  EXPECT_EQ(from_file.spurious_window, own.spurious_window);
  EXPECT_EQ(from_file.gate_wait, own.gate_wait);
  EXPECT_EQ(from_file.gate_on_busy, own.gate_on_busy);
  EXPECT_EQ(from_file.gpu_retry, own.gpu_retry);
  EXPECT_EQ(from_file.gpu_probe_timeout, own.gpu_probe_timeout);
  EXPECT_EQ(from_file.gpu_recover_timeout, own.gpu_recover_timeout);
}

TEST(PolicySettings, EachKeyReachesItsOwnMember) {
  Config config;
  config.idle = {1s, 2s, 3s};
  config.grace = {4s, 5s};
  config.linger = {6s, 7s, 8s};
  config.proxy = {"/p", true, 9s, 10s};
  config.suspend = {true, 11s, 12s, 13s, 14, 15, 16s, 17s};
  config.gate = {18s, true, false};
  config.gpu.timeout = 19s;
  config.gpu.retry = 20s;
  config.gpu.recover = {"reset"};
  config.gpu.recover_timeout = 21s;
  config.unload = false;
  const policy::Settings settings = policy_settings(config, false);
  EXPECT_EQ(settings.idle_time, 1s);
  EXPECT_EQ(settings.unknown_max, 3s);
  EXPECT_EQ(settings.min_uptime, 4s);
  EXPECT_EQ(settings.resume_grace, 5s);
  EXPECT_EQ(settings.linger_wol, 6s);
  EXPECT_EQ(settings.linger_rtc, 7s);
  EXPECT_EQ(settings.linger_other, 8s);
  EXPECT_EQ(settings.drain_ttl, 9s);
  EXPECT_EQ(settings.unload_timeout, 10s);
  EXPECT_TRUE(settings.confirm_first);
  EXPECT_EQ(settings.suspend_verify, 11s);
  EXPECT_EQ(settings.backoff_first, 12s);
  EXPECT_EQ(settings.backoff_max, 13s);
  EXPECT_EQ(settings.failures_max, 14);
  EXPECT_EQ(settings.spurious_max, 15);
  EXPECT_EQ(settings.spurious_window, 16s);
  EXPECT_EQ(settings.min_sleep, 17s);
  EXPECT_EQ(settings.gate_wait, 18s);
  EXPECT_EQ(settings.gate_on_busy, policy::OnBusy::Deny);
  EXPECT_TRUE(settings.gpu);
  EXPECT_TRUE(settings.gpu_recover);
  EXPECT_EQ(settings.gpu_probe_timeout, 19s);
  EXPECT_EQ(settings.gpu_retry, 20s);
  EXPECT_EQ(settings.gpu_recover_timeout, 21s);
  EXPECT_FALSE(settings.unload);
  config.gpu.probe = false;
  EXPECT_FALSE(policy_settings(config, false).gpu);
}

TEST(PolicySettings, ADryRunIsWantedByTheFileOrTheCommandLine) {
  Config config;
  EXPECT_TRUE(policy_settings(config, true).dry_run);
  config.dry_run = true;
  EXPECT_TRUE(policy_settings(config, false).dry_run);
}

TEST(PolicySettings, AProxyIsNeededOptionalOrNone) {
  Config config;
  EXPECT_EQ(policy_settings(config, false).proxy, policy::ProxyUse::Required);
  config.proxy.unreachable_is_active = false;
  EXPECT_EQ(policy_settings(config, false).proxy, policy::ProxyUse::IfThere);
  config.proxy.socket.clear();
  EXPECT_EQ(policy_settings(config, false).proxy, policy::ProxyUse::None);
}

TEST(PolicySettings, ACheckIsOldAfterThreeLooksAndATimeout) {
  Config config;
  CheckConfig check;
  check.name = "cpu";
  check.every = 5s;
  check.timeout = 2s;
  config.checks = {check};
  const policy::Settings settings = policy_settings(config, false);
  ASSERT_EQ(settings.checks.size(), 1U);
  EXPECT_EQ(settings.checks[0].name, "cpu");
  EXPECT_EQ(settings.checks[0].stale, 17s);
}

TEST(PolicySettings, EachHookHasItsOwnTimeAndSay) {
  Config config;
  config.hooks.pre_drain = {{"a"}, 1s, true};
  config.hooks.pre_suspend = {{"b"}, 2s, false};
  config.hooks.post_resume = {{"c"}, 3s, true};
  const policy::Settings settings = policy_settings(config, false);
  EXPECT_TRUE(settings.pre_drain.set && settings.pre_suspend.set && settings.post_resume.set);
  EXPECT_FALSE(settings.on_blocked.set) << "there is no command";
  EXPECT_EQ(settings.pre_drain.timeout, 1s);
  EXPECT_EQ(settings.pre_suspend.timeout, 2s);
  EXPECT_EQ(settings.post_resume.timeout, 3s);
  EXPECT_EQ(settings.pre_drain.on_fail, policy::OnFail::Abort);
  EXPECT_EQ(settings.pre_suspend.on_fail, policy::OnFail::Warn);
  EXPECT_EQ(settings.post_resume.on_fail, policy::OnFail::Abort);
}

}  // namespace
}  // namespace rouse::suspendd
