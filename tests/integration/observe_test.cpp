#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

TEST(Activity, HasARowForEachRequestWithItsTokensAndTimes) {
  World world(models({fake_model("a", "--tokens 7 --load-ms 200", "    aliases: [x]\n")}));
  EXPECT_EQ(world.post(kChat, chat("x", true), {{"X-Session-ID", "s1"}}).status, 200);
  EXPECT_EQ(world.post(kChat, chat("nobody")).status, 404);
  const std::string rows = world.get("/api/metrics/activity?order=asc").body;
  EXPECT_THAT(rows, HasSubstr(R"("total":2)"));
  EXPECT_THAT(rows, HasSubstr(R"("model":"a","req_path":"/v1/chat/completions")"));
  EXPECT_THAT(rows, HasSubstr(R"("asked_for":"x","api":"chat","client":"","outcome":"ok")"));
  EXPECT_THAT(rows, HasSubstr(R"("output_tokens":7)"));
  EXPECT_THAT(rows, HasSubstr(R"("session_id":"s1")"));
  EXPECT_THAT(world.get("/api/metrics/activity?model=a").body, Not(HasSubstr(R"("load_ms":0,)")))
      << "it waited for a load";
  EXPECT_THAT(rows, HasSubstr(R"("error_msg":"no model is called \"nobody\")"));
  EXPECT_THAT(rows, HasSubstr(R"("metadata":{"fifo_priority":"0","swap":"drain=0 stop=0 sweep=0 )"));
  EXPECT_THAT(rows, HasSubstr(R"("outcome":"client_error")"));
  EXPECT_THAT(world.get("/api/metrics/stats?model=a").body,
              HasSubstr(R"("total_output_tokens":7)"));
  EXPECT_EQ(world.get("/api/metrics/activity?limit=0").status, 400);
}

TEST(Activity, IsKeptInAFileOverARestart) {
  const TempDir dir;
  World world(models({fake_model("a")}, "store: {path: " + (dir / "a.sqlite") + "}"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(world.stop(), 0);
  world.start();
  EXPECT_THAT(world.get("/api/metrics/activity").body, HasSubstr(R"("total":1)"));
}

TEST(Activity, AFileThatCannotBeOpenedIsSaidAndLivedWithout) {
  const TempDir dir;
  const std::string notes = dir.write("notes", std::string(4096, 'x'));
  World world(models({fake_model("a")}, "store: {path: " + notes + "}"));
  EXPECT_TRUE(world.wait_for_log("it is kept in memory instead"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_THAT(world.get("/api/metrics/activity").body, HasSubstr(R"("total":1)"));
}

TEST(Activity, AClientThatLeavesIsNoSuccess) {
  World world(models({fake_model("a", "--tps 5 --tokens 100")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  client.close();
  EXPECT_TRUE(wait_until([&] {
    return world.get("/api/metrics/activity").body.find(R"("outcome":"cancelled")") !=
           std::string::npos;
  }));
}

TEST(Captures, AreOnlyKeptWhereTheyAreWanted) {
  World plain(models({fake_model("a")}));
  EXPECT_EQ(plain.post(kChat, chat("a")).status, 200);
  EXPECT_EQ(plain.get("/api/captures/1").status, 404);
  World world(models({fake_model("a")}, "captureBuffer: 1\napiKeys: [secret-1]"));
  const ProbeHeaders key{{"Authorization", "Bearer secret-1"}, {"X-Note", "kept"}};
  EXPECT_EQ(world.post(kChat, chat("a"), key).status, 200);
  const std::string shown = world.get("/api/captures/1", key).body;
  EXPECT_THAT(shown, HasSubstr(R"("Authorization":"[REDACTED]")"));
  EXPECT_THAT(shown, HasSubstr(R"("X-Note":"kept")"));
  EXPECT_THAT(shown, HasSubstr(R"("req_body":"eyJtb2RlbCI6ImEi)")) << R"({"model":"a")";
  EXPECT_EQ(world.get("/api/captures/x", key).status, 400);
}

TEST(InFlight, ARequestCanBeCancelled) {
  World world(models({fake_model("a", "--tps 5 --tokens 1000")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  EXPECT_EQ(world.post("/api/inflight/77/cancel", "").status, 404);
  EXPECT_EQ(world.post("/api/inflight/x/cancel", "").status, 404);
  EXPECT_EQ(world.post("/api/inflight/1/cancel", "").body, R"({"msg":"ok"})");
  while (client.read_piece(stream)) {
  }
  EXPECT_EQ(stream.end, ProbeEnd::Cut);
  EXPECT_TRUE(world.wait_for_log("cancelled by an operator"));
  EXPECT_EQ(world.post("/api/inflight/1/cancel", "").status, 404);
}

TEST(Events, TellWhatThereIsAndWhatChanges) {
  World world(models({fake_model("a")}, "profiles: {p: {pins: {x: a}}}"));
  HttpProbe listener = world.connect();
  ASSERT_TRUE(listener.send_request("GET", "/api/events"));
  ProbeResponse events = listener.read_head();
  EXPECT_EQ(events.header("content-type"), "text/event-stream");
  for (const char* const type :
       {"logData", "modelStatus", "uiConfig", "profileChanged", "inflight"}) {
    EXPECT_TRUE(
        listener.read_until(events, fmt::format("event:message\ndata:{{\"type\":\"{}\"", type)))
        << type;
  }
  EXPECT_THAT(events.body, HasSubstr(R"(\"state\":\"stopped\")"));
  EXPECT_EQ(world.post(kChat, chat("a")).status, 200);
  EXPECT_TRUE(listener.read_until(events, R"(\"state\":\"starting\")"));
  EXPECT_TRUE(listener.read_until(events, R"(\"state\":\"ready\")"));
  EXPECT_TRUE(listener.read_until(events, R"(\"operation\":\"upsert\")"));
  EXPECT_TRUE(listener.read_until(events, R"({"type":"activity","data":"{\"id\":1}"})"));
  EXPECT_TRUE(listener.read_until(events, R"(\"operation\":\"remove\",\"id\":\"1\")"));
  http(world.port(), "PUT", "/api/profiles/active", R"({"name":"p"})");
  EXPECT_TRUE(listener.read_until(events, R"({\"active\":\"p\"})"));
}

TEST(Metrics, CountWhatHappens) {
  World world(models({fake_model("a", "--tokens 5"), fake_model("b")},
                     "schedule: {linger: 0s, minResidency: 0s}"));
  EXPECT_EQ(world.post(kChat, chat("a", true)).status, 200);
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("nobody")).status, 404);
  const ProbeResponse scrape = world.get("/metrics");
  EXPECT_EQ(scrape.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* const line :
       {R"(rouse_requests_total{api="chat",client="",model="a",outcome="ok"} 1)",
        R"(rouse_requests_total{api="chat",client="",model="_unknown",outcome="client_error"} 1)",
        R"(rouse_tokens_total{client="",model="a",type="output"} 5)",
        R"(rouse_model_loads_total{model="a",outcome="ok"} 1)",
        R"(rouse_model_unloads_total{model="a",reason="evicted"} 1)",
        R"(rouse_model_state{model="b",state="ready"} 1)",
        R"(rouse_time_to_first_token_seconds_count{model="a",start="load"} 1)",
        R"(rouse_rejected_requests_total{client="",reason="model_unknown"} 1)",
        R"(rouse_http_requests_total{api="chat",code="404",method="POST"} 1)"}) {
    EXPECT_THAT(scrape.body, HasSubstr(line));
  }
  EXPECT_THAT(scrape.body, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(scrape.body, HasSubstr("rouse_build_info{version="));
  EXPECT_THAT(scrape.body, Not(HasSubstr("nobody"))) << "no client's text is a label";
  world.write_config(models({fake_model("b")}));
  EXPECT_EQ(world.post("/api/config/reload", "").status, 200);
  EXPECT_THAT(world.get("/metrics").body, Not(HasSubstr("model=\"a\"")));
}

TEST(Machine, IsSampledWhenSomebodyLooks) {
  World world(models({fake_model("a")}, "metrics: {compat: llama-swap}"));
  const ProbeResponse load = world.get("/api/performance");
  EXPECT_EQ(load.status, 200);
  EXPECT_THAT(load.body, HasSubstr(R"({"enabled":true,"sys_stats":[{"timestamp":")"));
  EXPECT_THAT(load.body, HasSubstr(R"("mem_total_mb":)"));
  EXPECT_EQ(world.get("/api/performance?after=yesterday").status, 400);
  EXPECT_THAT(world.get("/api/hardware").body, HasSubstr(R"("schema_version":1)"));
  EXPECT_THAT(world.get("/metrics").body, HasSubstr("llamaswap_memory_total_bytes "));
  World off(models({fake_model("a")}, "performance: {disabled: true}"));
  EXPECT_EQ(off.get("/api/performance").status, 503);
  EXPECT_EQ(off.get("/api/performance").body, R"({"enabled":false})");
  EXPECT_EQ(off.get("/api/hardware").status, 503);
}

TEST(Events, TellWhatAModelCanDo) {
  World world(models({fake_model(
      "a", "",
      "    capabilities: {in: [text, image], out: [text], tools: true, context: 4096}\n")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("GET", "/api/events", ""));
  ProbeResponse events = client.read_head();
  ASSERT_TRUE(client.read_until(events, "uiConfig"));
  EXPECT_THAT(events.body,
              HasSubstr(R"(\"capabilities\":{\"vision\":true,\"function_calling\":true},)"
                        R"(\"context_length\":4096)"));
}

TEST(History, HasWhatGoesToAnEnginesOwnApi) {
  World world(models({fake_model("a")}));
  EXPECT_EQ(world.post("/upstream/a/v1/chat/completions?x", chat("a")).status, 200);
  EXPECT_EQ(world.get("/upstream/a/v1/models").status, 200);
  const std::string rows = world.get("/api/metrics/activity").body;
  EXPECT_THAT(rows, HasSubstr(R"("model":"a")"));
  EXPECT_THAT(rows, HasSubstr(R"("req_path":"/v1/chat/completions")"));
  EXPECT_THAT(rows, HasSubstr(R"("total":1)"));
  EXPECT_THAT(rows, Not(HasSubstr(R"("output_tokens":0)")));
}

TEST(Log, TellsOfAPathThatNobodyServesOnce) {
  World world(models({fake_model("a")}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.get("/v1/modles").status, 404);
  EXPECT_EQ(world.get("/other").status, 404);
  ASSERT_TRUE(world.wait_for_log("GET /other status=404"));
  const std::string log = world.log();
  const std::size_t first = log.find("GET /v1/modles status=404");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("GET /v1/modles status=404", first + 1), std::string::npos);
}

}  // namespace
}  // namespace rouse::test
