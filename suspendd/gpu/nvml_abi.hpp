#pragma once

namespace rouse::suspendd::nvml {

// The part of NVML's binary interface that we use, after nvml.h of CUDA 13; all of it is older
// than driver 510. We load the library at run time and are built without it.

using Return = int;
using Device = void*;

inline constexpr Return kSuccess = 0;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kNoPermission = 4;
inline constexpr Return kNotFound = 6;
inline constexpr Return kInsufficientSize = 7;
inline constexpr Return kDriverNotLoaded = 9;
inline constexpr Return kGpuIsLost = 15;
inline constexpr Return kResetRequired = 16;
inline constexpr Return kOperatingSystem = 17;
inline constexpr Return kVersionMismatch = 18;
inline constexpr Return kUnknown = 999;

inline constexpr int kGpuUtilizationSamples = 1;
inline constexpr int kPstateUnknown = 32;

struct Utilization {
  unsigned int gpu;
  unsigned int memory;
};
struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};
struct PciInfo {
  char bus_id_legacy[16];
  unsigned int domain;
  unsigned int bus;
  unsigned int device;
  unsigned int pci_device_id;
  unsigned int pci_subsystem_id;
  char bus_id[32];
};
union Value {
  double d;
  unsigned int ui;
  unsigned long ul;
  unsigned long long ull;
};
struct Sample {
  unsigned long long time_stamp;  ///< microseconds
  Value value;
};
struct ProcessInfo {  ///< of _v2 and _v3
  unsigned int pid;
  unsigned long long used_memory;
  unsigned int gpu_instance;
  unsigned int compute_instance;
};
struct ProcessSample {
  unsigned int pid;
  unsigned long long time_stamp;
  unsigned int sm;
  unsigned int memory;
  unsigned int encoder;
  unsigned int decoder;
};

static_assert(sizeof(Value) == 8 && sizeof(Sample) == 16 && sizeof(PciInfo) == 68);
static_assert(sizeof(ProcessInfo) == 24 && sizeof(ProcessSample) == 32 && sizeof(Memory) == 24);

}  // namespace rouse::suspendd::nvml
