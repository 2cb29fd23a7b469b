// More of llama-swap's tables: how a model is named, what errors look like, what comes as a stream,
// and how the program starts and ends.

#include "tests/integration/parity_table.hpp"

#include <csignal>
#include <functional>
#include <future>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kChat = "/v1/chat/completions";
const ProbeHeaders kPage{{"Origin", "http://page"}};
const ProbeHeaders kUpgrade{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}};

ProbeHeaders content(std::string_view type) {
  return {{"Content-Type", std::string(type)}};
}

/// One world for all rows of a list.
void expect_all(const World& world, const std::vector<Row>& rows) {
  for (const Row& row : rows) expect(world, row);
}

TEST(Parity, EveryWayToNameAModel) {
  World world(config());
  expect_all(
      world,
      {{"POST", kChat, chat("a"), {}, 200, R"("model":"a")", ""},
       {"POST", kChat, chat("x"), {}, 200, R"("model":"x")", ""},
       {"POST", kChat, chat("A"), {}, 404, "", ""},
       {"POST", kChat, chat(" a"), {}, 404, "", ""},
       {"POST", kChat, chat("s"), {}, 200, R"("model":"a")", ""},
       {"POST",
        kChat,
        R"({"model":"a","model":"nobody","messages":[]})",
        {},
        400,
        "",
        "an engine may take the last"},
       {"POST", kChat, chat("a"), content("application/json; charset=utf-8"), 200, "", ""},
       {"POST", kChat, chat("a"), content("text/plain"), 200, "",
        "a body that is JSON is read as JSON whatever its type says"},
       {"POST", kChat, R"({"model":5})", {}, 404, R"(\"5\")", ""},
       {"POST",
        kChat,
        R"({"model":""})",
        {},
        400,
        "no model id could be identified",
        "a request without a model is malformed: 400, not 404"},
       {"POST", "/v1/audio/speech?model=a", R"({"input":"x"})",
        content("application/x-www-form-urlencoded"), 200, "fake audio", ""},
       {"GET", "/props", "", {}, 400, "in the query", "400, not 404"},
       {"GET", "/sdapi/v1/loras?model=nobody", "", {}, 404, "nobody", ""},
       {"PUT", "/upstream/a/fake/mirror/a%2Fb", "{}", {}, 200, "PUT /fake/mirror/a%2Fb", ""},
       {"GET",
        "/upstream//a/fake/mirror",
        "",
        {},
        200,
        "GET /fake/mirror",
        "no redirect: it is served"},
       {"POST", "//v1/chat/completions", chat("a"), {}, 200, "", "no redirect: it is served"},
       {"POST", "/chat/completions", chat("a"), {}, 200, "", "a /v1 that is missing is put in"},
       {"GET", "/upstream", "", {}, 404, "", "no web page to lead to"},
       {"GET", "/favicon.ico", "", {}, 404, "", "no web page"},
       {"POST", "/v1/moderations", R"({"input":"x"})", {}, 404, "", ""},
       {"GET", "/v1/responses/resp_1", "", {}, 404, "", ""},
       {"GET", "/api/tags", "", {}, 200, R"("models":[)", "Ollama's clients are answered"},
       {"GET", "/slots", "", {}, 404, "", ""},
       {"GET", "/v1/models/a", "", {}, 200, R"("id":"a")", "one model can be asked for"},
       {"POST",
        "/tokenize",
        R"({"model":"a","content":"x"})",
        {},
        200,
        "tokens",
        "reached without /upstream, too"},
       {"POST", "/api/models/load/a", "", {}, 202, "", "a model can be loaded without a request"},
       {"POST", "/api/config/reload", "", {}, 200, "", "a reload can be asked for"}});
}

TEST(Parity, EveryLookOfAnError) {
  World world(models({fake_model("a", "", "    compat: {ignoreWebsockets: true}\n")}));
  const ProbeHeaders text{{"Accept", "text/plain"}};
  const ProbeHeaders html{{"Accept", "text/html"}};
  const ProbeHeaders both{{"Accept", "application/json, text/plain, */*"}};
  expect_all(world,
             {{"POST", kChat, chat("no"), {}, 404, "content-type: application/json", ""},
              {"POST", kChat, chat("no"), {}, 404, R"("type":"invalid_request_error")", ""},
              {"POST", kChat, chat("no"), {}, 404, R"("param":null)", ""},
              {"POST", kChat, chat("no"), {}, 404, R"("src":"rouse")", "src is rouse"},
              {"POST",
               "/v1/messages",
               chat("no"),
               {},
               404,
               R"({"type":"error","error":{)",
               "one shape for all APIs: Anthropic's clients read it, too"},
              {"POST", kChat, chat("no"), text, 404, "content-type: text/plain", ""},
              {"POST", kChat, chat("no"), text, 404, "rouse: no model is called", ""},
              {"POST", kChat, chat("no"), html, 404, "content-type: text/html", ""},
              {"POST", kChat, chat("<b>"), html, 404, "&#60;b&#62;", ""},
              {"GET", "/nothing", "", html, 404, "<p>rouse: there is nothing", ""},
              {"POST", "/api/models/unload/no", "", text, 404, "rouse: no model is called", ""},
              {"POST", kChat, chat("no"), both, 404, "content-type: application/json",
               "JSON where a client takes it as well"},
              {"GET", "/upstream/a/fake/mirror", "", kUpgrade, 409, "not loaded", ""},
              {"GET", "/comfyui/x", "", {}, 404, "comfyui_auto", ""},
              {"GET", "/logs", "", html, 200, "listening on", "no web page to lead to"},
              {"GET", "/v1/models", "", kPage, 200, "access-control-allow-origin: http://page", ""},
              {"GET", "/models", "", kPage, 200, "access-control-allow-origin: http://page", ""}});
}

TEST(Parity, ABusyModelMakesNewcomersWaitAndRefusesNobody) {
  World world(models({fake_model("a", "--tps 20 --tokens 10", "    concurrencyLimit: 1\n")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("POST", kChat, chat("a", true)));
  ProbeResponse stream = client.read_head();
  expect(
      world,
      {"POST", kChat, chat("a"), {}, 200, "", "who comes over the limit waits instead of a 429"});
  while (client.read_piece(stream)) {
  }
  EXPECT_TRUE(stream.clean());
}

/// What a request gets that waits for a load while @p happens.
ProbeResponse waits_while(World& world, const std::function<void()>& happens) {
  auto waits = std::async(std::launch::async, [&] { return world.post(kChat, chat("a")); });
  EXPECT_TRUE(wait_until(
      [&] { return world.get("/api/queue").body.find(R"("waiting":1)") != std::string::npos; }));
  happens();
  return waits.get();
}

TEST(Parity, AnUnloadOrAShutdownEndsTheWaitingWithA503) {
  World world(models({fake_model("a", "--load-ms 20000")}));
  // llama-swap says 500: but a client may well try again. Without stay it keeps its place, and has
  // the model loaded again.
  const ProbeResponse unloaded =
      waits_while(world, [&] { (void)world.post("/api/models/unload/a?stay=1", ""); });
  EXPECT_EQ(unloaded.status, 503);
  EXPECT_TRUE(unloaded.has_header("retry-after"));
  const ProbeResponse down = waits_while(world, [&] { world.signal(SIGTERM); });
  EXPECT_EQ(down.status, 503);
  EXPECT_TRUE(down.has_header("retry-after"));
  EXPECT_EQ(world.stop(), 0);
}

TEST(Parity, LogStreamsBeginWithTheirHistory) {
  World world(config());
  ASSERT_EQ(world.post(kChat, chat("a")).status, 200);
  const auto first_of = [&](std::string_view target, std::string_view text) {
    SCOPED_TRACE(target);
    HttpProbe client = world.connect();
    EXPECT_TRUE(client.send_request("GET", target));
    ProbeResponse stream = client.read_head();
    EXPECT_EQ(stream.status, 200);
    EXPECT_THAT(stream.header("content-type"), StartsWith("text/plain"));
    EXPECT_TRUE(client.read_until(stream, text));
  };
  first_of("/logs/stream", "a is ready");
  first_of("/logs/stream/proxy", "a is ready");
  first_of("/logs/stream/upstream", "srv  listening on");
  first_of("/logs/stream/a", "srv  listening on");
  first_of("/logs/stream/x", "srv  listening on");
  HttpProbe late = world.connect();
  ASSERT_TRUE(late.send_request("GET", "/logs/stream?no-history"));
  ProbeResponse stream = late.read_head();
  ASSERT_EQ(world.post("/api/models/unload/a", "").status, 200);
  ASSERT_TRUE(late.read_until(stream, "a is gone"));
  EXPECT_THAT(stream.body, testing::Not(HasSubstr("a is ready")));
}

TEST(Parity, ExitStatuses) {
  const std::string rouse = built_program("rouse");
  const TempDir dir;
  const std::string bad = dir.write("bad.yaml", "models: {a: {cmd: [}}");
  const std::string good = dir.write("good.yaml", "models: {a: {cmd: x --port ${PORT}}}");
  // llama-swap says 1 where something is wrong with what it is given; we tell 2 for that from 1 for
  // what the machine refuses.
  EXPECT_EQ(run_program({rouse, "serve", "--config", bad}).first, 2);
  EXPECT_EQ(run_program({rouse, "serve", "--config", dir / "none.yaml"}).first, 2);
  EXPECT_NE(run_program({rouse, "serve", "--no-such-flag"}).first, 0);
  EXPECT_NE(run_program({rouse, "serve", "--config", good, "--tls-cert-file", bad}).first, 0);
  EXPECT_EQ(run_program({rouse, "version"}).first, 0);
  EXPECT_EQ(run_program({rouse, "--help"}).first, 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    World world(config());
    world.signal(signal);
    EXPECT_TRUE(wait_until([&] { return !world.running(); }, 20s));
    EXPECT_EQ(world.stop(), 0);
  }
}

// --- preflights ----------------------------------------------------------------------------------

class Preflight : public testing::TestWithParam<const char*> {};

TEST_P(Preflight, IsAnsweredBeforeAKeyIsAskedFor) {
  World world(config("apiKeys: [secret]"));
  const ProbeHeaders asks{{"Origin", "http://page"},
                          {"Access-Control-Request-Method", "POST"},
                          {"Access-Control-Request-Headers", "x-mine, content-type"}};
  const ProbeResponse answer = http(world.port(), "OPTIONS", GetParam(), "", asks);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "*");
  EXPECT_THAT(answer.header("access-control-allow-methods"), HasSubstr("POST"));
  EXPECT_THAT(answer.header("access-control-allow-headers"), HasSubstr("x-mine"));
  EXPECT_EQ(answer.header("access-control-max-age"), "86400");
}

INSTANTIATE_TEST_SUITE_P(Paths, Preflight,
                         testing::Values("/v1/chat/completions", "/v1/models", "/upstream/a/x",
                                         "/nothing"));

}  // namespace
}  // namespace rouse::test
