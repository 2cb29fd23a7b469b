#pragma once

#include <string>
#include <vector>

namespace rouse::suspendd {

/// The helper of GpuProbe: `rouse-suspendd gpu-probe [--nvml LIBRARY] [--cuda LIBRARY] [--root
/// DIR]`. Answers each line of standard input (read, self-test, close) with one line of JSON on
/// standard output, and ends with its input. May hang or die at any time: it trusts the GPU
/// driver's libraries. @p arguments: what follows `gpu-probe`. Returns the exit status.
int run_gpu_probe(const std::vector<std::string>& arguments);

}  // namespace rouse::suspendd
