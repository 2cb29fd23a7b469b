#pragma once

#include "base/async/task_group.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/net/peer_credentials.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/policy_loop.hpp"
#include "suspendd/report/report.hpp"
#include "suspendd/state/notices.hpp"

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
/// A command that is refused gets 409 {"code","message"}. Also serves /metrics over TCP, and
/// nothing else there. Single thread; what it gets outlives it.
class ControlServer {
 public:
  using MakeReport = std::function<Task<Report>()>;
  /// nullopt: none is wanted any more.
  using SetSafetyNet = std::function<void(std::optional<core::suspend::WallTime>)>;

  ControlServer(TaskGroup& tasks, StreamDeadlines& deadlines, PolicyLoop& loop, Notices& notices,
                StateDir& state, MakeReport make_report, SetSafetyNet set_safety_net);

  void configure(std::shared_ptr<const Config> config);
  /// Empty: it listens; else why it cannot.
  [[nodiscard]] std::string listen(const Config& config);
  /// Where /metrics is served; empty: nowhere.
  [[nodiscard]] const std::string& metrics_address() const { return metrics_address_; }
  void stop_accepting();

 private:
  struct Call;
  Task<void> serve_control(std::unique_ptr<HttpStream> client);
  Task<void> serve_metrics(std::unique_ptr<HttpStream> client);
  Task<Result<bool>> answer(HttpStream& client, Call& call);
  Task<Result<bool>> look(HttpStream& client, Call& call);
  Task<Result<bool>> command(HttpStream& client, Call& call);
  Task<Result<bool>> hold(HttpStream& client, Call& call);
  Task<Result<bool>> gate(HttpStream& client);
  Task<Result<bool>> wake_test(HttpStream& client, Call& call);
  Task<core::suspend::Reply> tell(std::string what, std::string by, core::suspend::CommandId id,
                                  core::suspend::Event event);

  PolicyLoop& loop_;
  Notices& notices_;
  StateDir& state_;
  MakeReport make_report_;
  SetSafetyNet set_safety_net_;
  std::unique_ptr<PeerAllowList> allowed_;
  HttpServer control_;
  HttpServer metrics_;
  std::string metrics_address_;
};

}  // namespace rouse::suspendd
