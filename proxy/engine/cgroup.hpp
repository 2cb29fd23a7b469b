#pragma once

#include "base/posix.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// A cgroup of an engine's own: whatever it starts stays in it, also after a double fork, a setsid
/// and a change of environment, and one write ends all of it. Made only inside a cgroup (v2) that
/// was delegated to us, as systemd does with Delegate=yes; elsewhere it is empty, and engines are
/// followed by group, marker and parentage alone.
///
/// Facts: Documentation/admin-guide/cgroup-v2.rst; systemd.resource-control(5) on the
/// user.delegate mark; docs/CGROUP_DELEGATION.md of systemd.
class EngineCgroup {
 public:
  EngineCgroup() = default;  ///< the empty one
  /// In our own cgroup, if that is delegated. @p name is a file name. Empty when it cannot be made.
  [[nodiscard]] static EngineCgroup make(const std::string& name);
  ~EngineCgroup();
  EngineCgroup(EngineCgroup&& other) noexcept;
  EngineCgroup& operator=(EngineCgroup&& other) noexcept;

  [[nodiscard]] bool is_empty() const { return path_.empty(); }
  /// Whoever writes "0" into it moves here; -1 for the empty one.
  [[nodiscard]] int join_fd() const { return join_.get(); }
  /// What runs in it, also in cgroups that it made itself.
  [[nodiscard]] std::vector<int> processes() const;
  /// SIGKILL for all of it at once (cgroup.kill, Linux 5.14).
  void kill() const;

 private:
  std::string path_;
  UniqueFd join_;
};

/// One cgroup that an earlier proxy left in ours.
struct StrayCgroup {
  std::string path;
  std::string name;
};

/// The cgroups inside ours whose names begin with @p prefix; none when ours is not delegated.
[[nodiscard]] std::vector<StrayCgroup> stray_cgroups(std::string_view prefix);
/// What runs in the cgroup at @p path and below.
[[nodiscard]] std::vector<int> cgroup_processes(const std::string& path);
/// Removes it and what is below; a populated one stays.
void remove_cgroup(const std::string& path);

}  // namespace rouse
