#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// The name of the variable that every engine carries in its environment: "INSTANCE:MODEL". It
/// stays with what the engine starts, also after a double fork or setsid.
inline constexpr std::string_view kEngineMarker = "ROUSE_ENGINE";

/// One line of /proc/PID/stat, as far as we need it.
struct ProcessStat {
  int pid = 0;
  char state = '?';  ///< 'Z': a zombie, 'D': in the kernel
  int parent = 0;
  int group = 0;
  std::uint64_t cpu_ticks = 0;
  std::uint64_t start_time = 0;  ///< ticks since boot; with the pid it names a process for good
  std::uint64_t rss_pages = 0;
};

/// The whole of a file below /proc; empty if it cannot be read, also when its process ends under
/// our hands.
[[nodiscard]] std::string read_proc(const std::string& path);

[[nodiscard]] std::optional<ProcessStat> read_process(int pid);
[[nodiscard]] std::vector<ProcessStat> all_processes();

/// The value of @p name in the environment that @p pid was started with; nullopt when it has none
/// or is not ours to read.
[[nodiscard]] std::optional<std::string> environment_of(int pid, std::string_view name);

/// What descends from this process: whatever an engine of ours started, too, since we are the
/// subreaper of all. From the kernel's lists of children, so that the other processes of the
/// machine cost nothing.
[[nodiscard]] std::vector<ProcessStat> own_processes();

/// What of @p among belongs to an engine: its process group @p group, the descendants of @p leader,
/// and what carries @p marker. Zombies are left out.
[[nodiscard]] std::vector<int> engine_processes(const std::vector<ProcessStat>& among, int leader,
                                                int group, std::string_view marker);

/// The random id of this boot of the machine.
[[nodiscard]] std::string boot_id();

}  // namespace rouse
