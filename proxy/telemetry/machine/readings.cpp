#include "proxy/telemetry/machine/readings.hpp"

#include "base/text/ascii.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace rouse {

namespace {

constexpr std::uint64_t kKibibyte = 1024;
constexpr double kMebibyte = 1024.0 * 1024.0;

/// What comes before @p separator; @p text keeps what comes after it.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

/// The next word; empty at the end.
std::string_view word(std::string_view& text) {
  const std::size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return text = {};
  text.remove_prefix(start);
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view found = text.substr(0, end);
  text.remove_prefix(end);
  return found;
}

/// 0 where @p text is no number, as "[N/A]".
template <class Number>
Number number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : Number{};
}

std::uint64_t mebibytes(std::string_view text) {
  return static_cast<std::uint64_t>(std::max(0.0, number<double>(text)) * kMebibyte);
}

}  // namespace

std::vector<CpuTimes> parse_cpu_times(std::string_view stat) {
  std::vector<CpuTimes> cores;
  while (!stat.empty()) {
    std::string_view line = cut(stat, '\n');
    const std::string_view name = word(line);
    if (!name.starts_with("cpu") || name == "cpu") continue;
    // user nice system idle iowait irq softirq steal; guest times are within user and nice.
    CpuTimes core;
    for (int field = 0; field < 8; ++field) {
      const auto ticks = number<std::uint64_t>(word(line));
      core.total += ticks;
      if (field != 3 && field != 4) core.busy += ticks;
    }
    cores.push_back(core);
  }
  return cores;
}

std::vector<double> busy_percent(const std::vector<CpuTimes>& before,
                                 const std::vector<CpuTimes>& after) {
  if (before.size() != after.size()) return {};
  std::vector<double> percent;
  for (std::size_t i = 0; i < after.size(); ++i) {
    // iowait may go back; so may everything on a virtual machine that has moved.
    const bool forward = after[i].total > before[i].total && after[i].busy >= before[i].busy;
    const double part = forward ? static_cast<double>(after[i].busy - before[i].busy) /
                                      static_cast<double>(after[i].total - before[i].total)
                                : 0;
    percent.push_back(std::min(100.0 * part, 100.0));
  }
  return percent;
}

void parse_meminfo(std::string_view text, SystemSample& into) {
  std::uint64_t available = 0;
  std::uint64_t swap_free = 0;
  const std::array<std::pair<std::string_view, std::uint64_t*>, 5> wanted{{
      {"MemTotal:", &into.memory_total},
      {"MemFree:", &into.memory_free},
      {"MemAvailable:", &available},
      {"SwapTotal:", &into.swap_total},
      {"SwapFree:", &swap_free},
  }};
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    const std::string_view name = word(line);
    for (const auto& [key, value] : wanted) {
      if (name == key) *value = number<std::uint64_t>(word(line)) * kKibibyte;
    }
  }
  into.memory_used = into.memory_total - std::min(available, into.memory_total);
  into.swap_used = into.swap_total - std::min(swap_free, into.swap_total);
}

void parse_loadavg(std::string_view text, SystemSample& into) {
  into.load_1 = number<double>(word(text));
  into.load_5 = number<double>(word(text));
  into.load_15 = number<double>(word(text));
}

std::vector<Interface> parse_net_dev(std::string_view text) {
  std::vector<Interface> found;
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    const std::size_t colon = line.find(':');  // the two title lines have none
    if (colon == std::string_view::npos) continue;
    Interface each;
    each.name = trim(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    each.bytes_received = number<std::uint64_t>(word(line));
    for (int skipped = 0; skipped < 7; ++skipped) word(line);
    each.bytes_sent = number<std::uint64_t>(word(line));
    if (each.name != "lo") found.push_back(std::move(each));
  }
  return found;
}

CpuModel parse_cpuinfo(std::string_view text) {
  CpuModel cpu;
  std::set<std::string> sockets;
  std::set<std::pair<std::string, std::string>> cores;
  std::string socket;
  while (!text.empty()) {
    std::string_view value = cut(text, '\n');
    const std::string_view key = trim(cut(value, ':'));
    value = trim(value);
    if (key == "processor") ++cpu.threads;
    if (key == "vendor_id") cpu.vendor = value;
    if (key == "model name") cpu.name = value;
    if (key == "physical id") sockets.insert(socket = value);
    if (key == "core id") cores.emplace(socket, value);
    if (key == "flags" &&
        (" " + std::string(value) + " ").find(" hypervisor ") != std::string::npos)
      cpu.is_virtual = true;
  }
  cpu.sockets = static_cast<int>(sockets.size());
  cpu.cores = static_cast<int>(cores.size());
  return cpu;
}

std::string os_release_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view value = cut(text, '\n');
    if (cut(value, '=') != key) continue;
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    return std::string(value);
  }
  return {};
}

std::vector<GpuSample> parse_nvidia_smi(std::string_view csv,
                                        std::chrono::system_clock::time_point at) {
  constexpr std::size_t kGpuColumns = 12;
  std::vector<GpuSample> gpus;
  while (!csv.empty()) {
    std::string_view line = cut(csv, '\n');
    std::array<std::string_view, kGpuColumns> column;
    std::size_t count = 0;
    while (!line.empty() && count < kGpuColumns) column[count++] = trim(cut(line, ','));
    const bool is_index =
        !column[0].empty() && column[0].find_first_not_of("0123456789") == std::string_view::npos;
    if (count != kGpuColumns || !line.empty() || !is_index) continue;
    GpuSample gpu;
    gpu.at = at;
    gpu.index = number<int>(column[0]);
    gpu.name = column[1];
    gpu.uuid = column[2];
    gpu.temperature = number<double>(column[3]);
    gpu.memory_temperature = number<double>(column[4]);
    gpu.busy_percent = number<double>(column[5]);
    gpu.memory_used = mebibytes(column[6]);
    gpu.memory_total = mebibytes(column[7]);
    gpu.fan_percent = number<double>(column[8]);
    gpu.watts = number<double>(column[9]);
    gpu.driver = column[10];
    gpu.watts_max = number<double>(column[11]);
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

}  // namespace rouse
