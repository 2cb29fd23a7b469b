#pragma once

#include "base/async/task_group.hpp"
#include "base/http/server.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/net/listen.hpp"
#include "base/net/own_names.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/report/report.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace rouse::suspendd {

/// GET /metrics over TCP, and nothing else: for everybody who reaches the address and asks for this
/// machine by a name of its own, so that no page of a foreign site reads it (base/net/own_names).
/// A report asks logind and the network cards, so one is made a second at most, however many ask.
/// Single thread; what it gets outlives it.
class MetricsServer {
 public:
  using MakeReport = std::function<Task<Report>()>;

  /// @p call_time: from one request to the end of its answer; for the first, from the connect.
  MetricsServer(TaskGroup& tasks, StreamDeadlines& deadlines, MakeReport make_report,
                std::chrono::milliseconds call_time = std::chrono::seconds(10));

  /// Further names to be asked for by.
  void configure(const Config& config) { hosts_ = config.metrics_hosts; }
  Result<void> listen(const ListenAddress& where);
  /// Where it is served; empty: nowhere.
  [[nodiscard]] const std::string& address() const { return address_; }
  void stop_accepting() { server_.stop_accepting(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Page {
    int status = 200;
    std::string text;
  };

  Task<void> serve(std::unique_ptr<HttpStream> client);
  Task<Page> page_for(const RequestHead& request);
  Task<std::string> fresh_text();
  [[nodiscard]] bool is_known(const RequestHead& request) const;

  MakeReport make_report_;
  std::chrono::milliseconds call_time_;
  HttpServer server_;
  std::string address_;
  OwnNames own_names_;
  std::vector<std::string> hosts_;
  std::string text_;  ///< as it was last made
  Clock::time_point made_at_{};
  bool is_making_ = false;
};

}  // namespace rouse::suspendd
