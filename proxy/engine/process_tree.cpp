#include "proxy/engine/process_tree.hpp"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace rouse {

namespace {

/// @p root and all that descends from it.
std::set<int> descendants(const std::vector<ProcessStat>& all, int root) {
  std::set<int> family{root};
  for (std::size_t before = 0; before != family.size();) {
    before = family.size();
    for (const ProcessStat& each : all) {
      if (family.contains(each.parent)) family.insert(each.pid);
    }
  }
  return family;
}

}  // namespace

std::string read_proc(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> piece;
  // Not through iterators: those throw when a process ends between the opening and the reading.
  do {
    file.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  } while (file);
  return file.bad() ? std::string() : text;
}

std::optional<ProcessStat> read_process(int pid) {
  const std::string text = read_proc("/proc/" + std::to_string(pid) + "/stat");
  // The name, in parentheses, may hold anything, also ") R 1": the last one counts (proc(5)).
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStat stat;
  stat.pid = pid;
  std::uint64_t skipped = 0;
  std::string word;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> stat.state >> stat.parent >> stat.group;
  for (int field = 6; field <= 13; ++field) fields >> word;   // session … cmajflt
  fields >> user >> system;                                   // 14, 15
  for (int field = 16; field <= 21; ++field) fields >> word;  // … itrealvalue
  fields >> stat.start_time >> skipped >> stat.rss_pages;     // 22, 23, 24
  stat.cpu_ticks = user + system;
  if (!fields) return std::nullopt;
  return stat;
}

std::vector<ProcessStat> all_processes() {
  std::vector<ProcessStat> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  if (!dir) return found;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    if (const auto stat = read_process(pid)) found.push_back(*stat);
  }
  return found;
}

std::optional<std::string> environment_of(int pid, std::string_view name) {
  const std::string text = read_proc("/proc/" + std::to_string(pid) + "/environ");
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\0');
    const std::string_view pair = rest.substr(0, end);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return std::string(pair.substr(name.size() + 1));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::vector<int> engine_processes(int leader, int group, std::string_view marker) {
  const std::vector<ProcessStat> all = all_processes();
  const std::set<int> family = descendants(all, leader);
  // We are the subreaper: whatever an engine started has us among its ancestors, so the
  // environments of all other processes of the machine need no look.
  const std::set<int> ours = descendants(all, ::getpid());
  std::vector<int> found;
  for (const ProcessStat& each : all) {
    if (each.state == 'Z' || each.pid <= 1) continue;
    if ((leader > 1 && family.contains(each.pid)) || (group > 1 && each.group == group) ||
        (!marker.empty() && ours.contains(each.pid) &&
         environment_of(each.pid, kEngineMarker) == marker)) {
      found.push_back(each.pid);
    }
  }
  return found;
}

std::string boot_id() {
  std::string id = read_proc("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

}  // namespace rouse
