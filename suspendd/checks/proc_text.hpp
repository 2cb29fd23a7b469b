#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Reads what the kernel writes in /proc and /sys. Pure: text in, values out; nullopt or nothing for
// what is not as it should be.

namespace rouse::suspendd {

/// The next word of @p rest, without it and the blanks before it; empty at the end of the line.
[[nodiscard]] std::string_view next_word(std::string_view& rest);
/// The next line of @p rest without its end; @p rest is empty after the last.
[[nodiscard]] std::string_view next_line(std::string_view& rest);
/// A whole word that is a decimal number.
[[nodiscard]] std::optional<std::uint64_t> whole_number(std::string_view word);

/// /proc/stat: the time that all processors together were not idle, without what other guests of
/// the same host took (steal).
[[nodiscard]] std::optional<std::uint64_t> busy_microseconds(std::string_view proc_stat);

/// "key 123" lines, as in cpu.stat.
[[nodiscard]] std::optional<std::uint64_t> keyed_number(std::string_view text,
                                                        std::string_view key);

/// /proc/pressure/*: `some avg60`, in percent.
[[nodiscard]] std::optional<double> pressure_avg60(std::string_view text);

struct NetCounter {
  std::string name;
  std::uint64_t bytes = 0;  ///< received and sent
};
/// /proc/net/dev. Lines that are not an interface's are left out.
[[nodiscard]] std::vector<NetCounter> net_counters(std::string_view proc_net_dev);

struct DiskCounter {
  std::string name;
  std::uint64_t bytes = 0;  ///< read and written
};
/// /proc/diskstats, partitions and all.
[[nodiscard]] std::vector<DiskCounter> disk_counters(std::string_view proc_diskstats);

/// /proc/PID/stat.
struct ProcessStat {
  std::string comm;
  char state = '?';
  std::uint64_t ticks = 0;       ///< user and system time, in USER_HZ
  std::uint64_t start_time = 0;  ///< ticks after boot
};
[[nodiscard]] std::optional<ProcessStat> process_stat(std::string_view text);

/// /proc/PID/cmdline: its words.
[[nodiscard]] std::vector<std::string> command_words(std::string_view text);

struct Mount {
  std::string point;  ///< unescaped
  std::string type;   ///< of file system; empty if the line breaks off
};
/// /proc/self/mountinfo.
[[nodiscard]] std::vector<Mount> mounts_in(std::string_view mountinfo);

}  // namespace rouse::suspendd
