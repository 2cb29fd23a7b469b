#include "base/service/proc_self.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace rouse {

namespace {

struct Stat {
  double cpu_seconds = 0;
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_bytes = 0;
};

// proc(5): fields 14, 15, 20, 22, 23 and 24, counted behind the name in parentheses.
Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string word;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::uint64_t pages = 0;
  Stat stat;
  for (int field = 3; field <= 13; ++field) fields >> word;
  fields >> user >> system;
  for (int field = 16; field <= 19; ++field) fields >> word;
  fields >> stat.threads >> word >> stat.start_ticks >> stat.virtual_bytes >> pages;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  stat.cpu_seconds = static_cast<double>(user + system) / ticks;
  stat.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return stat;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

std::size_t open_files() {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

void add(std::string& out, const char* name, const char* type, double value, const char* help) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
}

}  // namespace

std::string process_metrics() {
  const Stat stat = read_stat();
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const double start = boot_time() + static_cast<double>(stat.start_ticks) /
                                         static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::string out;
  add(out, "process_cpu_seconds_total", "counter", stat.cpu_seconds, "CPU time, user and system");
  add(out, "process_resident_memory_bytes", "gauge", static_cast<double>(stat.resident_bytes),
      "Resident memory");
  add(out, "process_virtual_memory_bytes", "gauge", static_cast<double>(stat.virtual_bytes),
      "Virtual memory");
  add(out, "process_open_fds", "gauge", static_cast<double>(open_files()), "Open descriptors");
  add(out, "process_max_fds", "gauge", static_cast<double>(files.rlim_cur),
      "Descriptors that may be open");
  add(out, "process_start_time_seconds", "gauge", start, "Start, in seconds since 1970");
  add(out, "process_threads", "gauge", static_cast<double>(stat.threads), "Threads");
  return out;
}

}  // namespace rouse
