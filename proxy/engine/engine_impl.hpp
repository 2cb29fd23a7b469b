#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "proxy/engine/cgroup.hpp"
#include "proxy/engine/engine.hpp"
#include "proxy/engine/probe_pace.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/logs/log_ring.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse {

/// Shared by the tasks of one run; the last of them lets go of it.
struct Engine::Impl : std::enable_shared_from_this<Engine::Impl> {
  using Clock = std::chrono::steady_clock;
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

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
        probe_bell(tasks.executor()),
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
  void report(core::EngineFailure failure);
  void signal_group(int number) const;
  [[nodiscard]] std::vector<int> leftovers() const;
  [[nodiscard]] core::EngineFailure failure_of(const std::string& what) const;
  [[nodiscard]] core::EngineFailure end() const;
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
  Timer probe_bell;  // cancelled when it has written a line
  Timer stop_bell;   // cancelled when stop() is called
  Timer gone_bell;   // cancelled when the process has exited
  EngineTimes times;
  ProbePace probe_pace{times.started};
  std::size_t log_start = 0;  // of this run, in the log's total
  pid_t pid = 0;
  int exit_status = 0;
  bool exited = false;
  bool stopping = false;
  bool ready = false;
  std::string failed_because;  // set when we end it: not ready in time
};

}  // namespace rouse
