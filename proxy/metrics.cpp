#include "proxy/metrics.hpp"

#include "base/log.hpp"
#include "base/proc_self.hpp"
#include "core/describe.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace rouse {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using Buckets = Histogram::BucketBoundaries;
using Steady = std::chrono::steady_clock;

constexpr auto kThrash = std::chrono::seconds(60);
constexpr auto kStall = std::chrono::milliseconds(20);
constexpr std::size_t kClientsMax = 64;

constexpr std::array<const char*, 8> kOutcomes{"ok",          "client_error", "upstream_error",
                                               "timeout",     "rejected",     "cancelled",
                                               "load_failed", "wake_failed"};
constexpr std::array<const char*, 5> kPhases{"reading", "queued", "loading", "prefill",
                                             "streaming"};
constexpr std::array<const char*, 5> kStates{"stopped", "starting", "ready", "stopping", "failed"};
constexpr std::array<const char*, 7> kUnloads{"evicted",      "idle",     "unloaded", "abandoned",
                                              "reconfigured", "shutdown", "exit"};

const Buckets kDuration{0.05, 0.1, 0.25, 0.5, 1,   2,    5,    10,  20,
                        30,   60,  120,  300, 600, 1200, 1800, 3600};
const Buckets kTtft{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,  2,   3,   5,   7.5,
                    10,   15,    20,   30,  45,   60,  90, 120, 180, 300, 600};
const Buckets kUpstreamTtft{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                            2,     5,    10,    20,   30,  60,   120, 300};
const Buckets kPerToken{0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04,
                        0.05,  0.075,  0.1,   0.15,   0.2,  0.3,   0.5,  1,    2.5};
const Buckets kGap{0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120};
const Buckets kQueueWait{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300};
const Buckets kLoad{0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600};
const Buckets kUnload{0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30};
const Buckets kBody{1024, 4096, 16384, 65536, 262144, 1 << 20, 4 << 20, 16 << 20, 64 << 20};
const Buckets kLag{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1};

double seconds(Steady::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double from_ms(std::int64_t ms) {
  return static_cast<double>(ms) / 1000.0;
}

std::string_view normal_method(std::string_view method) {
  for (const std::string_view known :
       {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}) {
    if (method == known) return known;
  }
  return "_OTHER";
}

}  // namespace

/// The families, the series of each model, and how to remove them.
struct Metrics::Impl {
  prometheus::Registry registry;

  Family<Counter>& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  Family<Gauge>& build_info = gauge("rouse_build_info", "1; the version is a label");
  Family<Gauge>& reload_ok =
      gauge("rouse_config_last_reload_successful", "1 if the last reload was taken");
  Family<Gauge>& reload_at =
      gauge("rouse_config_last_reload_success_timestamp_seconds", "Time of the configuration");
  Family<Counter>& reloads = counter("rouse_config_reloads_total", "Reloads by what came of them");
  Family<Histogram>& lag =
      histogram("rouse_event_loop_lag_seconds", "How late a timer of the loop was");
  Family<Counter>& stalls =
      counter("rouse_event_loop_stalls_total", "Timers of the loop that were more than 20 ms late");
  Family<Counter>& log_messages = counter("rouse_log_messages_total", "Lines of our log");

  Family<Counter>& http = counter("rouse_http_requests_total", "HTTP requests but probes");
  Family<Counter>& requests = counter("rouse_requests_total", "Inference requests that have ended");
  Family<Histogram>& duration =
      histogram("rouse_request_duration_seconds", "From the head to the last byte of the answer");
  Family<Gauge>& in_flight =
      gauge("rouse_requests_in_flight", "Inference requests on their way, by where they are");
  Family<Gauge>& oldest = gauge("rouse_oldest_request_start_timestamp_seconds",
                                "Start of the oldest request in a phase; 0: there is none");
  Family<Histogram>& body_bytes =
      histogram("rouse_request_body_bytes", "Size of the bodies of inference requests");
  Family<Counter>& rejections =
      counter("rouse_rejected_requests_total", "Requests that were refused by us");
  Family<Counter>& retries =
      counter("rouse_retries_total", "Requests sent to an engine again, before it had any of it");

  Family<Histogram>& ttft = histogram("rouse_time_to_first_token_seconds",
                                      "From the request to the first content, by kind of start");
  Family<Histogram>& upstream_ttft =
      histogram("rouse_upstream_time_to_first_token_seconds",
                "From the engine's getting the request to its first content");
  Family<Histogram>& per_token =
      histogram("rouse_time_per_output_token_seconds", "Between the tokens of one answer");
  Family<Histogram>& max_gap =
      histogram("rouse_stream_max_gap_seconds", "The longest silence inside a stream");
  Family<Counter>& tokens = counter("rouse_tokens_total", "Tokens; input includes cached ones");
  Family<Counter>& cached =
      counter("rouse_input_cached_tokens_total", "Input tokens that came from a cache");
  Family<Counter>& reasoning =
      counter("rouse_output_reasoning_tokens_total", "Output tokens that were reasoning");
  Family<Counter>& drafts = counter("rouse_draft_tokens_total", "Tokens of speculative decoding");
  Family<Counter>& without_usage =
      counter("rouse_requests_without_usage_total", "Answers that did not say their tokens");

  Family<Gauge>& queue_depth = gauge("rouse_queue_depth", "Requests that wait for a model");
  Family<Histogram>& queue_wait =
      histogram("rouse_queue_wait_seconds", "Waiting for a turn, loads not included");
  Family<Counter>& queue_exits = counter("rouse_queue_exits_total", "How requests left the queue");
  Family<Gauge>& state = gauge("rouse_model_state", "1 for the state that a model is in");
  Family<Counter>& loads = counter("rouse_model_loads_total", "Loads by what came of them");
  Family<Histogram>& load_time =
      histogram("rouse_model_load_seconds", "From the decision to ready");
  Family<Counter>& unloads = counter("rouse_model_unloads_total", "Unloads by their reason");
  Family<Histogram>& unload_time =
      histogram("rouse_model_unload_seconds", "From the decision to gone");
  Family<Counter>& short_residencies =
      counter("rouse_model_short_residencies_total", "Unloads within a minute of getting ready");
  Family<Counter>& ready_seconds =
      counter("rouse_model_ready_seconds_total", "Time that a model was ready");
  Family<Counter>& busy_seconds =
      counter("rouse_model_busy_seconds_total", "Time that a model was serving");
  Family<Gauge>& last_used =
      gauge("rouse_model_last_used_timestamp_seconds", "End of the last request; 0: never");

  /// The series of one model that every request touches.
  struct Model {
    std::array<Histogram*, 2> duration{};  // not streamed, streamed
    std::array<Histogram*, 2> ttft{};      // warm, load
    Histogram* upstream_ttft = nullptr;
    Histogram* per_token = nullptr;
    Histogram* max_gap = nullptr;
    Histogram* queue_wait = nullptr;
    Histogram* load_time = nullptr;
    Histogram* unload_time = nullptr;
    Counter* cached = nullptr;
    Counter* reasoning = nullptr;
    Counter* short_residencies = nullptr;
    Counter* ready_seconds = nullptr;
    Counter* busy_seconds = nullptr;
    Gauge* queue_depth = nullptr;
    Gauge* last_used = nullptr;
    std::vector<std::function<void()>> removals;
    // What is accrued between scrapes.
    core::Instant counted_until{};
    double counted_ready = 0;
  };
  std::map<std::string, Model, std::less<>> models;
  std::set<std::string> clients;
  std::map<std::string, double> logged;
  prometheus::TextSerializer serializer;

  Impl() {
    build_info.Add({{"version", ROUSE_VERSION}}).Set(1);
    reload_ok.Add({}).Set(1);
    reload_at.Add({}).SetToCurrentTime();
    for (const char* const outcome : {"ok", "invalid", "error"})
      reloads.Add({{"outcome", outcome}});
    lag.Add({}, kLag);
    stalls.Add({});
    for (const char* const level : {"debug", "info", "warning", "error"}) {
      log_messages.Add({{"level", level}});
    }
    http.Add({{"api", "chat"}, {"method", "POST"}, {"code", "200"}});
    body_bytes.Add({{"api", "chat"}}, kBody);
    for (const char* const reason :
         {"auth", "scope", "model_forbidden", "model_unknown", "rate", "concurrency", "queue_full",
          "body_too_large", "draining", "circuit"}) {
      rejections.Add({{"reason", reason}, {"client", ""}});
    }
    for (const char* const phase : kPhases) oldest.Add({{"phase", phase}});
    add_model("_unknown");
  }

  /// One series of @p model, removed with it.
  template <class T, class... More>
  T& series(Family<T>& family, Model& model, const Labels& labels, const More&... more) {
    const bool fresh = !family.Has(labels);
    T& made = family.Add(labels, more...);
    if (fresh) model.removals.push_back([&family, &made] { family.Remove(&made); });
    return made;
  }

  void add_model(const std::string& id) {
    Model& model = models[id];
    const Labels own{{"model", id}};
    const auto with = [&](const char* name, const char* value) {
      return Labels{{"model", id}, {name, value}};
    };
    model.duration = {&series(duration, model, with("stream", "false"), kDuration),
                      &series(duration, model, with("stream", "true"), kDuration)};
    model.ttft = {&series(ttft, model, with("start", "warm"), kTtft),
                  &series(ttft, model, with("start", "load"), kTtft)};
    model.upstream_ttft = &series(upstream_ttft, model, own, kUpstreamTtft);
    model.per_token = &series(per_token, model, own, kPerToken);
    model.max_gap = &series(max_gap, model, own, kGap);
    model.queue_wait = &series(queue_wait, model, own, kQueueWait);
    model.load_time = &series(load_time, model, own, kLoad);
    model.unload_time = &series(unload_time, model, own, kUnload);
    model.cached = &series(cached, model, own);
    model.reasoning = &series(reasoning, model, own);
    model.short_residencies = &series(short_residencies, model, own);
    model.ready_seconds = &series(ready_seconds, model, own);
    model.busy_seconds = &series(busy_seconds, model, own);
    model.queue_depth = &series(queue_depth, model, own);
    model.last_used = &series(last_used, model, own);
    for (const char* const outcome : kOutcomes) {
      series(requests, model,
             {{"model", id}, {"api", "chat"}, {"client", ""}, {"outcome", outcome}});
    }
    for (const char* const type : {"input", "output"}) {
      series(tokens, model, {{"model", id}, {"client", ""}, {"type", type}});
    }
    for (const char* const result : {"accepted", "rejected"}) {
      series(drafts, model, with("result", result));
    }
    series(without_usage, model, with("api", "chat"));
    for (const char* const phase : kPhases) series(in_flight, model, with("phase", phase));
    for (const char* const name : kStates) series(state, model, with("state", name));
    for (const char* const reason : {"dispatched", "timeout", "cancelled", "draining"}) {
      series(queue_exits, model, with("reason", reason));
    }
    for (const char* const outcome : {"ok", "timeout", "exit", "cancelled"}) {
      series(loads, model, with("outcome", outcome));
    }
    for (const char* const reason : kUnloads) series(unloads, model, with("reason", reason));
    for (const char* const reason : {"connect", "stale_connection"}) {
      series(retries, model, {{"target", id}, {"reason", reason}});
    }
  }

  Model& model(std::string_view id) {
    const auto it = models.find(id);
    return it == models.end() ? models.find("_unknown")->second : it->second;
  }
  [[nodiscard]] std::string model_label(std::string_view id) const {
    return models.contains(id) ? std::string(id) : "_unknown";
  }
  /// The names of keys are few; should they ever not be, the series stay few.
  std::string client_label(const std::string& client) {
    if (client.empty() || clients.contains(client)) return client;
    if (clients.size() >= kClientsMax) return "_other";
    clients.insert(client);
    return client;
  }

  void count_log();
  void count_process();
  void take(const MetricsNow& now);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::adopt(const Config& config) {
  for (auto it = impl_->models.begin(); it != impl_->models.end();) {
    if (it->first == "_unknown" || config.models.contains(it->first)) {
      ++it;
      continue;
    }
    for (const auto& remove : it->second.removals) remove();
    it = impl_->models.erase(it);
  }
  for (const auto& [id, model] : config.models) {
    if (!impl_->models.contains(id)) impl_->add_model(id);
  }
}

void Metrics::http_answered(std::string_view api, std::string_view method, int code) {
  impl_->http
      .Add({{"api", std::string(api)},
            {"method", std::string(normal_method(method))},
            {"code", std::to_string(code)}})
      .Increment();
}

void Metrics::finished(const Activity& row, const StreamTiming& timing) {
  Impl& my = *impl_;
  Impl::Model& model = my.model(row.model);
  const std::string id = my.model_label(row.model);
  const std::string client = my.client_label(row.client);
  const auto count = [&](auto& family, const Labels& labels, double by) {
    if (by > 0) my.series(family, model, labels).Increment(by);
  };
  count(my.requests,
        {{"model", id}, {"api", row.api}, {"client", client}, {"outcome", row.outcome}}, 1);
  model.duration[row.streamed ? 1 : 0]->Observe(from_ms(row.duration_ms));
  my.body_bytes.Add({{"api", row.api}}, kBody).Observe(static_cast<double>(row.bytes_in));
  model.queue_wait->Observe(from_ms(std::max<std::int64_t>(row.queue_ms - row.load_ms, 0)));
  const char* const exit = row.outcome == "cancelled" && row.ttft_ms < 0 && row.bytes_out == 0
                               ? "cancelled"
                           : row.outcome == "rejected" ? "draining"
                           : row.outcome == "timeout"  ? "timeout"
                                                       : "dispatched";
  count(my.queue_exits, {{"model", id}, {"reason", exit}}, 1);
  model.last_used->SetToCurrentTime();
  if (row.outcome != "ok") return;
  if (row.ttft_ms >= 0) {
    model.ttft[timing.loaded ? 1 : 0]->Observe(from_ms(row.ttft_ms));
    model.upstream_ttft->Observe(seconds(timing.upstream_ttft));
    model.max_gap->Observe(seconds(timing.max_gap));
  }
  if (row.output_tokens > 1 && timing.first_to_last.count() > 0) {
    model.per_token->Observe(seconds(timing.first_to_last) /
                             static_cast<double>(row.output_tokens - 1));
  }
  const auto tokens = [](std::int64_t n) {
    return static_cast<double>(std::max<std::int64_t>(n, 0));
  };
  count(my.tokens, {{"model", id}, {"client", client}, {"type", "input"}},
        tokens(row.input_tokens));
  count(my.tokens, {{"model", id}, {"client", client}, {"type", "output"}},
        tokens(row.output_tokens));
  model.cached->Increment(tokens(row.cache_tokens));
  model.reasoning->Increment(tokens(row.reasoning_tokens));
  count(my.drafts, {{"model", id}, {"result", "accepted"}}, tokens(row.draft_acc_tokens));
  count(my.drafts, {{"model", id}, {"result", "rejected"}},
        tokens(row.draft_tokens - std::max<std::int64_t>(row.draft_acc_tokens, 0)));
  if (!timing.has_usage) count(my.without_usage, {{"model", id}, {"api", row.api}}, 1);
}

void Metrics::rejected(std::string_view reason, std::string_view client) {
  impl_->rejections
      .Add({{"reason", std::string(reason)}, {"client", impl_->client_label(std::string(client))}})
      .Increment();
}

void Metrics::retried(std::string_view model, std::string_view reason) {
  Impl::Model& mine = impl_->model(model);
  impl_
      ->series(impl_->retries, mine,
               {{"target", impl_->model_label(model)}, {"reason", std::string(reason)}})
      .Increment();
}

void Metrics::engine_changed(const EngineChange& change) {
  using core::EngineState;
  Impl& my = *impl_;
  Impl::Model& model = my.model(change.model);
  const std::string id = my.model_label(change.model);
  const auto load_ended = [&](const char* outcome) {
    my.series(my.loads, model, {{"model", id}, {"outcome", outcome}}).Increment();
  };
  const double lasted = std::chrono::duration<double>(change.lasted).count();
  if (change.from == EngineState::Starting) {
    if (change.to == EngineState::Ready) {
      load_ended("ok");
      model.load_time->Observe(lasted);
    } else if (change.to == EngineState::Stopping) {
      load_ended("cancelled");
    } else {
      load_ended(change.reason.find("was not ready after") != std::string::npos ? "timeout"
                                                                                : "exit");
    }
  }
  if (change.from == EngineState::Ready) {
    const std::string reason = change.failed ? "exit" : change.reason;
    my.series(my.unloads, model, {{"model", id}, {"reason", reason}}).Increment();
    if (change.lasted < kThrash) model.short_residencies->Increment();
    model.ready_seconds->Increment(std::max(0.0, lasted - model.counted_ready));
    model.counted_ready = 0;
  }
  if (change.from == EngineState::Stopping) model.unload_time->Observe(lasted);
}

void Metrics::reloaded(std::string_view outcome) {
  impl_->reloads.Add({{"outcome", std::string(outcome)}}).Increment();
  impl_->reload_ok.Add({}).Set(outcome == "ok" ? 1 : 0);
  if (outcome == "ok") impl_->reload_at.Add({}).SetToCurrentTime();
}

void Metrics::loop_lagged(Steady::duration lag) {
  impl_->lag.Add({}, kLag).Observe(seconds(lag));
  if (lag > kStall) impl_->stalls.Add({}).Increment();
}

void Metrics::Impl::count_log() {
  for (const auto& [level, lines] : log_lines()) {
    double& before = logged[level];
    log_messages.Add({{"level", level}}).Increment(static_cast<double>(lines) - before);
    before = static_cast<double>(lines);
  }
}

/// What an object of a scrape says of each model, and time that goes on.
void Metrics::Impl::take(const MetricsNow& now) {
  for (const auto& [id, mine] : models) {
    for (const char* const phase : kPhases) {
      const auto it = now.phases.find({id, phase});
      in_flight.Add({{"model", id}, {"phase", phase}}).Set(it == now.phases.end() ? 0 : it->second);
    }
  }
  for (const char* const phase : kPhases) {
    const auto it = now.oldest.find(phase);
    oldest.Add({{"phase", phase}}).Set(it == now.oldest.end() ? 0 : it->second);
  }
  if (now.view == nullptr) return;
  for (const core::ModelView& seen : now.view->models) {
    const auto it = models.find(seen.model);
    if (it == models.end()) continue;
    Model& mine = it->second;
    mine.queue_depth->Set(seen.waiting);
    for (const char* const name : kStates) {
      state.Add({{"model", seen.model}, {"state", name}})
          .Set(core::to_string(seen.state) == name ? 1 : 0);
    }
    if (seen.state == core::EngineState::Ready) {
      const double ready = std::chrono::duration<double>(now.at - seen.since).count();
      mine.ready_seconds->Increment(std::max(0.0, ready - mine.counted_ready));
      mine.counted_ready = ready;
    }
    const double busy = std::chrono::duration<double>(seen.busy).count();
    mine.busy_seconds->Increment(std::max(0.0, busy - mine.busy_seconds->Value()));
  }
}

std::string Metrics::text(const MetricsNow& now) {
  impl_->take(now);
  impl_->count_log();
  return impl_->serializer.Serialize(impl_->registry.Collect()) + process_metrics();
}

}  // namespace rouse
