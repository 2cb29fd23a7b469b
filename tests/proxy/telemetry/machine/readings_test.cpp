#include "proxy/telemetry/machine/readings.hpp"

#include "proxy/telemetry/machine/text.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using test::read_file;
using test::test_data;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::chrono::system_clock::time_point kAt{1'700'000'000s};

std::string data(const char* name) {
  return read_file(test_data(std::string("machine/") + name));
}

std::vector<GpuSample> gpus() {
  return parse_nvidia_smi(data("nvidia-smi.csv"), kAt);
}

SystemSample system_sample(std::chrono::system_clock::time_point at) {
  SystemSample sample;
  sample.at = at;
  sample.cpu_percent = {25, 100};
  parse_meminfo(data("meminfo"), sample);
  parse_loadavg(data("loadavg"), sample);
  sample.network = parse_net_dev(data("net_dev"));
  return sample;
}

TEST(MachineReadings, CoresAreBusyByWhatTheyDidBetweenTwoReadings) {
  const std::vector<CpuTimes> before = parse_cpu_times(data("stat"));
  ASSERT_EQ(before.size(), 2u) << "the sum of all is no core";
  EXPECT_EQ(before[1].busy, 250u);
  EXPECT_EQ(before[1].total, 1000u) << "guest time is in user time already; iowait is idle";
  const std::vector<CpuTimes> after = parse_cpu_times(data("stat.later"));
  EXPECT_THAT(busy_percent(before, after), ElementsAre(DoubleNear(25, 1e-9), 100));
  EXPECT_THAT(busy_percent(after, before), ElementsAre(0, 0)) << "times that go back";
  EXPECT_THAT(busy_percent({{250, 1000}}, {{200, 1100}}), ElementsAre(0)) << "a part of them";
  EXPECT_THAT(busy_percent({}, after), IsEmpty()) << "a core came in between";
}

TEST(MachineReadings, MemoryThatCanBeHadIsNotUsed) {
  const SystemSample sample = system_sample(kAt);
  EXPECT_EQ(sample.memory_total, 32'768'000 * kKiB);
  EXPECT_EQ(sample.memory_used, 16'384'000 * kKiB);
  EXPECT_EQ(sample.memory_free, 2'048'000 * kKiB);
  EXPECT_EQ(sample.swap_total, 4'096'000 * kKiB);
  EXPECT_EQ(sample.swap_used, 1'024'000 * kKiB);
}

TEST(MachineReadings, LoadAndNetwork) {
  const SystemSample sample = system_sample(kAt);
  EXPECT_EQ(sample.load_1, 0.52);
  EXPECT_EQ(sample.load_5, 1.25);
  EXPECT_EQ(sample.load_15, 2.0);
  ASSERT_EQ(sample.network.size(), 2u) << "lo is left out";
  EXPECT_EQ(sample.network[0].name, "eth0");
  EXPECT_EQ(sample.network[0].bytes_received, 5'000'000'000u);
  EXPECT_EQ(sample.network[0].bytes_sent, 1'234'567u);
  EXPECT_EQ(sample.network[1].name, "wlan0") << "long numbers touch the colon";
  EXPECT_EQ(sample.network[1].bytes_received, 7u);
  EXPECT_EQ(sample.network[1].bytes_sent, 8u);
}

TEST(MachineReadings, CpuModel) {
  const CpuModel cpu = parse_cpuinfo(data("cpuinfo"));
  EXPECT_EQ(cpu.vendor, "AuthenticAMD");
  EXPECT_EQ(cpu.name, "AMD Ryzen 9 5950X 16-Core Processor");
  EXPECT_EQ(cpu.threads, 3);
  EXPECT_EQ(cpu.cores, 2);
  EXPECT_EQ(cpu.sockets, 1);
  EXPECT_TRUE(cpu.is_virtual);
  const CpuModel two = parse_cpuinfo(
      "physical id : 0\ncore id : 0\nphysical id : 1\ncore id : 0\nphysical id : 1\ncore id : 1\n");
  EXPECT_EQ(two.sockets, 2);
  EXPECT_EQ(two.cores, 3) << "each socket counts its own";
}

TEST(MachineReadings, OsRelease) {
  constexpr std::string_view kText = "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\n";
  EXPECT_EQ(os_release_value(kText, "NAME"), "Debian GNU/Linux");
  EXPECT_EQ(os_release_value(kText, "VERSION_ID"), "12");
  EXPECT_EQ(os_release_value(kText, "ID"), "debian");
  EXPECT_EQ(os_release_value(kText, "VERSION"), "");
}

TEST(MachineReadings, GpusSayWhatTheyCan) {
  const std::vector<GpuSample> found = gpus();
  ASSERT_EQ(found.size(), 2u) << "lines that are no GPU's are passed over";
  EXPECT_EQ(found[0].name, "NVIDIA GeForce RTX 3090");
  EXPECT_EQ(found[0].uuid, "GPU-11111111-2222-3333-4444-555555555555");
  EXPECT_EQ(found[0].temperature, 61);
  EXPECT_EQ(found[0].memory_temperature, 0);
  EXPECT_EQ(found[0].busy_percent, 97);
  EXPECT_EQ(found[0].memory_used, 20480 * kMiB);
  EXPECT_EQ(found[0].memory_total, 24576 * kMiB);
  EXPECT_EQ(found[0].fan_percent, 45);
  EXPECT_EQ(found[0].watts, 312.5);
  EXPECT_EQ(found[0].watts_max, 350);
  EXPECT_EQ(found[0].driver, "550.54.14");
  EXPECT_EQ(found[1].index, 1);
  EXPECT_EQ(found[1].memory_total, 0u);
  EXPECT_EQ(found[1].memory_percent(), 0);
  const std::string line =
      "0, Fake, GPU-1, 61, 70, 97, 20480, 24576, 45, 312.50, 550.54.14, 350.00";
  EXPECT_EQ(parse_nvidia_smi(line, kAt).size(), 1u);
  EXPECT_TRUE(parse_nvidia_smi(line + ", more", kAt).empty());
  EXPECT_TRUE(parse_nvidia_smi("x" + line, kAt).empty());
}

TEST(MachineReadings, NonsenseIsNothing) {
  SystemSample sample;
  for (const std::string_view text :
       {"", "\n", "::::", "cpu", "MemTotal:", "\xff\xfe 1 2", ",,,"}) {
    parse_meminfo(text, sample);
    parse_loadavg(text, sample);
    EXPECT_TRUE(parse_nvidia_smi(text, kAt).empty()) << text;
    EXPECT_EQ(parse_cpuinfo(text).threads, 0) << text;
    EXPECT_TRUE(parse_cpu_times(text).empty()) << text;
  }
  EXPECT_EQ(sample.memory_total, 0u);
}

TEST(MachineText, PerformanceIsThePeersShape) {
  const std::string json = performance_json({system_sample(kAt)}, {gpus()}, {});
  EXPECT_THAT(
      json,
      HasSubstr(R"({"enabled":true,"sys_stats":[{"timestamp":"2023-11-14T22:13:20Z",)"
                R"("cpu_util_per_core":[25.000,100.000],"mem_total_mb":32000,"mem_used_mb":16000,)"
                R"("mem_free_mb":2000,"swap_total_mb":4000,"swap_used_mb":1000,)"
                R"("load_avg_1":0.520,"load_avg_5":1.250,"load_avg_15":2.000,)"
                R"("net_io":[{"name":"eth0","bytes_recv":5000000000,"bytes_sent":1234567},)"));
  EXPECT_THAT(json, HasSubstr(R"("gpu_stats":[{"timestamp":"2023-11-14T22:13:20Z","id":0,)"
                              R"("name":"NVIDIA GeForce RTX 3090",)"
                              R"("uuid":"GPU-11111111-2222-3333-4444-555555555555","temp_c":61,)"
                              R"("vram_temp_c":0,"gpu_util_pct":97.000,"mem_util_pct":83.333,)"
                              R"("mem_used_mb":20480,"mem_total_mb":24576,"fan_speed_pct":45.000,)"
                              R"("power_draw_w":312.500},{)"));
}

TEST(MachineText, OnlyWhatCameAfterIsTold) {
  const std::deque<SystemSample> two{system_sample(kAt), system_sample(kAt + 5s)};
  const std::string json = performance_json(two, {gpus()}, kAt);
  EXPECT_THAT(json, HasSubstr("22:13:25Z"));
  EXPECT_THAT(json, Not(HasSubstr("22:13:20Z")));
  EXPECT_THAT(json, HasSubstr(R"("gpu_stats":null)"));
  EXPECT_EQ(performance_json(two, {}, kAt + 5s),
            R"({"enabled":true,"sys_stats":null,"gpu_stats":null})");
}

TEST(MachineText, Hardware) {
  HardwareFacts facts;
  facts.at = kAt;
  facts.architecture = "x86_64";
  facts.kernel = "6.1.0";
  facts.os_name = "Debian GNU/Linux";
  facts.cpu = parse_cpuinfo(data("cpuinfo"));
  facts.memory_bytes = 32 * kMiB;
  facts.gpus = gpus();
  const std::string json = hardware_json(facts);
  EXPECT_THAT(json, HasSubstr(R"({"schema_version":1,"captured_at":"2023-11-14T22:13:20Z")"));
  EXPECT_THAT(json, HasSubstr(R"("operating_system":{"family":"linux","name":"Debian GNU/Linux",)"
                              R"("kernel":"6.1.0"},"environment":{"kind":"virtual_machine"})"));
  EXPECT_THAT(json, HasSubstr(R"("memory":{"capacity_bytes":33554432})"));
  EXPECT_THAT(json, HasSubstr(R"({"index":0,"kind":"gpu","vendor":"NVIDIA",)"
                              R"("model":"NVIDIA GeForce RTX 3090","memory":{"kind":"dedicated",)"
                              R"("capacity_bytes":25769803776},"driver":{"name":"nvidia",)"
                              R"("version":"550.54.14"},"power_limit_watts":350})"));
  EXPECT_THAT(json, HasSubstr(R"("memory":{"kind":"unknown"})")) << "it shares the system's";
  EXPECT_THAT(hardware_json(HardwareFacts()), HasSubstr(R"("cpu":{})")) << "what is not known";
  facts.gpus.clear();
  facts.is_container = true;
  EXPECT_THAT(hardware_json(facts), HasSubstr(R"("accelerators":[])"));
  EXPECT_THAT(hardware_json(facts), HasSubstr(R"("kind":"container")"));
}

TEST(MachineText, TheSixteenMetricsOfThePeer) {
  const std::string text = llama_swap_metrics(system_sample(kAt), gpus());
  for (const char* const line :
       {"llamaswap_cpu_util_percent{core=\"1\"} 100\n",
        "llamaswap_memory_total_bytes 33554432000\n", "llamaswap_memory_used_bytes ",
        "llamaswap_memory_free_bytes ", "llamaswap_swap_total_bytes ", "llamaswap_swap_used_bytes ",
        "llamaswap_load_average{interval=\"15m\"} 2\n",
        "llamaswap_network_bytes_total{interface=\"eth0\",direction=\"recv\"} 5000000000\n",
        "llamaswap_gpu_temperature_celsius{id=\"0\",name=\"NVIDIA GeForce RTX "
        "3090\",uuid=\"GPU-111",
        "llamaswap_gpu_vram_temperature_celsius{id=\"1\",name=\"NVIDIA \\\"Odd\\\" Card\"",
        "llamaswap_gpu_util_percent{", "llamaswap_gpu_memory_util_percent{",
        "llamaswap_gpu_memory_used_bytes{", "llamaswap_gpu_memory_total_bytes{",
        "llamaswap_gpu_fan_speed_percent{", "llamaswap_gpu_power_draw_watts{"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + line));
  }
  std::size_t types = 0;
  for (std::size_t at = 0; (at = text.find("# TYPE ", at)) != std::string::npos; ++at) ++types;
  EXPECT_EQ(types, 16u);
  EXPECT_THAT(llama_swap_metrics(system_sample(kAt), {}), Not(HasSubstr("gpu")));
}

}  // namespace
}  // namespace rouse
