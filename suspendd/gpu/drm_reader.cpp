#include "suspendd/gpu/drm_reader.hpp"

#include "suspendd/gpu/process_info.hpp"

#include <algorithm>

namespace rouse::suspendd {
namespace {

constexpr std::string_view kDevices = "/sys/bus/pci/devices/";

/// The level that is in force has a star: "0: 96Mhz *".
std::optional<bool> is_above_lowest(const Root& root, const std::string& file) {
  const auto text = root.read(file);
  const auto star = text ? text->find('*') : std::string::npos;
  if (star == std::string::npos) return std::nullopt;
  const auto line = text->rfind('\n', star);
  const std::size_t from = line == std::string::npos ? 0 : line + 1;
  return text->compare(from, 2, "0:") != 0;
}

std::optional<double> read_watts(const Root& root, const std::string& folder) {
  for (const std::string& sensor : root.list(folder + "/hwmon")) {
    for (const char* file : {"/power1_average", "/power1_input"}) {
      const auto microwatts = root.read_number(folder + "/hwmon/" + sensor + file);
      if (microwatts) return static_cast<double>(*microwatts) / 1e6;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_bytes(const Root& root, const std::string& file) {
  const auto number = root.read_number(file);
  if (!number) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

/// Counters of the time that an Intel GPU has spent powered down, in milliseconds.
std::vector<std::string> residency_files(const Root& root, const std::string& folder) {
  std::vector<std::string> files;
  for (const std::string& card : root.list(folder + "/drm")) {
    const std::string gts = folder + "/drm/" + card + "/gt";
    for (const std::string& gt : root.list(gts)) {
      files.push_back(gts + "/" + gt + "/rc6_residency_ms");
    }
  }
  for (const std::string& tile : root.list(folder)) {
    if (!tile.starts_with("tile")) continue;
    for (const std::string& gt : root.list(folder + "/" + tile)) {
      if (gt.starts_with("gt")) {
        files.push_back(folder + "/" + tile + "/" + gt + "/gtidle/idle_residency_ms");
      }
    }
  }
  return files;
}

std::string client_key(const DrmClient& client) {
  return client.gpu + " " + client.client_id;
}

}  // namespace

void DrmReader::read(const std::vector<PciGpu>& gpus, std::chrono::nanoseconds boot_time,
                     GpuReading& reading) {
  const std::uint64_t elapsed_ns =
      last_ && boot_time > *last_ ? static_cast<std::uint64_t>((boot_time - *last_).count()) : 0;
  const DrmClients now = read_drm_clients(root_);
  for (const PciGpu& gpu : gpus) {
    if (gpu.is_suspended) continue;
    GpuDevice out;
    out.vendor = gpu.vendor;
    out.id = gpu.id;
    const std::string folder = std::string(kDevices) + gpu.id;
    if (gpu.driver.empty()) {
      out.processes.emplace();  // without a driver nothing of this machine uses it
      reading.devices.push_back(std::move(out));
      continue;
    }
    if (gpu.driver != "amdgpu" && gpu.driver != "i915" && gpu.driver != "xe") {
      out.error = "its driver " + gpu.driver + " does not tell its use";
      reading.devices.push_back(std::move(out));
      continue;
    }
    read_processes(now, elapsed_ns, out);
    if (gpu.vendor == "amd") read_amd(folder, out);
    if (gpu.vendor == "intel") read_intel(folder, elapsed_ns, out);
    reading.devices.push_back(std::move(out));
  }
  clients_.clear();
  for (const DrmClient& client : now.clients) clients_[client_key(client)] = client;
  last_ = boot_time;
}

void DrmReader::read_processes(const DrmClients& now, std::uint64_t elapsed_ns, GpuDevice& out) {
  out.processes.emplace();
  for (const DrmClient& client : now.clients) {
    if (client.gpu != out.id) continue;
    const auto at = std::find_if(out.processes->begin(), out.processes->end(),
                                 [&](const GpuProcess& one) { return one.pid == client.pid; });
    GpuProcess& process = at != out.processes->end()
                              ? *at
                              : out.processes->emplace_back(describe_process(root_, client.pid));
    process.memory += client.memory;
    const bool tells_use = !client.engines.empty();
    if (elapsed_ns == 0 || !tells_use) continue;
    const auto old = clients_.find(client_key(client));
    const int busy =
        busy_between(old == clients_.end() ? nullptr : &old->second, client, elapsed_ns);
    process.busy_percent = std::max(process.busy_percent.value_or(0), busy);
  }
  if (out.vendor == "amd") add_compute_processes(out);
  if (!now.is_complete) {
    out.processes.reset();
    out.error = "other users' processes are hidden (CAP_SYS_PTRACE shows them)";
  }
}

/// Work through ROCm is not counted in fdinfo; the compute driver lists who may do any.
void DrmReader::add_compute_processes(GpuDevice& out) {
  for (const std::string& name : root_.list("/sys/class/kfd/kfd/proc")) {
    const int pid = std::atoi(name.c_str());
    if (pid <= 0) continue;
    const auto known = std::find_if(out.processes->begin(), out.processes->end(),
                                    [&](const GpuProcess& one) { return one.pid == pid; });
    if (known == out.processes->end()) {
      out.processes->push_back(describe_process(root_, pid));
    } else {
      known->busy_percent.reset();
    }
  }
}

std::optional<bool> DrmReader::draws_power(const std::string& folder, const GpuDevice& out) {
  std::optional<bool> verdict = is_above_lowest(root_, folder + "/pp_dpm_mclk");
  if (!out.watts) return verdict;
  const auto [lowest, is_new] = lowest_watts_.emplace(out.id, *out.watts);
  lowest->second = std::min(lowest->second, *out.watts);
  if (is_new) return verdict;  // no lower one to compare with
  const double idle = lowest->second;
  return verdict.value_or(false) || *out.watts > std::max(idle * 1.25, idle + 10);
}

void DrmReader::read_amd(const std::string& folder, GpuDevice& out) {
  out.memory_used = read_bytes(root_, folder + "/mem_info_vram_used");
  out.memory_total = read_bytes(root_, folder + "/mem_info_vram_total");
  out.watts = read_watts(root_, folder);
  const auto is_drawing = draws_power(folder, out);
  const auto busy = root_.read_number(folder + "/gpu_busy_percent");
  if (!busy) {
    if (!out.processes && out.error.empty()) out.error = busy.error().message();
  } else if (*busy == 0) {
    out.busy_percent = 0;
  } else if (is_drawing) {
    out.busy_percent = *is_drawing ? static_cast<int>(*busy) : 0;
  }
}

/// What is not powered down is busy, more or less: used only where no processes can be seen.
void DrmReader::read_intel(const std::string& folder, std::uint64_t elapsed_ns, GpuDevice& out) {
  std::optional<int> most;
  for (const std::string& file : residency_files(root_, folder)) {
    const auto idle = read_bytes(root_, file);
    if (!idle) continue;
    const auto old = idle_ms_.find(file);
    if (old != idle_ms_.end() && elapsed_ns > 0 && *idle >= old->second) {
      const double share =
          static_cast<double>(*idle - old->second) * 1e6 / static_cast<double>(elapsed_ns) * 100;
      const int busy = std::clamp(static_cast<int>(100 - share), 0, 100);
      most = std::max(most.value_or(0), busy);
    }
    idle_ms_[file] = *idle;
  }
  out.busy_percent = most;
  if (out.processes) {
    // Engine times are exact; the residency would count what the display alone keeps awake.
    int by_processes = 0;
    bool all_known = true;
    for (const GpuProcess& process : *out.processes) {
      all_known = all_known && process.busy_percent.has_value();
      by_processes = std::max(by_processes, process.busy_percent.value_or(0));
    }
    if (all_known) out.busy_percent = by_processes;
  }
}

}  // namespace rouse::suspendd
