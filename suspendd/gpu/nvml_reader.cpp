#include "suspendd/gpu/nvml_reader.hpp"

#include "suspendd/gpu/process_info.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace rouse::suspendd {
namespace {

/// More would be a broken library: no GPU has room for so many.
constexpr unsigned int kCountMax = 100'000;

int percent(unsigned int value) {
  return static_cast<int>(std::min(value, 100U));
}

}  // namespace

std::string pci_id(std::string_view bus_id) {
  std::string id(bus_id);
  for (char& c : id) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto colon = id.find(':');
  if (colon == 8 && id.starts_with("0000")) id.erase(0, 4);
  return id;
}

std::string NvmlReader::open() {
  if (is_open_) return {};
  is_without_library_ = false;
  if (!nvml_) {
    auto loaded = Nvml::load(library_);
    if (const auto* error = std::get_if<std::string>(&loaded)) {
      is_without_library_ = true;
      return *error;
    }
    nvml_ = std::get<Nvml>(loaded);
  }
  const nvml::Return code = nvml_->init();
  if (code != nvml::kSuccess) return nvml_->words(code);
  is_open_ = true;
  return {};
}

void NvmlReader::close() {
  if (is_open_) nvml_->shutdown();
  is_open_ = false;
}

void NvmlReader::read(const std::vector<PciGpu>& gpus, GpuReading& reading) {
  const std::string failure = open();
  if (!failure.empty()) {
    reading.error = failure;
    return;
  }
  char version[96] = "";
  if (nvml_->driver_version != nullptr &&
      nvml_->driver_version(version, sizeof version) == nvml::kSuccess) {
    reading.nvidia_driver = version;
  }
  has_failed_ = false;
  const bool one_sleeps =
      std::any_of(gpus.begin(), gpus.end(), [](const PciGpu& gpu) { return gpu.is_suspended; });
  if (one_sleeps && nvml_->by_bus_id != nullptr) {
    read_by_address(gpus, reading);
  } else {
    read_by_index(gpus, reading);
  }
  if (has_failed_) close();  // the next look starts afresh
}

/// A handle powers its GPU up, so only those are taken that are awake.
void NvmlReader::read_by_address(const std::vector<PciGpu>& gpus, GpuReading& reading) {
  for (const PciGpu& gpu : gpus) {
    if (gpu.is_suspended) continue;
    nvml::Device device = nullptr;
    const nvml::Return code = nvml_->by_bus_id(gpu.id.c_str(), &device);
    GpuDevice out;
    if (code == nvml::kSuccess) {
      out = read_device(device, gpu.id);
    } else {
      note("opening it", code, out);
    }
    out.vendor = "nvidia";
    out.id = gpu.id;
    reading.devices.push_back(std::move(out));
  }
}

void NvmlReader::read_by_index(const std::vector<PciGpu>& gpus, GpuReading& reading) {
  unsigned int count = 0;
  const nvml::Return counted = nvml_->count(&count);
  if (counted != nvml::kSuccess) {
    has_failed_ = true;
    reading.error = "counting the GPUs: " + nvml_->words(counted);
    return;
  }
  std::set<std::string> told;
  for (unsigned int index = 0; index < std::min(count, 1024U); ++index) {
    nvml::Device device = nullptr;
    nvml::Return code = nvml_->by_index(index, &device);
    nvml::PciInfo pci{};
    if (code == nvml::kSuccess) code = nvml_->pci_info(device, &pci);
    pci.bus_id[sizeof pci.bus_id - 1] = '\0';
    GpuDevice out;
    if (code == nvml::kSuccess) {
      out = read_device(device, pci_id(pci.bus_id));
      told.insert(out.id);
    } else {
      out.vendor = "nvidia";
      out.id = "NVIDIA GPU " + std::to_string(index);
      note("opening it", code, out);
    }
    reading.devices.push_back(std::move(out));
  }
  if (count >= gpus.size()) return;  // one that could not be opened has no address
  for (const PciGpu& gpu : gpus) {
    if (gpu.is_suspended || told.contains(gpu.id)) continue;
    GpuDevice out;
    out.vendor = "nvidia";
    out.id = gpu.id;
    out.error = gpu.driver == "nvidia"
                    ? "NVML does not show it: has it fallen off the bus?"
                    : "its driver is " + (gpu.driver.empty() ? std::string("none") : gpu.driver);
    reading.devices.push_back(std::move(out));
  }
}

void NvmlReader::note(const std::string& what, nvml::Return code, GpuDevice& out) {
  if (code != nvml::kNotSupported && code != nvml::kNoPermission) has_failed_ = true;
  // One of many: the first tells most.
  if (out.error.empty()) out.error = what + ": " + nvml_->words(code);
}

GpuDevice NvmlReader::read_device(nvml::Device device, const std::string& id) {
  GpuDevice out;
  out.vendor = "nvidia";
  out.id = id;
  Seen& seen = seen_[id];
  char name[96] = "";
  if (nvml_->name != nullptr && nvml_->name(device, name, sizeof name) == nvml::kSuccess) {
    out.name = name;
  }
  read_use(device, seen, out);
  read_processes(device, seen, out);
  nvml::Memory memory{};
  if (nvml_->memory != nullptr && nvml_->memory(device, &memory) == nvml::kSuccess) {
    out.memory_used = memory.used;
    out.memory_total = memory.total;
  }
  unsigned int milliwatts = 0;
  if (nvml_->power != nullptr && nvml_->power(device, &milliwatts) == nvml::kSuccess) {
    out.watts = milliwatts / 1000.0;
  }
  int pstate = nvml::kPstateUnknown;
  if (nvml_->pstate != nullptr && nvml_->pstate(device, &pstate) == nvml::kSuccess &&
      pstate != nvml::kPstateUnknown) {
    out.pstate = pstate;
  }
  return out;
}

/// The driver keeps a sample for each sixth of a second or so, for some seconds; one reading alone
/// would miss what a job did between two looks.
void NvmlReader::read_use(nvml::Device device, Seen& seen, GpuDevice& out) {
  unsigned int count = 0;
  int type = 0;
  if (nvml_->samples != nullptr &&
      nvml_->samples(device, nvml::kGpuUtilizationSamples, seen.samples, &type, &count, nullptr) ==
          nvml::kSuccess &&
      count > 0 && count < kCountMax) {
    std::vector<nvml::Sample> samples(count);
    const nvml::Return code = nvml_->samples(device, nvml::kGpuUtilizationSamples, seen.samples,
                                             &type, &count, samples.data());
    const unsigned long long after = seen.samples;
    samples.resize(code == nvml::kSuccess ? std::min<std::size_t>(count, samples.size()) : 0);
    for (const nvml::Sample& sample : samples) {
      if (sample.time_stamp <= after) continue;
      out.busy_percent = std::max(out.busy_percent.value_or(0), percent(sample.value.ui));
      out.is_sampled = true;
      seen.samples = std::max(seen.samples, sample.time_stamp);
    }
  }
  if (nvml_->utilization == nullptr) return;
  nvml::Utilization now{};
  const nvml::Return code = nvml_->utilization(device, &now);
  if (code == nvml::kSuccess) {
    out.busy_percent = std::max(out.busy_percent.value_or(0), percent(now.gpu));
  } else if (code != nvml::kNotSupported) {  // a GPU divided by MIG does not tell it
    out.busy_percent.reset();                // what is lost now has samples of better days
    note("reading its use", code, out);
  }
}

void NvmlReader::read_processes(nvml::Device device, Seen& seen, GpuDevice& out) {
  if (nvml_->compute_processes == nullptr) return;
  std::vector<nvml::ProcessInfo> list;
  unsigned int count = 0;
  nvml::Return code = nvml_->compute_processes(device, &count, nullptr);
  // A process may start between the two calls.
  for (int attempt = 0; attempt < 3 && code == nvml::kInsufficientSize; ++attempt) {
    list.resize(std::min(count, kCountMax) + 8);
    count = static_cast<unsigned int>(list.size());
    code = nvml_->compute_processes(device, &count, list.data());
  }
  if (code != nvml::kSuccess) {
    note("listing its processes", code, out);
    return;
  }
  list.resize(std::min<std::size_t>(count, list.size()));
  out.processes.emplace();
  const auto use = read_process_use(device, seen);
  std::set<int> told;
  for (const nvml::ProcessInfo& info : list) {
    const int pid = static_cast<int>(info.pid);
    if (!told.insert(pid).second) continue;  // once per MIG instance
    GpuProcess process = describe_process(root_, pid);
    constexpr unsigned long long kNotTold = ~0ULL;
    process.memory = info.used_memory == kNotTold ? 0 : info.used_memory;
    if (use) process.busy_percent = use->contains(pid) ? use->at(pid) : 0;
    out.processes->push_back(std::move(process));
  }
  if (!use) return;
  for (const auto& [pid, busy] : *use) {  // those that draw, encode or have ended meanwhile
    if (busy == 0 || told.contains(pid)) continue;
    GpuProcess process = describe_process(root_, pid);
    process.busy_percent = busy;
    out.processes->push_back(std::move(process));
  }
}

std::optional<std::map<int, int>> NvmlReader::read_process_use(nvml::Device device, Seen& seen) {
  if (nvml_->process_samples == nullptr) return std::nullopt;
  unsigned int count = 0;
  nvml::Return code = nvml_->process_samples(device, nullptr, &count, seen.process_samples);
  std::vector<nvml::ProcessSample> samples;
  const bool has_some = code == nvml::kInsufficientSize || code == nvml::kSuccess;
  if (has_some && count > 0 && count < kCountMax) {
    samples.resize(count + 8);
    count = static_cast<unsigned int>(samples.size());
    code = nvml_->process_samples(device, samples.data(), &count, seen.process_samples);
  }
  std::map<int, int> use;
  if (code == nvml::kNotFound) return use;  // nobody did anything
  if (code != nvml::kSuccess) return std::nullopt;
  samples.resize(std::min<std::size_t>(count, samples.size()));
  const unsigned long long after = seen.process_samples;
  for (const nvml::ProcessSample& sample : samples) {
    if (sample.time_stamp <= after) continue;
    const unsigned int busy = std::max({sample.sm, sample.encoder, sample.decoder});
    int& most = use[static_cast<int>(sample.pid)];
    most = std::max(most, percent(busy));
    seen.process_samples = std::max(seen.process_samples, sample.time_stamp);
  }
  return use;
}

}  // namespace rouse::suspendd
