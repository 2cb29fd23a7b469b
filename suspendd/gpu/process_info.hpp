#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/gpu/reading.hpp"

namespace rouse::suspendd {

/// A process of that pid with its name and lineage from /proc.
[[nodiscard]] GpuProcess describe_process(const Root& root, int pid);

}  // namespace rouse::suspendd
