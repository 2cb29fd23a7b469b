#pragma once

#include "base/async/task.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rouse {

/// Remembers on disk which engine processes are ours, so that a new proxy finds what a killed one
/// left behind. A record is a pid with its start time and boot id: a recycled pid never matches.
/// A missing or unwritable state directory is reported once and then lived without.
class EngineRegistry {
 public:
  /// @p state_dir empty: nothing is kept on disk.
  explicit EngineRegistry(std::filesystem::path state_dir);
  ~EngineRegistry();

  /// This proxy's name in the marker of its engines: "PID-STARTTIME".
  [[nodiscard]] const std::string& instance() const;
  /// Names the cgroup of the next engine: "rouse-INSTANCE-N", so that a later proxy knows whose it
  /// was.
  [[nodiscard]] std::string new_cgroup_name();

  void add(int pid, const std::string& model);
  void remove(int pid);

  struct Orphan {
    int pid;
    std::string model;
  };
  /// Finds and ends what an earlier proxy left (its process groups, its cgroups inside ours, and
  /// what carries our marker in its environment): SIGTERM, then SIGKILL after @p grace. Returns
  /// what it found. Call once, before the first start.
  Task<std::vector<Orphan>> sweep_orphans(std::chrono::milliseconds grace);
  /// The sweep that is on its way, or to come, waits no longer for anybody to leave by SIGTERM.
  void hurry();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rouse
