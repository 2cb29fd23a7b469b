#include "proxy/telemetry/machine/machine.hpp"

#include "base/async/use_task.hpp"
#include "base/process/spawn.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace rouse {

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

constexpr std::size_t kMetricsAnswerMax = 64 * 1024;

std::string whole_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// As it is told in answers, so that whoever asks for what came after it does not get it again.
std::chrono::system_clock::time_point this_second() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Makes room for one more sample of now. The count bounds what a clock that is set back would
/// keep.
template <class Samples, class At>
void drop_old(Samples& samples, const MachineOptions& options, At at) {
  const auto oldest = std::chrono::system_clock::now() - options.history;
  const auto most = static_cast<std::size_t>(options.history / options.every);
  while (!samples.empty() && (at(samples.front()) < oldest || samples.size() >= most)) {
    samples.pop_front();
  }
}

}  // namespace

/// One run of nvidia-smi. Shared with the handler of its time limit. Whatever ends the coroutine
/// that waits for it, the process does not stay.
struct Machine::GpuRun {
  explicit GpuRun(const Executor& executor) : output(executor), pidfd(executor), limit(executor) {}
  ~GpuRun() { end(); }
  GpuRun(const GpuRun&) = delete;
  GpuRun& operator=(const GpuRun&) = delete;

  void adopt(Spawned spawned) {
    boost::system::error_code failed;
    pid = spawned.pid;
    output.assign(spawned.output.release(), failed);
    pidfd.assign(spawned.pidfd.release(), failed);
  }
  void end() {
    if (pid != 0) ::kill(-pid, SIGKILL);
    output.cancel(ignored);
  }
  /// Collects it if it has exited.
  void collect() {
    if (pid == 0 || ::waitpid(pid, nullptr, WNOHANG) != pid) return;
    pid = 0;
  }

  pid_t pid = 0;  // 0: there is none
  Descriptor output;
  Descriptor pidfd;
  Timer limit;
  boost::system::error_code ignored;
};

Machine::Machine(TaskGroup& tasks, MachineOptions options)
    : tasks_(tasks),
      options_(std::move(options)),
      gpu_bell_(tasks.executor(), Clock::time_point::max()) {
  // So that the first sample tells of the time since now.
  if (!options_.disabled) cpu_before_ = parse_cpu_times(read("stat"));
}

Machine::~Machine() = default;

void Machine::adopt(bool disabled, std::chrono::milliseconds every) {
  options_.disabled = disabled;
  options_.every = every;
  gpu_absent_ = false;  // a driver may have been installed meanwhile
  if (!disabled) return;
  system_.clear();
  gpus_.clear();
  hardware_.reset();
  watched_until_ = {};
  sampled_at_ = {};
}

std::string Machine::read(const std::string& name) const {
  return whole_file(options_.proc + "/" + name);
}

bool Machine::is_fresh() const {
  return sampled_at_ != Clock::time_point{} && Clock::now() - sampled_at_ < options_.every;
}

Task<void> Machine::look(Looker who) {
  if (options_.disabled) co_return;
  if (who == Looker::Person) {
    watched_until_ = Clock::now() + options_.watched_for;
    if (!std::exchange(watched_, true)) tasks_.spawn(sample_while_watched());
  }
  if (!is_fresh()) {
    sample_system();
    if (!gpu_busy_ && !gpu_absent_) tasks_.spawn(query_gpus());
  }
  co_await gpu_answered();
}

Task<void> Machine::gpu_answered() {
  // One answer is enough: the next run may have begun before we are heard.
  const std::uint64_t answers = gpu_answers_;
  while (gpu_asked_ && gpu_answers_ == answers) {
    co_await gpu_bell_.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

Task<void> Machine::sample_while_watched() {
  Timer timer(tasks_.executor());
  while (Clock::now() < watched_until_) {
    // Looked at before the wait, too: one that begins after a cancellation is not aborted.
    const auto before = co_await asio::this_coro::cancellation_state;
    if (before.cancelled() != asio::cancellation_type::none) break;
    timer.expires_after(options_.every);
    const auto [error] = co_await timer.async_wait(use_task);
    const auto after = co_await asio::this_coro::cancellation_state;
    if (error || after.cancelled() != asio::cancellation_type::none) break;
    if (options_.disabled) break;
    if (is_fresh()) continue;  // somebody who looked was faster
    sample_system();
    if (!gpu_busy_ && !gpu_absent_) co_await query_gpus();
  }
  watched_ = false;
}

void Machine::sample_system() {
  sampled_at_ = Clock::now();
  SystemSample sample;
  sample.at = this_second();
  std::vector<CpuTimes> cpu = parse_cpu_times(read("stat"));
  sample.cpu_percent = busy_percent(cpu_before_, cpu);
  cpu_before_ = std::move(cpu);
  parse_meminfo(read("meminfo"), sample);
  parse_loadavg(read("loadavg"), sample);
  sample.network = parse_net_dev(read("net/dev"));
  drop_old(system_, options_, [](const SystemSample& each) { return each.at; });
  system_.push_back(std::move(sample));
}

void Machine::keep_gpus(std::vector<GpuSample> gpus) {
  if (gpus.empty() || options_.disabled) return;
  if (hardware_) hardware_->gpus = gpus;
  drop_old(gpus_, options_, [](const auto& each) { return each.front().at; });
  gpus_.push_back(std::move(gpus));
}

// --- nvidia-smi ----------------------------------------------------------------------------------

Task<void> Machine::query_gpus() {
  gpu_busy_ = true;
  gpu_asked_ = true;
  const auto run = std::make_shared<GpuRun>(tasks_.executor());
  const std::vector<std::string> argv{options_.gpu_program,
                                      "--query-gpu=" + std::string(kNvidiaColumns),
                                      "--format=csv,noheader,nounits"};
  std::string answer;
  Result<Spawned> spawned = spawn(argv, {});
  if (spawned) {
    run->adopt(std::move(*spawned));
    run->limit.expires_after(options_.gpu_limit);
    run->limit.async_wait([run](const boost::system::error_code& failed) {
      if (!failed) run->end();
    });
    while (answer.size() < kMetricsAnswerMax) {
      std::array<char, 4096> buffer;
      const auto [error, n] = co_await run->output.async_read_some(asio::buffer(buffer), use_task);
      answer.append(buffer.data(), n);
      if (error) break;
    }
  }
  gpu_absent_ = !spawned;
  keep_gpus(parse_nvidia_smi(answer, this_second()));
  gpu_asked_ = false;
  ++gpu_answers_;
  gpu_bell_.cancel();
  // Nobody waits any more; but no second one while this one lives, and a driver that hangs may keep
  // it alive beyond SIGKILL.
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool is_awaited = spawned && state.cancelled() == asio::cancellation_type::none;
  // A wait for a descriptor may end early: Asio may give it an event of an earlier one of the same
  // number.
  for (run->collect(); is_awaited && run->pid != 0; run->collect()) {
    const auto [error] = co_await run->pidfd.async_wait(Descriptor::wait_read, use_task);
    if (error) break;
  }
  run->limit.cancel();
  run->collect();
  gpu_busy_ = false;
}

// --- answers -------------------------------------------------------------------------------------

std::string Machine::performance(
    const std::optional<std::chrono::system_clock::time_point>& after) const {
  if (options_.disabled) return R"({"enabled":false})";
  return performance_json(system_, gpus_, after);
}

std::string Machine::hardware() {
  if (options_.disabled) return {};
  if (!hardware_) {
    HardwareFacts facts;
    facts.at = this_second();
    utsname names{};
    ::uname(&names);
    facts.architecture = names.machine;
    facts.kernel = names.release;
    const std::string release = whole_file("/etc/os-release");
    facts.os_name = os_release_value(release, "NAME");
    facts.os_version = os_release_value(release, "VERSION_ID");
    std::error_code failed;
    facts.is_container = std::filesystem::exists("/.dockerenv", failed) ||
                         std::filesystem::exists("/run/.containerenv", failed) ||
                         std::filesystem::exists("/run/systemd/container", failed);
    facts.cpu = parse_cpuinfo(read("cpuinfo"));
    SystemSample memory;
    parse_meminfo(read("meminfo"), memory);
    facts.memory_bytes = memory.memory_total;
    if (!gpus_.empty()) facts.gpus = gpus_.back();
    hardware_ = std::move(facts);
  }
  return hardware_json(*hardware_);
}

std::string Machine::metrics() const {
  if (options_.disabled || system_.empty()) return {};
  // A GPU that is not heard of any more is left out rather than told as it once was.
  const bool heard = !gpus_.empty() && system_.back().at - gpus_.back().front().at <=
                                           options_.every + options_.gpu_limit;
  return llama_swap_metrics(system_.back(), heard ? gpus_.back() : std::vector<GpuSample>());
}

}  // namespace rouse
