#include "suspendd/box/nic.hpp"

#include "suspendd/box/tree_nic_port.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/skip.hpp"
#include "tests/suspendd/box/fake_nic_port.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace rouse::suspendd {
namespace {

using test::FakeNicPort;
using test::GeneratedTree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint32_t kAll = kWolPhy | kWolUnicast | kWolMulticast | kWolBroadcast | kWolMagic;

class NicTest : public testing::Test {
 protected:
  NicTest() {
    card("eth0", "0000:03:00.0");
    tree_.file("/sys/class/net/lo/type", "772\n");
    port_.cards["eth0"].modes = WolModes{kAll, 0};
    port_.cards["eth0"].mac = "02:00:00:00:00:01";
    port_.ips = {{"eth0", "192.0.2.7", "192.0.2.255"}};
  }

  void card(const std::string& name, const std::string& address) {
    const std::string device = "/sys/devices/pci0000:00/" + address;
    tree_.file(device + "/power/wakeup", "disabled\n");
    tree_.file(device + "/net/" + name + "/type", "1\n");
    tree_.file(device + "/net/" + name + "/operstate", "up\n");
    tree_.file(device + "/net/" + name + "/address", "02:00:00:00:00:aa\n");
    tree_.link(device + "/net/" + name + "/device", device);
    tree_.link("/sys/class/net/" + name, device + "/net/" + name);
  }
  void upper(const std::string& lower, const std::string& name, const std::string& kind) {
    const std::string folder = "/sys/devices/virtual/net/" + name;
    tree_.file(folder + "/type", "1\n");
    tree_.file(folder + "/uevent", "DEVTYPE=" + kind + "\nINTERFACE=" + name + "\n");
    if (!tree_.root().exists("/sys/class/net/" + name)) {
      tree_.link("/sys/class/net/" + name, folder);
    }
    tree_.link("/sys/class/net/" + lower + "/upper_" + name, folder);
  }
  std::string switch_text() {
    return tree_.text("/sys/devices/pci0000:00/0000:03:00.0/power/wakeup");
  }

  GeneratedTree tree_;
  Root root_ = tree_.root();
  FakeNicPort port_;
};

TEST_F(NicTest, TellsWhatFrontsNeed) {
  const auto nics = list_nics(root_, port_);
  ASSERT_EQ(nics.size(), 1U);
  EXPECT_EQ(nics[0].name, "eth0");
  EXPECT_EQ(nics[0].mac, "02:00:00:00:00:01") << "the permanent one, not the one in use";
  EXPECT_EQ(nics[0].ip, "192.0.2.7");
  EXPECT_EQ(nics[0].broadcast, "192.0.2.255");
  EXPECT_TRUE(nics[0].is_reachable());
  EXPECT_EQ(nics[0].wol, Nic::Wol::Disarmed);
  EXPECT_FALSE(nics[0].is_armed());
}

TEST_F(NicTest, ABondsAddressIsItsCards) {
  card("eth1", "0000:04:00.0");
  port_.cards["eth1"] = {WolModes{kAll, 0}, "02:00:00:00:00:02"};
  upper("eth0", "bond0", "bond");
  upper("eth1", "bond0", "bond");
  upper("bond0", "br0", "bridge");
  port_.ips = {{"br0", "198.51.100.7", "198.51.100.255"}};
  const auto nics = list_nics(root_, port_, {"bond0"});
  ASSERT_EQ(nics.size(), 2U);
  EXPECT_EQ(nics[1].mac, "02:00:00:00:00:02");
  EXPECT_EQ(nics[1].address_on, "br0");
  EXPECT_EQ(nics[1].ip, "198.51.100.7");
  EXPECT_FALSE(nics[1].on_vlan);
  EXPECT_THAT(list_nics(root_, port_, {"eth7"}), IsEmpty());
}

TEST_F(NicTest, AnAddressBehindAVlanIsTheLastChoice) {
  upper("eth0", "eth0.10", "vlan");
  upper("eth0", "br0", "bridge");
  upper("eth0.10", "br10", "bridge");
  port_.ips = {{"eth0.10", "192.0.2.7", "192.0.2.255"}};
  EXPECT_TRUE(list_nics(root_, port_)[0].on_vlan);
  port_.ips = {{"br10", "192.0.2.7", "192.0.2.255"}};
  EXPECT_TRUE(list_nics(root_, port_)[0].on_vlan) << "what stands on a VLAN";
  port_.ips.push_back({"br0", "198.51.100.7", "198.51.100.255"});
  const auto nics = list_nics(root_, port_);
  EXPECT_FALSE(nics[0].on_vlan);
  EXPECT_EQ(nics[0].ip, "198.51.100.7");
}

TEST_F(NicTest, OnlyEthernetIsACard) {
  card("ib0", "0000:05:00.0");
  tree_.file("/sys/devices/pci0000:00/0000:05:00.0/net/ib0/type", "32\n");
  EXPECT_THAT(list_nics(root_, port_), SizeIs(1));
}

TEST_F(NicTest, WithoutAPermanentAddressTheOneInUseIsTold) {
  for (const char* none : {"", "00:00:00:00:00:00"}) {
    port_.cards["eth0"].mac = none;
    EXPECT_EQ(list_nics(root_, port_)[0].mac, "02:00:00:00:00:aa") << none;
  }
}

TEST_F(NicTest, ACardThatIsDownCannotBeReached) {
  const std::string state = "/sys/devices/pci0000:00/0000:03:00.0/net/eth0/operstate";
  tree_.file(state, "down\n");
  EXPECT_FALSE(list_nics(root_, port_)[0].is_reachable());
  tree_.remove(state);
  EXPECT_EQ(list_nics(root_, port_)[0].operstate, "unknown");
}

TEST_F(NicTest, ARadioIsADoubt) {
  port_.modes("eth0").armed = kWolMagic;
  const std::string folder = "/sys/devices/pci0000:00/0000:03:00.0/net/eth0/";
  for (const char* mark : {"wireless", "phy80211"}) {
    tree_.folder(folder + mark);
    EXPECT_THAT(list_nics(root_, port_)[0].why, HasSubstr("wireless")) << mark;
    tree_.remove(folder + mark);
  }
}

TEST_F(NicTest, EachRefusalIsToldInWords) {
  port_.cards["eth0"].error = EPERM;
  EXPECT_EQ(list_nics(root_, port_)[0].wol, Nic::Wol::Denied);
  EXPECT_THAT(list_nics(root_, port_)[0].why, HasSubstr("CAP_NET_ADMIN"));
  port_.cards["eth0"].error = EOPNOTSUPP;
  EXPECT_EQ(list_nics(root_, port_)[0].wol, Nic::Wol::Unsupported);
  port_.cards["eth0"].error = EIO;
  EXPECT_EQ(list_nics(root_, port_)[0].wol, Nic::Wol::Unknown);
  EXPECT_THAT(list_nics(root_, port_)[0].why, HasSubstr("Input/output error"));
  port_.cards["eth0"].error = 0;
  port_.cards["eth0"].modes = WolModes{kWolPhy | kWolUnicast, kWolPhy};
  EXPECT_EQ(list_nics(root_, port_)[0].wol, Nic::Wol::Unsupported);
  EXPECT_THAT(list_nics(root_, port_)[0].why, HasSubstr("pu"));
  port_.cards["eth0"].modes = WolModes{kAll, kWolPhy};
  EXPECT_EQ(list_nics(root_, port_)[0].wol, Nic::Wol::Disarmed);
  EXPECT_THAT(list_nics(root_, port_)[0].why, HasSubstr("is p, magic packets (g) are not armed"));
}

TEST_F(NicTest, WhatCannotBeArmedIsLeftAlone) {
  port_.cards["eth0"].error = EPERM;
  arm_nics(root_, port_);
  port_.cards["eth0"].error = 0;
  port_.modes("eth0").supported = kWolPhy;
  arm_nics(root_, port_);
  EXPECT_THAT(port_.cards["eth0"].sets, IsEmpty());
  EXPECT_EQ(switch_text(), "disabled\n");
}

TEST_F(NicTest, OfAnArmedCardOnlyTheSwitchIsThrown) {
  port_.modes("eth0").armed = kWolMagic;
  EXPECT_TRUE(arm_nics(root_, port_)[0].is_armed());
  EXPECT_THAT(port_.cards["eth0"].sets, IsEmpty());
  EXPECT_EQ(switch_text(), "enabled");
}

TEST_F(NicTest, ASwitchThatCannotBeThrownIsToldWithWhatToDo) {
  const std::string file = "/sys/devices/pci0000:00/0000:03:00.0/power/wakeup";
  tree_.remove(file);
  std::filesystem::create_symlink("/proc/version", tree_.at(file));  // nobody may write to it
  const auto nics = arm_nics(root_, port_);
  EXPECT_FALSE(nics[0].is_armed());
  EXPECT_THAT(nics[0].why, HasSubstr("enable it by a udev rule"));
}

TEST_F(NicTest, TheSwitchOfABridgeIsNotItsCards) {
  tree_.remove("/sys/devices/pci0000:00/0000:03:00.0/power/wakeup");
  tree_.file("/sys/devices/pci0000:00/power/wakeup", "disabled\n");
  EXPECT_EQ(list_nics(root_, port_)[0].wakeup_enabled, std::nullopt);
}

TEST_F(NicTest, ArmsMagicAndNothingElse) {
  port_.cards["eth0"].modes.armed = kWolPhy | kWolBroadcast | kWolMagic;
  EXPECT_EQ(list_nics(root_, port_)[0].wol, Nic::Wol::ArmedTooWide);
  const auto nics = arm_nics(root_, port_);
  ASSERT_EQ(nics.size(), 1U);
  EXPECT_TRUE(nics[0].is_armed());
  EXPECT_EQ(nics[0].why, "");
  EXPECT_EQ(port_.modes("eth0").armed, kWolMagic);
  EXPECT_EQ(switch_text(), "enabled");
}

TEST_F(NicTest, ArmsAgainWhatTheDriverForgot) {
  arm_nics(root_, port_);
  arm_nics(root_, port_);
  EXPECT_THAT(port_.cards["eth0"].sets, ElementsAre(kWolMagic)) << "what is right stays untouched";
  port_.modes("eth0").armed = 0;  // a link change
  EXPECT_TRUE(arm_nics(root_, port_)[0].is_armed());
}

TEST_F(NicTest, ADriverThatKeepsAnotherModeIsNotArmed) {
  port_.cards["eth0"].stuck = kWolBroadcast;
  const auto nics = arm_nics(root_, port_);
  EXPECT_FALSE(nics[0].is_armed());
  EXPECT_EQ(nics[0].wol, Nic::Wol::ArmedTooWide);
}

TEST_F(NicTest, ARefusalToArmIsToldWithWhatToDo) {
  port_.cards["eth0"].set_error = EPERM;
  const auto nics = arm_nics(root_, port_);
  EXPECT_FALSE(nics[0].is_armed());
  EXPECT_THAT(nics[0].why, HasSubstr("CAP_NET_ADMIN"));
}

TEST_F(NicTest, AnArmedCardWhoseSwitchStaysOffIsNotArmed) {
  port_.modes("eth0").armed = kWolMagic;
  EXPECT_FALSE(list_nics(root_, port_)[0].is_armed());
  EXPECT_THAT(list_nics(root_, port_)[0].why, HasSubstr("disabled"));
  tree_.remove("/sys/devices/pci0000:00/0000:03:00.0/power/wakeup");
  const auto without = list_nics(root_, port_);
  EXPECT_TRUE(without[0].is_armed()) << "no switch is a doubt, not a refusal";
  EXPECT_THAT(without[0].why, HasSubstr("no wakeup switch"));
}

TEST_F(NicTest, AUsbCardsSwitchIsThatOfItsDevice) {
  const std::string usb = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2";
  tree_.file(usb + "/power/wakeup", "disabled\n");
  tree_.folder("/sys/bus/usb");
  tree_.link(usb + "/1-2:1.0/subsystem", "/sys/bus/usb");
  tree_.file(usb + "/1-2:1.0/net/eth5/type", "1\n");
  tree_.link(usb + "/1-2:1.0/net/eth5/device", usb + "/1-2:1.0");
  tree_.link("/sys/class/net/eth5", usb + "/1-2:1.0/net/eth5");
  port_.cards["eth5"] = {WolModes{kAll, 0}, "02:00:00:00:00:05"};
  EXPECT_TRUE(arm_nics(root_, port_)[0].is_armed());
  EXPECT_EQ(tree_.text(usb + "/power/wakeup"), "enabled");
}

TEST(BroadcastAddress, IsWhatTheInterfaceSaysOrFollowsFromTheMask) {
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.0", "10.0.0.255"), "10.0.0.255");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.0", "10.0.0.2"), "10.0.0.255");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.252.0", ""), "10.0.3.255");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.0", "255.255.255.255"), "255.255.255.255");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.0", "0.0.0.0"), "10.0.0.255");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.252", ""), "10.0.0.3");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.254", ""), "");
  EXPECT_EQ(broadcast_address("10.0.0.2", "255.255.255.255", "10.0.0.2"), "");
}

TEST(WolLetters, AreEthtools) {
  EXPECT_EQ(wol_letters(0), "d");
  EXPECT_EQ(wol_letters(kWolMagic), "g");
  EXPECT_EQ(wol_letters(0x2f), "pumbg");
}

// The real kernel, on whatever this machine has. Loopback has no ethtool operations at all.
TEST(KernelNicPort, TellsAnInterfaceWithoutWakeOnLanFromNone) {
  KernelNicPort port;
  const auto loopback = port.wol("lo");
  ASSERT_FALSE(loopback);
  EXPECT_TRUE(loopback.error().code == boost::system::errc::operation_not_supported ||
              loopback.error().code == boost::system::errc::operation_not_permitted)
      << loopback.error().message();
  const auto none = port.wol("no-such-card0");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, boost::system::errc::no_such_device) << none.error().message();
  EXPECT_FALSE(port.wol("a-name-that-is-longer-than-the-kernel-has-room-for"));
  EXPECT_FALSE(port.set_wol("lo", kWolMagic));
}

TEST(KernelNicPort, WithoutTheCapabilityItIsRefused) {
  if (::geteuid() != 0) ROUSE_SKIP("root", "only root can give capabilities away");
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    KernelNicPort port;
    const auto asked = port.wol("lo");
    ::_exit(!asked && asked.error().code == boost::system::errc::operation_not_permitted ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

class KernelNicPortInside : public test::NetnsTest {};

TEST_F(KernelNicPortInside, ListsTheAddressesOfCards) {
  inside([] {
    test::ip("link add near0 type veth peer name far0");
    test::ip("address add 192.0.2.7/24 broadcast 192.0.2.255 dev near0");
    test::ip("address add 198.51.100.7/24 label near0:1 dev near0");
    test::ip("link set near0 up");
    test::ip("link set lo up");
    KernelNicPort port;
    const auto all = port.addresses();
    ASSERT_EQ(all.size(), 2U) << "without lo, and without what has none";
    EXPECT_EQ(all[1].interface, "near0") << "whatever its label";
    EXPECT_EQ(all[1].ip, "198.51.100.7");
    EXPECT_EQ(all[0].interface, "near0");
    EXPECT_EQ(all[0].ip, "192.0.2.7");
    EXPECT_EQ(all[0].broadcast, "192.0.2.255");
  });
}

TEST(TreeNicPort, ReadsAndSetsWhatItsFilesSay) {
  const GeneratedTree tree;
  const Root root = tree.root();
  const std::unique_ptr<NicPort> port = make_nic_port(root);
  EXPECT_EQ(port->wol("eth0").error().code, boost::system::errc::operation_not_supported);
  tree.file("/ethtool/eth0",
            "supported 47\narmed 2\nmac 02:00:00:00:00:01\nip 192.0.2.7\nbroadcast 192.0.2.255\n");
  tree.file("/ethtool/eth1", "supported 0\n");
  ASSERT_TRUE(port->wol("eth0"));
  EXPECT_EQ(port->wol("eth0")->supported, 47U);
  EXPECT_EQ(port->wol("eth0")->armed, 2U);
  EXPECT_EQ(*port->permanent_mac("eth0"), "02:00:00:00:00:01");
  ASSERT_TRUE(port->set_wol("eth0", kWolMagic));
  EXPECT_EQ(port->wol("eth0")->armed, kWolMagic);
  EXPECT_EQ(*port->permanent_mac("eth0"), "02:00:00:00:00:01");
  const auto all = port->addresses();
  ASSERT_THAT(all, SizeIs(1)) << "the other card has none";
  EXPECT_EQ(all[0].interface, "eth0");
  EXPECT_EQ(all[0].ip, "192.0.2.7");
  EXPECT_EQ(all[0].broadcast, "192.0.2.255");
  EXPECT_FALSE(port->set_wol("eth9", kWolMagic)) << "there is no such card";
}

TEST(TreeNicPort, IsOnlyForTrees) {
  const Root machine;
  const std::unique_ptr<NicPort> port = make_nic_port(machine);
  EXPECT_NE(dynamic_cast<KernelNicPort*>(port.get()), nullptr);
}

TEST(KernelNicPort, ReadsThePermanentAddressWhereThereIsACard) {
  KernelNicPort port;
  const Root root;
  const std::vector<Nic> nics = list_nics(root, port);
  if (nics.empty()) ROUSE_SKIP("card", "this machine has no network card of its own");
  for (const Nic& nic : nics) {
    EXPECT_THAT(nic.mac, testing::MatchesRegex("([0-9a-f]{2}:){5}[0-9a-f]{2}"));
    EXPECT_STRNE(name_of(nic.wol), "");
    if (nic.wol != Nic::Wol::Armed) EXPECT_THAT(nic.why, testing::Not(IsEmpty()));
  }
}

}  // namespace
}  // namespace rouse::suspendd
