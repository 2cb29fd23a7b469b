#include "suspendd/checks/llama_swap_events.hpp"
#include "suspendd/checks/prometheus_text.hpp"
#include "suspendd/checks/proxy_activity.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <cmath>
#include <limits>

namespace rouse::suspendd {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

class ProxyCheckTest : public CheckFixture {};

TEST_F(ProxyCheckTest, WithoutAProxyItCannotTell) {
  context_.power = *Endpoint::parse("unix:" + dir_ / "none.sock");
  EXPECT_THAT(look(make(ProxyCheck())),
              IsUnknown(AllOf(HasSubstr("the proxy cannot be asked"), HasSubstr("none.sock"),
                              HasSubstr("No such file"))));
}

TEST_F(ProxyCheckTest, SaysWhatTheProxyWorksAt) {
  context_.power = serve_unix([](const RequestHead&) {
    return Answer{200,
                  R"({"state":"awake","epoch":41,"last_activity_ms":0,"busy":[
      {"kind":"inflight","model":"qwen","age_ms":65000,"id":1},
      {"kind":"inflight","model":"gemma","age_ms":10},{"kind":"queued","model":"qwen"}]})",
                  false};
  });
  EXPECT_THAT(look(make(ProxyCheck())),
              IsActive("2 running (gemma, qwen) for 1m5s, 1 waiting (qwen)"));
  EXPECT_EQ(last_request_.target, "/v1/power/activity");
  EXPECT_EQ(last_request_.method, "GET");
}

TEST_F(ProxyCheckTest, KnowsHowLongTheProxyHasBeenIdle) {
  context_.power = serve_unix([](const RequestHead&) {
    return Answer{200, R"({"busy":[],"last_activity_ms":913000})", false};
  });
  const Finding finding = look(make(ProxyCheck()));
  EXPECT_THAT(finding, IsIdle(HasSubstr("last activity 15m ago")));
  EXPECT_EQ(finding.idle_for, std::chrono::milliseconds(913000));
}

TEST_F(ProxyCheckTest, AnAnswerThatIsNoneMeansUnknown) {
  context_.power = serve_unix([](const RequestHead&) { return Answer{403, "{}", false}; });
  EXPECT_THAT(look(make(ProxyCheck())), IsUnknown(HasSubstr("answered 403 Forbidden")));
  answers_ = [](const RequestHead&) { return Answer{200, "<html>", false}; };
  EXPECT_THAT(look(make(ProxyCheck())), IsUnknown(HasSubstr("cannot be read: <html>")));
  for (const char* body : {"", "[]", "{}", R"({"busy":{}})", R"({"busy":null})"}) {
    EXPECT_EQ(proxy_activity(body).verdict, Verdict::Unknown) << body;
  }
}

TEST_F(ProxyCheckTest, WorkOfAKindThatIsNotKnownIsWork) {
  EXPECT_THAT(proxy_activity(R"({"busy":[{"kind":"sorting"},7]})"), IsActive("1 sorting, 1 busy"));
}

TEST_F(ProxyCheckTest, AProxyThatDoesNotAnswerIsUnknownAtTheDeadline) {
  context_.power = serve_unix([](const RequestHead&) { return Answer{200, "", true}; });
  const auto check = make(ProxyCheck());
  EXPECT_THAT(look_cancelled(*check, [this] { return asked_ == 1; }),
              IsUnknown(HasSubstr("the proxy cannot be asked")));
  config_.timeout = std::chrono::milliseconds(50);
  EXPECT_THAT(look(make(ProxyCheck())), IsUnknown(HasSubstr("the proxy cannot be asked")));
  answers_ = [](const RequestHead&) { return Answer{200, R"({"busy":[]})", false}; };
  EXPECT_EQ(look(*check).verdict, Verdict::Idle);
}

// --- prometheus ----------------------------------------------------------------------------------

TEST(PrometheusText, SumsAllSeriesOfAMetric) {
  const auto sums = sum_metrics(
      "# HELP vllm:num_requests_running x\n# TYPE vllm:num_requests_running gauge\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"a} 7 \\\" {b\"} 2.0\n"
      "vllm:num_requests_running{engine=\"1\"} 1e0 1700000000000\r\n"
      "vllm:num_requests_running_total 100\n  other 3 # {trace=\"1\"} 4\nplain{} +5\nlast -1",
      {"vllm:num_requests_running", "other", "plain", "last", "none"});
  ASSERT_EQ(sums.size(), 5u);
  EXPECT_EQ(sums[0].sum, 3);
  EXPECT_EQ(sums[0].series, 2u);
  EXPECT_EQ(sums[1].sum, 3);
  EXPECT_EQ(sums[2].sum, 5);
  EXPECT_EQ(sums[3].sum, -1);
  EXPECT_EQ(sums[4].series, 0u);
}

TEST(PrometheusText, PassesOverWhatIsNotASample) {
  for (const char* text : {"", "\n\n", "m", "m ", "m{", "m{a=\"b} 1", "m{a=\"\\", "m x", "m 1x",
                           "m{} {} 1", "# m 1", "m{a=\"1\"}", "\r", "{} 1"}) {
    EXPECT_EQ(sum_metrics(text, {"m"})[0].series, 0u) << text;
  }
  EXPECT_TRUE(std::isnan(sum_metrics("m NaN\nm 1\n", {"m"})[0].sum));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(sum_metrics("m +Inf\n", {"m"})[0].sum, kInfinity);
  EXPECT_EQ(sum_metrics("m 1e999\n", {"m"})[0].sum, kInfinity);
  EXPECT_EQ(sum_metrics("m -1e999\n", {"m"})[0].sum, -kInfinity);
  EXPECT_LT(sum_metrics("m 1e-999\n", {"m"})[0].sum, 1e-300);
  EXPECT_EQ(sum_metrics("m 1\r\nm{a=\"b 1\nm 2\r\n", {"m"})[0].sum, 3);
}

class PrometheusCheckTest : public CheckFixture {
 protected:
  Finding ask(std::string body, int status = 200) {
    PrometheusCheck settings;
    settings.url = serve([body, status](const RequestHead&) {
      return Answer{status, body, false};
    });
    settings.url.base_path = "/metrics";
    return look(make(settings));
  }
};

TEST_F(PrometheusCheckTest, TellsByTheFirstMetricAboveZero) {
  EXPECT_THAT(ask("vllm:num_requests_running{a=\"b\"} 0\nvllm:num_requests_waiting 4\n"),
              IsActive("vllm:num_requests_waiting is 4"));
  EXPECT_EQ(last_request_.target, "/metrics");
}

TEST_F(PrometheusCheckTest, IsIdleWhenAllThatThereAreAreZero) {
  EXPECT_THAT(ask("llamacpp:requests_processing 0\n"), IsIdle("llamacpp:requests_processing is 0"));
}

TEST_F(PrometheusCheckTest, WithoutTheMetricsItCannotTell) {
  EXPECT_THAT(ask("up 1\n"), IsUnknown(HasSubstr("has none of the metrics vllm:num_requests_run")));
  EXPECT_THAT(ask("vllm:num_requests_running NaN\n"), IsUnknown(HasSubstr("is not a number")));
  EXPECT_THAT(ask("", 503), IsUnknown(HasSubstr("/metrics answered 503 Service Unavailable")));
}

TEST_F(PrometheusCheckTest, AnEndpointThatIsGoneIsUnknown) {
  PrometheusCheck settings;
  settings.url = serve([](const RequestHead&) { return Answer(); });
  server_.stop_accepting();
  EXPECT_THAT(look(make(settings)), IsUnknown(HasSubstr("Connection refused")));
}

TEST_F(PrometheusCheckTest, AFloodEndsSomewhere) {
  EXPECT_THAT(ask(std::string(17 * 1024 * 1024, 'x')), IsUnknown(HasSubstr("more than 16777216")));
}

// --- http_json -----------------------------------------------------------------------------------

class HttpJsonCheckTest : public CheckFixture {
 protected:
  Finding ask(std::string body, std::string pointer) {
    HttpJsonCheck settings;
    settings.url = serve([body](const RequestHead&) { return Answer{200, body, false}; });
    settings.pointer = std::move(pointer);
    return look(make(settings));
  }
};

TEST_F(HttpJsonCheckTest, FindsTheValueByItsPointer) {
  const std::string body = R"({"a/b":{"~":[0,{"n":3}]},"jobs":[],"on":false,"zero":0.0,"s":"x"})";
  EXPECT_THAT(ask(body, "/a~1b/~0/1/n"), IsActive("/a~1b/~0/1/n is 3"));
  EXPECT_THAT(ask(body, "/a~1b/~0/0"), IsIdle("/a~1b/~0/0 is 0"));
  EXPECT_THAT(ask(body, "/jobs"), IsIdle("/jobs is []"));
  EXPECT_THAT(ask(body, "/on"), IsIdle("/on is false"));
  EXPECT_THAT(ask(body, "/zero"), IsIdle(HasSubstr("/zero is 0")));
  EXPECT_THAT(ask(body, "/s"), IsActive("/s is \"x\""));
  EXPECT_EQ(ask(body, "").verdict, Verdict::Active);
  EXPECT_EQ(ask(" [ ] ", "").verdict, Verdict::Idle);
}

TEST_F(HttpJsonCheckTest, WhatIsNotThereIsUnknown) {
  EXPECT_THAT(ask(R"({"a":1})", "/b"), IsUnknown(HasSubstr("has nothing at /b")));
  EXPECT_THAT(ask("nope", "/b"), IsUnknown(HasSubstr("is not JSON")));
  EXPECT_THAT(ask("", "/b"), IsUnknown(HasSubstr("is not JSON")));
  EXPECT_THAT(ask("{}", "b"), IsUnknown(HasSubstr("must begin with a slash")));
}

// --- llama_swap ----------------------------------------------------------------------------------

std::string frame(std::string_view type, std::string_view escaped) {
  return "event:message\ndata:{\"type\":\"" + std::string(type) + "\",\"data\":\"" +
         std::string(escaped) + "\"}\n\n";
}

const std::string kSnapshot = frame(
    "inflight", R"({\"operation\":\"snapshot\",\"requests\":[{\"id\":7,\"model\":\"qwen\"}]})");

TEST(LlamaSwapEvents, FindsTheSnapshotHoweverItArrives) {
  const std::string stream = frame("logData", R"({\"data\":\"inflight nonsense\"})") +
                             frame("modelStatus", "[]") + kSnapshot;
  for (std::size_t step = 1; step < stream.size(); step += 7) {
    InflightReader reader;
    std::string_view rest = stream;
    while (!rest.empty() && !reader.take(rest.substr(0, step))) {
      rest.remove_prefix(std::min(step, rest.size()));
    }
    EXPECT_THAT(reader.models(), Optional(ElementsAre("qwen"))) << step;
  }
}

TEST(LlamaSwapEvents, UnderstandsOtherVersionsAndIgnoresNonsense) {
  const auto read = [](const std::string& stream) {
    InflightReader reader;
    reader.take(stream);
    return reader.models();
  };
  EXPECT_THAT(read(frame("inflight", R"({\"total\":2})")), Optional(testing::SizeIs(2)));
  EXPECT_THAT(read(frame("inflight", R"({\"operation\":\"snapshot\",\"requests\":null})")),
              Optional(IsEmpty()));
  EXPECT_EQ(read(frame("inflight", R"({\"operation\":\"upsert\",\"request\":{}})")), std::nullopt);
  EXPECT_EQ(read(frame("inflight", R"({\"operation\":\"upsert\",\"requests\":[]})")), std::nullopt);
  EXPECT_EQ(
      read(frame("logData", R"({\"operation\":\"snapshot\",\"requests\":[],\"inflight\":1})")),
      std::nullopt);
  EXPECT_EQ(read("data:{\"type\":\"inflight\"\n\ndata:inflight\n\n"), std::nullopt);
  std::string endless = kSnapshot;
  endless.insert(endless.find("data:") + 5, std::string(5 << 20, ' '));
  EXPECT_EQ(read(endless), std::nullopt);
  EXPECT_THAT(read("data: " + std::string(5 << 20, 'x') + "\n" + kSnapshot),
              Optional(ElementsAre("qwen")));
}

TEST(LlamaSwapEvents, ModelsOnTheirWay) {
  EXPECT_THAT(models_in_motion(R"({"running":[{"model":"a","state":"ready"},
                                              {"model":"b","state":"starting"},
                                              {"model":"c","state":"stopping"}]})"),
              Optional(ElementsAre("b is starting", "c is stopping")));
  EXPECT_THAT(models_in_motion(R"({"running":null})"), Optional(IsEmpty()));
  for (const char* text : {"", "{}", "[]", R"({"running":7})"}) {
    EXPECT_EQ(models_in_motion(text), std::nullopt) << text;
  }
}

class LlamaSwapCheckTest : public CheckFixture {
 protected:
  Finding ask(std::string running, std::string events) {
    LlamaSwapCheck settings;
    settings.url = serve([this, running, events](const RequestHead& head) {
      paths_.push_back(head.target);
      const auto key = head.fields.find("authorization");
      if (key != "Bearer secret") return Answer{401, "{}", false};
      if (head.target == "/running") return Answer{200, running, false};
      return Answer{200, events, true};
    });
    settings.api_key = key_;
    return look(make(settings));
  }
  std::string key_ = "secret";
  std::vector<std::string> paths_;
};

TEST_F(LlamaSwapCheckTest, CountsWhatIsInFlightAndAsksForNothingElse) {
  EXPECT_THAT(ask(R"({"running":[]})", frame("logData", "x") + kSnapshot),
              IsActive("1 request in flight: qwen"));
  EXPECT_THAT(paths_, ElementsAre("/running", "/api/events"));
}

TEST_F(LlamaSwapCheckTest, ALoadedModelWithoutRequestsIsIdle) {
  EXPECT_THAT(ask(R"({"running":[{"model":"a","state":"ready"}]})",
                  frame("inflight", R"({\"operation\":\"snapshot\",\"requests\":[]})")),
              IsIdle("no request is in flight"));
}

TEST_F(LlamaSwapCheckTest, ALoadIsActivity) {
  EXPECT_THAT(ask(R"({"running":[{"model":"a","state":"starting"}]})", ""),
              IsActive("a is starting"));
}

TEST_F(LlamaSwapCheckTest, AnOldOneThatTellsNothingIsUnknown) {
  config_.timeout = std::chrono::milliseconds(50);
  EXPECT_THAT(ask(R"({"running":[]})", frame("modelStatus", "[]")),
              IsUnknown(HasSubstr("/api/events")));
  key_ = "wrong";
  EXPECT_THAT(ask("{}", ""), IsUnknown(HasSubstr("/running answered 401")));
}

}  // namespace
}  // namespace rouse::suspendd
