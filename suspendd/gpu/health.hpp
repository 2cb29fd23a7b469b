#pragma once

#include "suspendd/box/root.hpp"

#include <string>

namespace rouse::suspendd {

struct SelfTest {
  bool is_ok = false;
  std::string text;  ///< what was seen, or what failed
};

/// Whether the GPUs work after a resume: NVML starts and every awake one tells its use; libcuda,
/// where there is one, starts (a broken resume makes cuInit say 999); AMD's and Intel's answer. A
/// machine without a GPU passes. Part of the helper process: it may hang, and CUDA stays open until
/// the process ends. @p cuda empty: not tried.
[[nodiscard]] SelfTest test_gpus(const Root& root, const std::string& nvml,
                                 const std::string& cuda);

}  // namespace rouse::suspendd
