#include "proxy/telemetry/metrics_catalogue.hpp"

#include "base/check.hpp"

#include <array>

namespace rouse {

namespace {

using enum MetricEntry::Kind;

// Seconds, unless said otherwise. Each list has the round numbers on which people set their goals.
constexpr std::array kDuration{0.05, 0.1,  0.25, 0.5,   1.0,   2.0,   5.0,    10.0,  20.0,
                               30.0, 60.0, 120., 300.0, 600.0, 1200., 1800.0, 3600.0};
constexpr std::array kTtft{0.01, 0.025, 0.05, 0.1,  0.25, 0.5,  1.0,  2.0,   3.0,   5.0,   7.5,
                           10.0, 15.0,  20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0};
constexpr std::array kUpstreamTtft{0.005, 0.01, 0.025, 0.05, 0.1,  0.25, 0.5,   1.0,
                                   2.0,   5.0,  10.0,  20.0, 30.0, 60.0, 120.0, 300.0};
constexpr std::array kPerToken{0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04,
                               0.05,  0.075,  0.1,   0.15,   0.2,  0.3,   0.5,  1.0,  2.5};
constexpr std::array kGap{0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0};
constexpr std::array kQueueWait{0.001, 0.005, 0.01, 0.05, 0.1,  0.25,  0.5,  1.0,
                                2.0,   5.0,   10.0, 30.0, 60.0, 120.0, 300.0};
constexpr std::array kLoad{0.5,  1.0,  2.0,  5.0,  10.0,  15.0,  20.0, 30.0,
                           45.0, 60.0, 90.0, 120., 180.0, 300.0, 600.0};
constexpr std::array kPhase{0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0, 120.0};
constexpr std::array kUnload{0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0};
constexpr std::array kWake{1.0,  2.0,  3.0,  5.0,  8.0,   10.0,  15.0,  20.0,
                           30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0};
constexpr std::array kLag{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0};
constexpr std::array kBytes{1024.0,    4096.0,    16384.0,    65536.0,   262144.0,
                            1048576.0, 4194304.0, 16777216.0, 67108864.0};

constexpr std::array kCatalogue{
    // the process
    MetricEntry{"rouse_build_info", Gauge, "version", "1; the version is a label"},
    MetricEntry{"rouse_config_last_reload_successful", Gauge, "",
                "1 if the last reload of the configuration was taken, 0 if it had errors"},
    MetricEntry{"rouse_config_last_reload_success_timestamp_seconds", Gauge, "",
                "When the configuration in use was taken"},
    MetricEntry{"rouse_config_reloads_total", Counter, "outcome",
                "Reloads of the configuration by what came of them"},
    MetricEntry{"rouse_event_loop_lag_seconds", Histogram, "",
                "How late a timer of the event loop was: we are busy, or starved", kLag},
    MetricEntry{"rouse_event_loop_stalls_total", Counter, "",
                "Timers of the event loop that were more than 20 ms late"},
    MetricEntry{"rouse_log_messages_total", Counter, "level", "Lines of our log"},

    // requests
    MetricEntry{"rouse_http_requests_total", Counter, "api method code",
                "HTTP requests that were answered, without probes"},
    MetricEntry{"rouse_requests_total", Counter, "model api client outcome",
                "Inference requests that have ended"},
    MetricEntry{"rouse_request_duration_seconds", Histogram, "model stream",
                "From the head of the request to the last byte of its answer", kDuration},
    MetricEntry{"rouse_requests_in_flight", Gauge, "model phase",
                "Inference requests on their way, by where they are"},
    MetricEntry{"rouse_oldest_request_start_timestamp_seconds", Gauge, "phase",
                "Start of the oldest request in a phase; 0: there is none"},
    MetricEntry{"rouse_request_body_bytes", Histogram, "api",
                "Size of the bodies of inference requests", kBytes},
    MetricEntry{"rouse_held_body_bytes", Gauge, "",
                "Bodies of requests that wait, as far as they are in our memory (limits.heldMax)"},
    MetricEntry{"rouse_rejected_requests_total", Counter, "reason client",
                "Requests that were refused by us"},
    MetricEntry{"rouse_retries_total", Counter, "target reason",
                "Requests sent to an engine again, which had seen nothing of them"},

    // latency and tokens
    MetricEntry{"rouse_time_to_first_token_seconds", Histogram, "model start",
                "From the request to the first content of its stream; start: warm, or load if it "
                "waited for one",
                kTtft},
    MetricEntry{"rouse_upstream_time_to_first_token_seconds", Histogram, "model",
                "From the request's reaching the engine to the first content of its stream",
                kUpstreamTtft},
    MetricEntry{"rouse_time_per_output_token_seconds", Histogram, "model",
                "Between the tokens of a stream, one mean for each stream", kPerToken},
    MetricEntry{"rouse_stream_max_gap_seconds", Histogram, "model",
                "The longest silence within a stream after its first content", kGap},
    MetricEntry{"rouse_tokens_total", Counter, "model client type",
                "Tokens; input includes those that came from a cache"},
    MetricEntry{"rouse_input_cached_tokens_total", Counter, "model",
                "Input tokens that came from a cache"},
    MetricEntry{"rouse_output_reasoning_tokens_total", Counter, "model",
                "Output tokens that were reasoning"},
    MetricEntry{"rouse_draft_tokens_total", Counter, "model result",
                "Tokens that were drafted for speculative decoding"},
    MetricEntry{"rouse_requests_without_usage_total", Counter, "model api",
                "Answers that did not tell their tokens: how incomplete the token counts are"},

    // queue, loads, swaps
    MetricEntry{"rouse_queue_depth", Gauge, "model", "Requests that wait for a model"},
    MetricEntry{"rouse_queue_wait_seconds", Histogram, "model",
                "Waiting for a turn, without the time of loads", kQueueWait},
    MetricEntry{"rouse_queue_exits_total", Counter, "model reason", "How requests left the queue"},
    MetricEntry{"rouse_model_state", Gauge, "model state", "1 for the state that a model is in"},
    MetricEntry{"rouse_model_loads_total", Counter, "model outcome", "Loads by what came of them"},
    MetricEntry{"rouse_model_load_seconds", Histogram, "model",
                "From the decision to load to ready", kLoad},
    MetricEntry{"rouse_model_unloads_total", Counter, "model reason", "Unloads by their reason"},
    MetricEntry{"rouse_model_unload_seconds", Histogram, "model",
                "From the decision to unload to gone", kUnload},
    MetricEntry{"rouse_swap_phase_seconds", Histogram, "phase",
                "Parts of each swap: drain (others have to become idle), stop, sweep (what they "
                "left behind), spawn, load; seen is the end of the load, at most so late",
                kPhase},
    MetricEntry{"rouse_model_short_residencies_total", Counter, "model",
                "Evictions for another model within a minute of getting ready: swap thrash"},
    MetricEntry{"rouse_model_ready_seconds_total", Counter, "model",
                "Time that a model was ready, up to now"},
    MetricEntry{"rouse_model_busy_seconds_total", Counter, "model",
                "Time that a model was serving somebody, up to now"},
    MetricEntry{"rouse_model_last_used_timestamp_seconds", Gauge, "model",
                "End of the last request; 0: never"},

    // the sleep of this machine
    MetricEntry{"rouse_power_state", Gauge, "state", "1 for the state that this machine is in"},
    MetricEntry{"rouse_power_drains_total", Counter, "outcome",
                "How rouse-suspendd's wishes to let the machine sleep were answered"},
    MetricEntry{"rouse_power_lease_ends_total", Counter, "by",
                "What ended the leases; resumed and clock: the machine slept, or tried to"},
    MetricEntry{"rouse_power_sleeps_total", Counter, "outcome",
                "Ends of suspending: slept, or stayed_awake when it did not come to it"},
    MetricEntry{"rouse_power_asleep_seconds_total", Counter, "",
                "Time asleep; it jumps after a sleep, so look at days, not at minutes"},
    MetricEntry{"rouse_superseded_attempts_total", Counter, "how",
                "Attempts of a request that gave way to a later attempt of it"},
    // other machines
    MetricEntry{"rouse_peer_state", Gauge, "peer state",
                "1 for the state that a peer is in: unknown, up, asleep, waking, unreachable"},
    MetricEntry{"rouse_peer_last_seen_timestamp_seconds", Gauge, "peer",
                "When a peer last answered; 0: never"},
    MetricEntry{"rouse_peer_wake_waiters", Gauge, "peer", "Requests that wait for a peer"},
    MetricEntry{"rouse_peer_wakes_total", Counter, "peer outcome",
                "Wakes by what came of them: ok, timeout, cancelled"},
    MetricEntry{"rouse_peer_wake_seconds", Histogram, "peer",
                "From the first packet to a verified answer", kWake},
    MetricEntry{"rouse_wol_packets_total", Counter, "peer method",
                "Wake signals that were sent; not that they arrived"},
    MetricEntry{"rouse_wol_send_errors_total", Counter, "peer method error",
                "Wake signals that could not be sent, by errno or status"},
    MetricEntry{"rouse_peer_requests_total", Counter, "peer code",
                "Requests that went to a peer, by the status that their clients saw"},
};

}  // namespace

std::span<const MetricEntry> metric_catalogue() {
  return kCatalogue;
}

const MetricEntry& metric_entry(std::string_view name) {
  const MetricEntry* found = nullptr;
  for (const MetricEntry& entry : kCatalogue) {
    if (entry.name == name) found = &entry;
  }
  ROUSE_CHECK(found != nullptr);
  return *found;
}

}  // namespace rouse
