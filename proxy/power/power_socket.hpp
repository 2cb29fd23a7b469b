#pragma once

#include "base/async/task_group.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/net/peer_credentials.hpp"
#include "proxy/config/config.hpp"
#include "proxy/power/power.hpp"

#include <memory>
#include <string>

namespace rouse {

/// The unix socket on which the daemon that suspends the box asks for it. HTTP/1.1, JSON bodies;
/// refused with 403 to whom SO_PEERCRED says is neither root, our own user, nor configured. Errors
/// are {"code", "message", …} with status 400, 404, 405, or 409 as below.
///
///     POST /v1/power/drain {"lease","ttl_ms","reason","force"}
///         force: an operator wants it whatever runs; work that comes is turned away until the end
///         200, application/x-ndjson, stays open: {"event":"granted","lease","epoch",
///         "last_activity_ms"} at once, and one last line when the lease ends:
///         {"event":"cancelled","by":"request|ttl|release|gone|slept","message"} before a commit,
///         {"event":"awake","by":"resumed|clock|timeout|release","message"} after one.
///         Closing it before the commit gives the lease back.
///         409 {"code":"busy","busy":[{"kind","model","age_ms","id"}]} or {"code":"lease_held"}
///     POST /v1/power/unload {"lease","policy":"auto|never"}     the lease's ttl begins anew
///         200 {"unloaded":["model"]} when no engine is left; 409 lease_gone; 504 unload_timeout
///     POST /v1/power/commit {"lease","expect_wake"}
///         200 {"epoch","acks","subscribers"}: nobody can connect any more; 409 busy, lease_gone,
///         or overtaken. Again while suspending: 30 s more, {"epoch","renewed":true}.
///     POST /v1/power/resumed {"epoch","slept_ms","wake"}        epoch of the drain or the commit
///         200 {"epoch"}: the listeners are open; 409 stale_epoch
///     POST /v1/power/release {"lease"}                          200 {}; 409 lease_gone
///     POST /v1/power/facts {"sleep_in_ms","blocked","wake":{"macs":[{"if","mac","ip","broadcast",
///         "wol"}]},"last_sleep":{"at","slept_ms","wake"}}       each may be missing or null; 200
///         {}
///     GET /v1/power/activity
///         200 {"state","epoch","boot_id","last_activity_ms","busy":[as above],"lease":"id"|null}
///         kinds: upload, queued, inflight, held (requests), starting, stopping (engines),
///         management (calls of operators)
///     GET /v1/power                                             as on the listener
class PowerSocket {
 public:
  /// @p power and @p deadlines outlive it.
  PowerSocket(TaskGroup& tasks, Power& power, StreamDeadlines& deadlines,
              const PowerConfig& config);

  /// Listens at the configured path. An error: that was asked for and cannot be; where nothing was
  /// configured and there is no directory for it, the box just never sleeps.
  [[nodiscard]] Result<void> listen();
  void stop_accepting() { server_.stop_accepting(); }

 private:
  Task<void> serve(std::unique_ptr<HttpStream> client, std::string remote);

  Power& power_;
  PowerConfig config_;
  PeerAllowList allowed_;
  HttpServer server_;
};

}  // namespace rouse
