#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "base/net/endpoint.hpp"
#include "core/swap/scheduler.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rouse {

class LogRing;
class EngineRegistry;

/// When a run came to what; what it has not come to is the epoch.
struct EngineTimes {
  using Clock = std::chrono::steady_clock;
  Clock::time_point started;
  Clock::time_point spawned;  ///< its program ran
  Clock::time_point doubted;  ///< it was last seen not to be ready
  Clock::time_point ended;    ///< its process had exited; what it left behind may live on
};

/// How to start, watch and stop one engine. Everything is expanded; nothing refers to the
/// configuration, so that a reload can compare two of them.
struct Launch {
  std::string model;
  std::vector<std::string> argv;
  std::vector<std::string> env;  ///< K=V, added to ours; the later wins
  std::string cmd_stop;          ///< may hold ${PID}; replaces the first signal only
  Endpoint endpoint;
  std::string api_key;                                  ///< that it wants, or empty
  std::string check_endpoint = "/health";               ///< "none": ready when started
  std::chrono::milliseconds health_timeout{120'000};    ///< extended while the child makes progress
  std::chrono::milliseconds health_ceiling{1'200'000};  ///< never extended beyond
  std::chrono::milliseconds unload_timeout{10'000};     ///< from the first signal to SIGKILL

  bool operator==(const Launch&) const = default;
};

/// What the owner of an engine hears. Called from the io_context, never from inside start()/stop().
struct EngineEvents {
  std::function<void()> ready;
  /// While it is not ready: its readiness probe is answered by what is neither yes nor "loading":
  /// "answered 404 at /health: see checkEndpoint". Once for each such answer that differs.
  std::function<void(const std::string& what)> amiss;
  /// The process has ended, and not because stop() was called; gone follows when what it left
  /// behind has been cleared away.
  std::function<void(const core::EngineFailure& failure)> died;
  /// The process and all that it left behind (group, cgroup, double-forked children) is gone.
  /// @p failure is empty when it went because stop() was called; else the exit status in words and
  /// the last lines of this run: "exited with status 1 after 0.3 s", "error: no such file".
  std::function<void(core::EngineFailure failure)> gone;
};

/// One engine process from start() to gone: spawned without a shell in its own process group,
/// its output captured, its readiness probed, stopped by a ladder that always ends.
///
/// Single thread; owned by the Dispatcher; used for one run. @p pool, @p log and @p registry
/// outlive it; its tasks run in @p tasks, which is joined before it is destroyed... only after
/// gone.
class Engine {
 public:
  Engine(Launch launch, EngineEvents events, TaskGroup& tasks, HttpPool& pool, LogRing& log,
         EngineRegistry& registry);
  ~Engine();

  void start();
  /// Stops it in whatever state it is; may be called again. The caller has drained or cut its
  /// upstream connections before (llama-server does not leave while one is open).
  void stop();

  [[nodiscard]] int pid() const;  ///< 0 when there is none
  [[nodiscard]] const EngineTimes& times() const;
  [[nodiscard]] const Launch& launch() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace rouse
