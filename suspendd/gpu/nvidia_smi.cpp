#include "suspendd/gpu/nvidia_smi.hpp"

#include "base/posix.hpp"
#include "suspendd/gpu/nvml_reader.hpp"
#include "suspendd/gpu/process_info.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>

namespace rouse::suspendd {
namespace {

constexpr const char* kProgram = "nvidia-smi";
constexpr const char* kGpus =
    "--query-gpu=pci.bus_id,name,utilization.gpu,memory.used,memory.total,power.draw,pstate,"
    "driver_version";
constexpr const char* kProcesses = "--query-compute-apps=gpu_bus_id,pid,used_memory";
constexpr const char* kFormat = "--format=csv,noheader,nounits";
constexpr std::uint64_t kMiB = 1024 * 1024;

[[noreturn]] void exec_smi(const char* query, int out) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // when we are killed for our silence
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(null, STDERR_FILENO);
  ::execlp(kProgram, kProgram, query, kFormat, static_cast<char*>(nullptr));
  ::_exit(127);
}

/// Its output; nullopt with @p why: it could not be run, or failed.
std::optional<std::string> ask(const char* query, std::string& why) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) exec_smi(query, out.get());
  out.reset();
  std::string text;
  char piece[4096];
  while (true) {
    const ssize_t n = ::read(in.get(), piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || text.size() > 1024 * 1024) break;
    text.append(piece, static_cast<std::size_t>(n));
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) status = -1;
  if (status == 0) return text;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  why = code == 127 ? "nvidia-smi is not there either"
                    : "nvidia-smi failed (status " + std::to_string(code) + ")";
  return std::nullopt;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const auto comma = line.find(',');
    std::string_view field = line.substr(0, comma);
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    while (!field.empty() && (field.back() == ' ' || field.back() == '\r')) field.remove_suffix(1);
    fields.push_back(field);
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

/// "[N/A]" and "[Not Supported]" are no numbers.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || text.empty()) return std::nullopt;
  return number;
}

template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end != 0) take(fields_of(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

void parse_nvidia_smi(const Root& root, std::string_view gpus, std::string_view processes,
                      GpuReading& reading) {
  const std::size_t first = reading.devices.size();
  for_each_line(gpus, [&](const std::vector<std::string_view>& fields) {
    if (fields.size() != 8) return;
    GpuDevice out;
    out.vendor = "nvidia";
    out.id = pci_id(fields[0]);
    out.name = fields[1];
    out.busy_percent = number_of<int>(fields[2]);
    if (const auto used = number_of<std::uint64_t>(fields[3])) out.memory_used = *used * kMiB;
    if (const auto total = number_of<std::uint64_t>(fields[4])) out.memory_total = *total * kMiB;
    if (const auto watts = number_of<double>(fields[5])) out.watts = *watts;
    if (fields[6].starts_with("P")) out.pstate = number_of<int>(fields[6].substr(1));
    out.processes.emplace();
    reading.nvidia_driver = fields[7];
    reading.devices.push_back(std::move(out));
  });
  for_each_line(processes, [&](const std::vector<std::string_view>& fields) {
    const auto pid = fields.size() == 3 ? number_of<int>(fields[1]) : std::nullopt;
    if (!pid) return;
    for (std::size_t i = first; i < reading.devices.size(); ++i) {
      if (reading.devices[i].id != pci_id(fields[0])) continue;
      GpuProcess process = describe_process(root, *pid);
      process.memory = number_of<std::uint64_t>(fields[2]).value_or(0) * kMiB;
      reading.devices[i].processes->push_back(std::move(process));
    }
  });
}

void read_nvidia_smi(const Root& root, GpuReading& reading) {
  std::string why;
  const auto gpus = ask(kGpus, why);
  const auto processes = gpus ? ask(kProcesses, why) : std::nullopt;
  const std::size_t first = reading.devices.size();
  if (gpus && processes) parse_nvidia_smi(root, *gpus, *processes, reading);
  if (reading.devices.size() > first) {
    reading.error.clear();  // what NVML could not tell is told now
  } else {
    reading.error += "; " + (why.empty() ? std::string("nvidia-smi shows no GPU") : why);
  }
}

}  // namespace rouse::suspendd
