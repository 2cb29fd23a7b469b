#include "suspendd/preflight.hpp"

#include "suspendd/trap_context.hpp"
#include "tests/suspendd/runner_fixture.hpp"

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A machine on which nothing is against a sleep.
class PreflightTest : public RunnerFixture {
 protected:
  PreflightTest() {
    tree_.file("/sys/power/state", "freeze mem disk\n");
    tree_.file("/sys/power/mem_sleep", "s2idle [deep]\n");
    tree_.file("/etc/systemd/sleep.conf.d/rouse.conf", "[Sleep]\nSuspendState=mem\n");
    card("eth0", "0000:03:00.0", "2");
  }
  void card(const std::string& name, const std::string& slot, const std::string& index) {
    const std::string device = "/sys/devices/pci0000:00/" + slot;
    tree_.file(device + "/power/wakeup", "enabled\n");
    tree_.file(device + "/net/" + name + "/type", "1\n");
    tree_.file(device + "/net/" + name + "/ifindex", index + "\n");
    tree_.file(device + "/net/" + name + "/operstate", "up\n");
    tree_.link(device + "/net/" + name + "/device", device);
    tree_.link("/sys/class/net/" + name, device + "/net/" + name);
    port_.cards[name].modes = WolModes{kWolMagic | kWolPhy, 0};
    port_.cards[name].mac = "02:00:00:00:00:0" + index;
    port_.ips.push_back({name, "192.0.2." + index, "192.0.2.255"});
  }
  policy::PreflightDone look(const std::string& proxy_error = {}) {
    return run(preflight_.run(policy::Op{9}, config_, memory_, read_now(root_), {proxy_error, 0}));
  }
  TrapContext context(const std::string& proxy_error = {}, int pid = 0) {
    return run(read_trap_context(logind_, *config_, memory_, now_, proxy_error, pid));
  }
  void check(const std::string& name, Finding finding) {
    CheckConfig config;
    config.name = name;
    waiting_.emplace_back(
        config, std::make_unique<SaidCheck>(std::make_shared<Finding>(std::move(finding))));
  }

  policy::Memory memory_;
  policy::Now now_{core::Instant(1h), core::Instant(2h), policy::WallTime(1'000h)};
  std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> waiting_;
};

TEST_F(PreflightTest, NothingIsAgainstAGoodMachine) {
  const auto done = look();
  EXPECT_EQ(done.op, policy::Op{9});
  EXPECT_THAT(done.problems, IsEmpty());
  EXPECT_THAT(done.findings, IsEmpty());
}

TEST_F(PreflightTest, EveryCheckHasLookedOnceMore) {
  check("a", {Verdict::Active, "hot", 1s});
  check("b", {Verdict::Idle, "cold", 2s});
  check("c", {Verdict::Unknown, "dark", {}});
  checks_.start(std::move(waiting_));
  ASSERT_TRUE(run_until([this] { return found_.size() == 3; }));
  const auto done = look();
  EXPECT_THAT(found_, SizeIs(6));
  ASSERT_THAT(done.findings, SizeIs(3));
  EXPECT_EQ(done.findings[0].check, "a");
  EXPECT_EQ(done.findings[0].verdict, policy::Verdict::Active);
  EXPECT_EQ(done.findings[0].reason, "hot");
  EXPECT_EQ(done.findings[1].verdict, policy::Verdict::Idle);
  EXPECT_EQ(done.findings[1].idle_for, 2s);
  EXPECT_EQ(done.findings[2].verdict, policy::Verdict::Unknown);
}

TEST_F(PreflightTest, CardsAreArmedAndSeenAsTheyAreThen) {
  preflight_.look(*config_);
  ASSERT_THAT(preflight_.nics(), SizeIs(1));
  EXPECT_FALSE(preflight_.nics()[0].is_armed());
  EXPECT_THAT(port_.cards["eth0"].sets, IsEmpty()) << "looking changes nothing";
  EXPECT_THAT(look().problems, IsEmpty());
  EXPECT_THAT(port_.cards["eth0"].sets, ElementsAre(kWolMagic));
  ASSERT_THAT(preflight_.nics(), SizeIs(1));
  EXPECT_TRUE(preflight_.nics()[0].is_armed());
}

TEST_F(PreflightTest, WhereArmingIsNotWantedACardThatIsOffIsAProblem) {
  config_->wol.arm = false;
  EXPECT_THAT(look().problems, ElementsAre(HasSubstr("wake-on-lan: no card is armed: eth0: ")));
  EXPECT_THAT(port_.cards["eth0"].sets, IsEmpty());
  config_->wol.require = false;
  EXPECT_THAT(look().problems, IsEmpty());
}

TEST_F(PreflightTest, ACardThatCannotBeArmedIsAProblemUnlessAnotherIs) {
  port_.cards["eth0"].set_error = EPERM;
  EXPECT_THAT(look().problems, ElementsAre(HasSubstr("CAP_NET_ADMIN")));
  EXPECT_THAT(preflight_.nics()[0].why, HasSubstr("CAP_NET_ADMIN"));
  card("eth1", "0000:04:00.0", "3");
  EXPECT_THAT(look().problems, IsEmpty());
  port_.modes("eth1").armed = 0;
  port_.cards["eth1"].stuck = kWolPhy;  // armed, if for too much
  EXPECT_THAT(look().problems, IsEmpty());
}

TEST_F(PreflightTest, AnArmedCardWhoseSwitchIsOffWakesNothing) {
  port_.modes("eth0").armed = kWolMagic;
  config_->wol.arm = false;
  EXPECT_THAT(look().problems, IsEmpty());
  tree_.file("/sys/devices/pci0000:00/0000:03:00.0/power/wakeup", "disabled\n");
  EXPECT_THAT(look().problems, ElementsAre(HasSubstr("no card is armed: eth0: ")));
}

TEST_F(PreflightTest, OtherPacketsMayWakeItWhereThatIsWanted) {
  port_.modes("eth0").armed = kWolMagic | kWolPhy;
  config_->wol.only_magic = false;
  look();
  EXPECT_THAT(port_.cards["eth0"].sets, IsEmpty());
  config_->wol.only_magic = true;
  look();
  EXPECT_THAT(port_.cards["eth0"].sets, ElementsAre(kWolMagic));
}

TEST_F(PreflightTest, OnlyTheNamedCardsAreArmed) {
  card("eth1", "0000:04:00.0", "3");
  config_->wol.interfaces = {"eth1"};
  look();
  EXPECT_THAT(port_.cards["eth0"].sets, IsEmpty());
  EXPECT_THAT(port_.cards["eth1"].sets, ElementsAre(kWolMagic));
  ASSERT_THAT(preflight_.nics(), SizeIs(1));
  EXPECT_EQ(preflight_.nics()[0].name, "eth1");
}

TEST_F(PreflightTest, AProblemSaysWhatIsWrongAndWhatToDo) {
  tree_.file("/sys/power/state", "freeze\n");
  EXPECT_THAT(look().problems,
              ElementsAre("sleep state: the kernel offers no suspend to memory: /sys/power/state "
                          "says \"freeze\" (enable suspend (S3) in the firmware's setup; in a "
                          "virtual machine, offer it)"));
}

TEST_F(PreflightTest, WhatTheOwnerMayDecideIsNoProblem) {
  tree_.file("/sys/power/mem_sleep", "[s2idle] deep\n");
  EXPECT_THAT(look().problems, IsEmpty());
}

TEST_F(PreflightTest, LogindMustAllowIt) {
  fake_.set_can_suspend("na");
  EXPECT_THAT(look().problems, SizeIs(1));
  fake_.set_can_suspend("yes");
  fake_.fail("CanSuspend", "org.example.Odd", "in a bad mood");
  EXPECT_THAT(look().problems, ElementsAre(HasSubstr("in a bad mood")));
}

TEST_F(PreflightTest, AProxyThatIsAwayIsAProblemUnlessItMayBe) {
  EXPECT_THAT(look("no answer").problems, ElementsAre(HasSubstr("no answer")));
  config_->proxy.unreachable_is_active = false;
  EXPECT_THAT(look("no answer").problems, IsEmpty());
  config_->proxy.unreachable_is_active = true;
  config_->proxy.socket.clear();
  EXPECT_THAT(look("no answer").problems, IsEmpty());
}

TEST_F(PreflightTest, VideoMemoryThatIsLostIsAProblemOnlyWhereEnginesKeepIt) {
  tree_.file("/proc/driver/nvidia/params", "PreserveVideoMemoryAllocations: 0\n");
  EXPECT_THAT(look().problems, IsEmpty());
  config_->unload = false;
  EXPECT_THAT(look().problems, ElementsAre(HasSubstr("nvidia memory")));
}

TEST_F(PreflightTest, WakeupsNeedAClock) {
  config_->wakeups.emplace_back();
  EXPECT_THAT(look().problems, ElementsAre(HasSubstr("wake-up clock")));
}

TEST_F(PreflightTest, TheContextIsWhatLogindSystemdAndTheConfigurationSay) {
  fake_.set_can_suspend("challenge");
  config_->wol.interfaces = {"eth7"};
  config_->wol.require = false;
  const TrapContext told = context("", 4711);
  EXPECT_EQ(told.can_suspend, "challenge");
  EXPECT_EQ(told.can_suspend_error, "");
  EXPECT_EQ(told.systemd_version, 252);
  EXPECT_THAT(told.wol_interfaces, ElementsAre("eth7"));
  EXPECT_FALSE(told.wol_required);
  EXPECT_FALSE(told.has_wakeups);
  EXPECT_FALSE(told.keeps_vram);
  EXPECT_TRUE(told.has_proxy);
  EXPECT_EQ(told.proxy_error, "");
  EXPECT_EQ(told.proxy_pid, 4711);
  EXPECT_FALSE(told.proven_wake_age);
  EXPECT_FALSE(told.asked_as_root);
}

TEST_F(PreflightTest, AProxyThatMayBeAwayAndIsThereIsOne) {
  config_->proxy.unreachable_is_active = false;
  EXPECT_TRUE(context().has_proxy);
  EXPECT_FALSE(context("no answer").has_proxy);
}

TEST_F(PreflightTest, AProofOfWakingHasAnAgeAndABoot) {
  memory_.wake_proof = now_.realtime - 90min;
  EXPECT_EQ(context().proven_wake_age, 90min);
  EXPECT_TRUE(context().proven_this_boot) << "up for two hours, sleep included";
  memory_.wake_proof = now_.realtime - 150min;
  EXPECT_EQ(context().proven_wake_age, 150min);
  EXPECT_FALSE(context().proven_this_boot);
}

TEST_F(PreflightTest, AFindingOfEachKindIsWhatThePolicyCallsIt) {
  CheckRunner::Post post;
  post.name = "n";
  post.finding = {Verdict::Idle, "r", 3s};
  const policy::CheckReported idle = check_reported(post);
  EXPECT_EQ(idle.check, "n");
  EXPECT_EQ(idle.reason, "r");
  EXPECT_EQ(idle.idle_for, 3s);
  EXPECT_EQ(idle.verdict, policy::Verdict::Idle);
}

}  // namespace
}  // namespace rouse::suspendd
