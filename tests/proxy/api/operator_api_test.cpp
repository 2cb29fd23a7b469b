// What operators ask and tell the proxy, over HTTP.
#include "tests/proxy/api/api_world.hpp"

namespace rouse {
namespace {

using core::EngineState;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OperatorApi : public ApiWorld {};

TEST_F(OperatorApi, LoadsAndUnloadsAndSaysWhyNot) {
  start_api();
  EXPECT_EQ(call("POST", "/api/models/load/nobody").status, 404);
  const Answer broken = call("POST", "/api/models/load/hidden");
  EXPECT_EQ(broken.status, 503);
  EXPECT_THAT(broken.body, HasSubstr("/no/such/program"));
  const Answer loading = call("POST", "/api/models/load/large");
  EXPECT_EQ(loading.status, 202);
  EXPECT_EQ(loading.body, R"({"msg":"loading","model":"big"})");
  load("big");
  const Answer unknown = call("POST", "/api/models/unload/nobody");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("there are: big, slow, small\""));
  EXPECT_EQ(call("POST", "/api/models/unload/small").body, "OK");
  EXPECT_EQ(dispatcher().engine_state("big"), EngineState::Ready) << "of another one";
  EXPECT_EQ(call("POST", "/api/models/unload/large").status, 200);
  EXPECT_EQ(dispatcher().engine_state("big"), EngineState::Stopped) << "told before it was";
  EXPECT_EQ(call("POST", "/api/models/unload").body, R"({"msg":"ok"})");
  EXPECT_EQ(get("/unload").body, "OK");
}

TEST_F(OperatorApi, AHeadHasNoBodyAndABodyThatNobodyWantsIsRead) {
  start_api();
  const Answer head = call("HEAD", "/running");
  EXPECT_THAT(head.head, HasSubstr("Content-Length: 14\r\n"));
  EXPECT_EQ(head.body, "");
  connect_client();
  say("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  client_hears("OK");
  say("GET /running HTTP/1.1\r\nHost: x\r\n\r\n");
  client_hears(R"({"running":[]})");
}

TEST_F(OperatorApi, ABodyThatIsTooLongIsLeftAndEndsTheConnection) {
  start_api();
  connect_client();
  const std::string half(100'000, 'x');
  say("PUT /api/profiles/active HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + half);
  EXPECT_THAT(client_hears_end(),
              AllOf(HasSubstr("HTTP/1.1 400 "), HasSubstr("Connection: close\r\n")));
}

TEST_F(OperatorApi, ProbesAreNotCountedAndWhatChangesSomethingIs) {
  start_api();
  EXPECT_EQ(get("/v1/models").status, 200);
  EXPECT_EQ(call("POST", "/api/models/unload/nobody").status, 404);
  const std::string metrics = get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr(R"(api="admin",code="404",method="POST"} 1)"));
  EXPECT_THAT(metrics, Not(HasSubstr(R"(method="GET"})")));
}

TEST_F(OperatorApi, AReloadThatIsNotTakenIsAFault) {
  start_api();
  proxy().reload = [] {
    Reloaded bad;
    bad.problems = {"f:1: no"};
    return bad;
  };
  const Answer refused = call("POST", "/api/config/reload");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.body, R"({"ok":false,"replaced":[],"problems":["f:1: no"]})");
  proxy().reload = [] {
    Reloaded good;
    good.ok = true;
    good.replaced = {"big"};
    return good;
  };
  const Answer taken = call("POST", "/api/config/reload");
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.body, R"({"ok":true,"replaced":["big"],"problems":[]})");
}

TEST_F(OperatorApi, AProfileIsSwitchedByItsName) {
  start_api("profiles: {night: {description: d, pins: {big: small}}}\n");
  const auto put = [this](std::string_view body) {
    return call("PUT", "/api/profiles/active", body);
  };
  EXPECT_EQ(put("{").status, 400);
  EXPECT_EQ(put(R"({"name":1})").status, 400);
  EXPECT_EQ(put(R"({"name":"day"})").status, 404);
  EXPECT_EQ(put(R"({"name":"night"})").body, R"({"active":"night"})");
  EXPECT_EQ(
      get("/api/profiles").body,
      R"({"active":"night","profiles":[{"id":"night","description":"d","pins":{"big":"small"}}]})");
  EXPECT_EQ(put(R"({"name":null})").body, R"({"active":null})");
}

TEST_F(OperatorApi, ARequestIsCancelledByItsNumber) {
  start_api();
  load("big");
  big_.listen();
  const UniqueFd client = ask_and_wait("big");
  big_.accept();
  big_.hear_request();
  const std::string id = std::to_string(recorder().in_flight.entries().begin()->first);
  for (const std::string& wrong : {id, id + "/stop", id + "x/cancel", std::string("/cancel")}) {
    EXPECT_EQ(call("POST", "/api/inflight/" + wrong).status, 404) << wrong;
  }
  EXPECT_EQ(call("POST", "/api/inflight/99/cancel").status, 404);
  EXPECT_FALSE(is_quiet());
  EXPECT_EQ(call("POST", "/api/inflight/" + id + "/cancel").status, 200);
  EXPECT_EQ(last_row().outcome, "cancelled");
  EXPECT_TRUE(big_.is_left());
}

TEST_F(OperatorApi, APeerIsWokenByName) {
  start_api(
      "peers:\n  attic: {proxy: \"http://127.0.0.1:1\", models: [m], wake: {mac: "
      "\"02:00:00:00:00:01\", debounce: 0s, broadcast: 127.0.0.1}}\n"
      "  cellar: {proxy: \"http://127.0.0.1:1\", models: [m]}\n");
  EXPECT_EQ(call("POST", "/api/peers/nobody/wake").status, 404);
  EXPECT_EQ(call("POST", "/api/peers/attic/sleep").status, 404);
  EXPECT_EQ(call("POST", "/api/peers/cellar/wake").status, 409);
  const Answer woken = call("POST", "/api/peers/attic/wake", "", "User-Agent: an-alarm\r\n");
  EXPECT_EQ(woken.status, 202);
  EXPECT_THAT(woken.body, HasSubstr(R"({"peer":"attic","state":")"));
  ASSERT_TRUE(run_until([this] { return peers().ledger().last_of("attic") != nullptr; }));
  EXPECT_THAT(get("/api/wakes").body, HasSubstr(R"("agent":"an-alarm")"));
  EXPECT_THAT(get("/api/peers").body, HasSubstr(R"("name":"cellar")"));
}

TEST_F(OperatorApi, QuestionsThatAreWrongAreToldSo) {
  start_api();
  EXPECT_EQ(get("/api/captures/1x").status, 400);
  EXPECT_EQ(get("/api/captures/7").status, 404);
  EXPECT_EQ(get("/api/metrics/activity?limit=0").status, 400);
  EXPECT_EQ(get("/api/performance?after=noon").status, 400);
  EXPECT_EQ(get("/api/performance").status, 503) << "samples are off here";
  EXPECT_EQ(get("/api/hardware").status, 503);
  EXPECT_EQ(get("/v1/models/nobody").status, 404);
  const Answer unknown = get("/api/explain/bug");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, AllOf(HasSubstr("did you mean \\\"big\\\"?"),
                                  HasSubstr(R"("code":"name_not_found")")));
  const Answer no_log = get("/logs/stream/nobody");
  EXPECT_EQ(no_log.status, 400);
  EXPECT_THAT(no_log.body, HasSubstr("nobody"));
  EXPECT_EQ(call("POST", "/v1/power/ack", R"({"epoch":"x"})").status, 400);
  EXPECT_EQ(call("POST", "/v1/power/ack", R"({"epoch":1})").body, "{}");
}

TEST_F(OperatorApi, TheHistoryIsOfTheModelThatIsAskedFor) {
  start_api("captureBuffer: 1\n");
  load("big");
  big_.listen();
  const UniqueFd client = ask_and_wait("large");
  big_.accept();
  big_.hear_request();
  big_.answer(200, R"({"usage":{"prompt_tokens":3,"completion_tokens":2}})");
  EXPECT_EQ(last_row().model, "big");
  EXPECT_THAT(get("/api/metrics/stats?model=big").body, HasSubstr(R"("total_output_tokens":2)"));
  EXPECT_THAT(get("/api/metrics/stats?model=small").body, HasSubstr(R"("total_requests":0)"));
  EXPECT_THAT(get("/api/metrics/activity?model=small").body, HasSubstr(R"("data":[])"));
  EXPECT_THAT(get("/api/captures/1").body, HasSubstr(R"("id":1,"req_path":"/v1/chat)"));
}

TEST_F(OperatorApi, WhoShutsDownIsNotReady) {
  start_api();
  EXPECT_EQ(get("/readyz").status, 200);
  run(dispatcher().shut_down());
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/livez").status, 200);
}

}  // namespace
}  // namespace rouse
