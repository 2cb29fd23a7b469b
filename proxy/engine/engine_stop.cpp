#include "base/async/use_task.hpp"
#include "base/process/spawn.hpp"
#include "proxy/config/command_line.hpp"
#include "proxy/engine/engine_impl.hpp"
#include "proxy/engine/process_tree.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

// How a run ends: the stop ladder, and the sweep of what is left.

namespace {

constexpr auto kSecondTerm = 2s;  // llama-server leaves at once on its second SIGTERM
constexpr auto kSweepGrace = 300ms;
constexpr auto kUnkillable = 10s;  // after SIGKILL: a process stuck in the kernel

}  // namespace

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
  // What it started cannot leave its cgroup: a look at that one is enough.
  if (!cgroup.is_empty()) return cgroup.processes();
  return engine_processes(own_processes(), 0, pid, marker());
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

}  // namespace rouse
