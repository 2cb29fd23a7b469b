#include "tests/integration/parity_table.hpp"

namespace rouse::test {
namespace {

using testing::HasSubstr;

const ProbeHeaders kForm{{"Content-Type", "multipart/form-data; boundary=b"}};
const std::string kFormBody =
    "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n--b--\r\n";
const ProbeHeaders kKey{{"Authorization", "Bearer secret"}};

TEST(Parity, EveryRouteOfTheTable) {
  World world(config("captureBuffer: 1"));
  std::vector<Row> rows;
  for (const char* const path : {"/v1/chat/completions",
                                 "/v1/responses",
                                 "/v1/completions",
                                 "/v1/messages",
                                 "/v1/messages/count_tokens",
                                 "/v1/embeddings",
                                 "/v1/rerank",
                                 "/v1/reranking",
                                 "/rerank",
                                 "/reranking",
                                 "/infill",
                                 "/completion",
                                 "/v1/audio/speech",
                                 "/v1/audio/voices",
                                 "/v1/images/generations",
                                 "/sdapi/v1/txt2img",
                                 "/sdapi/v1/img2img",
                                 "/v/chat/completions",
                                 "/v/responses",
                                 "/v/completions",
                                 "/v/messages",
                                 "/v/messages/count_tokens",
                                 "/v/embeddings",
                                 "/v/rerank",
                                 "/v/reranking",
                                 "/audioapi/v1/tasks/run"}) {
    rows.push_back({"POST", path, body_for(path), {}, 200, "", ""});
  }
  for (const char* const path : {"/v1/audio/transcriptions", "/v1/images/edits"}) {
    rows.push_back({"POST", path, kFormBody, kForm, 200, "fake text", ""});
  }
  for (const char* const path : {"/v1/audio/voices", "/sdapi/v1/loras"}) {
    rows.push_back({"GET", std::string(path) + "?model=a", "", {}, 404, "File Not Found", ""});
  }
  const std::vector<Row> more{
      {"GET",
       "/props?model=a",
       "",
       {},
       200,
       "total_slots",
       "of a model that is not loaded it is a 409"},
      {"GET", "/v1/models", "", {}, 200, R"("object":"list")", ""},
      {"GET",
       "/v1/models",
       "",
       {},
       200,
       R"("owned_by":"llama-swap")",
       "identity: rouse says rouse"},
      {"GET",
       "/models",
       "",
       {},
       200,
       R"("meta":{"llamaswap":{"type":"model","aliases":["x"]}})",
       ""},
      {"HEAD", "/v1/models", "", {}, 200, "", ""},
      {"GET", "/health", "", {}, 200, "OK", ""},
      {"GET", "/wol-health", "", {}, 200, "OK", ""},
      {"GET", "/", "", {}, 200, "rouse is running", "no web page: a line that says where to look"},
      {"GET", "/ui/", "", {}, 404, "", "no web page"},
      {"GET", "/upstream/a", "", {}, 301, "location: /upstream/a/", ""},
      {"POST", "/upstream/a", "{}", {}, 308, "location: /upstream/a/", ""},
      {"GET", "/upstream/x/fake/mirror?q", "", {}, 200, "GET /fake/mirror?q", ""},
      {"GET", "/upstream/nobody/x", "", {}, 404, "nobody", ""},
      {"GET", "/comfyui?q", "", {}, 301, "location: /comfyui/?q", ""},
      {"POST", "/comfyui", "{}", {}, 308, "", ""},
      {"GET", "/comfyui/fake/mirror", "", {}, 409, "not loaded", ""},
      {"GET", "/running", "", {}, 200, R"({"running":[{"model":"a","state":"ready","cmd":")", ""},
      {"GET", "/logs", "", {}, 200, "listening on", ""},
      {"GET", "/logs/stream/nobody", "", {}, 400, "nobody", ""},
      {"GET",
       "/metrics",
       "",
       {},
       200,
       "rouse_requests_total",
       "ours; llama-swap's with metrics.compat"},
      {"GET",
       "/api/profiles",
       "",
       {},
       200,
       R"({"active":null,"profiles":[{"id":"p","description":"d","pins":{"y":"a"}}]})",
       ""},
      {"PUT", "/api/profiles/active", R"({"name":"p"})", {}, 200, R"({"active":"p"})", ""},
      {"PUT", "/api/profiles/active", R"({"name":"q"})", {}, 404, "", ""},
      {"PUT", "/api/profiles/active", R"({"name":""})", {}, 200, R"({"active":null})", ""},
      {"POST", "/api/inflight/999/cancel", "", {}, 404, "", ""},
      {"GET", "/api/metrics/activity?limit=1", "", {}, 200, R"("total_pages")", ""},
      {"GET", "/api/metrics/activity?limit=0", "", {}, 400, "", ""},
      {"GET", "/api/metrics/stats", "", {}, 200, R"("prompt_histogram")", ""},
      {"GET", "/api/performance", "", {}, 200, R"({"enabled":true,"sys_stats":[)", ""},
      {"GET", "/api/version", "", {}, 200, R"("version")", ""},
      {"GET", "/api/version", "", {}, 200, R"("commit":")", ""},
      {"GET", "/api/version", "", {}, 200, R"("build_date":")", ""},
      {"GET", "/api/hardware", "", {}, 200, R"("schema_version":1)", ""},
      {"GET", "/api/captures/1", "", {}, 200, R"("req_body")", ""},
      {"GET", "/api/captures/x", "", {}, 400, "", ""},
      {"GET", "/api/captures/999", "", {}, 404, "", ""},
      {"POST", "/api/models/unload/nobody", "", {}, 404, "", ""},
      {"POST", "/api/models/unload/x", "", {}, 200, "OK", ""},
      {"POST", "/api/models/unload", "", {}, 200, R"({"msg":"ok"})", ""},
      {"GET", "/unload", "", {}, 200, "OK", ""},
  };
  rows.insert(rows.end(), more.begin(), more.end());
  for (const Row& row : rows) expect(world, row);
}

TEST(Parity, EveryErrorOfTheTable) {
  World world(models(
      {fake_model("a"), fake_model("broken", "--crash-at-start 3"),
       "  missing:\n    cmd: /no/such/program ${PORT}\n", fake_model("nonsense", "--bad-status")},
      "captureBuffer: 0"));
  const auto chat_to = [](std::string_view model) { return chat(model); };
  const std::string path = "/v1/chat/completions";
  const std::vector<Row> rows{
      {"POST",
       path,
       R"({"messages":[]})",
       {},
       400,
       "no model id could be identified",
       "a request without a model is malformed: 400, not 404"},
      {"POST",
       path,
       chat_to("nobody"),
       {},
       404,
       R"("code":"model_not_found")",
       "the message names the models that there are"},
      {"POST",
       path,
       chat_to("broken"),
       {},
       503,
       "exited with status 3",
       "503 with Retry-After and the engine's last words, not 500: a client may try again"},
      {"POST", path, chat_to("missing"), {}, 503, "/no/such/program", "503, not 500"},
      {"POST",
       path,
       chat_to("nonsense"),
       {},
       502,
       R"("type":"server_error")",
       "a body that says what happened, not an empty one"},
      {"GET", path, "", {}, 405, "allow: POST", "JSON, not plain text"},
      {"GET", "/nothing", "", {}, 404, R"("src":"rouse")", "JSON, not plain text"},
      {"GET", "/v1/modles", "", {}, 404, "the nearest is GET /v1/models", "says what is near"},
      {"GET", "/upstream/a/x.css", "", {}, 409, "not loaded", ""},
      {"POST", path, R"({"model":)", {}, 400, "byte", "malformed JSON is said to be that"},
  };
  for (const Row& row : rows) expect(world, row);
}

TEST(Parity, EveryFormOfAKey) {
  World world(config("apiKeys: [secret]"));
  const auto chat_with = [](ProbeHeaders headers, int status, std::string contains,
                            std::string otherwise = "") {
    return Row{"POST", "/v1/chat/completions", body_for("chat"),    std::move(headers),
               status, std::move(contains),    std::move(otherwise)};
  };
  const std::vector<Row> rows{
      chat_with({}, 401, "www-authenticate: Basic realm=", "the realm is rouse"),
      chat_with({{"Authorization", "Bearer wrong"}}, 401,
                "unauthorized: invalid or missing API key"),
      chat_with({{"Authorization", "Bearer secret"}}, 200, ""),
      chat_with({{"authorization", "bEaReR secret"}}, 200, ""),
      chat_with({{"x-api-key", "secret"}}, 200, ""),
      chat_with({{"Authorization", "Basic YW55OnNlY3JldA=="}}, 200, ""),
      chat_with({{"Authorization", "Bearer wrong"}, {"x-api-key", "secret"}}, 200, "",
                "each credential is judged on its own"),
      {"GET", "/v1/models", "", {}, 401, "", ""},
      {"GET", "/health", "", {}, 200, "OK", ""},
      {"GET", "/wol-health", "", {}, 200, "OK", ""},
      {"GET", "/metrics", "", {}, 401, "", ""},
      {"GET", "/unload", "", {}, 401, "", ""},
      {"GET", "/running", "", kKey, 200, "", ""},
  };
  for (const Row& row : rows) expect(world, row);
}

TEST(Parity, LoadingFramesAreTheOnesThatPagesKnow) {
  World world(models({fake_model("a", "--load-ms 300")}, "sendLoadingState: true"));
  const ProbeResponse answer = world.post("/v1/chat/completions", chat("a", true));
  EXPECT_THAT(answer.body, HasSubstr(R"("reasoning_content":")"));
  EXPECT_THAT(answer.body, HasSubstr("loading model"));
  EXPECT_THAT(answer.body, HasSubstr("[DONE]"));
}

}  // namespace
}  // namespace rouse::test
