#include "suspendd/checks/device_rates.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/rate_window.hpp"
#include "suspendd/checks/stamp_ages.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace rouse::suspendd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

TEST(RateWindow, NeedsTwoLooks) {
  RateWindow window(seconds(60));
  const RateWindow::Time start{};
  EXPECT_FALSE(window.rate());
  window.add(start, 1000);
  EXPECT_FALSE(window.rate());
  window.add(start + milliseconds(10), 1'000'000);
  EXPECT_FALSE(window.rate()) << "a rate over no time is any number";
  window.add(start + seconds(5), 1'001'000);
  ASSERT_TRUE(window.rate());
  EXPECT_EQ(window.rate()->per_second, 200'000);
  EXPECT_EQ(window.rate()->over, seconds(5));
}

TEST(RateWindow, ForgetsWhatIsOlder) {
  RateWindow window(seconds(60));
  std::uint64_t count = 0;
  for (int i = 0; i <= 20; ++i) {
    window.add(RateWindow::Time(seconds(5 * i)), count);
    if (i < 5) count += 1'000'000;  // busy in the first 25 s only
  }
  EXPECT_EQ(window.rate()->over, seconds(60));
  EXPECT_EQ(window.rate()->per_second, 0);
}

TEST(RateWindow, ACounterThatGoesBackHasBegunAnew) {
  RateWindow window(seconds(60));
  window.add(RateWindow::Time(seconds(0)), 1'000'000'000'000);
  window.add(RateWindow::Time(seconds(10)), 500);
  EXPECT_EQ(window.rate()->per_second, 50);
  window.add(RateWindow::Time(seconds(20)), 0);
  EXPECT_EQ(window.rate()->per_second, 25);
}

TEST(DeviceRates, ADeviceThatCameBackIsMeasuredAnew) {
  DeviceRates rates(1000, seconds(60));
  const auto at = [](int second) { return DeviceRates::Time(seconds(second)); };
  const std::chrono::system_clock::time_point wall{};
  const std::string first = rates.judge({{"a", 0}}, at(0), wall).reason;
  EXPECT_THAT(first, HasSubstr("measuring since "));
  EXPECT_EQ(rates.judge({{"b", 0}}, at(10), wall + seconds(10)).reason, first)
      << "since the first look";
  EXPECT_EQ(rates.judge({{"a", 100'000}}, at(20), wall).reason, first) << "it had gone";
  EXPECT_EQ(rates.judge({{"a", 110'000}}, at(30), wall).verdict, Verdict::Active)
      << "at the threshold";
  EXPECT_EQ(rates.judge({{"a", 119'000}}, at(40), wall).verdict, Verdict::Idle);
}

TEST(StampAges, AreAtMostAYear) {
  StampAges ages;
  ages.begin({}, StampAges::Wall(std::chrono::hours(24 * 365 * 50)));
  ages.add("ancient", 0);
  EXPECT_EQ(ages.age("ancient"), std::chrono::hours(24 * 365));
}

TEST(Finding, TextsOfOthersAreCleanAndShort) {
  EXPECT_EQ(excerpt("two\nlines \t\n"), "two lines");
  EXPECT_EQ(excerpt("abc", 3), "abc");
  EXPECT_EQ(excerpt("abcd", 3), "abc…");
}

TEST(Finding, RatesAndAgesAreRounded) {
  EXPECT_EQ(rate_text(1023), "1023 B/s");
  EXPECT_EQ(rate_text(1024), "1.0 KiB/s");
  EXPECT_EQ(rate_text(1.5 * 1024 * 1024), "1.5 MiB/s");
  EXPECT_EQ(rate_text(2.0 * 1024 * 1024 * 1024), "2.0 GiB/s");
  EXPECT_EQ(age_text(milliseconds(42'900)), "42s");
  EXPECT_EQ(age_text(seconds(14 * 60 + 59)), "14m59s");
  EXPECT_EQ(age_text(seconds(80 * 60 + 59)), "1h20m");
}

class CpuCheckTest : public CheckFixture {
 protected:
  void used(double core_seconds) {
    ticks_ += static_cast<long>(core_seconds * static_cast<double>(::sysconf(_SC_CLK_TCK)));
    file("/proc/stat", fmt::format("cpu  {} 0 0 99999 99999 0 0 0 0 0\n", ticks_));
  }
  long ticks_ = 1000;
};

TEST_F(CpuCheckTest, MeasuresFirstAndThenTellsByTheThreshold) {
  const auto check = make(CpuCheck());
  used(0);
  EXPECT_THAT(look(check), IsUnknown(MatchesRegex("measuring since ..:..:..")));
  pass(seconds(10));
  used(1);
  EXPECT_THAT(look(check), IsIdle("0.10 of a core busy over 10s, below 0.25"));
  pass(seconds(10));
  used(9);
  EXPECT_THAT(look(check), IsActive("0.50 of a core busy over 20s, at or above 0.25"));
  for (int i = 0; i < 12; ++i) {
    pass(seconds(5));
    used(0);
    static_cast<void>(look(check));
  }
  EXPECT_THAT(look(check), IsIdle("0.00 of a core busy over 1m, below 0.25"));
}

TEST_F(CpuCheckTest, PressureIsActivityByItself) {
  const auto check = make(CpuCheck());
  used(0);
  file("/proc/pressure/cpu", "some avg10=1.00 avg60=10.00 avg300=1.00 total=1\n");
  EXPECT_THAT(look(check), IsActive("work waits for a processor 10% of the time, at or above 10%"));
  file("/proc/pressure/cpu", "some avg10=90.00 avg60=9.99 avg300=1.00 total=1\n");
  EXPECT_EQ(look(check).verdict, Verdict::Unknown);
  pass(seconds(5));
  EXPECT_EQ(look(check).verdict, Verdict::Idle);
  file("/proc/pressure/cpu", "some avg10=90.00 avg60=99 avg300=1.00 total=1\n");
  CpuCheck settings;
  settings.pressure = 0;
  EXPECT_EQ(look(make(settings)).verdict, Verdict::Unknown) << "it was not to be asked";
}

TEST_F(CpuCheckTest, LooksAtOneCgroup) {
  CpuCheck settings;
  settings.cgroup = "/system.slice/jobs.service";
  const auto check = make(settings);
  EXPECT_THAT(look(check),
              IsUnknown(AllOf(HasSubstr("jobs.service/cpu.stat"), HasSubstr("No such"))));
  file("/sys/fs/cgroup/cgroup.controllers", "cpu io\n");
  EXPECT_THAT(look(check), IsIdle(HasSubstr("there is no such cgroup now")));
  file("/sys/fs/cgroup/system.slice/jobs.service/cpu.stat", "usage_usec 1000000\nuser_usec 7\n");
  EXPECT_EQ(look(check).verdict, Verdict::Unknown);
  pass(seconds(10));
  file("/sys/fs/cgroup/system.slice/jobs.service/cpu.stat", "usage_usec 21000000\nuser_usec 7\n");
  EXPECT_THAT(look(check),
              IsActive(HasSubstr("2.00 of a core used by system.slice/jobs.service over 10s")));
  file("/sys/fs/cgroup/system.slice/jobs.service/cpu.pressure", "some avg60=50.00\n");
  EXPECT_THAT(look(check), IsActive(HasSubstr("50%")));
}

TEST_F(CpuCheckTest, AFileItCannotReadIsUnknown) {
  EXPECT_THAT(look(make(CpuCheck())), IsUnknown(HasSubstr("/proc/stat: No such file")));
  file("/proc/stat", "intr 0\n");
  EXPECT_THAT(look(make(CpuCheck())), IsUnknown(HasSubstr("/proc/stat does not tell")));
}

TEST_F(CpuCheckTest, ReadsThisMachine) {
  context_.root = Root();
  CpuCheck settings;
  settings.pressure = 0;
  const auto check = make(settings);
  EXPECT_EQ(look(check).verdict, Verdict::Unknown);
  pass(seconds(60));
  EXPECT_NE(look(check).verdict, Verdict::Unknown);
}

class NetCheckTest : public CheckFixture {
 protected:
  void counters(std::vector<std::pair<std::string, std::uint64_t>> bytes) {
    std::string text = "Inter-| x\n face |bytes\n";
    for (const auto& [name, count] : bytes) {
      text += fmt::format("{}: {} 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n", name, count);
    }
    file("/proc/net/dev", text);
  }
  static constexpr std::uint64_t kMiB = 1024 * 1024;
};

TEST_F(NetCheckTest, TellsByTheBusiestInterface) {
  const auto check = make(NetCheck());
  counters({{"lo", 0}, {"eth0", 0}, {"eth1", 0}});
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("measuring since")));
  pass(seconds(10));
  counters({{"lo", 1000 * kMiB}, {"eth0", 9 * kMiB}, {"eth1", 9 * kMiB}});
  EXPECT_THAT(look(check), IsIdle("eth0 moved 921.6 KiB/s over 10s, below 1.0 MiB/s"));
  pass(seconds(10));
  counters({{"lo", 0}, {"eth0", 9 * kMiB}, {"eth1", 49 * kMiB}});
  EXPECT_THAT(look(check), IsActive(HasSubstr("eth1 moved 2.5 MiB/s over 20s, at or above 1.0")));
}

TEST_F(NetCheckTest, TrafficInsideTheMachineDoesNotCount) {
  const auto check = make(NetCheck());
  const std::vector<std::string> names = {"lo",     "veth1a", "docker0",    "br-12ab",
                                          "virbr0", "tun0",   "tailscale0", "wg0",
                                          "cni0",   "tap3",   "vnet1",      "podman1"};
  for (std::uint64_t round = 0; round < 2; ++round) {
    std::vector<std::pair<std::string, std::uint64_t>> bytes = {{"enp1s0", 0}};
    for (const auto& name : names) bytes.emplace_back(name, round * 1000 * kMiB);
    counters(bytes);
    static_cast<void>(look(check));
    pass(seconds(5));
  }
  EXPECT_THAT(look(check), IsIdle(HasSubstr("enp1s0")));
  NetCheck settings;
  settings.interfaces = {"veth1a"};
  EXPECT_THAT(look(make(settings)), IsUnknown(HasSubstr("measuring"))) << "named, it counts";
}

TEST_F(NetCheckTest, AnInterfaceThatComesBackDoesNotFakeTraffic) {
  const auto check = make(NetCheck());
  counters({{"eth0", 1'000'000'000'000}});
  static_cast<void>(look(check));
  pass(seconds(10));
  counters({{"eth0", 100}});
  EXPECT_THAT(look(check), IsIdle(HasSubstr("eth0 moved 10 B/s")));
  pass(seconds(10));
  counters({{"eth1", 1'000'000'000'000}});
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("measuring")));
}

TEST_F(NetCheckTest, WithoutItsInterfaceItCannotTell) {
  NetCheck settings;
  settings.interfaces = {"eth7"};
  counters({{"eth0", 0}});
  EXPECT_THAT(look(make(settings)), IsUnknown("there is no interface eth7 in /proc/net/dev"));
  counters({{"lo", 0}});
  EXPECT_THAT(look(make(NetCheck())), IsUnknown(HasSubstr("no interface to look at")));
  remove("/proc/net/dev");
  EXPECT_THAT(look(make(NetCheck())), IsUnknown(HasSubstr("/proc/net/dev: No such file")));
}

class DiskCheckTest : public CheckFixture {
 protected:
  void counters(std::vector<std::pair<std::string, std::uint64_t>> bytes) {
    std::string text;
    for (const auto& [name, count] : bytes) {
      text += fmt::format(" 8 0 {} 1 0 {} 0 1 0 0 0 0 0 0\n", name, count / 512);
    }
    file("/proc/diskstats", text);
  }
  static constexpr std::uint64_t kMiB = 1024 * 1024;
};

TEST_F(DiskCheckTest, LooksAtWholeDisksOnly) {
  file("/sys/block/sda/size", "1");
  file("/sys/block/loop0/size", "1");
  file("/sys/block/zram0/size", "1");
  file("/sys/block/cciss!c0d0/size", "1");
  const auto check = make(DiskCheck());
  counters({{"sda", 0}, {"sda1", 0}, {"loop0", 0}, {"zram0", 0}, {"cciss/c0d0", 0}});
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("measuring since")));
  pass(seconds(10));
  const std::uint64_t much = 1000 * kMiB;
  counters({{"sda", kMiB}, {"sda1", much}, {"loop0", much}, {"zram0", much}, {"cciss/c0d0", 0}});
  EXPECT_THAT(look(check), IsIdle("sda moved 102.4 KiB/s over 10s, below 5.0 MiB/s"));
  pass(seconds(10));
  counters({{"sda", kMiB}, {"sda1", much}, {"loop0", much}, {"zram0", much}, {"cciss/c0d0", much}});
  EXPECT_THAT(look(check), IsActive(HasSubstr("cciss/c0d0 moved 50.0 MiB/s")));
}

TEST_F(DiskCheckTest, NamedDevicesMustBeThere) {
  counters({{"sda1", 0}});
  DiskCheck settings;
  settings.devices = {"/dev/sda1"};
  EXPECT_THAT(look(make(settings)), IsUnknown(HasSubstr("measuring since")));
  settings.devices = {"sdb"};
  EXPECT_THAT(look(make(settings)), IsUnknown("there is no disk sdb in /proc/diskstats"));
}

TEST_F(DiskCheckTest, AMachineWithoutDisksIsIdle) {
  counters({{"loop0", 0}});
  EXPECT_THAT(look(make(DiskCheck())), IsIdle("there is no disk"));
  remove("/proc/diskstats");
  EXPECT_THAT(look(make(DiskCheck())), IsUnknown(HasSubstr("No such file")));
}

}  // namespace
}  // namespace rouse::suspendd
