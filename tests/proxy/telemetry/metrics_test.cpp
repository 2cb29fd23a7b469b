#include "proxy/telemetry/metrics.hpp"

#include "base/service/log.hpp"
#include "proxy/telemetry/metrics_catalogue.hpp"
#include "proxy/telemetry/metrics_peers.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using core::EngineState;
using testing::HasSubstr;
using testing::Not;

/// A scrape, read as Prometheus reads it: anything else is a test failure.
struct Scrape {
  std::map<std::string, double> values;                 ///< name{labels} as written
  std::map<std::string, std::string> types;             ///< family -> counter, gauge, histogram
  std::map<std::string, std::set<std::string>> labels;  ///< family -> names, without le

  explicit Scrape(const std::string& text) { read(text); }

  void read(const std::string& text) {
    static const std::regex kSample(R"(([a-z_]+)(\{.*\})? ([-+.0-9eInf]+))");
    static const std::regex kLabel(R"re(([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)",?)re");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) {
        const std::size_t blank = line.find(' ', 7);
        const std::string family = line.substr(7, blank - 7);
        EXPECT_TRUE(types.emplace(family, line.substr(blank + 1)).second) << family << " twice";
      } else if (!line.starts_with("# HELP ")) {
        std::smatch parts;
        ASSERT_TRUE(std::regex_match(line, parts, kSample)) << line;
        EXPECT_TRUE(values.emplace(parts[1].str() + parts[2].str(), std::stod(parts[3])).second)
            << line << " twice";
        take_labels(parts[1], parts[2], kLabel);
      }
    }
  }

  void take_labels(const std::string& name, const std::string& text, const std::regex& label) {
    std::string family = name;
    for (const char* const suffix : {"_bucket", "_sum", "_count"}) {
      if (!family.ends_with(suffix)) continue;
      const std::string base = family.substr(0, family.size() - std::string(suffix).size());
      if (types.contains(base)) family = base;
    }
    ASSERT_TRUE(types.contains(family)) << name << " has no type";
    std::set<std::string>& names = labels[family];
    for (std::sregex_iterator it(text.begin(), text.end(), label), end; it != end; ++it) {
      if ((*it)[1] != "le") names.insert((*it)[1]);
    }
  }

  [[nodiscard]] std::optional<double> value(const std::string& series) const {
    const auto it = values.find(series);
    return it == values.end() ? std::nullopt : std::optional(it->second);
  }
  [[nodiscard]] bool mentions(const std::string& text) const {
    return std::any_of(values.begin(), values.end(), [&](const auto& each) {
      return each.first.find(text) != std::string::npos;
    });
  }
};

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { adopt({"a", "b"}); }

  void adopt(const std::vector<std::string>& models, const std::vector<std::string>& keys = {}) {
    Config config;
    for (const std::string& name : keys) config.keys.emplace_back().name = name;
    for (const std::string& id : models) config.models[id].id = id;
    config.peers["attic"];
    metrics_.adopt(config);
  }
  Scrape scrape() { return Scrape(metrics_.text(now_)); }
  double value(const std::string& series) {
    const std::optional<double> found = scrape().value(series);
    EXPECT_TRUE(found) << "there is no " << series;
    return found.value_or(-1);
  }

  /// A stream of "a" that went well.
  static Activity ok() {
    Activity row;
    row.model = "a";
    row.api = "chat";
    row.outcome = "ok";
    row.status = 200;
    row.streamed = true;
    row.duration_ms = 3000;
    row.ttft_ms = 700;
    row.queue_ms = 550;
    row.load_ms = 500;
    row.bytes_in = 2000;
    row.input_tokens = 100;
    row.output_tokens = 11;
    row.cache_tokens = 60;
    row.reasoning_tokens = 4;
    row.draft_tokens = 9;
    row.draft_acc_tokens = 6;
    return row;
  }
  static StreamTiming timing() {
    StreamTiming timing;
    timing.upstream_ttft = 90ms;
    timing.first_to_last = 200ms;
    timing.max_gap = 300ms;
    timing.dispatched = true;
    timing.loaded = true;
    timing.has_usage = true;
    return timing;
  }
  static EngineChange change(EngineState from, EngineState to, core::Duration lasted,
                             std::string reason = {}, bool failed = false) {
    return {"a", from, to, lasted, std::move(reason), failed};
  }

  Metrics metrics_;
  MetricsNow now_;
};

TEST_F(MetricsTest, TellsOfPeersAndTheirWakes) {
  PeerMetrics& peers = metrics_.peers();
  EXPECT_EQ(value(R"(rouse_peer_state{peer="attic",state="unknown"})"), 1);
  peers.entered("attic", core::peer::Phase::Draining);
  EXPECT_EQ(value(R"(rouse_peer_state{peer="attic",state="unknown"})"), 0);
  EXPECT_EQ(value(R"(rouse_peer_state{peer="attic",state="up"})"), 1);
  peers.sent("attic", "broadcast", true, 0);
  peers.sent("attic", "broadcast", false, ENETUNREACH);
  peers.sent("attic", "relay", false, 403);
  EXPECT_EQ(value(R"(rouse_wol_packets_total{method="broadcast",peer="attic"})"), 1);
  EXPECT_EQ(
      value(R"(rouse_wol_send_errors_total{error="ENETUNREACH",method="broadcast",peer="attic"})"),
      1);
  EXPECT_EQ(value(R"(rouse_wol_send_errors_total{error="403",method="relay",peer="attic"})"), 1);
  peers.sent("attic", "command", false, 1);
  EXPECT_EQ(value(R"(rouse_wol_send_errors_total{error="1",method="command",peer="attic"})"), 1)
      << "the status of a program is no errno";
  peers.wake_ended("attic", "ok", 12s);
  peers.wake_ended("attic", "timeout", 120s);
  EXPECT_EQ(value(R"(rouse_peer_wakes_total{outcome="ok",peer="attic"})"), 1);
  EXPECT_EQ(value(R"(rouse_peer_wake_seconds_count{peer="attic"})"), 1) << "of those that woke";
  peers.answered("attic", 503);
  EXPECT_EQ(value(R"(rouse_peer_requests_total{code="503",peer="attic"})"), 1);
  peers.entered("cellar", core::peer::Phase::Awake);
  EXPECT_FALSE(scrape().mentions("cellar")) << "it is not configured";
  metrics_.adopt(Config());
  EXPECT_FALSE(scrape().mentions("attic"));
}

TEST_F(MetricsTest, TheTextHasTheCatalogueAndNothingElse) {
  metrics_.finished(ok(), timing());
  metrics_.peers().sent("attic", "raw", false, EPERM);
  const Scrape seen = scrape();
  std::set<std::string> known;
  for (const MetricEntry& entry : metric_catalogue()) {
    const std::string name(entry.name);
    EXPECT_TRUE(known.insert(name).second) << name << " is there twice";
    ASSERT_TRUE(seen.types.contains(name)) << name;
    const std::array kinds{"counter", "gauge", "histogram"};
    EXPECT_EQ(seen.types.at(name), kinds.at(static_cast<std::size_t>(entry.kind))) << name;
    std::set<std::string> labels;
    std::istringstream words{std::string(entry.labels)};
    for (std::string word; words >> word;) labels.insert(word);
    ASSERT_TRUE(seen.labels.contains(name)) << name << " has no series from the start";
    EXPECT_EQ(seen.labels.at(name), labels) << name;
    EXPECT_EQ(name.ends_with("_total"), entry.kind == MetricEntry::Kind::Counter) << name;
    EXPECT_EQ(entry.buckets.empty(), entry.kind != MetricEntry::Kind::Histogram) << name;
    EXPECT_TRUE(std::is_sorted(entry.buckets.begin(), entry.buckets.end())) << name;
  }
  for (const auto& [family, type] : seen.types) {
    EXPECT_TRUE(known.contains(family) || family.starts_with("process_")) << family;
  }
}

TEST_F(MetricsTest, KnownSeriesBeginAtZero) {
  const Scrape seen = scrape();
  for (const char* const series :
       {R"(rouse_requests_total{api="chat",client="",model="a",outcome="upstream_error"})",
        R"(rouse_model_loads_total{model="b",outcome="exit"})",
        R"(rouse_model_unloads_total{model="a",reason="evicted"})",
        R"(rouse_model_short_residencies_total{model="a"})",
        R"(rouse_tokens_total{client="",model="a",type="output"})",
        R"(rouse_time_to_first_token_seconds_count{model="a",start="load"})",
        R"(rouse_queue_exits_total{model="a",reason="timeout"})",
        R"(rouse_requests_in_flight{model="_unknown",phase="reading"})",
        R"(rouse_oldest_request_start_timestamp_seconds{phase="queued"})",
        R"(rouse_rejected_requests_total{client="",reason="queue_full"})",
        R"(rouse_retries_total{reason="stale_connection",target="a"})",
        R"(rouse_config_reloads_total{outcome="invalid"})", "rouse_event_loop_stalls_total"}) {
    EXPECT_EQ(seen.value(series), 0.0) << series;
  }
  EXPECT_EQ(seen.value("rouse_config_last_reload_successful"), 1.0);
  EXPECT_EQ(seen.value(fmt::format("rouse_build_info{{version=\"{}\"}}", ROUSE_VERSION)), 1.0);
}

TEST_F(MetricsTest, AFinishedRequestIsCountedEverywhere) {
  metrics_.finished(ok(), timing());
  const Scrape seen = scrape();
  const std::map<std::string, double> wanted{
      {R"(rouse_requests_total{api="chat",client="",model="a",outcome="ok"})", 1},
      {R"(rouse_request_duration_seconds_sum{model="a",stream="true"})", 3},
      {R"(rouse_request_duration_seconds_bucket{model="a",stream="true",le="2"})", 0},
      {R"(rouse_request_duration_seconds_bucket{model="a",stream="true",le="5"})", 1},
      {R"(rouse_request_duration_seconds_count{model="a",stream="false"})", 0},
      {R"(rouse_request_body_bytes_bucket{api="chat",le="1024"})", 0},
      {R"(rouse_request_body_bytes_bucket{api="chat",le="4096"})", 1},
      {R"(rouse_queue_wait_seconds_sum{model="a"})", 0.05},
      {R"(rouse_queue_exits_total{model="a",reason="dispatched"})", 1},
      {R"(rouse_time_to_first_token_seconds_sum{model="a",start="load"})", 0.7},
      {R"(rouse_time_to_first_token_seconds_count{model="a",start="warm"})", 0},
      {R"(rouse_upstream_time_to_first_token_seconds_sum{model="a"})", 0.09},
      {R"(rouse_stream_max_gap_seconds_sum{model="a"})", 0.3},
      {R"(rouse_time_per_output_token_seconds_sum{model="a"})", 0.02},
      {R"(rouse_tokens_total{client="",model="a",type="input"})", 100},
      {R"(rouse_tokens_total{client="",model="a",type="output"})", 11},
      {R"(rouse_input_cached_tokens_total{model="a"})", 60},
      {R"(rouse_output_reasoning_tokens_total{model="a"})", 4},
      {R"(rouse_draft_tokens_total{model="a",result="accepted"})", 6},
      {R"(rouse_draft_tokens_total{model="a",result="rejected"})", 3},
      {R"(rouse_requests_without_usage_total{api="chat",model="a"})", 0}};
  for (const auto& [series, number] : wanted) {
    ASSERT_TRUE(seen.value(series)) << series;
    EXPECT_DOUBLE_EQ(*seen.value(series), number) << series;
  }
  EXPECT_GT(*seen.value(R"(rouse_model_last_used_timestamp_seconds{model="a"})"), 1.7e9);
  EXPECT_EQ(seen.value(R"(rouse_model_last_used_timestamp_seconds{model="b"})"), 0.0);
}

TEST_F(MetricsTest, TheSleepOfTheMachineIsCounted) {
  metrics_.power_state("suspending");
  metrics_.drain_asked("busy");
  metrics_.lease_ended("request");
  metrics_.lease_ended("a word that is none of ours");
  metrics_.slept(std::chrono::milliseconds(90'500));
  metrics_.slept({});
  metrics_.attempt_superseded("cut");
  const Scrape seen = scrape();
  const std::map<std::string, double> wanted{
      {R"(rouse_power_state{state="awake"})", 0},
      {R"(rouse_power_state{state="suspending"})", 1},
      {R"(rouse_power_drains_total{outcome="busy"})", 1},
      {R"(rouse_power_drains_total{outcome="granted"})", 0},
      {R"(rouse_power_lease_ends_total{by="request"})", 1},
      {R"(rouse_power_lease_ends_total{by="other"})", 1},
      {R"(rouse_power_sleeps_total{outcome="slept"})", 1},
      {R"(rouse_power_sleeps_total{outcome="stayed_awake"})", 1},
      {"rouse_power_asleep_seconds_total", 90.5},
      {R"(rouse_superseded_attempts_total{how="cut"})", 1}};
  for (const auto& [series, number] : wanted) {
    ASSERT_TRUE(seen.value(series)) << series;
    EXPECT_DOUBLE_EQ(*seen.value(series), number) << series;
  }
}

TEST_F(MetricsTest, WhatIsNotKnownIsNotObserved) {
  Activity row = ok();
  row.streamed = false;
  row.ttft_ms = -1;
  row.input_tokens = row.output_tokens = 0;
  row.cache_tokens = row.reasoning_tokens = row.draft_tokens = row.draft_acc_tokens = -1;
  StreamTiming nothing;
  nothing.dispatched = true;
  metrics_.finished(row, nothing);
  row.outcome = "cancelled";
  metrics_.finished(row, nothing);
  const Scrape seen = scrape();
  EXPECT_EQ(seen.value(R"(rouse_time_to_first_token_seconds_count{model="a",start="warm"})"), 0.0);
  EXPECT_EQ(seen.value(R"(rouse_stream_max_gap_seconds_count{model="a"})"), 0.0);
  EXPECT_EQ(seen.value(R"(rouse_time_per_output_token_seconds_count{model="a"})"), 0.0);
  EXPECT_EQ(seen.value(R"(rouse_input_cached_tokens_total{model="a"})"), 0.0);
  EXPECT_EQ(seen.value(R"(rouse_draft_tokens_total{model="a",result="rejected"})"), 0.0);
  EXPECT_EQ(seen.value(R"(rouse_requests_without_usage_total{api="chat",model="a"})"), 1.0)
      << "of those that went well";
  EXPECT_EQ(seen.value(R"(rouse_request_duration_seconds_count{model="a",stream="false"})"), 2.0);
}

TEST_F(MetricsTest, OneTokenHasNoTimeBetweenTokens) {
  Activity row = ok();
  row.output_tokens = 1;
  metrics_.finished(row, timing());
  EXPECT_EQ(value(R"(rouse_time_per_output_token_seconds_count{model="a"})"), 0);
}

TEST_F(MetricsTest, LinesOfTheLogAreCountedOnce) {
  const pid_t child = ::fork();  // a process has one log
  if (child == 0) {
    asio::io_context loop;
    LogOptions options;
    options.to_stderr = false;
    set_up_log(loop.get_executor(), options, [](std::string_view) {});
    spdlog::warn("one");
    constexpr const char* kLines = R"(rouse_log_messages_total{level="warning"})";
    const bool is_once = value(kLines) == 1 && value(kLines) == 1;
    ::_exit(is_once ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(MetricsTest, OnlyWhoWasInTheQueueLeavesIt) {
  const auto end = [&](const char* outcome, int status, bool dispatched) {
    Activity row = ok();
    row.outcome = outcome;
    row.status = status;
    StreamTiming how;
    how.dispatched = dispatched;
    metrics_.finished(row, how);
  };
  end("client_error", 413, false);
  end("rejected", 429, false);
  end("rejected", 503, false);
  end("cancelled", 0, false);
  end("load_failed", 503, false);
  end("upstream_error", 502, false);  // it was its turn, but the engine was not to be had
  end("cancelled", 200, true);
  const Scrape seen = scrape();
  const auto left = [&](const char* reason) {
    return seen.value(fmt::format("rouse_queue_exits_total{{model=\"a\",reason=\"{}\"}}", reason));
  };
  EXPECT_EQ(left("dispatched"), 2.0);
  EXPECT_EQ(left("draining"), 1.0);
  EXPECT_EQ(left("cancelled"), 1.0);
  EXPECT_EQ(left("load_failed"), 1.0);
  EXPECT_EQ(left("timeout"), 0.0);
  EXPECT_EQ(seen.value(R"(rouse_queue_wait_seconds_count{model="a"})"), 1.0);
}

TEST_F(MetricsTest, NoTextFromOutsideBecomesALabel) {
  Activity row = ok();
  row.model = "evil\"model";
  row.api = "evil-api";
  row.outcome = "evil-outcome";
  metrics_.finished(row, timing());
  metrics_.http_answered("evil-api", "EVIL", 200);
  metrics_.rejected("evil-reason", "");
  metrics_.retried("evil-model", "evil-reason");
  now_.phases[{"evil-model", "queued"}] = 2;
  now_.phases[{"", "reading"}] = 1;
  const Scrape seen = scrape();
  EXPECT_FALSE(seen.mentions("evil"));
  EXPECT_FALSE(seen.mentions("EVIL"));
  EXPECT_EQ(
      seen.value(R"(rouse_requests_total{api="other",client="",model="_unknown",outcome="other"})"),
      1.0);
  EXPECT_EQ(seen.value(R"(rouse_http_requests_total{api="other",code="200",method="_OTHER"})"),
            1.0);
  EXPECT_EQ(seen.value(R"(rouse_requests_in_flight{model="_unknown",phase="queued"})"), 2.0);
  EXPECT_EQ(seen.value(R"(rouse_requests_in_flight{model="_unknown",phase="reading"})"), 1.0);
}

TEST_F(MetricsTest, NamesOfModelsAreEscaped) {
  adopt({"a\"b\\c\nd"});
  EXPECT_TRUE(scrape().mentions(R"(model="a\"b\\c\nd")"));
}

TEST_F(MetricsTest, KeysHaveSeriesFromTheStartAndOnlyKeysDo) {
  adopt({"a"}, {"laptop", "phone"});
  EXPECT_EQ(value(R"(rouse_tokens_total{client="phone",model="a",type="output"})"), 0);
  EXPECT_EQ(value(R"(rouse_requests_total{api="chat",client="laptop",model="a",outcome="ok"})"), 0);
  Activity row = ok();
  for (const char* const client : {"laptop", "laptop", "whoever", "_other", ""}) {
    row.client = client;
    metrics_.finished(row, timing());
  }
  metrics_.rejected("rate", "phone");
  metrics_.rejected("rate", "whoever");
  const Scrape seen = scrape();
  const auto ok_of = [&](const char* client) {
    return seen.value(fmt::format(
        "rouse_requests_total{{api=\"chat\",client=\"{}\",model=\"a\",outcome=\"ok\"}}", client));
  };
  EXPECT_EQ(ok_of("laptop"), 2.0);
  EXPECT_EQ(ok_of("_other"), 2.0);
  EXPECT_EQ(ok_of(""), 1.0);
  EXPECT_FALSE(seen.mentions("whoever"));
  EXPECT_EQ(seen.value(R"(rouse_rejected_requests_total{client="phone",reason="rate"})"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_rejected_requests_total{client="_other",reason="rate"})"), 1.0);
}

TEST_F(MetricsTest, AKeyThatGoesTakesItsSeriesAlong) {
  adopt({"a", "b"}, {"laptop", "phone"});
  Activity row = ok();
  row.client = "phone";
  metrics_.finished(row, timing());
  row.client = "laptop";
  row.api = "messages";
  row.outcome = "cancelled";
  metrics_.finished(row, timing());
  metrics_.rejected("rate", "laptop");
  adopt({"a", "c"}, {"phone", "tablet"});
  Scrape seen = scrape();
  EXPECT_FALSE(seen.mentions("laptop"));
  EXPECT_EQ(seen.value(R"(rouse_tokens_total{client="phone",model="a",type="input"})"), 100.0);
  EXPECT_EQ(seen.value(R"(rouse_tokens_total{client="tablet",model="a",type="input"})"), 0.0)
      << "it has the other's number, but nothing of its counts";
  EXPECT_EQ(seen.value(R"(rouse_tokens_total{client="tablet",model="c",type="input"})"), 0.0);
  adopt({"b"}, {});
  seen = scrape();
  EXPECT_FALSE(seen.mentions("phone"));
  EXPECT_FALSE(seen.mentions("tablet"));
}

TEST_F(MetricsTest, ManyKeysBecomeOthers) {
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(fmt::format("key-{:02}", i));
  adopt({"a"}, keys);
  for (const std::string& key : keys) {
    Activity row = ok();
    row.client = key;
    metrics_.finished(row, timing());
  }
  const Scrape seen = scrape();
  EXPECT_TRUE(seen.mentions("client=\"key-63\""));
  EXPECT_FALSE(seen.mentions("client=\"key-64\""));
  EXPECT_EQ(
      seen.value(R"(rouse_requests_total{api="chat",client="_other",model="a",outcome="ok"})"),
      36.0);
}

TEST_F(MetricsTest, AModelThatGoesTakesItsSeriesAlong) {
  Activity row = ok();
  row.client = "me";
  row.api = "messages";
  metrics_.finished(row, timing());
  metrics_.retried("a", "connect");
  adopt({"b", "c"});
  const Scrape seen = scrape();
  EXPECT_FALSE(seen.mentions("model=\"a\""));
  EXPECT_FALSE(seen.mentions("target=\"a\""));
  EXPECT_TRUE(seen.mentions("model=\"b\""));
  EXPECT_TRUE(seen.mentions("model=\"c\""));
  adopt({"a"});
  EXPECT_EQ(value(R"(rouse_requests_total{api="chat",client="",model="a",outcome="ok"})"), 0)
      << "a new one begins at 0";
  EXPECT_EQ(value(R"(rouse_tokens_total{client="",model="a",type="input"})"), 0);
}

TEST_F(MetricsTest, AReloadKeepsTheCountsOfWhoStays) {
  metrics_.finished(ok(), timing());
  adopt({"a", "c"});
  EXPECT_EQ(value(R"(rouse_requests_total{api="chat",client="",model="a",outcome="ok"})"), 1);
}

TEST_F(MetricsTest, LoadsAndUnloads) {
  using enum EngineState;
  metrics_.engine_changed(change(Stopped, Starting, 0s));
  metrics_.engine_changed(change(Starting, Ready, 4s));
  metrics_.engine_changed(change(Ready, Stopping, 30s, "evicted"));
  metrics_.engine_changed(change(Stopping, Stopped, 1500ms));
  metrics_.engine_changed(change(Starting, Stopped, 2s, "exited with status 1", true));
  metrics_.engine_changed(change(Starting, Stopped, 2s, "was not ready after 120 s", true));
  metrics_.engine_changed(change(Starting, Stopping, 2s, "abandoned"));
  metrics_.engine_changed(change(Ready, Stopped, 5s, "was killed by signal 9 (Killed)", true));
  metrics_.engine_changed(change(Ready, Stopping, 61s, "evicted"));
  metrics_.engine_changed(change(Ready, Stopping, 5s, "shutdown"));
  const Scrape seen = scrape();
  const auto loads = [&](const char* outcome) {
    return seen.value(
        fmt::format("rouse_model_loads_total{{model=\"a\",outcome=\"{}\"}}", outcome));
  };
  EXPECT_EQ(loads("ok"), 1.0);
  EXPECT_EQ(loads("exit"), 1.0);
  EXPECT_EQ(loads("timeout"), 1.0);
  EXPECT_EQ(loads("cancelled"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_model_load_seconds_sum{model="a"})"), 4.0);
  EXPECT_EQ(seen.value(R"(rouse_model_load_seconds_count{model="a"})"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_model_unload_seconds_sum{model="a"})"), 1.5);
  EXPECT_EQ(seen.value(R"(rouse_model_unloads_total{model="a",reason="evicted"})"), 2.0);
  EXPECT_EQ(seen.value(R"(rouse_model_unloads_total{model="a",reason="exit"})"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_model_unloads_total{model="a",reason="shutdown"})"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_model_short_residencies_total{model="a"})"), 1.0)
      << "evicted, and within a minute";
}

TEST_F(MetricsTest, TimeGoesOnBetweenScrapesAndIsCountedOnce) {
  core::ScheduleView view;
  core::ModelView model;
  model.model = "a";
  model.state = EngineState::Ready;
  model.since = core::Instant(100s);
  model.waiting = 3;
  model.busy = 4s;
  view.models.push_back(model);
  now_.view = &view;
  now_.at = core::Instant(110s);
  const std::string ready = R"(rouse_model_ready_seconds_total{model="a"})";
  const std::string busy = R"(rouse_model_busy_seconds_total{model="a"})";
  EXPECT_EQ(value(ready), 10);
  EXPECT_EQ(value(busy), 4);
  EXPECT_EQ(value(R"(rouse_queue_depth{model="a"})"), 3);
  EXPECT_EQ(value(R"(rouse_model_state{model="a",state="ready"})"), 1);
  EXPECT_EQ(value(R"(rouse_model_state{model="a",state="stopped"})"), 0);
  now_.at = core::Instant(115s);
  view.models[0].busy = 6s;
  EXPECT_EQ(value(ready), 15);
  EXPECT_EQ(value(busy), 6);
  metrics_.engine_changed(change(EngineState::Ready, EngineState::Stopping, 20s, "idle"));
  view.models[0].state = EngineState::Stopping;
  EXPECT_EQ(value(ready), 20) << "the rest of it, once";
  view.models[0].state = EngineState::Ready;
  view.models[0].since = core::Instant(200s);
  view.models[0].busy = 1s;  // a scheduler that knows nothing of before
  now_.at = core::Instant(201s);
  EXPECT_EQ(value(ready), 21);
  EXPECT_EQ(value(busy), 7);
}

TEST_F(MetricsTest, TheOldestOfEachPhase) {
  now_.oldest["queued"] = 1700000000.5;
  EXPECT_DOUBLE_EQ(value(R"(rouse_oldest_request_start_timestamp_seconds{phase="queued"})"),
                   1700000000.5);
  now_.phases[{"a", "queued"}] = 2;
  EXPECT_EQ(value(R"(rouse_requests_in_flight{model="a",phase="queued"})"), 2);
  now_.phases.clear();
  EXPECT_EQ(value(R"(rouse_requests_in_flight{model="a",phase="queued"})"), 0);
  now_.oldest.clear();
  EXPECT_EQ(value(R"(rouse_oldest_request_start_timestamp_seconds{phase="queued"})"), 0);
}

TEST_F(MetricsTest, RejectionsRetriesAndHttp) {
  metrics_.rejected("queue_full", "");
  metrics_.retried("a", "stale_connection");
  metrics_.http_answered("models", "GET", 200);
  metrics_.http_answered("models", "GET", 200);
  metrics_.http_answered("models", "GET", 401);
  const Scrape seen = scrape();
  EXPECT_EQ(seen.value(R"(rouse_rejected_requests_total{client="",reason="queue_full"})"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_retries_total{reason="stale_connection",target="a"})"), 1.0);
  EXPECT_EQ(seen.value(R"(rouse_http_requests_total{api="models",code="200",method="GET"})"), 2.0);
  EXPECT_EQ(seen.value(R"(rouse_http_requests_total{api="models",code="401",method="GET"})"), 1.0);
}

TEST_F(MetricsTest, ABrokenReloadShows) {
  metrics_.reloaded("invalid");
  EXPECT_EQ(value("rouse_config_last_reload_successful"), 0);
  EXPECT_EQ(value(R"(rouse_config_reloads_total{outcome="invalid"})"), 1);
  metrics_.reloaded("ok");
  EXPECT_EQ(value("rouse_config_last_reload_successful"), 1);
}

TEST_F(MetricsTest, LoopLag) {
  metrics_.loop_lagged(2ms);
  metrics_.loop_lagged(30ms);
  EXPECT_EQ(value("rouse_event_loop_stalls_total"), 1);
  EXPECT_DOUBLE_EQ(value("rouse_event_loop_lag_seconds_sum"), 0.032);
  EXPECT_EQ(value(R"(rouse_event_loop_lag_seconds_bucket{le="0.0025"})"), 1);
}

TEST_F(MetricsTest, TheProcessTellsOfItself) {
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_start_time_seconds"), 1.6e9);
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_GE(value("process_threads"), 1);
}

}  // namespace
}  // namespace rouse
