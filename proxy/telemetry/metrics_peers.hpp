#pragma once

#include "core/peer/state.hpp"
#include "proxy/config/config.hpp"
#include "proxy/telemetry/metrics_series.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace rouse {

/// The metrics of other machines. Their labels are names of the configuration and words of ours;
/// the series of a configured peer exist from the start and go with it. Single thread.
class PeerMetrics {
 public:
  explicit PeerMetrics(prometheus::Registry& registry);
  PeerMetrics(const PeerMetrics&) = delete;
  PeerMetrics& operator=(const PeerMetrics&) = delete;

  void adopt(const Config& config);

  void entered(const std::string& peer, core::peer::Phase phase);
  void seen(const std::string& peer);
  void wake_ended(const std::string& peer, std::string_view outcome,
                  std::chrono::milliseconds took);
  /// One path of a volley; @p code: errno, or a status.
  void sent(const std::string& peer, std::string_view method, bool ok, int code);
  void answered(const std::string& peer, int status);
  /// Requests that wait for it now.
  void waiting(const std::string& peer, std::size_t n);

 private:
  struct Series {
    std::map<std::string, Gauge*, std::less<>> state;
    Gauge* last_seen = nullptr;
    Gauge* waiters = nullptr;
    std::map<std::string, Counter*, std::less<>> wakes;
    Histogram* wake_time = nullptr;
    std::map<std::string, Counter*, std::less<>> packets;
    std::map<std::string, Counter*, std::less<>> errors;  // by method and error
    std::map<int, Counter*> requests;
  };
  void make(const std::string& peer);
  void remove(Series& series);
  Series* find(const std::string& peer);

  Metric<Gauge> state_;
  Metric<Gauge> last_seen_;
  Metric<Gauge> waiters_;
  Metric<Counter> wakes_;
  Metric<Histogram> wake_time_;
  Metric<Counter> packets_;
  Metric<Counter> errors_;
  Metric<Counter> requests_;
  std::map<std::string, Series, std::less<>> series_;
};

}  // namespace rouse
