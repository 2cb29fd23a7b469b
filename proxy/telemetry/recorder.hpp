#pragma once

#include "proxy/telemetry/activity/captures.hpp"
#include "proxy/telemetry/activity/store.hpp"
#include "proxy/telemetry/event_hub.hpp"
#include "proxy/telemetry/in_flight.hpp"
#include "proxy/telemetry/metrics.hpp"
#include "proxy/telemetry/unknown_paths.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// What is known of the requests: those on their way, those that have ended, and the numbers of all
/// of them. Single thread; its worker writes the history.
class Recorder {
 public:
  /// Opens the history as @p config says; where that fails it is kept in memory, and a log line
  /// says why.
  Recorder(Executor executor, const Config& config);

  /// Takes a new configuration.
  void adopt(const Config& config);

  /// A request has ended: into the history, the metrics, the events, and the captures if there is
  /// one.
  void record(Activity row, const StreamTiming& timing, std::optional<Capture> capture,
              const std::function<bool(const Fields::Field&)>& is_secret);

  [[nodiscard]] ActivityStore& store() { return *store_; }

  InFlight in_flight;
  EventHub events;
  Metrics metrics;
  Captures captures;
  UnknownPaths unknown_paths;

 private:
  void open_store(const Config& config);

  Worker worker_;
  std::unique_ptr<ActivityStore> store_;  // never null
  std::string wanted_path_;               // of the configuration; it may have failed
};

}  // namespace rouse
