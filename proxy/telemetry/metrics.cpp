#include "proxy/telemetry/metrics.hpp"

#include "base/service/log.hpp"
#include "base/service/proc_self.hpp"
#include "core/swap/describe.hpp"
#include "proxy/telemetry/metrics_peers.hpp"
#include "proxy/telemetry/metrics_series.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace rouse {

namespace {

using Steady = std::chrono::steady_clock;

constexpr auto kThrash = std::chrono::seconds(60);
constexpr auto kStall = std::chrono::milliseconds(20);
constexpr std::size_t kClientsMax = 64;
constexpr std::string_view kUnknownModel = "_unknown";

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

double from_ms(std::int64_t ms) {
  return static_cast<double>(ms) / 1000.0;
}

/// -1 means not known.
double count_of(std::int64_t n) {
  return static_cast<double>(std::max<std::int64_t>(n, 0));
}

/// How the request left the queue; nullopt: it was never in it, as far as can be told.
std::optional<std::string_view> queue_exit(const Activity& row, const StreamTiming& timing) {
  if (timing.dispatched || row.outcome == "upstream_error") return "dispatched";
  if (row.outcome == "cancelled" || row.outcome == "timeout" || row.outcome == "load_failed") {
    return row.outcome;
  }
  // A full queue was never entered.
  if (row.outcome == "rejected" && row.status != 429) return "draining";
  return std::nullopt;
}

}  // namespace

/// The labels of clients by number: 0 has no name, 1 is everybody without a number. The first 64
/// keys of the configuration have one, so that the series stay few.
class ClientLabels {
 public:
  static constexpr std::size_t kFirst = 2;  ///< of the keys

  /// Takes the keys of a configuration. @p gone and @p come get the numbers that are free again and
  /// those that are new, in this order.
  template <class Gone, class Come>
  void adopt(const std::vector<KeyConfig>& keys, Gone gone, Come come) {
    std::set<std::string> names;
    for (const KeyConfig& key : keys) {
      if (names.size() < kClientsMax && !key.name.empty()) names.insert(key.name);
    }
    for (std::size_t i = kFirst; i < labels_.size(); ++i) {
      if (labels_[i].empty() || names.erase(labels_[i]) != 0) continue;
      gone(i);
      labels_[i].clear();
    }
    for (const std::string& name : names) {
      std::size_t i = kFirst;
      while (i < labels_.size() && !labels_[i].empty()) ++i;
      if (i == labels_.size()) labels_.emplace_back();
      labels_[i] = name;
      come(i);
    }
  }

  [[nodiscard]] std::size_t index(std::string_view client) const {
    if (client.empty()) return 0;
    for (std::size_t i = kFirst; i < labels_.size(); ++i) {
      if (labels_[i] == client) return i;
    }
    return 1;
  }
  [[nodiscard]] const std::string& operator[](std::size_t index) const { return labels_[index]; }
  [[nodiscard]] std::size_t size() const { return labels_.size(); }

 private:
  std::vector<std::string> labels_{"", "_other"};  // empty from kFirst on: free
};

struct Metrics::Impl {
  MetricFamilies all;
  PeerMetrics peers{all.registry};
  std::map<std::string, ModelSeries, std::less<>> models;
  ClientLabels clients;
  std::unordered_map<std::uint32_t, Counter*> http;        // by api, method and code
  std::unordered_map<std::uint32_t, Counter*> rejections;  // by reason and client
  std::vector<Histogram*> body_bytes;                      // by api; null: none yet
  std::vector<Gauge*> oldest;                              // by phase
  std::vector<Counter*> log_messages;                      // by level
  std::vector<double> logged;                              // the same, as counted
  std::vector<Histogram*> swap_phases;                     // as SwapPhases::each()
  Histogram& loop_lag = all.loop_lag.add({});
  Counter& loop_stalls = all.loop_stalls.add({});
  Gauge& reload_ok = all.reload_ok.add({});
  Gauge& reload_at = all.reload_at.add({});
  Gauge& held = all.held.add({});
  ModelSeries& unknown;
  prometheus::TextSerializer serializer;

  Impl() : unknown(models.try_emplace(std::string(kUnknownModel), all, "_unknown").first->second) {
    all.build_info.add({ROUSE_VERSION}).Set(1);
    reload_ok.Set(1);
    reload_at.SetToCurrentTime();
    for (const std::string_view outcome : kReloads) all.reloads.add({outcome});
    for (const std::string_view level : kLogLevels) {
      log_messages.push_back(&all.log_messages.add({level}));
    }
    logged.resize(kLogLevels.size());
    for (const std::string_view phase : kPhases) oldest.push_back(&all.oldest.add({phase}));
    body_bytes.resize(kApis.size());
    body_bytes_of(kApis.index("chat"));
    http_series(kApis.index("chat"), kMethods.index("POST"), 200);
    for (std::size_t reason = 0; reason + 1 < kRejections.size(); ++reason) {
      rejection_series(reason, 0);
    }
    for (const std::string_view state : kPowerStates) all.power_state.add({state});
    for (const std::string_view outcome : kDrainOutcomes) all.drains.add({outcome});
    for (const auto& [phase, lasted] : SwapPhases{}.each()) {
      swap_phases.push_back(&all.swap_phases.add({phase}));
    }
    for (const std::string_view by : kLeaseEnds) all.lease_ends.add({by});
    for (const std::string_view outcome : kSleepOutcomes) all.sleeps.add({outcome});
    for (const std::string_view how : kSuperseded) all.superseded.add({how});
    all.asleep_seconds.add({});
  }

  ModelSeries& model(std::string_view id) {
    const auto it = models.find(id);
    return it == models.end() ? unknown : it->second;
  }

  Histogram& body_bytes_of(std::size_t api) {
    Histogram*& series = body_bytes[api];
    if (series == nullptr) series = &all.body_bytes.add({kApis[api]});
    return *series;
  }

  Counter& http_series(std::size_t api, std::size_t method, int code) {
    const auto key = static_cast<std::uint32_t>((api * kMethods.size() + method) * 1000) +
                     static_cast<std::uint32_t>(std::clamp(code, 0, 999));
    Counter*& series = http[key];
    if (series == nullptr) {
      series = &all.http.add({kApis[api], kMethods[method], std::to_string(code)});
    }
    return *series;
  }

  Counter& rejection_series(std::size_t reason, std::size_t client) {
    Counter*& series = rejections[static_cast<std::uint32_t>(client * kRejections.size() + reason)];
    if (series == nullptr) series = &all.rejections.add({kRejections[reason], clients[client]});
    return *series;
  }

  void add_clients(ModelSeries& model) const {
    for (std::size_t i = ClientLabels::kFirst; i < clients.size(); ++i) {
      if (!clients[i].empty()) model.add_client(i, clients[i]);
    }
  }

  void remove_client(std::size_t client) {
    for (auto& [id, model] : models) model.remove_client(client);
    std::erase_if(rejections, [&](const auto& entry) {
      if (entry.first / kRejections.size() != client) return false;
      all.rejections.remove(entry.second);
      return true;
    });
  }

  void count_tokens(ModelSeries& model, const Activity& row, std::size_t client,
                    const std::string& label);
  void count_log();
  void take(const MetricsNow& now);
  void take_requests(const MetricsNow& now);
  void take_model(const core::ModelView& seen, core::Instant at);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::adopt(const Config& config) {
  Impl& my = *impl_;
  my.peers.adopt(config);
  std::erase_if(my.models, [&](const auto& entry) {
    return entry.first != kUnknownModel && !config.models.contains(entry.first);
  });
  std::vector<std::size_t> come;
  my.clients.adopt(
      config.keys, [&](std::size_t client) { my.remove_client(client); },
      [&](std::size_t client) { come.push_back(client); });
  for (auto& [id, model] : my.models) {
    for (const std::size_t client : come) model.add_client(client, my.clients[client]);
  }
  for (const auto& [id, model] : config.models) {
    const auto [it, fresh] = my.models.try_emplace(id, my.all, id);
    if (fresh) my.add_clients(it->second);
  }
}

PeerMetrics& Metrics::peers() {
  return impl_->peers;
}

// --- what happens --------------------------------------------------------------------------------

void Metrics::http_answered(std::string_view api, std::string_view method, int code) {
  impl_->http_series(kApis.index(api), kMethods.index(method), code).Increment();
}

void Metrics::finished(const Activity& row, const StreamTiming& timing) {
  Impl& my = *impl_;
  ModelSeries& model = my.model(row.model);
  const std::size_t api = kApis.index(row.api);
  const std::size_t client = my.clients.index(row.client);
  const std::string& label = my.clients[client];
  model.requests(api, kOutcomes.index(row.outcome), client, label).Increment();
  model.duration[row.streamed ? 1 : 0]->Observe(from_ms(row.duration_ms));
  my.body_bytes_of(api).Observe(static_cast<double>(row.bytes_in));
  if (const auto exit = queue_exit(row, timing)) {
    model.queue_exits[kQueueExits.index(*exit)]->Increment();
  }
  if (timing.dispatched) model.queue_wait.Observe(count_of(row.queue_ms - row.load_ms) / 1000.0);
  model.last_used.SetToCurrentTime();
  if (row.outcome != "ok") return;
  if (row.ttft_ms >= 0) {
    model.ttft[timing.loaded ? 1 : 0]->Observe(from_ms(row.ttft_ms));
    model.upstream_ttft.Observe(seconds(timing.upstream_ttft));
    model.max_gap.Observe(seconds(timing.max_gap));
  }
  if (row.output_tokens > 1 && timing.first_to_last.count() > 0) {
    model.per_token.Observe(seconds(timing.first_to_last) /
                            static_cast<double>(row.output_tokens - 1));
  }
  my.count_tokens(model, row, client, label);
  if (!timing.has_usage) model.without_usage(api).Increment();
}

void Metrics::Impl::count_tokens(ModelSeries& model, const Activity& row, std::size_t client,
                                 const std::string& label) {
  using Type = ModelSeries::TokenType;
  const auto add = [](Counter& counter, double n) {
    if (n > 0) counter.Increment(n);
  };
  if (row.input_tokens > 0) {
    model.tokens(Type::Input, client, label).Increment(count_of(row.input_tokens));
  }
  if (row.output_tokens > 0) {
    model.tokens(Type::Output, client, label).Increment(count_of(row.output_tokens));
  }
  add(model.cached, count_of(row.cache_tokens));
  add(model.reasoning, count_of(row.reasoning_tokens));
  const double accepted = count_of(row.draft_acc_tokens);
  add(model.drafts_accepted, accepted);
  add(model.drafts_rejected, count_of(row.draft_tokens) - accepted);
}

void Metrics::rejected(std::string_view reason, std::string_view client) {
  impl_->rejection_series(kRejections.index(reason), impl_->clients.index(client)).Increment();
}

void Metrics::retried(std::string_view model, std::string_view reason) {
  impl_->model(model).retries[kRetries.index(reason)]->Increment();
}

void Metrics::engine_changed(const EngineChange& change) {
  using core::EngineState;
  ModelSeries& model = impl_->model(change.model);
  const double lasted = seconds(change.lasted);
  if (change.from == EngineState::Starting) {
    std::string_view outcome = "exit";
    if (change.to == EngineState::Ready) outcome = "ok";
    if (change.to == EngineState::Stopping && !change.failed) outcome = "cancelled";
    // The engine's own words, since it is only there that a failure is told apart.
    if (change.reason.find("was not ready after") != std::string::npos) outcome = "timeout";
    model.loads[kLoadOutcomes.index(outcome)]->Increment();
    if (outcome == "ok") {
      model.load_time.Observe(lasted);
      const auto phases = change.swap.each();
      for (std::size_t i = change.swap.evicts ? 0 : SwapPhases::kOfOthers; i < phases.size(); ++i)
        impl_->swap_phases[i]->Observe(seconds(phases[i].second));
    }
  }
  if (change.from == EngineState::Ready) {
    const std::string_view reason = change.failed ? "exit" : std::string_view(change.reason);
    model.unloads[kUnloadReasons.index(reason)]->Increment();
    // Somebody who unloads by hand, and a shutdown, are no thrash.
    if (reason == "evicted" && change.lasted < kThrash) model.short_residencies.Increment();
    model.ready_seconds.Increment(std::max(0.0, lasted - model.counted_ready));
    model.counted_ready = 0;
  }
  if (change.from == EngineState::Stopping) model.unload_time.Observe(lasted);
}

void Metrics::reloaded(std::string_view outcome) {
  impl_->all.reloads.add({kReloads[kReloads.index(outcome)]}).Increment();
  impl_->reload_ok.Set(outcome == "ok" ? 1 : 0);
  if (outcome == "ok") impl_->reload_at.SetToCurrentTime();
}

void Metrics::loop_lagged(Steady::duration lag) {
  impl_->loop_lag.Observe(seconds(lag));
  if (lag > kStall) impl_->loop_stalls.Increment();
}

void Metrics::power_state(std::string_view state) {
  for (const std::string_view each : kPowerStates) {
    impl_->all.power_state.add({each}).Set(each == state ? 1 : 0);
  }
}

void Metrics::drain_asked(std::string_view outcome) {
  impl_->all.drains.add({kDrainOutcomes[kDrainOutcomes.index(outcome)]}).Increment();
}

void Metrics::lease_ended(std::string_view by) {
  impl_->all.lease_ends.add({kLeaseEnds[kLeaseEnds.index(by)]}).Increment();
}

void Metrics::slept(std::chrono::milliseconds asleep) {
  impl_->all.sleeps.add({kSleepOutcomes[asleep.count() > 0 ? 0 : 1]}).Increment();
  if (asleep.count() > 0) impl_->all.asleep_seconds.add({}).Increment(seconds(asleep));
}

void Metrics::attempt_superseded(std::string_view how) {
  impl_->all.superseded.add({kSuperseded[kSuperseded.index(how)]}).Increment();
}

// --- what is, at a scrape ------------------------------------------------------------------------

void Metrics::Impl::count_log() {
  for (const auto& [level, lines] : log_lines()) {
    const std::size_t i = kLogLevels.index(level);
    log_messages[i]->Increment(static_cast<double>(lines) - logged[i]);
    logged[i] = static_cast<double>(lines);
  }
}

void Metrics::Impl::take_requests(const MetricsNow& now) {
  for (auto& [id, model] : models) {
    for (Gauge* const gauge : model.in_flight) gauge->Set(0);
  }
  // Requests for names that no model has, and those whose model is not known yet, count together.
  for (const auto& [where, n] : now.phases) {
    model(where.first).in_flight[kPhases.index(where.second)]->Increment(n);
  }
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    const auto it = now.oldest.find(std::string(kPhases[i]));
    oldest[i]->Set(it == now.oldest.end() ? 0 : it->second);
  }
}

void Metrics::Impl::take_model(const core::ModelView& seen, core::Instant at) {
  const auto it = models.find(seen.model);
  if (it == models.end()) return;
  ModelSeries& model = it->second;
  model.queue_depth.Set(seen.waiting);
  const std::string_view state = core::to_string(seen.state);
  for (std::size_t i = 0; i < kStates.size(); ++i) model.state[i]->Set(kStates[i] == state ? 1 : 0);
  if (seen.state == core::EngineState::Ready) {
    const double ready = seconds(at - seen.since);
    model.ready_seconds.Increment(std::max(0.0, ready - model.counted_ready));
    model.counted_ready = std::max(ready, model.counted_ready);
  }
  const double busy = seconds(seen.busy);
  // Less than before: the model was taken out and came again.
  model.busy_seconds.Increment(busy >= model.counted_busy ? busy - model.counted_busy : busy);
  model.counted_busy = busy;
}

void Metrics::Impl::take(const MetricsNow& now) {
  take_requests(now);
  held.Set(static_cast<double>(now.held_bytes));
  if (now.view == nullptr) return;
  for (const core::ModelView& seen : now.view->models) take_model(seen, now.at);
}

std::string Metrics::text(const MetricsNow& now) {
  impl_->take(now);
  impl_->count_log();
  return impl_->serializer.Serialize(impl_->all.registry.Collect()) + process_metrics();
}

}  // namespace rouse
