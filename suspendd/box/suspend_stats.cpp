#include "suspendd/box/suspend_stats.hpp"

#include "base/text/ascii.hpp"

#include <charconv>
#include <cstdlib>
#include <optional>

namespace rouse::suspendd {
namespace {

constexpr std::string_view kStats = "/sys/power/suspend_stats/";

/// State and flags out of /proc/PID/stat; the name in it may have any character, so from its end.
struct Stat {
  std::string name;
  char state = '?';
  std::uint32_t flags = 0;
};

std::optional<Stat> parse_stat(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close + 2 >= text.size())
    return std::nullopt;
  Stat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 2);
  stat.state = rest.front();
  for (int field = 0; field < 6; ++field) {  // state ppid pgrp session tty tpgid | flags
    const auto space = rest.find(' ');
    if (space == std::string_view::npos) return stat;
    rest.remove_prefix(space + 1);
  }
  std::from_chars(rest.data(), rest.data() + rest.size(), stat.flags);
  return stat;
}

}  // namespace

Result<SuspendStats> read_suspend_stats(const Root& root) {
  SuspendStats stats;
  const auto number = [&](std::string_view name) {
    return root.read_number(std::string(kStats) + std::string(name));
  };
  const auto word = [&](std::string_view name) {
    const auto read = root.read_word(std::string(kStats) + std::string(name));
    return read ? *read : std::string();
  };
  const auto success = number("success");
  if (!success) return success.error();
  stats.success = static_cast<std::uint64_t>(*success);
  const auto fail = number("fail");
  if (!fail) return fail.error();
  stats.fail = static_cast<std::uint64_t>(*fail);
  stats.last_failed_dev = word("last_failed_dev");
  stats.last_failed_step = word("last_failed_step");
  const auto code = number("last_failed_errno");
  if (code) stats.last_failed_errno = static_cast<int>(*code);
  return stats;
}

std::string StuckTask::text() const {
  std::string text = name + " (" + std::to_string(pid) + ")";
  if (!waits_in.empty()) text += " in " + waits_in;
  return text;
}

std::vector<StuckTask> stuck_tasks(const Root& root) {
  constexpr std::uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD
  std::vector<StuckTask> stuck;
  for (const std::string& process : root.list("/proc")) {
    if (!is_digits(process)) continue;
    const std::string folder = "/proc/" + process + "/task/";
    for (const std::string& thread : root.list(folder)) {
      const auto text = root.read(folder + thread + "/stat");
      if (!text) continue;
      const auto stat = parse_stat(*text);
      if (!stat || stat->state != 'D' || (stat->flags & kKernelThread) != 0) continue;
      StuckTask task;
      task.pid = std::atoi(thread.c_str());
      task.name = stat->name;
      const auto waits = root.read_word(folder + thread + "/wchan");
      if (waits && *waits != "0") task.waits_in = *waits;
      stuck.push_back(std::move(task));
    }
  }
  return stuck;
}

}  // namespace rouse::suspendd
