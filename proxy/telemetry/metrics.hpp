#pragma once

#include "core/swap/scheduler.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/config/config.hpp"
#include "proxy/telemetry/activity/activity.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace rouse {

/// What a request's relay has seen of time; zero: not known.
struct StreamTiming {
  std::chrono::steady_clock::duration upstream_ttft{};  ///< from the engine's first byte of request
  std::chrono::steady_clock::duration first_to_last{};  ///< between the first and the last content
  std::chrono::steady_clock::duration max_gap{};        ///< the longest silence between contents
  bool dispatched = false;                              ///< an engine was given the request
  bool loaded = false;                                  ///< a load was waited for
  bool has_usage = false;
};

/// What is known only at the moment of the scrape.
struct MetricsNow {
  const core::ScheduleView* view = nullptr;
  core::Instant at;
  /// Of the requests on their way, by model and phase.
  std::map<std::pair<std::string, std::string>, int> phases;
  /// The start of the oldest one, in seconds since 1970, by phase.
  std::map<std::string, double> oldest;
  std::uint64_t held_bytes = 0;  ///< bodies of requests that wait
};

class PeerMetrics;

/// Every metric of rouse, as metrics_catalogue lists them. Labels are ids of the configuration or
/// words of ours, never a client's text; a name that no model has counts for "_unknown". Series of
/// configured models exist from the start, at 0, and go with their models. Recording is cheap: the
/// series that a request touches are found by number. Single thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Makes the series of its models and removes those of models that are gone.
  void adopt(const Config& config);

  void http_answered(std::string_view api, std::string_view method, int code);
  /// An inference request has ended, whatever came of it.
  void finished(const Activity& row, const StreamTiming& timing);
  void rejected(std::string_view reason, std::string_view client);
  void retried(std::string_view model, std::string_view reason);  ///< connect, stale_connection
  void engine_changed(const EngineChange& change);
  void reloaded(std::string_view outcome);  ///< ok, invalid
  void loop_lagged(std::chrono::steady_clock::duration lag);

  void power_state(std::string_view state);       ///< awake, draining, suspending
  void drain_asked(std::string_view outcome);     ///< granted, busy, held
  void lease_ended(std::string_view by);          ///< see core::power::Cancel
  void slept(std::chrono::milliseconds asleep);   ///< zero: the sleep did not happen
  void attempt_superseded(std::string_view how);  ///< cut, refused
  [[nodiscard]] PeerMetrics& peers();

  /// The text of a scrape (content type kContentType).
  [[nodiscard]] std::string text(const MetricsNow& now);
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rouse
