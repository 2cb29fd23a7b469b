#include "suspendd/gpu/process_info.hpp"

#include <algorithm>
#include <charconv>

namespace rouse::suspendd {
namespace {

struct Parents {
  int parent = 0;
  int group = 0;
};

/// "PID (name) state ppid pgrp …"; the name may have anything in it.
Parents read_parents(const Root& root, int pid) {
  Parents parents;
  const auto stat = root.read("/proc/" + std::to_string(pid) + "/stat");
  const auto close = stat ? stat->rfind(')') : std::string::npos;
  if (close == std::string::npos || close + 4 >= stat->size()) return parents;
  const char* at = stat->data() + close + 4;
  const char* const end = stat->data() + stat->size();
  const auto parent = std::from_chars(at, end, parents.parent);
  if (parent.ptr < end) std::from_chars(parent.ptr + 1, end, parents.group);
  return parents;
}

}  // namespace

GpuProcess describe_process(const Root& root, int pid) {
  constexpr int kGenerations = 32;
  GpuProcess process;
  process.pid = pid;
  const auto name = root.read_word("/proc/" + std::to_string(pid) + "/comm");
  if (name) process.name = *name;
  const auto add = [&](int one) {
    const bool is_new =
        std::find(process.lineage.begin(), process.lineage.end(), one) == process.lineage.end();
    if (one > 1 && is_new) process.lineage.push_back(one);
  };
  int at = pid;
  for (int generation = 0; at > 1 && generation < kGenerations; ++generation) {
    add(at);
    const Parents parents = read_parents(root, at);
    if (generation == 0) add(parents.group);
    at = parents.parent;
  }
  return process;
}

}  // namespace rouse::suspendd
