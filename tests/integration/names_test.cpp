#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

/// The body of the last request that an engine wrote down with --record, as JSON text inside JSON.
std::string last_record(const std::string& file) {
  const std::string all = read_file(file);
  const std::size_t line = all.rfind('\n', all.size() - 2);
  return all.substr(line == std::string::npos ? 0 : line + 1);
}

std::string has(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '"' ? std::string("\\\"") : std::string(1, c);
  return out;
}

TEST(Filters, ChangeTheBodyInTheirOrderAndLeaveTheRest) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a", "--record " + record,
                                 "    useModelName: real\n"
                                 "    filters:\n"
                                 "      stripParams: temperature, top_p, model\n"
                                 "      setParams: {temperature: 0.5, k.on: true, model: x}\n"
                                 "      setParamsByID:\n"
                                 "        precise: {temperature: 0}\n")}));
  const std::string body =
      R"({"temperature":1.50, "model":"precise",  "messages":[{"role":"user","content":"1.0e1"}]})";
  EXPECT_EQ(world.post(kChat, body).status, 200);
  EXPECT_THAT(last_record(record),
              HasSubstr(has(R"({"model":"real",  "messages":[{"role":"user","content":"1.0e1"}],)"
                            R"("k":{"on":true},"temperature":0})")));
  EXPECT_EQ(world.post(kChat, R"({"model":"a","messages":[]})").status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"("temperature":0.5)")));
}

TEST(Filters, AMarkedParameterIsSetOnlyWhereTheRequestHasNone) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a", "--record " + record,
                                 "    filters:\n"
                                 "      stripParams: seed\n"
                                 "      setParams: {\"max_tokens?\": 32, \"seed?\": 7, "
                                 "\"model?\": x, \"top_k?\": 1, top_k: 2}\n"
                                 "      setParamsByID: {a: {\"max_tokens?\": 64}}\n")}));
  EXPECT_EQ(world.post(kChat, R"({"model":"a","seed":1,"messages":[]})").status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"({"model":"a","messages":[],)"
                                                 R"("max_tokens":32,"seed":7,"top_k":2})")))
      << "what was stripped is absent; a hard value wins";
  EXPECT_EQ(world.post(kChat, R"({"model":"a","max_tokens":null,"messages":[]})").status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"("max_tokens":null,)"))) << "null is a value";
}

TEST(Filters, ParametersDependOnThoseOfTheRequest) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model(
      "a", "--record " + record,
      "    filters:\n"
      "      setParamsByMatch:\n"
      "        - {key: effort, match: [none, low], set: {k: {think: false}, \"n?\": 1, t: 0}}\n"
      "        - {key: effort, match: low, set: {t: 1}}\n"
      "      setParams: {n: 3}\n")}));
  EXPECT_EQ(
      world.post(kChat, R"({"model":"a","messages":[],"effort":"none","k":{"a.b":1}})").status,
      200);
  EXPECT_THAT(last_record(record),
              HasSubstr(has(R"("effort":"none","k":{"a.b":1,"think":false},"n":3,"t":0})")));
  EXPECT_EQ(world.post(kChat, R"({"model":"a","messages":[],"effort":"low"})").status, 200);
  EXPECT_THAT(last_record(record),
              HasSubstr(has(R"("effort":"low","k":{"think":false},"n":3,"t":1})")))
      << "the last rule that is met wins";
  EXPECT_EQ(world.post(kChat, R"({"model":"a","messages":[],"effort":"high"})").status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"("effort":"high","n":3})")));
}

TEST(Filters, AChunkedBodyGetsALength) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(
      models({fake_model("a", "--record " + record, "    filters: {setParams: {top_k: 20}}\n")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(
      client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  "application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "c\r\n{\"model\":\"a\"\r\n"));
  ASSERT_TRUE(client.send("f\r\n,\"messages\":[]}\r\n0\r\n\r\n"));
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"({"model":"a","messages":[],"top_k":20})")));
  EXPECT_THAT(last_record(record), HasSubstr("Content-Length"));
}

TEST(Filters, ABodyThatIsNoJsonIsA400) {
  World world(models({fake_model("a", "", "    filters: {setParams: {top_k: 20}}\n")}));
  EXPECT_EQ(world.post(kChat, R"({"model":"a","x":)").status, 400);
}

/// The request lines of a head with these types, as raw bytes: a probe would add a type of its own.
ProbeResponse post_typed(const World& world, std::string_view target, const std::string& types,
                         const std::string& body) {
  HttpProbe client = world.connect();
  (void)client.send(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n{}",
                                target, types, body.size(), body));
  return client.read_response();
}

TEST(Bodies, AreJsonWhenTheyLookLikeItAndTheEngineIsToldSo) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a", "--strict-type --record " + record,
                                 "    filters: {setParamsByID: {warm: {top_k: 20}}}\n"
                                 "    aliases: [warm, other]\n")}));
  // What `curl -d` says first, then all that somebody may say, or not.
  for (const std::string type :
       {"Content-Type: application/x-www-form-urlencoded\r\n",
        "content-type: Application/X-WWW-Form-URLEncoded; charset=UTF-8\r\n",
        "Content-Type: text/plain\r\n", "Content-Type: multipart/form-data; boundary=b\r\n",
        "Content-Type: multipart/form-data\r\n", "Content-Type: \r\n", ""}) {
    EXPECT_EQ(post_typed(world, kChat, type, chat("a")).status, 200) << type;
    EXPECT_THAT(last_record(record), HasSubstr(R"(ype","application/json"])")) << type;
    EXPECT_THAT(last_record(record), Not(HasSubstr("form"))) << type;
    EXPECT_EQ(post_typed(world, "/v1/embeddings", type, R"({"model":"a","input":"x"})").status, 200)
        << type;
  }
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(post_typed(world, kChat, form, chat("warm")).status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"("top_k":20)"))) << "filters see it, too";
  EXPECT_THAT(post_typed(world, kChat, form, chat("a", true)).header("content-type"),
              HasSubstr("text/event-stream"));
}

TEST(Bodies, KeepATypeThatIsRight) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a", "--record " + record)}));
  const std::string json = "Content-Type: application/json; charset=utf-8\r\n";
  EXPECT_EQ(post_typed(world, kChat, json, chat("a")).status, 200);
  EXPECT_THAT(last_record(record), HasSubstr("application/json; charset=utf-8"));
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  (void)post_typed(world, "/v1/audio/speech", form, "model=a&input=x");
  EXPECT_THAT(last_record(record), HasSubstr("application/x-www-form-urlencoded"));
  const ProbeResponse none = post_typed(world, kChat, form, "messages=x");
  EXPECT_EQ(none.status, 400);
  EXPECT_THAT(none.body, HasSubstr(has(R"(read as a form, since it does not begin with "{")")));
  const ProbeResponse broken = post_typed(world, kChat, form, R"({"messages": x})");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("the body is not a JSON object"));
}

TEST(Forms, FindTheirModelAndAreRenamedInPlace) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(
      models({fake_model("whisper", "--record " + record, "    useModelName: large-v3\n")}));
  const std::string file = std::string("RIFF") + std::string(200'000, '\1');
  const std::string body =
      "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
      "Content-Type: audio/wav\r\n\r\n" +
      file +
      "\r\n--xYz\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--xYz--\r\n";
  const ProbeHeaders type{{"Content-Type", "multipart/form-data; boundary=xYz"}};
  EXPECT_NE(world.post("/v1/audio/transcriptions", body, type).status, 404);
  const std::string seen = last_record(record);
  EXPECT_THAT(seen, HasSubstr("Content-Type: audio/wav"));
  EXPECT_THAT(seen, HasSubstr(fmt::format("\"body_bytes\":{}", body.size() + 1)))
      << "large-v3 is one byte longer than whisper";
  EXPECT_EQ(world.post("/v1/audio/transcriptions", "--xYz--", type).status, 400);
}

TEST(DefaultModel, GetsWhatNamesNone) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(
      models({fake_model("a", "--record " + record, "    aliases: [x]\n")}, "defaultModel: x"));
  EXPECT_EQ(world.post(kChat, R"({"messages":[]})").status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"({"messages":[],"model":"x"})")));
  EXPECT_EQ(world.post(kChat, R"({"model":"","messages":[]})").status, 200);
  EXPECT_THAT(last_record(record), HasSubstr(has(R"({"model":"x","messages":[]})")));
  EXPECT_EQ(world.get("/props").status, 200);
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n";
  EXPECT_EQ(world
                .post("/v1/audio/transcriptions", form,
                      {{"Content-Type", "multipart/form-data; boundary=b"}})
                .status,
            200);
  EXPECT_EQ(world.post(kChat, R"({"model":"nobody","messages":[]})").status, 404);
  EXPECT_THAT(world.get("/api/metrics/activity").body, HasSubstr(R"("model":"a")"));
}

TEST(Profiles, AreSwitchedAndPinNames) {
  World world(models({fake_model("a"), fake_model("b")},
                     "profiles: {night: {description: d, pins: {a: b, big: a, off: \"\"}}}"));
  EXPECT_EQ(world.get("/api/profiles").body,
            R"({"active":null,"profiles":[{"id":"night","description":"d",)"
            R"("pins":{"a":"b","big":"a","off":""}}]})");
  const auto put = [&](std::string_view body) {
    return http(world.port(), "PUT", "/api/profiles/active", body);
  };
  EXPECT_EQ(put("{").status, 400);
  EXPECT_EQ(put(R"({"name":1})").status, 400);
  EXPECT_EQ(put(R"({"name":"day"})").status, 404);
  EXPECT_EQ(world.post(kChat, chat("big")).status, 404);
  EXPECT_EQ(put(R"({"name":"night"})").body, R"({"active":"night"})");
  EXPECT_THAT(world.post(kChat, chat("a")).header("x-fake-engine"), HasSubstr("b:"));
  EXPECT_THAT(world.post(kChat, chat("big")).header("x-fake-engine"), HasSubstr("a:"));
  const ProbeResponse off = world.post(kChat, chat("off"));
  EXPECT_EQ(off.status, 404);
  EXPECT_THAT(off.body, HasSubstr("switched off by the active profile, night"));
  EXPECT_THAT(world.get("/upstream/a/fake/mirror").header("x-fake-engine"), HasSubstr("b:"));
  EXPECT_THAT(world.get("/v1/models").body, HasSubstr(R"("id":"big")"));
  EXPECT_EQ(put(R"({"name":null})").body, R"({"active":null})");
  EXPECT_THAT(world.post(kChat, chat("a")).header("x-fake-engine"), HasSubstr("a:"));
}

TEST(Selectors, ChooseAndTellTheEngineWhatTheyChose) {
  const TempDir dir;
  const std::string record = dir / "record";
  World world(models({fake_model("a"), fake_model("b", "--record " + record)},
                     "selectors: {any: {strategy: warm, targets: [a, b], name: Any}}"));
  EXPECT_THAT(world.get("/v1/models").body,
              HasSubstr(R"("type":"selector","strategy":"warm","targets":["a","b"])"));
  EXPECT_EQ(world.post(kChat, chat("b")).status, 200);
  EXPECT_THAT(world.post(kChat, chat("any")).header("x-fake-engine"), HasSubstr("b:"));
  EXPECT_THAT(last_record(record), HasSubstr(has(R"({"model":"b",)")));
}

TEST(Selectors, SpillOverWhenOneIsBusy) {
  World world(
      models({fake_model("a", "--tps 10 --tokens 20"), fake_model("b")},
             "groups: {both: {swap: false, members: [a, b]}}\n"
             "selectors: {s: {strategy: spillover, targets: [a, b], settings: {spillover: 1}}}"));
  HttpProbe first = world.connect();
  ASSERT_TRUE(first.send_request("POST", kChat, chat("s", true)));
  ProbeResponse stream = first.read_head();
  EXPECT_THAT(stream.header("x-fake-engine"), HasSubstr("a:"));
  EXPECT_THAT(world.post(kChat, chat("s")).header("x-fake-engine"), HasSubstr("b:"));
}

TEST(AliasPatterns, StandForManyNames) {
  World world(models({fake_model("small", "", "    aliases: [\"claude-haiku-*\"]\n"),
                      fake_model("big", "", "    aliases: [\"claude-*\"]\n")}));
  EXPECT_THAT(world.post(kChat, chat("claude-haiku-5-5")).header("x-fake-engine"),
              HasSubstr("small:"));
  EXPECT_THAT(world.post(kChat, chat("claude-opus-5-5")).header("x-fake-engine"),
              HasSubstr("big:"));
  EXPECT_EQ(world.post(kChat, chat("gpt")).status, 404);
}

}  // namespace
}  // namespace rouse::test
