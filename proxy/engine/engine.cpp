#include "proxy/engine/engine.hpp"

#include "base/async/use_task.hpp"
#include "base/net/port_holder.hpp"
#include "base/process/spawn.hpp"
#include "proxy/config/command_line.hpp"
#include "proxy/engine/cgroup.hpp"
#include "proxy/engine/process_tree.hpp"
#include "proxy/engine/readiness.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/logs/log_ring.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr auto kFirstProbe = 5ms;
constexpr auto kSlowestProbe = 250ms;
constexpr auto kProbeLimit = 5s;
constexpr auto kSecondTerm = 2s;  // llama-server leaves at once on its second SIGTERM
constexpr auto kSweepGrace = 300ms;
constexpr auto kUnkillable = 10s;  // after SIGKILL: a process stuck in the kernel
constexpr auto kProgressCheck = 2s;
constexpr std::size_t kLastLines = 12;
constexpr std::size_t kFailureMax = 1500;
constexpr std::size_t kReadPerTurn = 64 * 1024;

/// A tenth of the time that the load has taken: readiness is seen late by that much at most, and a
/// long load is not asked a thousand times.
std::chrono::milliseconds probe_pause(Clock::duration loading) {
  const auto tenth = std::chrono::duration_cast<std::chrono::milliseconds>(loading / 10);
  return std::clamp<std::chrono::milliseconds>(tenth, kFirstProbe, kSlowestProbe);
}

std::string tail_of(std::string text) {
  if (text.size() > kFailureMax) text = "…" + text.substr(text.size() - kFailureMax);
  return text;
}

}  // namespace

/// Shared by the tasks of one run; the last of them lets go of it.
struct Engine::Impl : std::enable_shared_from_this<Engine::Impl> {
  Impl(Launch the_launch, EngineEvents the_events, TaskGroup& the_tasks, HttpPool& the_pool,
       LogRing& the_log, EngineRegistry& the_registry)
      : launch(std::move(the_launch)),
        events(std::move(the_events)),
        tasks(the_tasks),
        pool(the_pool),
        log(the_log),
        registry(the_registry),
        output(tasks.executor()),
        pidfd(tasks.executor()),
        stop_bell(tasks.executor(), Clock::time_point::max()),
        gone_bell(tasks.executor(), Clock::time_point::max()) {}

  Task<void> run();
  Task<void> read_output();
  bool read_some_output();
  Task<void> watch_readiness();
  Task<void> stop_ladder();
  Task<void> run_stop_command();
  Task<void> sweep();
  Task<void> await_exit();
  [[nodiscard]] std::string obstacle() const;
  void report(std::string failure);
  void signal_group(int number) const;
  [[nodiscard]] std::vector<int> leftovers() const;
  [[nodiscard]] std::string failure_text(const std::string& what) const;
  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] std::string marker() const { return registry.instance() + ":" + launch.model; }

  const Launch launch;
  EngineEvents events;
  TaskGroup& tasks;
  HttpPool& pool;
  LogRing& log;
  EngineRegistry& registry;
  EngineCgroup cgroup;
  Descriptor output;
  Descriptor pidfd;
  Timer stop_bell;  // cancelled when stop() is called
  Timer gone_bell;  // cancelled when the process has exited
  Clock::time_point started_at{};
  std::size_t log_start = 0;  // of this run, in the log's total
  pid_t pid = 0;
  int exit_status = 0;
  bool exited = false;
  bool stopping = false;
  bool ready = false;
  std::string failed_because;  // set when we end it: not ready in time
};

Engine::Engine(Launch launch, EngineEvents events, TaskGroup& tasks, HttpPool& pool, LogRing& log,
               EngineRegistry& registry)
    : impl_(std::make_shared<Impl>(std::move(launch), std::move(events), tasks, pool, log,
                                   registry)) {}

Engine::~Engine() {
  impl_->events = {};
}

void Engine::start() {
  impl_->tasks.spawn(impl_->run());
}

void Engine::stop() {
  impl_->stopping = true;
  impl_->stop_bell.cancel();
}

int Engine::pid() const {
  return impl_->exited ? 0 : impl_->pid;
}

const Launch& Engine::launch() const {
  return impl_->launch;
}

// --- one run, from the spawn to the last leftover
// -------------------------------------------------

Task<void> Engine::Impl::run() {
  const std::shared_ptr<Impl> self = shared_from_this();
  started_at = Clock::now();
  log_start = log.total_bytes();
  if (std::string problem = obstacle(); !problem.empty()) co_return report(std::move(problem));
  cgroup = EngineCgroup::make(registry.new_cgroup_name());
  Result<Spawned> spawned = spawn(launch.argv, environment(), cgroup.join_fd());
  if (!spawned) co_return report(spawned.error().message() + " (see cmd of " + launch.model + ")");
  pid = spawned->pid;
  registry.add(pid, launch.model);
  spdlog::debug("{}: started pid {}", launch.model, pid);
  output.assign(spawned->output.release());
  pidfd.assign(spawned->pidfd.release());
  tasks.spawn(read_output());
  tasks.spawn(await_exit());
  tasks.spawn(watch_readiness());
  tasks.spawn(stop_ladder());
  while (!exited) co_await gone_bell.async_wait(use_task);
  const bool unkillable = exit_status < 0;
  co_await sweep();
  cgroup = EngineCgroup();
  registry.remove(pid);
  // Its last words may have come together with its end.
  if (output.is_open()) read_some_output();
  boost::system::error_code ignored;
  output.close(ignored);
  stop_bell.cancel();
  if (unkillable) co_return report(fmt::format("pid {} does not die, not even of SIGKILL", pid));
  if (!failed_because.empty()) co_return report(failure_text(failed_because));
  if (stopping) co_return report({});
  report(failure_text(exit_text(exit_status)));
}

/// What would make a start pointless: another program answers where ours would.
std::string Engine::Impl::obstacle() const {
  const Endpoint& endpoint = launch.endpoint;
  if (!endpoint.unix_path.empty()) {
    // An engine leaves its socket file behind, and the next one cannot bind to it.
    struct stat status {};
    if (::stat(endpoint.unix_path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
      ::unlink(endpoint.unix_path.c_str());
    }
    return {};
  }
  const bool is_local =
      endpoint.host == "localhost" || endpoint.host.starts_with("127.") || endpoint.host == "::1";
  if (!is_local || endpoint.port == 0) return {};
  const std::string owner = port_holder(endpoint.port);
  if (owner.empty()) return {};
  return fmt::format("port {} is already taken by {}", endpoint.port, owner);
}

std::vector<std::string> Engine::Impl::environment() const {
  std::vector<std::string> list = launch.env;
  list.push_back(fmt::format("{}={}", kEngineMarker, marker()));
  return list;
}

Task<void> Engine::Impl::read_output() {
  const std::shared_ptr<Impl> self = shared_from_this();
  while (read_some_output()) {
    const auto [error] = co_await output.async_wait(Descriptor::wait_read, use_task);
    if (error || !output.is_open()) co_return;
  }
}

/// Reads what is there, up to a bound: a flood of logs must not keep the loop from its other work.
/// False when there will be no more.
bool Engine::Impl::read_some_output() {
  std::array<char, 8192> buffer;
  for (std::size_t taken = 0; taken < kReadPerTurn;) {
    const ssize_t n = ::read(output.native_handle(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 && errno == EAGAIN;
    log.append({buffer.data(), static_cast<std::size_t>(n)});
    taken += static_cast<std::size_t>(n);
  }
  return true;
}

Task<void> Engine::Impl::await_exit() {
  const std::shared_ptr<Impl> self = shared_from_this();
  int status = 0;
  pid_t ended = 0;
  // A wait for a descriptor may end early: Asio may give it an event of an earlier one of the same
  // number. To wait here for the process would stop everything else.
  while (ended == 0) {
    const auto [error] = co_await pidfd.async_wait(Descriptor::wait_read, use_task);
    if (exited) co_return;  // given up as unkillable
    ended = ::waitpid(pid, &status, error ? 0 : WNOHANG);
  }
  if (ended == pid) exit_status = status;
  exited = true;
  gone_bell.cancel();
}

// --- ready ---------------------------------------------------------------------------------------

Task<void> Engine::Impl::watch_readiness() {
  const std::shared_ptr<Impl> self = shared_from_this();
  const bool unchecked = launch.check_endpoint == "none";
  const std::string path = check_path(launch.check_endpoint);
  const Clock::time_point ceiling = started_at + launch.health_ceiling;
  Clock::time_point deadline = started_at + launch.health_timeout;
  Clock::time_point next_look = started_at + kProgressCheck;
  std::uint64_t progress = 0;
  std::chrono::milliseconds pause = kFirstProbe;
  std::string last_answer = "nothing was tried";
  Timer timer(tasks.executor());
  while (!unchecked) {
    timer.expires_after(pause);
    co_await timer.async_wait(use_task);
    if (exited || stopping) co_return;
    ProbeAnswer answer = co_await probe_engine(pool, launch.endpoint, path, kProbeLimit);
    if (exited || stopping) co_return;
    if (answer.ready) break;
    last_answer = std::move(answer.text);
    const Clock::time_point now = Clock::now();
    pause = probe_pause(now - started_at);
    if (now >= next_look) {
      next_look = now + kProgressCheck;
      const std::uint64_t seen = progress_of(pid, pid) + log.total_bytes();
      // Whoever still reads, computes or talks is loading, however long it takes.
      if (seen > progress) deadline = std::max(deadline, now + launch.health_timeout);
      progress = seen;
    }
    if (now < std::min(deadline, ceiling)) continue;
    failed_because = fmt::format(
        "was not ready after {} s ({}), and was stopped",
        std::chrono::duration_cast<std::chrono::seconds>(now - started_at).count(), last_answer);
    stop_bell.cancel();
    co_return;
  }
  ready = true;
  spdlog::debug(
      "{}: ready after {} ms", launch.model,
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_at).count());
  if (events.ready) events.ready();
}

// --- stop ----------------------------------------------------------------------------------------

Task<void> Engine::Impl::stop_ladder() {
  const std::shared_ptr<Impl> self = shared_from_this();
  while (!stopping && failed_because.empty() && !exited) co_await stop_bell.async_wait(use_task);
  if (exited) co_return;
  const Clock::time_point kill_at = Clock::now() + launch.unload_timeout;
  Timer timer(tasks.executor());
  if (!launch.cmd_stop.empty()) {
    tasks.spawn(run_stop_command());
  } else {
    signal_group(SIGTERM);
  }
  // A stopped (SIGSTOP) engine would not hear it.
  signal_group(SIGCONT);
  const Clock::time_point again_at = std::min(Clock::now() + kSecondTerm, kill_at);
  gone_bell.expires_at(again_at);
  co_await gone_bell.async_wait(use_task);
  if (exited) co_return;
  signal_group(SIGTERM);
  gone_bell.expires_at(kill_at);
  co_await gone_bell.async_wait(use_task);
  if (exited) co_return;
  spdlog::warn("{}: pid {} ignores SIGTERM for {} s: SIGKILL", launch.model, pid,
               std::chrono::duration_cast<std::chrono::seconds>(launch.unload_timeout).count());
  signal_group(SIGKILL);
  gone_bell.expires_at(Clock::now() + kUnkillable);
  co_await gone_bell.async_wait(use_task);
  if (exited) co_return;
  exit_status = -1;
  exited = true;
  boost::system::error_code ignored;
  pidfd.cancel(ignored);
  gone_bell.cancel();
}

void Engine::Impl::signal_group(int number) const {
  // Until it is waited for, the pid is ours even when the process has exited.
  if (pid > 1 && !exited) ::kill(-pid, number);
}

/// cmdStop: its own process group, its output into the engine's log, ended with the ladder.
Task<void> Engine::Impl::run_stop_command() {
  const std::shared_ptr<Impl> self = shared_from_this();
  std::string command = launch.cmd_stop;
  constexpr std::string_view kPid = "${PID}";
  for (std::size_t at = command.find(kPid); at != std::string::npos; at = command.find(kPid, at)) {
    command.replace(at, kPid.size(), std::to_string(pid));
  }
  const std::vector<std::string> argv = split_command(command);
  Result<Spawned> spawned = spawn(argv, launch.env);
  if (!spawned) {
    spdlog::warn("{}: cmdStop: {}", launch.model, spawned.error().message());
    signal_group(SIGTERM);
    co_return;
  }
  const pid_t helper = spawned->pid;
  Descriptor helper_fd(tasks.executor(), spawned->pidfd.release());
  const UniqueFd helper_output = std::move(spawned->output);
  Timer limit(tasks.executor(), Clock::now() + launch.unload_timeout);
  const auto ended = std::make_shared<bool>(false);
  limit.async_wait([ended, helper](const boost::system::error_code& error) {
    if (!error && !*ended) ::kill(-helper, SIGKILL);
  });
  // The wait may end early, as in await_exit().
  int status = 0;
  pid_t collected = 0;
  while (collected == 0) {
    const auto [error] = co_await helper_fd.async_wait(Descriptor::wait_read, use_task);
    if (error) ::kill(-helper, SIGKILL);
    collected = ::waitpid(helper, &status, error ? 0 : WNOHANG);
  }
  *ended = true;
  limit.cancel();
  std::array<char, 4096> text;
  const ssize_t n = ::read(helper_output.get(), text.data(), text.size());
  if (n > 0) log.append({text.data(), static_cast<std::size_t>(n)});
  if (status == 0) co_return;
  spdlog::warn("{}: cmdStop {}: SIGTERM instead", launch.model, exit_text(status));
  signal_group(SIGTERM);
}

std::vector<int> Engine::Impl::leftovers() const {
  std::vector<int> found = engine_processes(0, pid, marker());
  for (const int each : cgroup.processes()) {
    if (std::find(found.begin(), found.end(), each) == found.end()) found.push_back(each);
  }
  return found;
}

/// Ends what the engine left behind: workers in its group or cgroup, children that forked twice.
/// They are ours to reap, since we are their subreaper.
Task<void> Engine::Impl::sweep() {
  std::vector<int> left = leftovers();
  Timer timer(tasks.executor());
  std::chrono::milliseconds pause = 1ms;
  for (auto [begun, killed] = std::pair(Clock::now(), false); !left.empty();) {
    if (!killed) {
      spdlog::info("{}: {} processes were left behind: SIGTERM, then SIGKILL", launch.model,
                   left.size());
      for (const int each : left) ::kill(each, SIGTERM);
      killed = true;
    }
    if (Clock::now() - begun >= kSweepGrace) {
      for (const int each : left) ::kill(each, SIGKILL);
      cgroup.kill();
    }
    timer.expires_after(pause);
    co_await timer.async_wait(use_task);
    pause = std::min<std::chrono::milliseconds>(pause * 2, 50ms);
    for (const int each : left) ::waitpid(each, nullptr, WNOHANG);
    left = leftovers();
    if (!left.empty() && Clock::now() - begun > kUnkillable) {
      spdlog::error("{}: pid {} cannot be ended", launch.model, left.front());
      break;
    }
  }
}

// --- tell ----------------------------------------------------------------------------------------

void Engine::Impl::report(std::string failure) {
  exited = true;
  if (events.gone) std::exchange(events.gone, nullptr)(std::move(failure));
}

std::string Engine::Impl::failure_text(const std::string& what) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_at).count();
  std::string text =
      fmt::format("{} {} {:.1f} s", what, ready ? "after running" : "after", seconds);
  if (!failed_because.empty()) text = what;
  if (log.total_bytes() == log_start) return text + "; it wrote nothing";
  const std::vector<std::string> lines = log.last_lines(kLastLines);
  return text + ": " + tail_of(fmt::format("{}", fmt::join(lines, " | ")));
}

}  // namespace rouse
