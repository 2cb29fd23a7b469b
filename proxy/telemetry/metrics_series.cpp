#include "proxy/telemetry/metrics_series.hpp"

#include "base/check.hpp"

#include <map>
#include <type_traits>
#include <utility>

namespace rouse {

namespace {

constexpr std::array<std::string_view, 12> kApiWords{
    "chat",  "messages", "responses", "completions", "embeddings", "rerank",
    "audio", "images",   "models",    "ui",          "admin",      "other"};
constexpr std::array<std::string_view, 8> kMethodWords{"GET",  "POST",    "PUT",   "DELETE",
                                                       "HEAD", "OPTIONS", "PATCH", "_OTHER"};
constexpr std::array<std::string_view, 9> kOutcomeWords{
    "ok",        "client_error", "upstream_error", "timeout", "rejected",
    "cancelled", "load_failed",  "wake_failed",    "other"};
constexpr std::array<std::string_view, 5> kPhaseWords{"reading", "queued", "loading", "prefill",
                                                      "streaming"};
constexpr std::array<std::string_view, 5> kStateWords{"stopped", "starting", "ready", "stopping",
                                                      "failed"};
// "exit" is the last, since whatever is no decision of ours is the engine's own end.
constexpr std::array<std::string_view, 8> kUnloadWords{
    "evicted", "idle", "unloaded", "abandoned", "reconfigured", "removed", "shutdown", "exit"};
constexpr std::array<std::string_view, 4> kLoadWords{"ok", "timeout", "cancelled", "exit"};
constexpr std::array<std::string_view, 5> kExitWords{"dispatched", "timeout", "cancelled",
                                                     "load_failed", "draining"};
constexpr std::array<std::string_view, 15> kRejectionWords{
    "auth",        "scope",      "model_forbidden", "model_unknown", "rate",
    "concurrency", "queue_full", "body_too_large",  "draining",      "circuit",
    "budget",      "suspending", "held_full",       "host",          "other"};
constexpr std::array<std::string_view, 5> kRetryWords{"connect", "stale_connection", "suspending",
                                                      "other_peer", "other"};
constexpr std::array<std::string_view, 3> kReloadWords{"ok", "invalid", "error"};
constexpr std::array<std::string_view, 4> kLevelWords{"debug", "info", "warning", "error"};

constexpr std::array<std::string_view, 3> kPowerStateWords{"awake", "draining", "suspending"};
constexpr std::array<std::string_view, 3> kDrainWords{"granted", "busy", "lease_held"};
constexpr std::array<std::string_view, 9> kLeaseEndWords{
    "request", "ttl", "release", "gone", "slept", "resumed", "clock", "timeout", "other"};
constexpr std::array<std::string_view, 2> kSleepWords{"slept", "stayed_awake"};
constexpr std::array<std::string_view, 2> kSupersededWords{"cut", "refused"};

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> list;
  while (!words.empty()) {
    const std::size_t blank = words.find(' ');
    list.emplace_back(words.substr(0, blank));
    words = blank == std::string_view::npos ? std::string_view() : words.substr(blank + 1);
  }
  return list;
}

template <class T>
constexpr MetricEntry::Kind kind_of() {
  if (std::is_same_v<T, Counter>) return MetricEntry::Kind::Counter;
  return std::is_same_v<T, Gauge> ? MetricEntry::Kind::Gauge : MetricEntry::Kind::Histogram;
}

template <class T>
prometheus::Family<T>& register_family(prometheus::Registry& registry, const MetricEntry& entry) {
  ROUSE_CHECK(entry.kind == kind_of<T>());
  prometheus::detail::Builder<T> builder;
  return builder.Name(std::string(entry.name)).Help(std::string(entry.help)).Register(registry);
}

}  // namespace

const LabelWords kApis(kApiWords);
const LabelWords kMethods(kMethodWords);
const LabelWords kOutcomes(kOutcomeWords);
const LabelWords kPhases(kPhaseWords);
const LabelWords kStates(kStateWords);
const LabelWords kUnloadReasons(kUnloadWords);
const LabelWords kLoadOutcomes(kLoadWords);
const LabelWords kQueueExits(kExitWords);
const LabelWords kRejections(kRejectionWords);
const LabelWords kRetries(kRetryWords);
const LabelWords kReloads(kReloadWords);
const LabelWords kLogLevels(kLevelWords);
const LabelWords kPowerStates(kPowerStateWords);
const LabelWords kDrainOutcomes(kDrainWords);
const LabelWords kLeaseEnds(kLeaseEndWords);
const LabelWords kSleepOutcomes(kSleepWords);
const LabelWords kSuperseded(kSupersededWords);

template <class T>
Metric<T>::Metric(prometheus::Registry& registry, std::string_view name)
    : entry_(metric_entry(name)),
      labels_(split(entry_.labels)),
      family_(register_family<T>(registry, entry_)) {}

template <class T>
T& Metric<T>::add(std::initializer_list<std::string_view> values) {
  ROUSE_CHECK(values.size() == labels_.size());
  prometheus::Labels named;
  std::size_t i = 0;
  for (const std::string_view value : values) named.emplace(labels_[i++], value);
  if constexpr (std::is_same_v<T, Histogram>) {
    return family_.Add(named,
                       Histogram::BucketBoundaries(entry_.buckets.begin(), entry_.buckets.end()));
  } else {
    return family_.Add(named);
  }
}

template class Metric<Counter>;
template class Metric<Gauge>;
template class Metric<Histogram>;

template <class T>
T& ModelSeries::own(Metric<T>& metric, std::initializer_list<std::string_view> values) {
  T& series = metric.add(values);
  removals_.push_back([&metric, &series] { metric.remove(&series); });
  return series;
}

template <class T>
std::vector<T*> ModelSeries::each(Metric<T>& metric, const LabelWords& words) {
  std::vector<T*> list;
  for (const std::string_view word : words) list.push_back(&own(metric, {id_, word}));
  return list;
}

ModelSeries::ModelSeries(MetricFamilies& families, std::string id)
    : families_(families),
      id_(std::move(id)),
      duration{&own(families.duration, {id_, "false"}), &own(families.duration, {id_, "true"})},
      ttft{&own(families.ttft, {id_, "warm"}), &own(families.ttft, {id_, "load"})},
      upstream_ttft(own(families.upstream_ttft, {id_})),
      per_token(own(families.per_token, {id_})),
      max_gap(own(families.max_gap, {id_})),
      queue_wait(own(families.queue_wait, {id_})),
      load_time(own(families.load_time, {id_})),
      unload_time(own(families.unload_time, {id_})),
      cached(own(families.cached, {id_})),
      reasoning(own(families.reasoning, {id_})),
      drafts_accepted(own(families.drafts, {id_, "accepted"})),
      drafts_rejected(own(families.drafts, {id_, "rejected"})),
      short_residencies(own(families.short_residencies, {id_})),
      ready_seconds(own(families.ready_seconds, {id_})),
      busy_seconds(own(families.busy_seconds, {id_})),
      queue_depth(own(families.queue_depth, {id_})),
      last_used(own(families.last_used, {id_})),
      in_flight(each(families.in_flight, kPhases)),
      state(each(families.state, kStates)),
      loads(each(families.loads, kLoadOutcomes)),
      unloads(each(families.unloads, kUnloadReasons)),
      queue_exits(each(families.queue_exits, kQueueExits)),
      retries(each(families.retries, kRetries)) {
  // The others would be hundreds; these are what nearly everybody's alerts begin with.
  const std::size_t chat = kApis.index("chat");
  for (std::size_t outcome = 0; outcome + 1 < kOutcomes.size(); ++outcome) {
    requests(chat, outcome, 0, "");
  }
  add_client(0, "");
  without_usage(chat);
}

ModelSeries::~ModelSeries() {
  for (const auto& remove : removals_) remove();
  for (const auto& [key, series] : requests_) families_.requests.remove(series);
  for (const auto& [key, series] : tokens_) families_.tokens.remove(series);
  for (const auto& [key, series] : without_usage_) families_.without_usage.remove(series);
}

void ModelSeries::add_client(std::size_t client, std::string_view label) {
  requests(kApis.index("chat"), kOutcomes.index("ok"), client, label);
  tokens(TokenType::Input, client, label);
  tokens(TokenType::Output, client, label);
}

void ModelSeries::remove_client(std::size_t client) {
  std::erase_if(requests_, [&](const auto& entry) {
    if (entry.first / (kApis.size() * kOutcomes.size()) != client) return false;
    families_.requests.remove(entry.second);
    return true;
  });
  std::erase_if(tokens_, [&](const auto& entry) {
    if (entry.first / 2 != client) return false;
    families_.tokens.remove(entry.second);
    return true;
  });
}

Counter& ModelSeries::requests(std::size_t api, std::size_t outcome, std::size_t client,
                               std::string_view label) {
  const auto key =
      static_cast<std::uint32_t>((client * kApis.size() + api) * kOutcomes.size() + outcome);
  Counter*& series = requests_[key];
  if (series == nullptr) {
    series = &families_.requests.add({id_, kApis[api], label, kOutcomes[outcome]});
  }
  return *series;
}

Counter& ModelSeries::tokens(TokenType type, std::size_t client, std::string_view label) {
  const bool is_input = type == TokenType::Input;
  Counter*& series = tokens_[static_cast<std::uint32_t>(client * 2 + (is_input ? 0 : 1))];
  if (series == nullptr) {
    series = &families_.tokens.add({id_, label, is_input ? "input" : "output"});
  }
  return *series;
}

Counter& ModelSeries::without_usage(std::size_t api) {
  Counter*& series = without_usage_[static_cast<std::uint32_t>(api)];
  if (series == nullptr) series = &families_.without_usage.add({id_, kApis[api]});
  return *series;
}

}  // namespace rouse
