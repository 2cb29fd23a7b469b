#include "suspendd/gpu/gpu_probe.hpp"

#include "base/async/use_task.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/gpu/gpu_fixture.hpp"

#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <chrono>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

class GpuProbeTest : public test::GpuFixture {
 protected:
  GpuReading reading(GpuProbe& probe) {
    auto read = run(probe.read());
    EXPECT_TRUE(read) << (read ? "" : read.error().message());
    return read ? std::move(*read) : GpuReading();
  }
  std::string failure(GpuProbe& probe) {
    const auto read = run(probe.read());
    EXPECT_FALSE(read);
    return read ? std::string() : read.error().message();
  }
  /// No child of this process is left, not even a dead one.
  static bool has_no_child() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }
};

TEST_F(GpuProbeTest, ReadsWhatNvmlTells) {
  process(4711, "python3", 4700, 4699);
  process(4700, "bash", 1, 4700);
  state("rate 3\nsample 10 2\nprocess 4711 512\nuse 4711 10 2\n");
  GpuProbe probe(io_.get_executor(), settings_);
  const GpuReading read = reading(probe);
  EXPECT_EQ(read.source, "NVML");
  EXPECT_EQ(read.nvidia_driver, "580.1");
  EXPECT_EQ(read.error, "");
  ASSERT_THAT(read.devices, SizeIs(1));
  const GpuDevice& gpu = read.devices[0];
  EXPECT_EQ(gpu.id, "0000:01:00.0");
  EXPECT_EQ(gpu.name, "Fake GPU");
  EXPECT_EQ(gpu.busy_percent, 3);
  EXPECT_TRUE(gpu.is_sampled);
  EXPECT_EQ(gpu.memory_used, 1ULL << 30);
  EXPECT_EQ(gpu.watts, 75.5);
  EXPECT_EQ(gpu.pstate, 8);
  ASSERT_TRUE(gpu.processes);
  ASSERT_THAT(*gpu.processes, SizeIs(1));
  EXPECT_EQ(gpu.processes->front().name, "python3");
  EXPECT_EQ(gpu.processes->front().memory, 512ULL << 20);
  EXPECT_EQ(gpu.processes->front().busy_percent, 2);
  EXPECT_THAT(gpu.processes->front().lineage, testing::ElementsAre(4711, 4699, 4700));
}

TEST_F(GpuProbeTest, ABurstBetweenTwoLooksIsSeenOnce) {
  state("sample 10 0\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_EQ(reading(probe).devices.at(0).busy_percent, 0);
  state("sample 10 0\nsample 20 90\nsample 30 0\n");
  EXPECT_EQ(reading(probe).devices.at(0).busy_percent, 90);
  EXPECT_EQ(reading(probe).devices.at(0).busy_percent, 0);
}

TEST_F(GpuProbeTest, WhatHasBeenSeenIsKnownOverAFreshStart) {
  state("sample 20 90\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_EQ(reading(probe).devices.at(0).busy_percent, 90);
  state("device 15\n");  // NVML is started anew after such a look
  reading(probe);
  EXPECT_THAT(calls(), testing::EndsWith("shutdown\n"));
  state("sample 20 90\n");
  EXPECT_EQ(reading(probe).devices.at(0).busy_percent, 0);
}

TEST_F(GpuProbeTest, ErrorsAreToldInWords) {
  GpuProbe probe(io_.get_executor(), settings_);
  const auto init = [&](int code) {
    state("init " + std::to_string(code) + "\n");
    return reading(probe).error;
  };
  EXPECT_THAT(init(9), HasSubstr("not loaded (NVML 9)"));
  EXPECT_THAT(init(17), HasSubstr("cgroup"));
  EXPECT_THAT(init(18), HasSubstr("reboot"));
  EXPECT_THAT(init(999), HasSubstr("internal error"));
  EXPECT_THAT(init(77), HasSubstr("an error of the fake (NVML 77)"));
  for (const int code : {15, 16, 999}) {
    state("device " + std::to_string(code) + "\nrate 50\n");
    const GpuReading read = reading(probe);
    ASSERT_THAT(read.devices, SizeIs(1)) << code;
    EXPECT_THAT(read.devices[0].error, HasSubstr("(NVML " + std::to_string(code) + ")"));
    EXPECT_FALSE(read.devices[0].busy_percent);
    EXPECT_FALSE(read.devices[0].processes);
  }
}

TEST_F(GpuProbeTest, AGpuThatLeftTheBusIsMissed) {
  nvidia_gpu("0000:02:00.0");
  GpuProbe probe(io_.get_executor(), settings_);
  const GpuReading read = reading(probe);
  ASSERT_THAT(read.devices, SizeIs(2));
  EXPECT_EQ(read.devices[1].id, "0000:02:00.0");
  EXPECT_THAT(read.devices[1].error, HasSubstr("fallen off the bus"));
}

Task<void> count_ticks(int& ticks, const bool& is_over) {
  Timer timer(co_await asio::this_coro::executor);
  while (!is_over) {
    timer.expires_after(1ms);
    co_await timer.async_wait(use_task);
    ++ticks;
  }
}

Task<void> read_once(GpuProbe& probe, std::optional<Result<GpuReading>>& out, bool& is_over) {
  out.emplace(co_await probe.read());
  is_over = true;
}

TEST_F(GpuProbeTest, AHelperThatHangsIsKilledAndTheLoopGoesOn) {
  settings_.deadline = 200ms;
  settings_.warm_up = 0ms;
  state("hang count\n");
  GpuProbe probe(io_.get_executor(), settings_);
  std::optional<Result<GpuReading>> out;
  bool is_over = false;
  int ticks = 0;
  group_.spawn(read_once(probe, out, is_over));
  group_.spawn(count_ticks(ticks, is_over));
  io_.run();
  ASSERT_TRUE(out);
  ASSERT_FALSE(*out);
  EXPECT_THAT(out->error().message(), HasSubstr("did not answer"));
  EXPECT_GT(ticks, 10);
  EXPECT_FALSE(probe.stuck_since());
  EXPECT_TRUE(has_no_child());
  state("");
  EXPECT_TRUE(test::wait_until([&] { return static_cast<bool>(run(probe.read())); }));
}

TEST_F(GpuProbeTest, AColdStartMayTakeLongerThanADeadline) {
  settings_.deadline = 50ms;
  state("hang init\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_THAT(failure(probe), HasSubstr("opening"));
  EXPECT_THAT(failure(probe), HasSubstr("opening"));
  EXPECT_FALSE(probe.stuck_since());
  state("");
  ASSERT_TRUE(test::wait_until([&] { return static_cast<bool>(run(probe.read())); }));
  EXPECT_THAT(calls(), StartsWith("init\ncount\n")) << "one helper, asked once";
  EXPECT_THAT(calls(), Not(HasSubstr("init\ninit")));
}

TEST_F(GpuProbeTest, ACrashIsAnErrorAndTheNextLookStartsAnother) {
  state("crash 1\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_THAT(failure(probe), HasSubstr("died of Aborted"));
  EXPECT_TRUE(has_no_child());
  state("");
  EXPECT_THAT(reading(probe).devices, SizeIs(1));
}

TEST_F(GpuProbeTest, AProgramThatIsNotThereIsAnError) {
  settings_.program = "/no/such/program";
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_THAT(failure(probe), HasSubstr("/no/such/program: No such file"));
}

TEST_F(GpuProbeTest, ACancelledLookLeavesNothingInTheWayOfTheNext) {
  state("rate 1\n");
  GpuProbe probe(io_.get_executor(), settings_);
  reading(probe);
  state("hang count\n");
  std::optional<Result<GpuReading>> out;
  bool is_over = false;
  group_.spawn(read_once(probe, out, is_over));
  io_.restart();
  ASSERT_TRUE(test::wait_until([&] {
    io_.poll();
    return calls().find("count\n") != calls().rfind("count\n");
  }));
  group_.cancel(asio::cancellation_type::terminal);
  io_.restart();
  io_.run();
  ASSERT_TRUE(out);
  EXPECT_FALSE(*out);
  state("");
  ASSERT_TRUE(test::wait_until([&] { return !probe.stuck_since(); }));
  EXPECT_THAT(reading(probe).devices, SizeIs(1));
}

TEST_F(GpuProbeTest, OneRequestAtATime) {
  GpuProbe probe(io_.get_executor(), settings_);
  std::optional<Result<GpuReading>> first;
  std::optional<Result<GpuReading>> second;
  bool is_over = false;
  group_.spawn(read_once(probe, first, is_over));
  group_.spawn(read_once(probe, second, is_over));
  io_.run();
  EXPECT_TRUE(*first);
  EXPECT_FALSE(*second);
}

TEST_F(GpuProbeTest, WithoutAnNvidiaGpuNvmlIsNotAsked) {
  tree_.remove("/sys/bus/pci/devices/0000:01:00.0");
  GpuProbe probe(io_.get_executor(), settings_);
  const GpuReading read = reading(probe);
  EXPECT_THAT(read.devices, SizeIs(0));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(calls(), "");
}

TEST_F(GpuProbeTest, ItsSoundIsNoGpu) {
  nvidia_gpu("0000:01:00.1");
  tree_.file("/sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_THAT(reading(probe).devices, SizeIs(1));
}

TEST_F(GpuProbeTest, ADriverWithoutAVisibleBusIsAsked) {
  tree_.remove("/sys/bus/pci/devices/0000:01:00.0");
  tree_.file("/proc/driver/nvidia/version", "NVRM\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_THAT(reading(probe).devices, SizeIs(1));
}

TEST_F(GpuProbeTest, AGpuThatIsPoweredDownIsNotWoken) {
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/power/runtime_status", "suspended\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_TRUE(reading(probe).devices.at(0).is_suspended);
  EXPECT_EQ(calls(), "");
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/power/runtime_status", "suspending\n");
  EXPECT_TRUE(reading(probe).devices.at(0).is_suspended);
  EXPECT_EQ(calls(), "");
  nvidia_gpu("0000:02:00.0");
  EXPECT_THAT(reading(probe).devices, SizeIs(2));
  EXPECT_EQ(*run(probe.self_test()), "1 GPU answers, 1 powered down and not asked, CUDA starts");
  EXPECT_THAT(calls(), HasSubstr("by_id 0000:02:00.0"));
  EXPECT_THAT(calls(), Not(HasSubstr("0000:01:00.0")));
  EXPECT_THAT(calls(), Not(HasSubstr("by_index")));
}

TEST_F(GpuProbeTest, AGpuThatMayPowerDownIsNotKeptOpen) {
  tree_.file("/sys/bus/pci/devices/0000:01:00.0/power/control", "auto\n");
  GpuProbe probe(io_.get_executor(), settings_);
  reading(probe);
  EXPECT_THAT(calls(), testing::EndsWith("shutdown\n"));
}

TEST_F(GpuProbeTest, ClosesNvmlAndEndsTheHelper) {
  GpuProbe probe(io_.get_executor(), settings_);
  reading(probe);
  EXPECT_THAT(calls(), Not(HasSubstr("shutdown")));
  run(probe.close());
  EXPECT_THAT(calls(), testing::EndsWith("shutdown\n"));
  EXPECT_TRUE(has_no_child());
  EXPECT_THAT(reading(probe).devices, SizeIs(1));
}

TEST_F(GpuProbeTest, ItsEndIsTheHelpers) {
  {
    GpuProbe probe(io_.get_executor(), settings_);
    reading(probe);
    EXPECT_FALSE(has_no_child());
  }
  EXPECT_TRUE(has_no_child());
}

TEST_F(GpuProbeTest, TheSelfTestStartsCudaToo) {
  GpuProbe probe(io_.get_executor(), settings_);
  auto test = run(probe.self_test());
  ASSERT_TRUE(test) << test.error().message();
  EXPECT_EQ(*test, "1 GPU answers, CUDA starts");
  EXPECT_TRUE(has_no_child()) << "nothing stays open";
  ::setenv("FAKE_CUDA", "999", 1);
  test = run(probe.self_test());
  ASSERT_FALSE(test);
  EXPECT_THAT(test.error().message(), HasSubstr("cuInit says 999 (CUDA_ERROR_UNKNOWN)"));
  ::unsetenv("FAKE_CUDA");
  settings_.cuda = "libno-such-cuda.so";
  GpuProbe without(io_.get_executor(), settings_);
  EXPECT_EQ(*run(without.self_test()), "1 GPU answers, no CUDA here");
  state("device 15\n");
  EXPECT_THAT(run(probe.self_test()).error().message(), HasSubstr("lost"));
  state("init 999\n");
  EXPECT_FALSE(run(probe.self_test()));
}

TEST_F(GpuProbeTest, ASelfTestThatHangsFails) {
  settings_.self_test = 100ms;
  state("hang samples\n");
  GpuProbe probe(io_.get_executor(), settings_);
  EXPECT_THAT(run(probe.self_test()).error().message(), HasSubstr("did not answer"));
  EXPECT_TRUE(has_no_child());
}

TEST_F(GpuProbeTest, WithoutTheLibraryNvidiaSmiIsAsked) {
  settings_.nvml = test::built_program("libfake_nvml_old.so");
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", dir_.path().c_str(), 1);
  GpuProbe without(io_.get_executor(), settings_);
  EXPECT_THAT(reading(without).error, HasSubstr("has no nvmlDeviceGetCount_v2"));
  EXPECT_THAT(reading(without).error, HasSubstr("nvidia-smi is not there either"));
  const std::string smi = dir_.write("nvidia-smi",
                                     "#!/bin/sh\n"
                                     "case \"$1\" in\n"
                                     "--query-gpu*) echo '00000000:01:00.0, NVIDIA X, 41, 512, "
                                     "24576, 75.20, P2, 580.1' ;;\n"
                                     "*) echo '00000000:01:00.0, 4711, 500' ;;\n"
                                     "esac\n");
  std::filesystem::permissions(smi, std::filesystem::perms::all);
  const GpuReading read = reading(without);
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.source, "nvidia-smi");
  ASSERT_THAT(read.devices, SizeIs(1));
  EXPECT_EQ(read.devices[0].busy_percent, 41);
  EXPECT_EQ(read.devices[0].memory_used, 512ULL << 20);
  EXPECT_EQ(read.devices[0].pstate, 2);
  ASSERT_TRUE(read.devices[0].processes);
  EXPECT_EQ(read.devices[0].processes->at(0).pid, 4711);
}

}  // namespace
}  // namespace rouse::suspendd
