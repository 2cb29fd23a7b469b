#include "suspendd/box/traps.hpp"

#include "tests/suspendd/box/fake_nic_port.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

namespace rouse::suspendd {
namespace {

using test::FakeNicPort;
using test::GeneratedTree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A machine on which all is well; each test spoils one thing.
class TrapsTest : public testing::Test {
 protected:
  TrapsTest() {
    tree_.file("/sys/power/state", "freeze mem disk\n");
    tree_.file("/sys/power/mem_sleep", "s2idle [deep]\n");
    tree_.file("/usr/lib/systemd/sleep.conf.d/rouse.conf", "[Sleep]\nSuspendState=mem\n");
    const std::string device = "/sys/devices/pci0000:00/0000:03:00.0";
    tree_.file(device + "/power/wakeup", "enabled\n");
    tree_.file(device + "/net/eth0/type", "1\n");
    tree_.file(device + "/net/eth0/ifindex", "2\n");
    tree_.file(device + "/net/eth0/operstate", "up\n");
    tree_.link(device + "/net/eth0/device", device);
    tree_.link("/sys/class/net/eth0", device + "/net/eth0");
    tree_.file("/run/udev/data/n2", "I:1\nE:ID_NET_LINK_FILE=/etc/systemd/network/50-wol.link\n");
    tree_.file("/etc/systemd/network/50-wol.link", "[Link]\nWakeOnLan=magic\n");
    tree_.file("/proc/self/mountinfo", "22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n");
    tree_.file("/proc/77/cgroup", "0::/system.slice/rouse.service\n");
    port_.cards["eth0"].modes = WolModes{kWolMagic | kWolPhy, kWolMagic};
    port_.cards["eth0"].mac = "02:00:00:00:00:01";
    port_.ips = {{"eth0", "192.0.2.7", "192.0.2.255"}};
    context_.can_suspend = "yes";
    context_.systemd_version = 252;
    context_.proxy_pid = 77;
    context_.proven_wake_age = std::chrono::hours(3);
    context_.proven_this_boot = true;
  }

  /// Proprietary driver with all that it needs.
  void nvidia(const std::string& params) {
    tree_.file("/proc/driver/nvidia/params", params);
    for (const char* unit : {"nvidia-suspend.service", "nvidia-resume.service"}) {
      tree_.file(std::string("/etc/systemd/system/systemd-suspend.service.requires/") + unit, "");
    }
    tree_.file("/etc/systemd/system/nvidia-suspend.service.d/gate.conf",
               "[Unit]\nRequires=rouse-suspendd-gate.service\nAfter=rouse-suspendd-gate.service\n");
    tree_.folder("/var/tmp");
  }
  std::vector<Trap> traps() { return find_traps(root_, port_, context_); }
  Trap find(const std::string& title) {
    for (Trap& trap : traps()) {
      if (trap.title == title) return std::move(trap);
    }
    ADD_FAILURE() << "nothing is said about " << title;
    return {};
  }
  /// What is wrong, and only that.
  std::vector<std::string> wrong() {
    std::vector<std::string> titles;
    for (const Trap& trap : traps()) {
      if (trap.severity == Severity::Ok) continue;
      titles.push_back(std::string(name_of(trap.severity)) + " " + trap.title);
      EXPECT_NE(trap.what, "") << trap.title;
      EXPECT_NE(trap.todo, "") << trap.title;
    }
    return titles;
  }

  const std::string kPreserve =
      "PreserveVideoMemoryAllocations: 1\nTemporaryFilePath: \"/var/tmp\"\n";
  GeneratedTree tree_;
  Root root_ = tree_.root();
  FakeNicPort port_;
  TrapContext context_;
};

TEST_F(TrapsTest, AGoodMachineHasNone) {
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(exit_status(traps()), 0);
  nvidia(kPreserve);
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(TrapsTest, LogindsAnswerIsToldWithWhatToDo) {
  for (const auto& [answer, words] : {std::pair{"no", "does not let us"},
                                      {"na", "cannot suspend"},
                                      {"challenge", "ask for a password"},
                                      {"", "was not asked"}}) {
    context_.can_suspend = answer;
    EXPECT_THAT(wrong(), ElementsAre("refuse suspend allowed")) << answer;
    EXPECT_THAT(find("suspend allowed").what, HasSubstr(words)) << answer;
    EXPECT_EQ(exit_status(traps()), 2);
  }
  context_.can_suspend_error = "Connection refused";
  EXPECT_THAT(find("suspend allowed").what, HasSubstr("Connection refused"));
}

TEST_F(TrapsTest, WhatRootMayTheDaemonMayOnlyByPolkit) {
  context_.asked_as_root = true;
  const std::string left = "/etc/systemd/system/rouse-suspendd.service.d/me.conf";
  tree_.file(left, "[Service]\nUser=someone\n");
  EXPECT_THAT(wrong(), IsEmpty()) << "without the service nobody else is meant";
  tree_.remove(left);
  tree_.file("/usr/lib/systemd/system/rouse-suspendd.service", "[Service]\nUser=rouse-suspendd\n");
  EXPECT_THAT(wrong(), ElementsAre("refuse daemon's rights"));
  EXPECT_THAT(find("daemon's rights").what, HasSubstr("polkit is not installed"));
  EXPECT_THAT(find("daemon's rights").todo, HasSubstr("apt install polkitd"));
  tree_.file("/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service", "");
  tree_.file("/usr/share/polkit-1/rules.d/50-default.rules", "// org.freedesktop.login1.suspend\n");
  tree_.file("/usr/share/polkit-1/rules.d/50-other.rules", "subject.user == \"rouse-suspendd\"\n");
  tree_.file("/etc/polkit-1/rules.d/50-rouse-suspendd.rules.bak",
             "[\"org.freedesktop.login1.suspend\"] == \"rouse-suspendd\"\n");
  EXPECT_THAT(wrong(), ElementsAre("refuse daemon's rights"));
  EXPECT_THAT(find("daemon's rights").what, HasSubstr("no rule of polkit"));
  tree_.file("/etc/polkit-1/rules.d/50-rouse-suspendd.rules",
             "[\"org.freedesktop.login1.suspend\"] == \"rouse-suspendd\"\n");
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_THAT(find("daemon's rights").what, HasSubstr("/etc/polkit-1/rules.d/50-rouse-suspendd"));
  // Another user than the rule's, by a drop-in; or root itself, who needs none.
  tree_.file("/etc/systemd/system/rouse-suspendd.service.d/me.conf", "[Service]\nUser=someone\n");
  EXPECT_THAT(wrong(), ElementsAre("refuse daemon's rights"));
  tree_.file("/etc/systemd/system/rouse-suspendd.service.d/me.conf", "[Service]\nUser=root\n");
  EXPECT_THAT(wrong(), IsEmpty());
  // The daemon's user has asked for itself: logind's answer is the whole truth.
  tree_.file("/etc/systemd/system/rouse-suspendd.service.d/me.conf", "[Service]\nUser=someone\n");
  context_.asked_as_root = false;
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(TrapsTest, TheDepthOfSleep) {
  tree_.file("/sys/power/mem_sleep", "[s2idle] deep\n");
  EXPECT_THAT(wrong(), ElementsAre("warn sleep state"));
  EXPECT_THAT(find("sleep state").todo, HasSubstr("mem_sleep_default=deep"));
  tree_.file("/etc/systemd/sleep.conf.d/deep.conf", "[Sleep]\nMemorySleepMode=deep\n");
  EXPECT_THAT(wrong(), ElementsAre("warn sleep state")) << "a systemd that does not know that key";
  tree_.remove("/etc/systemd/sleep.conf.d/deep.conf");
  context_.systemd_version = 257;
  EXPECT_THAT(find("sleep state").todo, HasSubstr("MemorySleepMode=deep"));
  tree_.file("/etc/systemd/sleep.conf.d/deep.conf", "[Sleep]\nMemorySleepMode=deep\n");
  EXPECT_THAT(wrong(), IsEmpty());
  tree_.file("/sys/power/mem_sleep", "[s2idle]\n");
  EXPECT_THAT(wrong(), ElementsAre("warn sleep state"));
  tree_.file("/sys/power/state", "freeze disk\n");
  EXPECT_THAT(wrong(), ElementsAre("refuse sleep state"));
}

TEST_F(TrapsTest, AnythingBesideMemIsATrap) {
  tree_.file("/usr/lib/systemd/sleep.conf.d/rouse.conf", "[Sleep]\n#SuspendState=mem\n");
  EXPECT_THAT(wrong(), ElementsAre("warn only mem"));
  tree_.file("/usr/lib/systemd/sleep.conf.d/rouse.conf", "SuspendState=mem\n");
  tree_.file("/etc/systemd/sleep.conf", "SuspendState=mem standby freeze\n");
  EXPECT_THAT(wrong(), ElementsAre("warn only mem"));
  tree_.file("/usr/lib/systemd/sleep.conf.d/rouse.conf", "SuspendState=\nSuspendState=mem\n");
  EXPECT_THAT(wrong(), IsEmpty());
  tree_.file("/etc/systemd/sleep.conf.d/rouse.conf", "");  // hides the one of the same name
  EXPECT_THAT(wrong(), ElementsAre("warn only mem"));
}

TEST_F(TrapsTest, WakeOnLanOfEachCard) {
  port_.modes("eth0").armed = kWolMagic | kWolPhy;
  EXPECT_THAT(wrong(), ElementsAre("warn wake-on-lan eth0"));
  EXPECT_THAT(find("wake-on-lan eth0").todo, HasSubstr("ethtool -s eth0 wol g"));
  port_.modes("eth0").armed = 0;
  EXPECT_THAT(wrong(), ElementsAre("warn wake-on-lan eth0"));
  port_.modes("eth0").supported = 0;
  EXPECT_THAT(wrong(), ElementsAre("warn wake-on-lan eth0", "refuse wake-on-lan"));
  context_.wol_required = false;
  EXPECT_THAT(wrong(), ElementsAre("warn wake-on-lan eth0", "warn wake-on-lan"));
}

TEST_F(TrapsTest, AnArmedCardThatMayNotWakeIt) {
  const std::string device = "/sys/devices/pci0000:00/0000:03:00.0";
  tree_.file(device + "/power/wakeup", "disabled\n");
  EXPECT_THAT(wrong(), ElementsAre("warn wake-on-lan eth0"));
  tree_.file(device + "/power/wakeup", "enabled\n");
  tree_.folder(device + "/net/eth0/wireless");
  EXPECT_THAT(wrong(), ElementsAre("warn wake-on-lan eth0"));
}

TEST_F(TrapsTest, ACardThatFrontsCannotReach) {
  context_.wol_interfaces = {"eth0"};
  EXPECT_THAT(wrong(), IsEmpty());
  const auto address = port_.ips[0];
  port_.ips[0].broadcast.clear();
  EXPECT_THAT(wrong(), ElementsAre("warn reach eth0"));
  EXPECT_THAT(find("reach eth0").what, HasSubstr("at 192.0.2.7 without a broadcast address"));
  port_.ips.clear();
  EXPECT_THAT(wrong(), ElementsAre("warn reach eth0"));
  EXPECT_THAT(find("reach eth0").what, HasSubstr("without an IPv4 address"));
  const std::string vlan = "/sys/devices/virtual/net/eth0.7";
  tree_.file(vlan + "/uevent", "DEVTYPE=vlan\n");
  tree_.link("/sys/class/net/eth0.7", vlan);
  tree_.link("/sys/class/net/eth0/upper_eth0.7", vlan);
  port_.ips = {{"eth0.7", address.ip, address.broadcast}};
  EXPECT_THAT(wrong(), ElementsAre("warn reach eth0"));
  EXPECT_THAT(find("reach eth0").what, HasSubstr("on the VLAN eth0.7"));
  context_.wol_interfaces = {"eth9"};
  EXPECT_THAT(wrong(), ElementsAre("refuse wol.interfaces", "refuse wake-on-lan"));
}

TEST_F(TrapsTest, WhatArmsItAtBoot) {
  tree_.file("/run/udev/data/n2", "E:ID_NET_LINK_FILE=/usr/lib/systemd/network/99-default.link\n");
  tree_.file("/usr/lib/systemd/network/99-default.link", "[Link]\nNamePolicy=keep\n");
  EXPECT_THAT(wrong(), ElementsAre("warn persistent wake-on-lan eth0"));
  tree_.file("/usr/lib/systemd/network/99-default.link", "[Link]\nWakeOnLan=phy\n");
  EXPECT_THAT(wrong(), ElementsAre("warn persistent wake-on-lan eth0"));
  tree_.file("/etc/systemd/network/99-default.link.d/wol.conf", "[Link]\nWakeOnLan=magic\n");
  EXPECT_THAT(wrong(), IsEmpty());
  tree_.remove("/etc/systemd/network");
  tree_.remove("/run/udev");
  EXPECT_THAT(wrong(), IsEmpty()) << "without udev there is no such file";
}

TEST_F(TrapsTest, NetworkManagerMayDisarm) {
  const std::string file = "/etc/NetworkManager/system-connections/lan.nmconnection";
  tree_.file(file, "[ethernet]\nmtu=1500\n");
  EXPECT_THAT(wrong(), IsEmpty());
  for (const char* fine : {"64", "0x40", "72", "1", "32768", "magic", "ignore", "default"}) {
    tree_.file(file, std::string("[ethernet]\nwake-on-lan=") + fine + "\n");
    EXPECT_THAT(wrong(), IsEmpty()) << fine;
  }
  for (const char* bad : {"0", "2", "none"}) {
    tree_.file(file, std::string("[ethernet]\nwake-on-lan=") + bad + "\n");
    EXPECT_THAT(wrong(), ElementsAre("warn NetworkManager lan.nmconnection")) << bad;
  }
  tree_.remove(file);
  tree_.file("/etc/NetworkManager/conf.d/all.conf", "[connection]\nethernet.wake-on-lan=0\n");
  EXPECT_THAT(wrong(), ElementsAre("warn NetworkManager all.conf"));
}

TEST_F(TrapsTest, AKeyboardThatWakesIsNamed) {
  const std::string usb = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-3";
  tree_.folder("/sys/bus/usb");
  tree_.link(usb + "/subsystem", "/sys/bus/usb");
  tree_.file(usb + "/product", "Keyboard\n");
  tree_.file(usb + "/power/wakeup", "enabled\n");
  tree_.file(usb + "/wakeup/wakeup5/event_count", "0\n");
  tree_.link(usb + "/wakeup/wakeup5/device", usb);
  tree_.link("/sys/class/wakeup/wakeup5", usb + "/wakeup/wakeup5");
  EXPECT_THAT(wrong(), ElementsAre("warn other wake sources"));
  EXPECT_THAT(find("other wake sources").what, HasSubstr("USB Keyboard (1-3)"));
  tree_.file(usb + "/power/wakeup", "disabled\n");
  const std::string controller = "/sys/devices/pci0000:00/0000:00:14.0";
  tree_.folder("/sys/bus/pci");
  tree_.link(controller + "/subsystem", "/sys/bus/pci");
  tree_.file(controller + "/class", "0x0c0330\n");
  tree_.file(controller + "/power/wakeup", "enabled\n");
  tree_.file(controller + "/wakeup/wakeup6/event_count", "0\n");
  tree_.link(controller + "/wakeup/wakeup6/device", controller);
  tree_.link("/sys/class/wakeup/wakeup6", controller + "/wakeup/wakeup6");
  EXPECT_THAT(wrong(), IsEmpty()) << "by itself a controller wakes nothing";
}

TEST_F(TrapsTest, NvidiaRefusesASuspendWithoutItsUnits) {
  nvidia(kPreserve);
  tree_.remove("/etc/systemd/system/systemd-suspend.service.requires/nvidia-resume.service");
  EXPECT_THAT(wrong(), ElementsAre("refuse nvidia units"));
  EXPECT_THAT(find("nvidia units").what, HasSubstr("without nvidia-resume.service"));
  const std::string other =
      "/etc/systemd/system/systemd-suspend.service.requires/nvidia-suspend.service";
  tree_.remove(other);
  EXPECT_THAT(find("nvidia units").what,
              HasSubstr("without nvidia-suspend.service and nvidia-resume.service"));
  // As systemctl leaves it: its target is on the machine's own path.
  std::filesystem::create_symlink("/none/nvidia-suspend.service", tree_.at(other));
  EXPECT_THAT(find("nvidia units").what, HasSubstr("without nvidia-resume.service"));
  tree_.file("/proc/driver/nvidia/params", kPreserve + "UseKernelSuspendNotifiers: 1\n");
  EXPECT_THAT(wrong(), IsEmpty()) << "from 595 on the driver needs no units";
}

TEST_F(TrapsTest, NvidiasUnitMustWaitForTheGate) {
  nvidia(kPreserve);
  tree_.file("/etc/systemd/system/nvidia-suspend.service.d/gate.conf",
             "[Unit]\nAfter=rouse-suspendd-gate.service\n");
  EXPECT_THAT(wrong(), ElementsAre("warn nvidia order"));
  tree_.file("/etc/systemd/system/nvidia-suspend.service.d/gate.conf",
             "[Unit]\nRequires=rouse-suspendd-gate.service\n");
  EXPECT_THAT(wrong(), ElementsAre("warn nvidia order"));
}

TEST_F(TrapsTest, VideoMemoryNeedsRoom) {
  nvidia(kPreserve);
  EXPECT_THAT(wrong(), IsEmpty());
  tree_.file("/proc/self/mountinfo",
             "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
             "23 22 0:30 / /var/tmp rw shared:2 - tmpfs tmpfs rw\n");
  EXPECT_THAT(wrong(), ElementsAre("warn nvidia memory"));
  EXPECT_THAT(find("nvidia memory").what, HasSubstr("RAM"));
  tree_.file("/proc/self/mountinfo",
             "23 22 0:30 / /var/tmp rw shared:2 - tmpfs tmpfs rw\n"
             "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
  EXPECT_THAT(wrong(), ElementsAre("warn nvidia memory")) << "in whatever order they are told";
  tree_.file("/proc/self/mountinfo",
             "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
             "23 22 0:30 / /var/t rw shared:2 - tmpfs tmpfs rw\n");
  EXPECT_THAT(wrong(), IsEmpty()) << "that is another folder";
}

TEST_F(TrapsTest, VideoMemoryIsSavedInTmpUnlessTold) {
  nvidia("PreserveVideoMemoryAllocations: 1\n");
  EXPECT_THAT(wrong(), ElementsAre("warn nvidia memory"));
  EXPECT_THAT(find("nvidia memory").what, HasSubstr("to /tmp, which cannot be looked at"));
  context_.keeps_vram = true;
  EXPECT_THAT(wrong(), ElementsAre("refuse nvidia memory"));
  tree_.folder("/tmp");
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(TrapsTest, KeepingMemoryThatTheDriverDropsIsRefused) {
  nvidia("PreserveVideoMemoryAllocations: 0\n");
  EXPECT_THAT(wrong(), ElementsAre("warn nvidia memory"));
  context_.keeps_vram = true;
  EXPECT_THAT(wrong(), ElementsAre("refuse nvidia memory"));
}

TEST_F(TrapsTest, FrozenSessionsHangNvidia) {
  context_.systemd_version = 257;
  EXPECT_THAT(wrong(), IsEmpty()) << "no NVIDIA here";
  nvidia(kPreserve);
  EXPECT_THAT(wrong(), ElementsAre("warn session freeze"));
  context_.systemd_version = 256;
  EXPECT_THAT(wrong(), ElementsAre("warn session freeze"));
  tree_.file("/usr/lib/systemd/system/systemd-suspend.service.d/10-nvidia.conf",
             "[Service]\nEnvironment=SYSTEMD_SLEEP_FREEZE_USER_SESSIONS=false\n");
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(TrapsTest, MountsThatHinderFreezing) {
  tree_.file("/proc/self/mountinfo",
             "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
             "30 22 0:40 / /mnt/a\\040b rw shared:9 - nfs4 host:/x rw\n"
             "31 22 0:41 / /run/lock rw - tmpfs tmpfs rw\n"
             "32 22 0:42 / /home/u/s rw - fuse.sshfs h: rw\n");
  EXPECT_THAT(wrong(), ElementsAre("warn mounts"));
  EXPECT_THAT(find("mounts").what, HasSubstr("/mnt/a b (nfs4), /home/u/s (fuse.sshfs):"));
  tree_.file("/proc/self/mountinfo", "30 22 0:40 / /mnt/a\\134b\\040 rw - cifs //host/x rw\n");
  EXPECT_THAT(find("mounts").what, HasSubstr("/mnt/a\\b  (cifs):"));
  std::string many;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
    many += std::string("30 22 0:40 / /") + name + " rw - nfs host:/x rw\n";
  }
  tree_.file("/proc/self/mountinfo", many);
  EXPECT_THAT(find("mounts").what, HasSubstr("/e (nfs) and 2 more:"));
}

TEST_F(TrapsTest, WhereTheProxyRuns) {
  tree_.file("/proc/77/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n");
  EXPECT_THAT(wrong(), ElementsAre("warn proxy"));
  context_.proxy_error = "connecting to /run/rouse/power.sock: Connection refused";
  EXPECT_THAT(wrong(), ElementsAre("refuse proxy"));
  context_.has_proxy = false;
  EXPECT_THAT(wrong(), ElementsAre("warn proxy"));
}

TEST_F(TrapsTest, TheProofOfAWake) {
  context_.proven_wake_age.reset();
  EXPECT_THAT(wrong(), ElementsAre("warn proven wake"));
  context_.proven_wake_age = std::chrono::hours(24 * 31);
  EXPECT_THAT(wrong(), ElementsAre("warn proven wake"));
  EXPECT_THAT(find("proven wake").what, HasSubstr("31 days"));
  EXPECT_EQ(exit_status(traps()), 1);
  context_.proven_wake_age = std::chrono::hours(47);
  EXPECT_EQ(find("proven wake").what, "the last wake by a magic packet was 47 hours ago");
  context_.proven_this_boot = false;
  EXPECT_THAT(find("proven wake").what, HasSubstr("47 hours ago, before this boot"));
}

TEST_F(TrapsTest, ARefusalIsWorseThanAWarningAfterIt) {
  context_.can_suspend = "no";
  context_.proven_wake_age.reset();
  EXPECT_EQ(exit_status(traps()), 2);
}

TEST_F(TrapsTest, ScheduledWakeUpsNeedAClock) {
  context_.has_wakeups = true;
  EXPECT_THAT(wrong(), ElementsAre("refuse wake-up clock"));
  EXPECT_THAT(find("wake-up clock").what, HasSubstr("no real-time clock"));
  tree_.file("/sys/class/rtc/rtc0/wakealarm", "");
  EXPECT_THAT(find("wake-up clock").what,
              testing::AnyOf(HasSubstr("can be set"), HasSubstr("CAP_WAKE_ALARM")));
}

TEST(Traps, LookAtThisMachineWithoutHarm) {
  KernelNicPort port;
  const auto found = find_traps(Root(), port, TrapContext());
  EXPECT_FALSE(found.empty());
}

}  // namespace
}  // namespace rouse::suspendd
