#include "suspendd/box/wake_source.hpp"

#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

namespace rouse::suspendd {
namespace {

using test::GeneratedTree;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class WakeSourceTest : public testing::Test {
 protected:
  /// @p name as wakeupN/name has it; the device's folder holds the wakeup folder, as in /sys.
  void source(const std::string& id, const std::string& name, const std::string& device,
              int events) {
    const std::string folder =
        device.empty() ? "/sys/devices/virtual/wakeup/" + id : device + "/wakeup/" + id;
    tree_.file(folder + "/name", name + "\n");
    tree_.file(folder + "/event_count", std::to_string(events) + "\n");
    tree_.file(folder + "/wakeup_count", "0\n");
    if (!device.empty() && !root_.exists(folder + "/device")) {
      tree_.link(folder + "/device", device);
    }
    if (!root_.exists("/sys/class/wakeup/" + id)) tree_.link("/sys/class/wakeup/" + id, folder);
  }
  void subsystem(const std::string& device, const std::string& name) {
    tree_.folder("/sys/bus/" + name);
    tree_.link(device + "/subsystem", "/sys/bus/" + name);
  }
  void machine() {
    subsystem(card_, "pci");
    tree_.file(card_ + "/class", "0x020000\n");
    tree_.file(card_ + "/power/wakeup", "enabled\n");
    tree_.folder(card_ + "/net/eth0");
    source("wakeup3", "0000:03:00.0", card_, 4);
    subsystem(clock_, "platform");
    tree_.folder(clock_ + "/rtc/rtc0");
    source("wakeup1", "rtc_cmos", clock_, 9);
    source("wakeup2", "PNP0C0C:00", "/sys/devices/LNXSYSTM:00/LNXSYBUS:00/PNP0C0C:00", 0);
    subsystem(keyboard_, "usb");
    tree_.file(keyboard_ + "/product", "Keyboard\n");
    source("wakeup5", "1-3", keyboard_, 0);
    source("wakeup9", "alarmtimer.0.auto", "", 1);
  }
  WakeReason reason_after(const std::vector<WakeSource>& before, bool alarm_due = false) {
    return wake_reason(before, read_wake_sources(root_), alarm_due);
  }

  const std::string card_ = "/sys/devices/pci0000:00/0000:00:1c.0/0000:03:00.0";
  const std::string clock_ = "/sys/devices/pnp0/00:04";
  const std::string keyboard_ = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-3";
  GeneratedTree tree_;
  Root root_ = tree_.root();
};

TEST_F(WakeSourceTest, TellsKindsApart) {
  machine();
  std::map<std::string, WakeSource> by_name;
  for (const WakeSource& one : read_wake_sources(root_)) by_name[one.name] = one;
  ASSERT_THAT(by_name, SizeIs(5));
  EXPECT_EQ(by_name["0000:03:00.0"].kind, WakeKind::Wol);
  EXPECT_EQ(by_name["0000:03:00.0"].detail, "network card eth0");
  EXPECT_TRUE(by_name["0000:03:00.0"].is_enabled);
  EXPECT_EQ(by_name["rtc_cmos"].kind, WakeKind::Rtc);
  EXPECT_EQ(by_name["PNP0C0C:00"].kind, WakeKind::PowerButton);
  EXPECT_EQ(by_name["1-3"].kind, WakeKind::Usb);
  EXPECT_EQ(by_name["1-3"].detail, "USB Keyboard");
  EXPECT_EQ(by_name["alarmtimer.0.auto"].kind, WakeKind::Rtc);
}

TEST_F(WakeSourceTest, KnowsEachKindOfDevice) {
  struct Case {
    const char* device;
    const char* subsystem;
    const char* pci_class;  ///< empty: none
    WakeKind kind;
    const char* detail;
  };
  const std::string usb = "/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1";
  tree_.folder(usb + "/2-1:1.0/net/eth7");
  const std::vector<Case> cases{
      {"/sys/devices/LNXSYSTM:00/LNXPWRBN:00", "acpi", "", WakeKind::PowerButton, "power button"},
      {"/sys/devices/LNXSYSTM:00/PNP0C0E:00", "acpi", "", WakeKind::PowerButton, "sleep button"},
      {"/sys/devices/LNXSYSTM:00/PNP0C0D:00", "acpi", "", WakeKind::Lid, "lid"},
      {"/sys/devices/platform/i8042/serio0", "serio", "", WakeKind::Other, "keyboard or mouse"},
      {"/sys/devices/pci0000:00/0000:00:14.0", "pci", "0x0c0330", WakeKind::Usb,
       "USB host controller"},
      {"/sys/devices/pci0000:00/0000:05:00.0", "pci", "0x020000", WakeKind::Wol, "network card"},
      {"/sys/devices/pci0000:00/0000:00:1d.0", "pci", "0x060400", WakeKind::Other, "bus port"},
      {"/sys/devices/pci0000:00/0000:00:1f.3", "pci", "0x040300", WakeKind::Unknown, "its name"},
      {usb.c_str(), "usb", "", WakeKind::Wol, "network card eth7"},
      {"/sys/devices/pci0000:00/0000:00:14.0/usb1/1-9", "usb", "", WakeKind::Usb, "USB device"},
  };
  for (const Case& each : cases) {
    subsystem(each.device, each.subsystem);
    if (*each.pci_class != '\0') tree_.file(std::string(each.device) + "/class", each.pci_class);
    tree_.file(std::string(each.device) + "/power/wakeup", "disabled\n");
    source("wakeup8", "its name", each.device, 1);
    const auto sources = read_wake_sources(root_);
    ASSERT_THAT(sources, SizeIs(1)) << each.device;
    EXPECT_EQ(sources[0].kind, each.kind) << each.device;
    EXPECT_EQ(sources[0].detail, each.detail) << each.device;
    EXPECT_FALSE(sources[0].is_enabled) << each.device;
    tree_.remove("/sys/class/wakeup/wakeup8");
  }
}

TEST_F(WakeSourceTest, AClockIsKnownByWhatItIsFor) {
  tree_.folder(clock_ + "/rtc/rtc0");
  subsystem(clock_, "pnp");
  source("wakeup1", "00:04", clock_, 1);
  EXPECT_EQ(read_wake_sources(root_).at(0).kind, WakeKind::Rtc);
}

TEST_F(WakeSourceTest, OneThatGoesMeanwhileIsLeftOut) {
  machine();
  tree_.folder("/sys/class/wakeup/wakeup40");
  EXPECT_THAT(read_wake_sources(root_), SizeIs(5));
}

TEST_F(WakeSourceTest, AButtonIsTheReasonThoughTheCardCountedToo) {
  machine();
  const auto before = read_wake_sources(root_);
  source("wakeup3", "0000:03:00.0", card_, 5);
  source("wakeup5", "1-3", keyboard_, 1);
  source("wakeup2", "PNP0C0C:00", "/sys/devices/LNXSYSTM:00/LNXSYBUS:00/PNP0C0C:00", 1);
  const auto reason = reason_after(before);
  EXPECT_EQ(reason.kind, WakeKind::PowerButton);
  EXPECT_EQ(reason.sources.at(1).kind, WakeKind::Wol);
  EXPECT_EQ(reason.sources.at(2).kind, WakeKind::Usb);
}

TEST_F(WakeSourceTest, WhatIsNotKnownIsCalledByItsName) {
  source("wakeup6", "odd", "/sys/devices/odd", 1);
  EXPECT_EQ(reason_after({}).text, "odd, +1");
}

TEST_F(WakeSourceTest, WhatCountedIsTheReason) {
  machine();
  const auto before = read_wake_sources(root_);
  EXPECT_EQ(reason_after(before).kind, WakeKind::Unknown);
  EXPECT_EQ(reason_after(before).text, "no wake source has counted an event");
  EXPECT_THAT(reason_after(before).sources, IsEmpty());
  source("wakeup3", "0000:03:00.0", card_, 5);
  source("wakeup1", "rtc_cmos", clock_, 11);
  const auto reason = reason_after(before);
  EXPECT_EQ(reason.kind, WakeKind::Wol) << "the clock ticks for the kernel too";
  EXPECT_EQ(reason.text, "network card eth0 (0000:03:00.0), +1");
  ASSERT_THAT(reason.sources, SizeIs(2));
  EXPECT_EQ(reason.sources[1].event_count, 2U);
  EXPECT_EQ(reason_after(before, true).kind, WakeKind::Rtc) << "our alarm was due";
}

TEST_F(WakeSourceTest, APortsEventIsItsCards) {
  const std::string port = "/sys/devices/pci0000:00/0000:00:1c.0";
  machine();
  subsystem(port, "pci");
  tree_.file(port + "/class", "0x060400\n");
  source("wakeup12", "0000:00:1c.0", port, 1);
  const auto sources = read_wake_sources(root_);
  const auto found = std::find_if(sources.begin(), sources.end(),
                                  [](const WakeSource& one) { return one.id == "wakeup12"; });
  ASSERT_NE(found, sources.end());
  EXPECT_EQ(found->kind, WakeKind::Wol);
  EXPECT_EQ(found->detail, "bus port of network card eth0");
}

TEST_F(WakeSourceTest, AnAcpiCompanionLeadsToItsDevice) {
  machine();
  const std::string companion = "/sys/devices/LNXSYSTM:00/LNXSYBUS:00/PNP0A08:00/device:1a";
  tree_.link(companion + "/physical_node", card_);
  source("wakeup20", "device:1a", companion, 1);
  const auto sources = read_wake_sources(root_);
  const auto found = std::find_if(sources.begin(), sources.end(),
                                  [](const WakeSource& one) { return one.id == "wakeup20"; });
  ASSERT_NE(found, sources.end());
  EXPECT_EQ(found->kind, WakeKind::Wol);
}

TEST_F(WakeSourceTest, ADeviceThatCameBackCountsFromZero) {
  machine();
  const auto before = read_wake_sources(root_);
  tree_.remove("/sys/class/wakeup/wakeup3");
  tree_.remove(card_ + "/wakeup");
  source("wakeup31", "0000:03:00.0", card_, 1);
  EXPECT_EQ(reason_after(before).kind, WakeKind::Wol);
  const auto later = read_wake_sources(root_);
  tree_.remove("/sys/class/wakeup/wakeup31");
  tree_.remove(card_ + "/wakeup");
  source("wakeup32", "0000:03:00.0", card_, 1);
  EXPECT_EQ(reason_after(later).kind, WakeKind::Unknown) << "it has only another id";
}

TEST_F(WakeSourceTest, TheCountIsReadAndWrittenBack) {
  EXPECT_EQ(read_wakeup_count(root_, std::chrono::seconds(5)).error().code,
            boost::system::errc::no_such_file_or_directory);
  tree_.file("/sys/power/wakeup_count", "117\n");
  const auto count = read_wakeup_count(root_, std::chrono::seconds(5));
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 117U);
  EXPECT_TRUE(write_wakeup_count(root_, *count));
  EXPECT_EQ(tree_.text("/sys/power/wakeup_count"), "117");
}

TEST_F(WakeSourceTest, ACountThatTheKernelHoldsBackIsGivenUp) {
  tree_.folder("/sys/power");
  ASSERT_EQ(::mkfifo(tree_.at("/sys/power/wakeup_count").c_str(), 0600), 0);  // open() waits
  const auto count = read_wakeup_count(root_, std::chrono::milliseconds(50));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, boost::system::errc::timed_out);
}

}  // namespace
}  // namespace rouse::suspendd
