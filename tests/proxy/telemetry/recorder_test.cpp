// What is recorded of requests, and passed on to those who listen.
#include "proxy/telemetry/recorder.hpp"

#include "proxy/telemetry/engine_output.hpp"
#include "proxy/telemetry/loop_lag.hpp"
#include "tests/support/exchange_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(EventHub, AListenerGetsEachEventOnceAndQuoted) {
  EventHub hub;
  hub.publish("lost", "{}");
  int rings = 0;
  {
    EventHub::Listener listener(hub, [&rings] { ++rings; });
    hub.publish("t", R"({"a":1})");
    EXPECT_EQ(rings, 1);
    EXPECT_EQ(listener.take(),
              "event:message\ndata:{\"type\":\"t\",\"data\":\"{\\\"a\\\":1}\"}\n\n");
    EXPECT_EQ(listener.take(), "");
    for (std::size_t i = 0; i < EventHub::kWaitingMax + 10; ++i) hub.publish_frame("x");
    EXPECT_EQ(listener.take().size(), EventHub::kWaitingMax) << "a slow one loses events";
  }
  EXPECT_FALSE(hub.has_listeners());
}

TEST(InFlight, TellsOfEachChangeAndShowsNoSecret) {
  InFlight all;
  std::vector<std::string> told;
  all.on_change([&told](const InFlight::Entry& entry, bool removed) {
    told.push_back(removed ? "gone" : entry.model());
  });
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/x?key=1";
  head.fields.add("authorization", "Bearer mine");
  bool cancelled = false;
  {
    InFlight::Entry entry(all, head, "10.0.0.1", [&cancelled] { cancelled = true; });
    entry.set_model("a");
    entry.set_model("a");
    entry.set_phase(Phase::Prefill);
    ResponseHead answer;
    answer.fields.add("set-cookie", "c");
    entry.set_answer(answer);
    entry.add_bytes(5);
    EXPECT_THAT(told, ElementsAre("a", "a", "a"));
    EXPECT_THAT(entry.json(), HasSubstr(R"("model":"a","req_path":"/v1/x","method":"POST",)"
                                        R"("req_headers":{"authorization":"[REDACTED]"},)"
                                        R"("remote_ip":"10.0.0.1",)"
                                        R"("resp_headers":{"set-cookie":"[REDACTED]"},)"
                                        R"("resp_bytes":5,)"));
    EXPECT_THAT(entry.json(), HasSubstr(R"("phase":"prefill")"));
    EXPECT_FALSE(all.cancel(entry.id() + 1));
    EXPECT_FALSE(cancelled);
    EXPECT_TRUE(all.cancel(entry.id()));
    EXPECT_TRUE(cancelled);
  }
  EXPECT_EQ(told.back(), "gone");
  EXPECT_TRUE(all.entries().empty());
}

TEST(InFlight, TellsHowAnAnswerGrowsAFewTimesASecond) {
  std::chrono::steady_clock::time_point now{1h};
  InFlight all([&now] { return now; });
  std::vector<std::string> told;
  all.on_change([&told](const InFlight::Entry& entry, bool) {
    told.push_back(std::string(to_string(entry.phase())));
  });
  RequestHead head;
  InFlight::Entry entry(all, head, "10.0.0.1", [] {});
  entry.set_phase(Phase::Queued);
  EXPECT_TRUE(told.empty()) << "nobody knows yet what it is for";
  entry.set_model("a");
  entry.set_phase(Phase::Loading);
  entry.set_phase(Phase::Loading);
  entry.set_phase(Phase::Streaming);
  EXPECT_THAT(told, ElementsAre("queued", "loading", "streaming"));
  told.clear();
  for (int i = 0; i < 1000; ++i) {
    now += 1ms;
    entry.add_bytes(10);
  }
  EXPECT_EQ(told.size(), 4u);
  now += 1s;
  entry.add_bytes(0);
  EXPECT_EQ(told.size(), 4u) << "it did not grow";
}

class RecorderTest : public StreamFixture {
 protected:
  static constexpr auto kNothingSecret = [](const Fields::Field&) { return false; };

  static Activity row(const std::string& model) {
    Activity made;
    made.model = model;
    made.outcome = "ok";
    made.ended_at = std::chrono::system_clock::now();
    made.status = 200;
    return made;
  }
  static Capture capture() {
    Capture made;
    made.request_body = std::string(100, 'x');
    return made;
  }
  void record(Recorder& recorder, std::optional<Capture> captured = std::nullopt) {
    recorder.record(row("a"), {}, std::move(captured), kNothingSecret);
  }
  ActivityPage page(Recorder& recorder) {
    const std::optional<ActivityPage> found = run(recorder.store().page(ActivityQuery()));
    EXPECT_TRUE(found && found->fault.empty()) << (found ? found->fault : "nothing");
    return found.value_or(ActivityPage());
  }
  Recorder& make(const Config& config) { return recorder_.emplace(io_.get_executor(), config); }

  test::TempDir dir_;
  std::optional<Recorder> recorder_;
};

TEST_F(RecorderTest, ARowKnowsItsCaptureAndIsToldOf) {
  Config config;
  config.capture_buffer_mb = 1;
  Recorder& recorder = make(config);
  EventHub::Listener listener(recorder.events, [] {});
  record(recorder);
  record(recorder, capture());
  EXPECT_THAT(listener.take(), HasSubstr(R"("type":"activity","data":"{\"id\":2}")"));
  const ActivityPage all = page(recorder);
  ASSERT_EQ(all.rows.size(), 2U);
  EXPECT_TRUE(all.rows[0].has_capture);
  EXPECT_FALSE(all.rows[1].has_capture);
  EXPECT_EQ(recorder.captures.json(1), "");
  EXPECT_THAT(recorder.captures.json(2), HasSubstr(R"({"id":2,)"));
  config.capture_buffer_mb = 0;
  recorder.adopt(config);
  EXPECT_EQ(recorder.captures.json(2), "") << "there is no room any more";
}

TEST_F(RecorderTest, AReloadKeepsTheHistoryAndTakesItsLimits) {
  Config config;
  config.metrics_max_in_memory = 3;
  Recorder& recorder = make(config);
  for (int i = 0; i < 5; ++i) record(recorder);
  EXPECT_EQ(page(recorder).total, 3);
  recorder.adopt(config);
  EXPECT_EQ(page(recorder).total, 3) << "the same history goes on";
  config.metrics_max_in_memory = 1;
  recorder.adopt(config);
  record(recorder);
  EXPECT_EQ(page(recorder).total, 1);
}

TEST_F(RecorderTest, AFileHasItsOwnLimitAndGoesOnWithTheNumbers) {
  Config config;
  config.metrics_max_in_memory = 1;
  Recorder& recorder = make(config);
  record(recorder);
  config.store_path = dir_ / "history.sqlite";
  recorder.adopt(config);
  record(recorder);
  record(recorder);
  const ActivityPage all = page(recorder);
  ASSERT_EQ(all.rows.size(), 2U);
  EXPECT_EQ(all.rows.front().id, 3) << "captures and listeners know requests by their numbers";
}

TEST_F(RecorderTest, AFileThatCannotBeOpenedIsDoneWithout) {
  Config config;
  config.store_path = dir_ / "no/such/folder/history.sqlite";
  config.metrics_max_in_memory = 2;
  Recorder& recorder = make(config);
  for (int i = 0; i < 3; ++i) record(recorder);
  EXPECT_EQ(page(recorder).total, 2);
}

TEST_F(RecorderTest, ALoopThatIsHeldUpShows) {
  Metrics metrics;
  group_.spawn(watch_loop_lag(io_.get_executor(), metrics));
  io_.poll();
  // A handler that takes long: the watch's pause of half a second is over before the loop goes on.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
  while (std::chrono::steady_clock::now() < until) {
  }
  ASSERT_TRUE(run_until([&metrics] {
    return metrics.text({}).find("rouse_event_loop_lag_seconds_count 1") != std::string::npos;
  }));
  EXPECT_THAT(metrics.text({}), HasSubstr("rouse_event_loop_stalls_total 1"));
  EXPECT_THAT(metrics.text({}), Not(HasSubstr("rouse_event_loop_lag_seconds_sum 0.5\n")))
      << "the pause itself is no lag";
}

class EngineOutputTest : public ExchangeWorld {};

TEST_F(EngineOutputTest, GoesToTheCommonLogAndOutOnlyWhereThatIsWanted) {
  const auto config_with = [](const std::string& where) {
    return "models: {m: {cmd: /bin/sleep 600, proxy: \"http://127.0.0.1:1\"}}\nlogToStdout: " +
           where + "\n";
  };
  start(config_with("proxy"));
  EngineOutput output(dispatcher(), proxy().logs);
  output.follow(proxy().config);
  output.follow(proxy().config);
  dispatcher().engine_log("m")->append("one\n");
  EXPECT_EQ(proxy().logs.upstream.text(), "one\n");
  EXPECT_EQ(proxy().logs.mux.text(), "");
  testing::internal::CaptureStdout();
  output.follow(parse_config(config_with("both"), "test.yaml").config);
  dispatcher().engine_log("m")->append("two\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "two\n");
  EXPECT_EQ(proxy().logs.mux.text(), "two\n");
}

}  // namespace
}  // namespace rouse
