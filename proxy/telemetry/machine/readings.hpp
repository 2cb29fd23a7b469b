#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

// What the texts of /proc and of nvidia-smi say. Pure: text in, values out. Whatever cannot be read
// is 0 or missing, since a kernel or a driver that says less must not cost the rest.

/// Time of one core since the start of the machine, in ticks.
struct CpuTimes {
  std::uint64_t busy = 0;
  std::uint64_t total = 0;
};

struct Interface {
  std::string name;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
};

struct SystemSample {
  std::chrono::system_clock::time_point at{};
  std::vector<double> cpu_percent;  ///< of each core, since the sample before
  std::uint64_t memory_total = 0;   ///< bytes, as all sizes here
  std::uint64_t memory_used = 0;    ///< what cannot be had without paging: total less available
  std::uint64_t memory_free = 0;
  std::uint64_t swap_total = 0;
  std::uint64_t swap_used = 0;
  double load_1 = 0;
  double load_5 = 0;
  double load_15 = 0;
  std::vector<Interface> network;  ///< without lo
};

struct GpuSample {
  std::chrono::system_clock::time_point at{};
  int index = 0;
  std::string name;
  std::string uuid;
  double temperature = 0;         ///< degrees Celsius
  double memory_temperature = 0;  ///< 0: has no such sensor
  double busy_percent = 0;
  std::uint64_t memory_used = 0;
  std::uint64_t memory_total = 0;
  double fan_percent = 0;
  double watts = 0;
  std::string driver;
  double watts_max = 0;

  [[nodiscard]] double memory_percent() const {
    return memory_total == 0
               ? 0
               : 100.0 * static_cast<double>(memory_used) / static_cast<double>(memory_total);
  }
};

/// The processor, of /proc/cpuinfo.
struct CpuModel {
  std::string vendor;
  std::string name;
  int sockets = 0;
  int cores = 0;  ///< physical ones
  int threads = 0;
  bool is_virtual = false;  ///< a hypervisor is below
};

/// The cores' lines of /proc/stat, in the order of their numbers.
[[nodiscard]] std::vector<CpuTimes> parse_cpu_times(std::string_view stat);
/// How busy each core was between two readings, 0 to 100; empty when their number has changed.
[[nodiscard]] std::vector<double> busy_percent(const std::vector<CpuTimes>& before,
                                               const std::vector<CpuTimes>& after);
void parse_meminfo(std::string_view text, SystemSample& into);
void parse_loadavg(std::string_view text, SystemSample& into);
[[nodiscard]] std::vector<Interface> parse_net_dev(std::string_view text);
[[nodiscard]] CpuModel parse_cpuinfo(std::string_view text);
/// The value of @p key in /etc/os-release, without its quotes.
[[nodiscard]] std::string os_release_value(std::string_view text, std::string_view key);

/// The columns that parse_nvidia_smi() wants, for --query-gpu.
inline constexpr std::string_view kNvidiaColumns =
    "index,name,uuid,temperature.gpu,temperature.memory,utilization.gpu,memory.used,memory.total,"
    "fan.speed,power.draw,driver_version,power.limit";
/// One GPU a line, in csv,noheader,nounits; other lines (warnings, say) are passed over.
[[nodiscard]] std::vector<GpuSample> parse_nvidia_smi(std::string_view csv,
                                                      std::chrono::system_clock::time_point at);

}  // namespace rouse
