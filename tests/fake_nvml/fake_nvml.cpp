// A make-believe libnvidia-ml.so.1 with one GPU. What it is and does stands in the file that the
// environment's FAKE_NVML names, read anew at every call, one "key value" a line:
//   init CODE            what nvmlInit_v2 returns
//   hang FUNCTION        that function does not return while this stands here: init, count …
//   open FILE            before counting, reads that file (of a file system that hangs, say)
//   device CODE          what each look at the GPU returns
//   crash 1              the process ends by a signal when the GPU is counted
//   gpus N               how many there are
//   rate PERCENT         what nvmlDeviceGetUtilizationRates says
//   sample TIME PERCENT  in the driver's buffer
//   process PID MIB      on the GPU
//   use PID TIME PERCENT what a process did
//   mig 1                use is not supported
// Each call is noted in the file FAKE_NVML.calls.
#include <poll.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

struct State {
  int init = 0;
  int device = 0;
  int gpus = 1;
  int rate = 0;
  bool crash = false;
  bool mig = false;
  std::string hang;
  std::string open;
  std::vector<std::pair<unsigned long long, unsigned int>> samples;
  std::vector<std::pair<unsigned int, unsigned long long>> processes;
  struct Use {
    unsigned int pid;
    unsigned long long time;
    unsigned int percent;
  };
  std::vector<Use> uses;
};

std::string state_file() {
  const char* file = std::getenv("FAKE_NVML");
  return file == nullptr ? "" : file;
}

State read_state() {
  State state;
  std::ifstream file(state_file());
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream in(line);
    std::string key;
    in >> key;
    if (key == "init") in >> state.init;
    if (key == "device") in >> state.device;
    if (key == "gpus") in >> state.gpus;
    if (key == "rate") in >> state.rate;
    if (key == "crash") in >> state.crash;
    if (key == "mig") in >> state.mig;
    if (key == "hang") in >> state.hang;
    if (key == "open") in >> state.open;
    if (key == "sample") in >> state.samples.emplace_back().first >> state.samples.back().second;
    if (key == "process") {
      in >> state.processes.emplace_back().first >> state.processes.back().second;
    }
    if (key == "use") {
      State::Use use{};
      in >> use.pid >> use.time >> use.percent;
      state.uses.push_back(use);
    }
  }
  return state;
}

State enter(const char* function) {
  std::ofstream(state_file() + ".calls", std::ios::app) << function << '\n';
  State state = read_state();
  while (state.hang == function && read_state().hang == function) ::poll(nullptr, 0, 5);
  return state;
}

struct Utilization {
  unsigned int gpu, memory;
};
struct Memory {
  unsigned long long total, free, used;
};
struct PciInfo {
  char legacy[16];
  unsigned int domain, bus, device, id, subsystem;
  char bus_id[32];
};
struct Sample {
  unsigned long long time;
  union {
    double d;
    unsigned int ui;
    unsigned long long ull;
  } value;
};
struct ProcessInfo {
  unsigned int pid;
  unsigned long long memory;
  unsigned int gpu_instance, compute_instance;
};
struct ProcessSample {
  unsigned int pid;
  unsigned long long time;
  unsigned int sm, memory, encoder, decoder;
};

constexpr int kNotSupported = 3;
constexpr int kNotFound = 6;
constexpr int kInsufficientSize = 7;
char devices[64];

}  // namespace

extern "C" {

int nvmlInit_v2() {
  return enter("init").init;
}
int nvmlShutdown() {
  enter("shutdown");
  return 0;
}
const char* nvmlErrorString(int) {
  return "an error of the fake";
}
int nvmlSystemGetDriverVersion(char* text, unsigned int size) {
  std::snprintf(text, size, "580.1");
  return 0;
}

#ifndef FAKE_NVML_OLD
int nvmlDeviceGetCount_v2(unsigned int* count) {
  const State state = enter("count");
  if (state.crash) std::raise(SIGABRT);
  if (!state.open.empty()) std::ifstream(state.open).get();
  *count = static_cast<unsigned int>(state.gpus);
  return 0;
}
#endif

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void** device) {
  enter("by_index");
  *device = devices + index;
  return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  enter(("by_id " + std::string(id)).c_str());
  *device = devices;
  return 0;
}
int nvmlDeviceGetPciInfo_v3(void* device, PciInfo* pci) {
  const auto bus = static_cast<int>(static_cast<char*>(device) - devices) + 1;
  std::snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", bus);
  return 0;
}
int nvmlDeviceGetName(void*, char* name, unsigned int size) {
  std::snprintf(name, size, "Fake GPU");
  return 0;
}
int nvmlDeviceGetUtilizationRates(void*, Utilization* rates) {
  const State state = enter("rates");
  if (state.device != 0) return state.device;
  if (state.mig) return kNotSupported;
  rates->gpu = static_cast<unsigned int>(state.rate);
  return 0;
}

/// The real one's protocol: a null buffer asks for the room, and old samples are left out.
int nvmlDeviceGetSamples(void*, int, unsigned long long last, int* type, unsigned int* count,
                         Sample* samples) {
  const State state = enter("samples");
  if (state.device != 0) return state.device;
  if (state.mig) return kNotSupported;
  if (samples == nullptr) {
    *count = 120;
    return 0;
  }
  unsigned int n = 0;
  for (const auto& [time, percent] : state.samples) {
    if (time <= last || n >= *count) continue;
    samples[n].time = time;
    samples[n].value.ull = 0;
    samples[n].value.ui = percent;
    ++n;
  }
  *type = 1;
  *count = n;
  return n == 0 ? kNotFound : 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void*, unsigned int* count, ProcessInfo* infos) {
  const State state = enter("processes");
  if (state.device != 0) return state.device;
  const auto n = static_cast<unsigned int>(state.processes.size());
  const bool fits = n <= *count;
  *count = n;
  if (!fits) return kInsufficientSize;
  for (unsigned int i = 0; i < n; ++i) {
    infos[i] = {state.processes[i].first, state.processes[i].second << 20, ~0U, ~0U};
  }
  return 0;
}

int nvmlDeviceGetProcessUtilization(void*, ProcessSample* samples, unsigned int* count,
                                    unsigned long long last) {
  const State state = enter("process_use");
  if (state.device != 0) return state.device;
  if (state.mig) return kNotSupported;
  if (samples == nullptr) {
    *count = 100;
    return kInsufficientSize;
  }
  unsigned int n = 0;
  for (const State::Use& use : state.uses) {
    if (use.time <= last || n >= *count) continue;
    samples[n++] = {use.pid, use.time, use.percent, 0, 0, 0};
  }
  *count = n;
  return n == 0 ? kNotFound : 0;
}

int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
  const State state = enter("memory");
  *memory = {24ULL << 30, 23ULL << 30, 1ULL << 30};
  return state.device;
}
int nvmlDeviceGetPowerUsage(void*, unsigned int* milliwatts) {
  *milliwatts = 75500;
  return read_state().device;
}
int nvmlDeviceGetPerformanceState(void*, int* pstate) {
  *pstate = 8;
  return read_state().device;
}

}  // extern "C"
