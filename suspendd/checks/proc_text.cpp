#include "suspendd/checks/proc_text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace rouse::suspendd {
namespace {

/// The kernel's unit of /proc/diskstats, whatever the disk's own sectors are.
constexpr std::uint64_t kSector = 512;

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

/// mountinfo writes blanks, tabs, line ends and backslashes as \ooo.
std::string without_octal(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                         is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escaped) {
      plain += text[i];
      continue;
    }
    const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
    plain += static_cast<char>(code);
    i += 3;
  }
  return plain;
}

}  // namespace

std::string_view next_word(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

std::optional<std::uint64_t> whole_number(std::string_view word) {
  std::uint64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [last, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || last != end || word.empty()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> busy_microseconds(std::string_view proc_stat) {
  std::string_view line = next_line(proc_stat);
  if (next_word(line) != "cpu") return std::nullopt;
  std::array<std::uint64_t, 7> times{};  // user nice system idle iowait irq softirq
  for (std::uint64_t& each : times) {
    const auto number = whole_number(next_word(line));
    if (!number) return std::nullopt;
    each = *number;
  }
  static const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const std::uint64_t ticks = times[0] + times[1] + times[2] + times[5] + times[6];
  return ticks * (1'000'000 / ticks_per_second);
}

std::optional<std::uint64_t> keyed_number(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (next_word(line) == key) return whole_number(next_word(line));
  }
  return std::nullopt;
}

std::optional<double> pressure_avg60(std::string_view text) {
  constexpr std::string_view kKey = "avg60=";
  while (!text.empty()) {
    std::string_view line = next_line(text);
    if (next_word(line) != "some") continue;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      if (!word.starts_with(kKey)) continue;
      word.remove_prefix(kKey.size());
      double value = 0;
      const char* const end = word.data() + word.size();
      const auto [last, error] = std::from_chars(word.data(), end, value);
      if (error != std::errc() || last != end || !(value >= 0)) return std::nullopt;
      return value;
    }
  }
  return std::nullopt;
}

std::vector<NetCounter> net_counters(std::string_view proc_net_dev) {
  std::vector<NetCounter> found;
  while (!proc_net_dev.empty()) {
    std::string_view line = next_line(proc_net_dev);
    // A name may hold a colon (an alias), and old kernels wrote no blank after the last one.
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    std::string_view before = line.substr(0, colon);
    const std::string_view name = next_word(before);
    std::string_view figures = line.substr(colon + 1);
    std::array<std::optional<std::uint64_t>, 9> numbers;  // 8 of receiving, then bytes sent
    for (auto& each : numbers) each = whole_number(next_word(figures));
    if (name.empty() || !numbers.front() || !numbers.back()) continue;
    found.push_back(NetCounter{std::string(name), *numbers.front() + *numbers.back()});
  }
  return found;
}

std::vector<DiskCounter> disk_counters(std::string_view proc_diskstats) {
  std::vector<DiskCounter> found;
  while (!proc_diskstats.empty()) {
    std::string_view line = next_line(proc_diskstats);
    std::array<std::string_view, 10> words;  // major minor name reads merged sectors ms writes …
    for (std::string_view& each : words) each = next_word(line);
    const auto read = whole_number(words[5]);
    const auto written = whole_number(words[9]);
    if (!read || !written) continue;
    found.push_back(DiskCounter{std::string(words[2]), (*read + *written) * kSector});
  }
  return found;
}

std::optional<ProcessStat> process_stat(std::string_view text) {
  // The name is in parentheses and may itself hold any of ") (".
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ProcessStat stat;
  stat.comm = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 1);
  const std::string_view state = next_word(rest);
  if (state.size() != 1) return std::nullopt;
  stat.state = state.front();
  for (int field = 4; field <= 22; ++field) {  // numbered as in proc(5)
    const std::string_view word = next_word(rest);
    if (field != 14 && field != 15 && field != 22) continue;
    const auto number = whole_number(word);
    if (!number) return std::nullopt;
    (field == 22 ? stat.start_time : stat.ticks) += *number;
  }
  return stat;
}

std::vector<std::string> command_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = text.find('\0');
    words.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

std::vector<Mount> mounts_in(std::string_view mountinfo) {
  std::vector<Mount> found;
  while (!mountinfo.empty()) {
    std::string_view line = next_line(mountinfo);
    std::string_view point;
    for (int field = 1; field <= 5; ++field) point = next_word(line);
    if (point.empty() || point.front() != '/') continue;
    // Options and any number of tags stand before a lone dash, the type after it.
    std::string_view word = next_word(line);
    while (!word.empty() && word != "-") word = next_word(line);
    found.push_back(Mount{without_octal(point), std::string(next_word(line))});
  }
  return found;
}

}  // namespace rouse::suspendd
