#pragma once

#include "base/async/task_group.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/net/peer_credentials.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/metrics_server.hpp"
#include "suspendd/policy_loop.hpp"
#include "suspendd/report/report.hpp"
#include "suspendd/state/notices.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace rouse::suspendd {

/// The socket of the command line: HTTP/1.1 over unix, JSON bodies. Whoever may open it may look;
/// commands are for root, our own user, and whoever is configured, by SO_PEERCRED (else 403).
///
///     GET  /v1/status, /v1/explain (text), /v1/history?last=N (JSON lines), /metrics (text)
///     POST /v1/suspend {"force":bool}      POST /v1/unblock
///     POST /v1/hold {"why","for_ms","token","bound":bool}     200 {"token"}; bound: the answer
///         stays open, and the hold ends with the connection
///     POST /v1/release {"token"}           POST /v1/gate      200 {"allow":bool,"message"}
///     POST /v1/wake-test {"net_ms"}        sleeps now, and wakes by itself after so long
///
/// A command that is refused gets 409 {"code","message"}. No user can take up all connections, and
/// root, who comes with the gate, always has one. Also listens for MetricsServer. Single thread;
/// what it gets outlives it.
class ControlServer {
 public:
  using MakeReport = std::function<Task<Report>()>;
  /// nullopt: none is wanted any more.
  using SetSafetyNet = std::function<void(std::optional<core::suspend::WallTime>)>;

  /// @p call_time: for a request to come in, and again for its answer to be taken.
  ControlServer(TaskGroup& tasks, StreamDeadlines& deadlines, PolicyLoop& loop, Notices& notices,
                StateDir& state, MakeReport make_report, SetSafetyNet set_safety_net,
                std::chrono::milliseconds call_time = std::chrono::seconds(30));

  void configure(std::shared_ptr<const Config> config);
  /// Empty: it listens; else why it cannot.
  [[nodiscard]] std::string listen(const Config& config);
  /// Where /metrics is served; empty: nowhere.
  [[nodiscard]] const std::string& metrics_address() const { return metrics_.address(); }
  void stop_accepting();

 private:
  struct Call;
  Task<void> serve_control(std::unique_ptr<HttpStream> client);
  Task<Result<bool>> answer(HttpStream& client, Call& call);
  Task<Result<bool>> look(HttpStream& client, Call& call);
  Task<Result<bool>> command(HttpStream& client, Call& call);
  Task<Result<bool>> hold(HttpStream& client, Call& call);
  Task<Result<bool>> write(HttpStream& client, int status, std::string type, std::string body);
  Task<Result<bool>> write_json(HttpStream& client, int status, std::string body);
  Task<Result<bool>> reply(HttpStream& client, core::suspend::Reply answer);
  /// What is wrong with the texts and numbers of @p call; empty: nothing.
  [[nodiscard]] static std::string fault_of(const Call& call);
  Task<Result<bool>> gate(HttpStream& client);
  Task<Result<bool>> wake_test(HttpStream& client, Call& call);
  Task<core::suspend::Reply> tell(std::string what, std::string by, core::suspend::CommandId id,
                                  core::suspend::Event event);

  PolicyLoop& loop_;
  Notices& notices_;
  StateDir& state_;
  MakeReport make_report_;
  SetSafetyNet set_safety_net_;
  std::chrono::milliseconds call_time_;
  std::unique_ptr<PeerAllowList> allowed_;
  HttpServer control_;
  MetricsServer metrics_;
};

}  // namespace rouse::suspendd
