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

TEST_F(WakeSourceTest, WhatCountedIsTheReason) {
  machine();
  const auto before = read_wake_sources(root_);
  EXPECT_EQ(reason_after(before).kind, WakeKind::Unknown);
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
