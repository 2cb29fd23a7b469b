#include "suspendd/gpu/drm_reader.hpp"

#include "suspendd/gpu/nvidia_smi.hpp"
#include "suspendd/gpu/nvml_reader.hpp"
#include "suspendd/gpu/process_info.hpp"
#include "tests/suspendd/generated_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using test::GeneratedTree;
using testing::IsEmpty;
using testing::SizeIs;

class DrmReaderTest : public testing::Test {
 protected:
  PciGpu gpu(const std::string& vendor, const std::string& driver) {
    PciGpu made;
    made.vendor = vendor;
    made.id = "0000:03:00.0";
    made.driver = driver;
    return made;
  }
  void client(int pid, const std::string& fields, const std::string& id = "7") {
    const std::string folder = "/proc/" + std::to_string(pid);
    tree_.file(folder + "/comm", "job\n");
    tree_.file(folder + "/stat", std::to_string(pid) + " (job) S 1 1 1\n");
    tree_.file("/dev/dri/renderD128", "");
    tree_.file(folder + "/fdinfo/0", "pos: 0\nflags: 02\n");
    tree_.file(folder + "/fdinfo/5",
               "pos:\t0\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t" + id + "\n" + fields);
    if (!root_.exists(folder + "/fd/5")) {
      tree_.link(folder + "/fd/5", "/dev/dri/renderD128");
      tree_.folder(folder + "/fd");
    }
  }
  void amd(int busy, const std::string& clocks, int microwatts) {
    const std::string folder = "/sys/bus/pci/devices/0000:03:00.0";
    tree_.file(folder + "/gpu_busy_percent", std::to_string(busy) + "\n");
    tree_.file(folder + "/mem_info_vram_used", "1073741824\n");
    tree_.file(folder + "/mem_info_vram_total", "25753026560\n");
    if (!clocks.empty()) tree_.file(folder + "/pp_dpm_mclk", clocks);
    if (microwatts > 0) {
      tree_.file(folder + "/hwmon/hwmon3/power1_average", std::to_string(microwatts) + "\n");
    }
  }
  GpuDevice look(const PciGpu& gpu) {
    GpuReading reading;
    at_ += 10s;
    reader_.read({gpu}, at_, reading);
    EXPECT_THAT(reading.devices, SizeIs(1));
    return reading.devices.empty() ? GpuDevice() : reading.devices[0];
  }

  const std::string kLow = "0: 96Mhz *\n1: 1124Mhz \n";
  const std::string kHigh = "0: 96Mhz \n1: 1124Mhz *\n";
  GeneratedTree tree_;
  Root root_ = tree_.root();
  DrmReader reader_{root_};
  std::chrono::nanoseconds at_ = 1000s;
};

TEST_F(DrmReaderTest, TheShareOfTimeOfEachProcess) {
  client(40, "drm-engine-gfx:\t5000000000 ns\ndrm-engine-compute:\t0 ns\n");
  const PciGpu card = gpu("amd", "amdgpu");
  amd(0, kLow, 15'000'000);
  EXPECT_FALSE(look(card).processes->at(0).busy_percent) << "nothing to compare with yet";
  client(40, "drm-engine-gfx:\t5000000000 ns\ndrm-engine-compute:\t4000000000 ns\n");
  EXPECT_EQ(look(card).processes->at(0).busy_percent, 40);
  EXPECT_EQ(look(card).processes->at(0).busy_percent, 0);
}

TEST_F(DrmReaderTest, WhoCameMeanwhileDidAllItsWorkMeanwhile) {
  const PciGpu card = gpu("intel", "i915");
  EXPECT_THAT(*look(card).processes, IsEmpty());
  client(41, "drm-engine-render:\t1000000000 ns\n");
  const GpuDevice read = look(card);
  EXPECT_EQ(read.processes->at(0).busy_percent, 10);
  EXPECT_EQ(read.busy_percent, 10);
}

TEST_F(DrmReaderTest, OneFileInTwoProcessesCountsOnce) {
  client(40, "drm-engine-gfx:\t0 ns\n");
  client(41, "drm-engine-gfx:\t0 ns\n");
  client(42, "drm-engine-gfx:\t0 ns\n", "8");
  EXPECT_THAT(*look(gpu("amd", "amdgpu")).processes, SizeIs(2));
}

TEST_F(DrmReaderTest, MemoryHasAUnit) {
  client(40, "drm-memory-vram:\t2048 KiB\n");
  client(41, "drm-total-vram0:\t3 MiB\n", "8");
  client(42, "drm-total-local0:\t4096\n", "9");
  const GpuDevice read = look(gpu("amd", "amdgpu"));
  ASSERT_THAT(*read.processes, SizeIs(3));
  EXPECT_EQ(read.processes->at(0).memory, 2ULL << 20);
  EXPECT_EQ(read.processes->at(1).memory, 3ULL << 20);
  EXPECT_EQ(read.processes->at(2).memory, 4096u);
}

TEST_F(DrmReaderTest, CountersMayBeginAnewAndNothingIsMoreThanAll) {
  const PciGpu card = gpu("intel", "i915");
  client(40, "drm-engine-render:\t9000000000 ns\n");
  look(card);
  client(40, "drm-engine-render:\t1000000000 ns\n");
  EXPECT_EQ(look(card).processes->at(0).busy_percent, 10);
  client(40, "drm-engine-render:\t90000000000 ns\n");
  EXPECT_EQ(look(card).processes->at(0).busy_percent, 100);
}

TEST_F(DrmReaderTest, EachGpuHasItsOwnClients) {
  client(40, "drm-engine-render:\t0 ns\n");
  client(41, "drm-engine-render:\t0 ns\ndrm-pdev:\t0000:04:00.0\n");
  PciGpu other = gpu("intel", "i915");
  other.id = "0000:04:00.0";
  GpuReading reading;
  reader_.read({gpu("intel", "i915"), other}, at_, reading);
  ASSERT_THAT(reading.devices, SizeIs(2));
  ASSERT_THAT(*reading.devices[0].processes, SizeIs(1));
  EXPECT_EQ(reading.devices[0].processes->at(0).pid, 40);
  ASSERT_THAT(*reading.devices[1].processes, SizeIs(1));
  EXPECT_EQ(reading.devices[1].processes->at(0).pid, 41);
}

TEST_F(DrmReaderTest, XeCountsCycles) {
  const PciGpu card = gpu("intel", "xe");
  client(40, "drm-cycles-rcs:\t100\ndrm-total-cycles-rcs:\t1000\n");
  look(card);
  client(40, "drm-cycles-rcs:\t350\ndrm-total-cycles-rcs:\t2000\n");
  EXPECT_EQ(look(card).processes->at(0).busy_percent, 25);
  client(41, "drm-cycles-rcs:\t900\ndrm-total-cycles-rcs:\t3000\n", "8");
  EXPECT_EQ(look(card).processes->at(1).busy_percent, 0) << "nothing to compare with";
}

TEST_F(DrmReaderTest, EnginesOfOneKindShareTheirTime) {
  const PciGpu card = gpu("intel", "i915");
  look(card);
  client(40, "drm-engine-video:\t10000000000 ns\ndrm-engine-capacity-video:\t2\n");
  EXPECT_EQ(look(card).processes->at(0).busy_percent, 50);
}

TEST_F(DrmReaderTest, AmdsOwnFigureAloneProvesNothing) {
  const PciGpu card = gpu("amd", "amdgpu");
  amd(100, kLow, 0);
  EXPECT_EQ(look(card).busy_percent, 0) << "resident, with its memory clock down";
  amd(100, kHigh, 0);
  EXPECT_EQ(look(card).busy_percent, 100);
}

TEST_F(DrmReaderTest, AmdsPowerTellsToo) {
  const PciGpu card = gpu("amd", "amdgpu");
  amd(100, "", 15'000'000);
  const GpuDevice first = look(card);
  EXPECT_EQ(first.watts, 15);
  EXPECT_FALSE(first.busy_percent) << "no lower power is known yet";
  EXPECT_EQ(look(card).busy_percent, 0);
  amd(100, "", 24'000'000);
  EXPECT_EQ(look(card).busy_percent, 0) << "a little more is no work";
  amd(100, "", 180'000'000);
  EXPECT_EQ(look(card).busy_percent, 100);
  amd(0, "", 180'000'000);
  EXPECT_EQ(look(card).busy_percent, 0);
}

TEST_F(DrmReaderTest, ComputeThroughRocmIsListedWithoutAUse) {
  amd(0, kLow, 0);
  tree_.folder("/sys/class/kfd/kfd/proc/40");
  client(40, "drm-engine-gfx:\t0 ns\n");
  tree_.folder("/sys/class/kfd/kfd/proc/55");
  const PciGpu card = gpu("amd", "amdgpu");
  look(card);
  const GpuDevice read = look(card);
  ASSERT_THAT(*read.processes, SizeIs(2));
  for (const GpuProcess& process : *read.processes) EXPECT_FALSE(process.busy_percent);
}

TEST_F(DrmReaderTest, IntelsResidencyWherePeopleCannotBeSeen) {
  const std::string file = "/sys/bus/pci/devices/0000:03:00.0/drm/card0/gt/gt0/rc6_residency_ms";
  const PciGpu card = gpu("intel", "i915");
  tree_.file(file, "1000\n");
  client(40, "pos: 0\n");
  look(card);
  tree_.file(file, "4000\n");
  EXPECT_EQ(look(card).busy_percent, 70) << "a process of which nothing is told";
}

TEST_F(DrmReaderTest, OtherDriversTellNothing) {
  EXPECT_NE(look(gpu("amd", "radeon")).error, "");
  EXPECT_FALSE(look(gpu("amd", "radeon")).processes);
  EXPECT_THAT(*look(gpu("amd", "")).processes, IsEmpty());
}

TEST(NvidiaSmi, ReadsWhatItPrints) {
  const GeneratedTree tree;
  GpuReading reading;
  parse_nvidia_smi(tree.root(),
                   "00000000:01:00.0, NVIDIA GeForce RTX 4090, [N/A], 1024, 24564, 21.33, P8, "
                   "580.1\nnonsense\n",
                   "00000000:01:00.0, 4711, [N/A]\n00000000:02:00.0, 4712, 3\n", reading);
  ASSERT_THAT(reading.devices, SizeIs(1));
  EXPECT_EQ(reading.devices[0].id, "0000:01:00.0");
  EXPECT_FALSE(reading.devices[0].busy_percent);
  EXPECT_EQ(reading.devices[0].watts, 21.33);
  EXPECT_EQ(reading.devices[0].memory_total, 24564ULL << 20);
  ASSERT_THAT(*reading.devices[0].processes, SizeIs(1));
  EXPECT_EQ(reading.devices[0].processes->at(0).pid, 4711);
}

TEST(NvidiaSmi, AddressesAreThoseOfTheKernel) {
  EXPECT_EQ(pci_id("00000000:0A:00.0"), "0000:0a:00.0");
  EXPECT_EQ(pci_id("00010000:0A:00.0"), "00010000:0a:00.0");
}

TEST_F(DrmReaderTest, ANameMayHoldABracket) {
  tree_.file("/proc/50/comm", "a) b\n");
  tree_.file("/proc/50/stat", "50 (a) b) S 49 48 1\n");
  tree_.file("/proc/49/stat", "49 (sh) S 1 49 1\n");
  EXPECT_THAT(describe_process(root_, 50).lineage, testing::ElementsAre(50, 48, 49));
}

TEST(GpuReadingJson, GoesThereAndBack) {
  GpuReading reading;
  reading.source = "NVML";
  reading.error = "odd \"text\"\n";
  GpuDevice& gpu = reading.devices.emplace_back();
  gpu.vendor = "nvidia";
  gpu.id = "0000:01:00.0";
  gpu.busy_percent = 7;
  gpu.watts = 75.0;
  gpu.memory_used = 1ULL << 40;
  gpu.memory_total = 1ULL << 41;
  gpu.error = "half of it is not told";
  gpu.processes.emplace();
  GpuProcess& process = gpu.processes->emplace_back();
  process.pid = 12;
  process.name = "a\xff";
  process.memory = 5;
  process.lineage = {12, 4};
  const auto back = gpu_reading_from_json(to_json(reading));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), to_json(reading));
  EXPECT_EQ(back->devices.at(0).watts, 75.0);
  EXPECT_EQ(back->devices.at(0).memory_total, 1ULL << 41);
  EXPECT_EQ(back->devices.at(0).error, "half of it is not told");
  EXPECT_EQ(back->devices.at(0).processes->at(0).memory, 5u);
  EXPECT_EQ(back->devices.at(0).processes->at(0).lineage, process.lineage);
  EXPECT_FALSE(gpu_reading_from_json("{}"));
  EXPECT_FALSE(gpu_reading_from_json("[1"));
}

}  // namespace
}  // namespace rouse::suspendd
