#include "proxy/engine/engine.hpp"

#include "base/async/use_task.hpp"
#include "base/net/port_holder.hpp"
#include "base/process/spawn.hpp"
#include "base/text/secrets.hpp"
#include "proxy/check/ports.hpp"
#include "proxy/config/command_line.hpp"
#include "proxy/engine/engine_impl.hpp"
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

using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr auto kProbeLimit = 5s;
constexpr auto kProgressCheck = 2s;
constexpr std::size_t kLastLines = 12;
constexpr std::size_t kFailureMax = 1500;
constexpr std::size_t kReadPerTurn = 64 * 1024;

/// Whether the command says that it listens on @p port. One that does not (`sleep infinity`, a
/// container's name) stands for a service that is there already.
bool names_port(const Launch& launch, std::uint16_t port) {
  const std::string digits = std::to_string(port);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto has = [&](const std::string& word) {
    for (std::size_t at = word.find(digits); at != std::string::npos;
         at = word.find(digits, at + 1)) {
      const std::size_t end = at + digits.size();
      const bool is_whole =
          (at == 0 || !is_digit(word[at - 1])) && (end == word.size() || !is_digit(word[end]));
      if (is_whole) return true;
    }
    return false;
  };
  return port != 0 && (std::any_of(launch.argv.begin(), launch.argv.end(), has) ||
                       std::any_of(launch.env.begin(), launch.env.end(), has));
}

std::string tail_of(std::string text) {
  if (text.size() > kFailureMax) text = "…" + text.substr(text.size() - kFailureMax);
  return text;
}

}  // namespace

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

const EngineTimes& Engine::times() const {
  return impl_->times;
}

// --- one run, from the spawn to the last leftover
// -------------------------------------------------

Task<void> Engine::Impl::run() {
  const std::shared_ptr<Impl> self = shared_from_this();
  times.started = Clock::now();
  probe_pace = ProbePace(times.started);
  log_start = log.total_bytes();
  if (std::string problem = obstacle(); !problem.empty())
    co_return report({std::move(problem), {}});
  cgroup = EngineCgroup::make(registry.new_cgroup_name());
  Result<Spawned> spawned = spawn(launch.argv, environment(), cgroup.join_fd());
  if (!spawned) {
    co_return report({spawned.error().message() + " (see cmd of " + launch.model + ")", {}});
  }
  times.spawned = Clock::now();
  pid = spawned->pid;
  // Where the kernel did not let it in, what it starts is followed by its mark.
  const std::vector<int> within = cgroup.processes();
  if (std::find(within.begin(), within.end(), pid) == within.end()) cgroup = EngineCgroup();
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
  // Its last words may have come together with its end.
  if (output.is_open()) read_some_output();
  if (!stopping && events.died) events.died(end());
  co_await sweep();
  cgroup = EngineCgroup();
  registry.remove(pid);
  if (output.is_open()) read_some_output();
  boost::system::error_code ignored;
  output.close(ignored);
  stop_bell.cancel();
  if (unkillable) {
    co_return report({fmt::format("pid {} does not die, not even of SIGKILL", pid), {}});
  }
  report(end());
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
  if (!is_here(endpoint) || !names_port(launch, endpoint.port)) return {};
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
    const std::string_view text(buffer.data(), static_cast<std::size_t>(n));
    log.append(text);
    if (!ready && text.find('\n') != std::string_view::npos) {
      probe_pace.heard_line();
      probe_bell.cancel();
    }
    taken += text.size();
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
  times.ended = Clock::now();
  exited = true;
  gone_bell.cancel();
}

// --- ready ---------------------------------------------------------------------------------------

Task<void> Engine::Impl::watch_readiness() {
  const std::shared_ptr<Impl> self = shared_from_this();
  const bool unchecked = launch.check_endpoint == "none";
  const std::string path = check_path(launch.check_endpoint);
  const Clock::time_point ceiling = times.started + launch.health_ceiling;
  Clock::time_point deadline = times.started + launch.health_timeout;
  Clock::time_point next_look = times.started + kProgressCheck;
  std::uint64_t progress = unchecked ? 0 : progress_of(pid, pid) + log.total_bytes();
  std::string last_answer = "nothing was tried";
  bool listens = false;
  while (!unchecked) {
    while (Clock::now() < probe_pace.due() && !exited && !stopping) {
      probe_bell.expires_at(probe_pace.due());
      co_await probe_bell.async_wait(use_task);
    }
    if (exited || stopping) co_return;
    probe_pace.asked(Clock::now());
    listens = listens || !is_closed(launch.endpoint);
    ProbeAnswer answer{false, "nobody listens at " + launch.endpoint.authority()};
    if (listens) {
      answer = co_await probe_engine(pool, launch.endpoint, launch.api_key, path, kProbeLimit);
    }
    if (exited || stopping) co_return;
    if (answer.ready) break;
    times.doubted = probe_pace.last();
    if (answer.is_amiss() && answer.text != last_answer && events.amiss) events.amiss(answer.text);
    last_answer = std::move(answer.text);
    const Clock::time_point now = Clock::now();
    if (now >= next_look) {
      next_look = now + kProgressCheck;
      const std::uint64_t seen = progress_of(pid, pid) + log.total_bytes();
      // Whoever still reads, computes or talks is loading, however long it takes. But what answers
      // our probes amiss works on nothing but them.
      if (seen > progress && !answer.is_amiss())
        deadline = std::max(deadline, now + launch.health_timeout);
      progress = seen;
    }
    if (now < std::min(deadline, ceiling)) continue;
    failed_because = fmt::format(
        "was not ready after {} s ({}), and was stopped",
        std::chrono::duration_cast<std::chrono::seconds>(now - times.started).count(), last_answer);
    stop_bell.cancel();
    co_return;
  }
  ready = true;
  spdlog::debug(
      "{}: ready after {} ms", launch.model,
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - times.started).count());
  if (events.ready) events.ready();
}

// --- tell ----------------------------------------------------------------------------------------

void Engine::Impl::report(core::EngineFailure failure) {
  exited = true;
  if (events.gone) std::exchange(events.gone, nullptr)(std::move(failure));
}

/// Why this run has ended; empty: it was told to.
core::EngineFailure Engine::Impl::end() const {
  if (!failed_because.empty()) return failure_of(failed_because);
  if (stopping) return {};
  const double seconds = std::chrono::duration<double>(times.ended - times.started).count();
  return failure_of(fmt::format("{} {} {:.1f} s", exit_text(exit_status),
                                ready ? "after running" : "after", seconds));
}

core::EngineFailure Engine::Impl::failure_of(const std::string& what) const {
  const std::vector<std::string> lines = log.last_lines(kLastLines, log_start);
  if (lines.empty()) return {what + "; it wrote nothing", {}};
  // Engines print the options that they were given.
  std::vector<std::string> secrets = secret_values(launch.argv);
  for (std::string& each : secret_values(launch.env)) secrets.push_back(std::move(each));
  secrets.push_back(launch.api_key);
  const std::string text = hide_secrets(fmt::format("{}", fmt::join(lines, " | ")));
  return {what, tail_of(hide_values(text, secrets))};
}

}  // namespace rouse
