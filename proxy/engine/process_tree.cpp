#include "proxy/engine/process_tree.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

namespace rouse {

namespace {

constexpr int kLooksMost = 10;

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

/// Adds the children of @p pid. False: the kernel does not list them (CONFIG_PROC_CHILDREN).
bool add_children(int pid, std::vector<int>& pids) {
  const std::string tasks = fmt::format("/proc/{}/task", pid);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(tasks.c_str()), ::closedir);
  if (!dir) return true;  // it has just ended
  bool are_listed = true;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] == '.') continue;
    const std::string path = fmt::format("{}/{}/children", tasks, entry->d_name);
    const std::string text = read_proc(path);
    are_listed = are_listed && (!text.empty() || ::access(path.c_str(), F_OK) == 0);
    std::istringstream words(text);
    for (int child = 0; words >> child;) pids.push_back(child);
  }
  return are_listed;
}

/// All that descends from us, in order; nullopt: the kernel does not list it.
std::optional<std::vector<int>> listed_descendants() {
  std::vector<int> pids;
  if (!add_children(::getpid(), pids)) return std::nullopt;
  for (std::size_t i = 0; i < pids.size(); ++i) (void)add_children(pids[i], pids);
  std::sort(pids.begin(), pids.end());
  return pids;
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

std::vector<ProcessStat> own_processes() {
  std::vector<ProcessStat> found;
  // While somebody ends, his children may be in no list (proc(5)): until two looks agree.
  std::optional<std::vector<int>> pids = listed_descendants();
  for (int looks = 1; pids && looks < kLooksMost; ++looks) {
    std::optional<std::vector<int>> again = listed_descendants();
    if (again == pids) break;
    pids = std::move(again);
  }
  if (pids) {
    for (const int pid : *pids) {
      if (const auto stat = read_process(pid)) found.push_back(*stat);
    }
    return found;
  }
  const std::vector<ProcessStat> all = all_processes();
  const std::set<int> ours = descendants(all, ::getpid());
  for (const ProcessStat& each : all) {
    if (each.pid != ::getpid() && ours.contains(each.pid)) found.push_back(each);
  }
  return found;
}

std::vector<int> engine_processes(const std::vector<ProcessStat>& among, int leader, int group,
                                  std::string_view marker) {
  const std::set<int> family = descendants(among, leader);
  std::vector<int> found;
  for (const ProcessStat& each : among) {
    if (each.state == 'Z' || each.pid <= 1) continue;
    if ((leader > 1 && family.contains(each.pid)) || (group > 1 && each.group == group) ||
        (!marker.empty() && environment_of(each.pid, kEngineMarker) == marker)) {
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
