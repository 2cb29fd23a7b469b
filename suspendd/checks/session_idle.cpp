#include "suspendd/checks/session_idle.hpp"

#include "suspendd/checks/proc_text.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::suspendd {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

struct TtyStat {
  pid_t parent = 0;
  std::uint64_t tty = 0;
};

/// Fields 4 and 7 of /proc/PID/stat, behind a name that may hold anything.
std::optional<TtyStat> parse(std::string_view stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::string_view rest = stat.substr(name_end + 1);
  (void)next_word(rest);  // state
  const auto parent = whole_number(next_word(rest));
  (void)next_word(rest);  // process group
  (void)next_word(rest);  // session
  const auto tty = whole_number(next_word(rest));
  if (!parent || !tty) return std::nullopt;
  return TtyStat{static_cast<pid_t>(*parent), *tty};
}

/// The unit in "0::/user.slice/user-1000.slice/session-5.scope", on any line of /proc/PID/cgroup.
std::string session_scope(std::string_view cgroup) {
  constexpr std::string_view kEnd = ".scope";
  const auto from = cgroup.find("/session-");
  if (from == std::string_view::npos) return {};
  const auto to = cgroup.find(kEnd, from);
  if (to == std::string_view::npos) return {};
  return std::string(cgroup.substr(from + 1, to + kEnd.size() - from - 1));
}

/// "pts/3" for the kernel's number of a terminal (Documentation/admin-guide/devices.txt); empty for
/// others than pseudo terminals and the console's.
std::string terminal_name(std::uint64_t device) {
  const std::uint64_t major = (device >> 8) & 0xFFF;
  const std::uint64_t minor = (device & 0xFF) | ((device >> 12) & 0xFFF00);
  if (major >= 136 && major <= 143) return "pts/" + std::to_string((major - 136) * 256 + minor);
  if (major == 4 && minor < 64) return "tty" + std::to_string(minor);
  if (major == 4) return "ttyS" + std::to_string(minor - 64);
  return {};
}

bool is_graphical(const Session& session) {
  return session.type == "x11" || session.type == "wayland" || session.type == "mir";
}

/// A path below /dev without ways out of it.
bool is_plain(const std::string& tty) {
  return !tty.empty() && tty.front() != '/' && tty.find("..") == std::string::npos;
}

}  // namespace

std::optional<milliseconds> SessionIdle::age(const Session& session) {
  const auto hinted = [&] {
    const auto age = now_().time_since_epoch() - session.idle_since;
    return std::max(duration_cast<milliseconds>(age), milliseconds(0));
  };
  if (is_graphical(session)) return session.idle_hint ? hinted() : milliseconds(0);

  std::optional<milliseconds> youngest;
  for (const std::string& tty : terminals_of(session)) {
    const auto age = terminal_age(tty);
    if (age && (!youngest || *age < *youngest)) youngest = age;
  }
  if (youngest) return youngest;
  if (session.idle_since.count() > 0) return hinted();
  return std::nullopt;
}

std::optional<milliseconds> SessionIdle::terminal_age(const std::string& tty) {
  struct stat status {};
  if (::stat(root_.path("/dev/" + tty).c_str(), &status) != 0) return std::nullopt;
  // The owner of a terminal may give it any stamp.
  const auto seconds = std::clamp<std::int64_t>(status.st_atim.tv_sec, 0, 9'000'000'000);
  terminals_.add(tty, seconds * 1'000'000'000 + status.st_atim.tv_nsec);
  return terminals_.age(tty);
}

void SessionIdle::begin_round() {
  terminals_.begin(now_(), wall_());
}

void SessionIdle::end_round() {
  terminals_.end();
  processes_.reset();
}

std::set<std::string> SessionIdle::terminals_of(const Session& session) {
  std::set<std::string> names;
  if (is_plain(session.tty)) names.insert(session.tty);
  if (!processes_) read_processes();
  std::vector<pid_t> open;
  for (const auto& [parent, process] : *processes_) {
    const bool in_scope = !process.scope.empty() && process.scope == session.scope;
    if ((in_scope || process.pid == session.leader) && !process.tty.empty()) {
      names.insert(process.tty);
    }
  }
  if (session.leader > 1) open.push_back(session.leader);
  std::set<pid_t> visited;
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    if (!visited.insert(parent).second) continue;
    const auto [from, to] = processes_->equal_range(parent);
    for (auto it = from; it != to; ++it) {
      if (!it->second.tty.empty()) names.insert(it->second.tty);
      open.push_back(it->second.pid);
    }
  }
  return names;
}

void SessionIdle::read_processes() {
  processes_.emplace();
  for (const std::string& entry : root_.list("/proc")) {
    const auto pid = whole_number(entry);
    if (!pid) continue;
    const auto text = root_.read("/proc/" + entry + "/stat");
    const auto stat = text ? parse(*text) : std::nullopt;
    if (!stat) continue;  // it has ended meanwhile
    Process process;
    process.pid = static_cast<pid_t>(*pid);
    process.tty = terminal_name(stat->tty);
    if (!process.tty.empty()) {
      if (const auto cgroup = root_.read("/proc/" + entry + "/cgroup")) {
        process.scope = session_scope(*cgroup);
      }
    }
    processes_->emplace(stat->parent, std::move(process));
  }
}

}  // namespace rouse::suspendd
