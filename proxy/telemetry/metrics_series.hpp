#pragma once

#include "proxy/telemetry/metrics_catalogue.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rouse {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

/// The words that a label may have. What is none of them counts as the last one, so that no text
/// from outside can become a label.
class LabelWords {
 public:
  template <std::size_t N>
  explicit constexpr LabelWords(const std::array<std::string_view, N>& words)
      : words_(words.data(), words.size()) {}

  [[nodiscard]] std::size_t index(std::string_view word) const {
    std::size_t i = 0;
    while (i + 1 < words_.size() && words_[i] != word) ++i;
    return i;
  }
  [[nodiscard]] std::string_view operator[](std::size_t i) const { return words_[i]; }
  [[nodiscard]] std::size_t size() const { return words_.size(); }
  [[nodiscard]] auto begin() const { return words_.begin(); }
  [[nodiscard]] auto end() const { return words_.end(); }

 private:
  std::span<const std::string_view> words_;
};

extern const LabelWords kApis;
extern const LabelWords kMethods;
extern const LabelWords kOutcomes;
extern const LabelWords kPhases;
extern const LabelWords kStates;
extern const LabelWords kUnloadReasons;
extern const LabelWords kLoadOutcomes;
extern const LabelWords kQueueExits;
extern const LabelWords kRejections;
extern const LabelWords kRetries;
extern const LabelWords kReloads;
extern const LabelWords kLogLevels;
extern const LabelWords kPowerStates;
extern const LabelWords kDrainOutcomes;
extern const LabelWords kLeaseEnds;
extern const LabelWords kSleepOutcomes;
extern const LabelWords kSuperseded;

/// A family of the catalogue. Making a series is slow (a map of labels, a lookup): whoever counts
/// often keeps the reference.
template <class T>
class Metric {
 public:
  Metric(prometheus::Registry& registry, std::string_view name);

  /// The series with @p values for the entry's labels, in its order; made if need be.
  T& add(std::initializer_list<std::string_view> values);
  void remove(T* series) { family_.Remove(series); }

 private:
  const MetricEntry& entry_;
  std::vector<std::string> labels_;
  prometheus::Family<T>& family_;
};

extern template class Metric<Counter>;
extern template class Metric<Gauge>;
extern template class Metric<Histogram>;

/// One metric for each entry of the catalogue.
struct MetricFamilies {
  prometheus::Registry registry;

  Metric<Gauge> build_info{registry, "rouse_build_info"};
  Metric<Gauge> reload_ok{registry, "rouse_config_last_reload_successful"};
  Metric<Gauge> reload_at{registry, "rouse_config_last_reload_success_timestamp_seconds"};
  Metric<Counter> reloads{registry, "rouse_config_reloads_total"};
  Metric<Histogram> loop_lag{registry, "rouse_event_loop_lag_seconds"};
  Metric<Counter> loop_stalls{registry, "rouse_event_loop_stalls_total"};
  Metric<Counter> log_messages{registry, "rouse_log_messages_total"};

  Metric<Counter> http{registry, "rouse_http_requests_total"};
  Metric<Counter> requests{registry, "rouse_requests_total"};
  Metric<Histogram> duration{registry, "rouse_request_duration_seconds"};
  Metric<Gauge> in_flight{registry, "rouse_requests_in_flight"};
  Metric<Gauge> oldest{registry, "rouse_oldest_request_start_timestamp_seconds"};
  Metric<Histogram> body_bytes{registry, "rouse_request_body_bytes"};
  Metric<Gauge> held{registry, "rouse_held_body_bytes"};
  Metric<Counter> rejections{registry, "rouse_rejected_requests_total"};
  Metric<Counter> retries{registry, "rouse_retries_total"};

  Metric<Histogram> ttft{registry, "rouse_time_to_first_token_seconds"};
  Metric<Histogram> upstream_ttft{registry, "rouse_upstream_time_to_first_token_seconds"};
  Metric<Histogram> per_token{registry, "rouse_time_per_output_token_seconds"};
  Metric<Histogram> max_gap{registry, "rouse_stream_max_gap_seconds"};
  Metric<Counter> tokens{registry, "rouse_tokens_total"};
  Metric<Counter> cached{registry, "rouse_input_cached_tokens_total"};
  Metric<Counter> reasoning{registry, "rouse_output_reasoning_tokens_total"};
  Metric<Counter> drafts{registry, "rouse_draft_tokens_total"};
  Metric<Counter> without_usage{registry, "rouse_requests_without_usage_total"};

  Metric<Gauge> queue_depth{registry, "rouse_queue_depth"};
  Metric<Histogram> queue_wait{registry, "rouse_queue_wait_seconds"};
  Metric<Counter> queue_exits{registry, "rouse_queue_exits_total"};
  Metric<Gauge> state{registry, "rouse_model_state"};
  Metric<Counter> loads{registry, "rouse_model_loads_total"};
  Metric<Histogram> load_time{registry, "rouse_model_load_seconds"};
  Metric<Counter> unloads{registry, "rouse_model_unloads_total"};
  Metric<Histogram> unload_time{registry, "rouse_model_unload_seconds"};
  Metric<Histogram> swap_phases{registry, "rouse_swap_phase_seconds"};
  Metric<Counter> short_residencies{registry, "rouse_model_short_residencies_total"};
  Metric<Counter> ready_seconds{registry, "rouse_model_ready_seconds_total"};
  Metric<Counter> busy_seconds{registry, "rouse_model_busy_seconds_total"};
  Metric<Gauge> last_used{registry, "rouse_model_last_used_timestamp_seconds"};

  Metric<Gauge> power_state{registry, "rouse_power_state"};
  Metric<Counter> drains{registry, "rouse_power_drains_total"};
  Metric<Counter> lease_ends{registry, "rouse_power_lease_ends_total"};
  Metric<Counter> sleeps{registry, "rouse_power_sleeps_total"};
  Metric<Counter> asleep_seconds{registry, "rouse_power_asleep_seconds_total"};
  Metric<Counter> superseded{registry, "rouse_superseded_attempts_total"};
};

/// The series of one model: those whose labels are known exist from its construction on, at 0; all
/// of them go when it is destroyed. @p families outlives it.
class ModelSeries {
 public:
  ModelSeries(MetricFamilies& families, std::string id);
  ~ModelSeries();
  ModelSeries(const ModelSeries&) = delete;
  ModelSeries& operator=(const ModelSeries&) = delete;

  /// What comes with clients: @p client is the index of its label, @p label the label.
  Counter& requests(std::size_t api, std::size_t outcome, std::size_t client,
                    std::string_view label);
  enum class TokenType { Input, Output };
  Counter& tokens(TokenType type, std::size_t client, std::string_view label);
  Counter& without_usage(std::size_t api);
  /// The series that a client has from the start.
  void add_client(std::size_t client, std::string_view label);
  /// All that it has; its number may then be another's.
  void remove_client(std::size_t client);

 private:
  template <class T>
  T& own(Metric<T>& metric, std::initializer_list<std::string_view> values);
  template <class T>
  std::vector<T*> each(Metric<T>& metric, const LabelWords& words);

  MetricFamilies& families_;
  const std::string id_;
  std::vector<std::function<void()>> removals_;           // of the series below
  std::unordered_map<std::uint32_t, Counter*> requests_;  // by client, api and outcome
  std::unordered_map<std::uint32_t, Counter*> tokens_;    // by client and type
  std::unordered_map<std::uint32_t, Counter*> without_usage_;

 public:
  // Vectors are by the index of their label's word.
  const std::array<Histogram*, 2> duration;  ///< whole, streamed
  const std::array<Histogram*, 2> ttft;      ///< warm, load
  Histogram& upstream_ttft;
  Histogram& per_token;
  Histogram& max_gap;
  Histogram& queue_wait;
  Histogram& load_time;
  Histogram& unload_time;
  Counter& cached;
  Counter& reasoning;
  Counter& drafts_accepted;
  Counter& drafts_rejected;
  Counter& short_residencies;
  Counter& ready_seconds;
  Counter& busy_seconds;
  Gauge& queue_depth;
  Gauge& last_used;
  const std::vector<Gauge*> in_flight;
  const std::vector<Gauge*> state;
  const std::vector<Counter*> loads;
  const std::vector<Counter*> unloads;
  const std::vector<Counter*> queue_exits;
  const std::vector<Counter*> retries;

  double counted_ready = 0;  ///< seconds of this residency that are in ready_seconds
  double counted_busy = 0;   ///< seconds that the scheduler had told when we last looked
};

}  // namespace rouse
