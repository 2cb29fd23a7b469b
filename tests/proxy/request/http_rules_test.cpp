// RFC 9110 and 9112, rule by rule, from a client through rouse to an engine and back. What is
// refused as ambiguous is in strict_test.cpp; the parsers' own rules are in tests/base/http.
#include "tests/support/exchange_world.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpRules : public ExchangeWorld {
 protected:
  void SetUp() override {
    ExchangeWorld::SetUp();
    start(
        "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    proxy: "
        "http://127.0.0.1:" +
        std::to_string(engine_.port()) + "\nwaiting: {hold: 1ms}\n");
    load("m");
    engine_.listen();
    connect_client();
  }
  /// @p request of the client, whose head ends it, as the engine gets it.
  std::string pass(const std::string& request) {
    say(request);
    if (is_new_) engine_.accept();
    is_new_ = false;
    return engine_.hear("\r\n\r\n");
  }
  std::string get(const std::string& path, const std::string& fields = {}) {
    return pass("GET /upstream/m" + path + " HTTP/1.1\r\nHost: box:8080\r\n" + fields + "\r\n");
  }
  /// The client's connection serves one request more.
  void expect_another() {
    say("GET /health HTTP/1.1\r\nHost: r\r\n\r\n");
    EXPECT_THAT(client_hears("\r\n\r\nOK"), HasSubstr("OK"));
  }

  OtherSide engine_{*this};
  bool is_new_ = true;
};

// --- persistence (9112 §9.3) ---------------------------------------------------------------------

struct Bodiless {
  const char* name;
  const char* method;
  const char* answer;
};

class Persistence : public HttpRules, public testing::WithParamInterface<Bodiless> {};

TEST_P(Persistence, TheConnectionServesTheNextRequest) {
  const std::string method = GetParam().method;
  pass(method + " /upstream/m/x HTTP/1.1\r\nHost: r\r\n\r\n");
  engine_.say(std::string("HTTP/1.1 ") + GetParam().answer);
  EXPECT_THAT(client_hears("\r\n\r\n"), Not(HasSubstr("Connection: close")));
  expect_another();
}

INSTANTIATE_TEST_SUITE_P(
    All, Persistence,
    testing::Values(
        Bodiless{"Head", "HEAD", "200 OK\r\nContent-Length: 15\r\n\r\n"},
        Bodiless{"HeadOfChunks", "HEAD", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Bodiless{"NoLength", "HEAD", "200 OK\r\n\r\n"},
        Bodiless{"LengthOfZero", "GET", "200 OK\r\nContent-Length: 0\r\n\r\n"},
        Bodiless{"NoChunks", "GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        Bodiless{"NoContent", "GET", "204 No Content\r\n\r\n"},
        Bodiless{"NotModified", "GET", "304 Not Modified\r\nContent-Length: 7\r\n\r\n"},
        Bodiless{"Options", "OPTIONS", "204 No Content\r\nAllow: GET\r\n\r\n"},
        Bodiless{"Deleted", "DELETE", "200 OK\r\nContent-Length: 2\r\n\r\nok"},
        Bodiless{"NotFound", "GET", "404 Not Found\r\nContent-Length: 0\r\n\r\n"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(HttpRules, AConnectionThatItsClientEndsIsEnded) {
  get("/x", "Connection: close\r\n");
  engine_.say(kOk);
  EXPECT_THAT(client_hears_end(), AllOf(HasSubstr("Connection: close"), EndsWith("ok")));
}

TEST_F(HttpRules, AnEngineThatEndsItsConnectionEndsNotTheClients) {
  get("/x");
  engine_.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_THAT(client_hears("\r\n\r\nok"), Not(HasSubstr("Connection: close")));
  expect_another();
}

TEST_F(HttpRules, AnHttp10ClientKeepsItsConnectionWhereItAsksForThat) {
  pass("GET /upstream/m/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  engine_.say(kOk);
  EXPECT_THAT(client_hears("\r\n\r\nok"), HasSubstr("Connection: keep-alive"));
  expect_another();
}

TEST_F(HttpRules, RequestsInOneGoAreAnsweredInTheirOrder) {
  say("GET /upstream/m/1 HTTP/1.1\r\nHost: r\r\n\r\nPOST /upstream/m/2 HTTP/1.1\r\nHost: r\r\n"
      "Content-Length: 3\r\n\r\nabcGET /upstream/m/3 HTTP/1.1\r\nHost: r\r\n\r\n");
  for (const std::string n : {"1", "2", "3"}) {
    if (n == "1") engine_.accept();
    const std::string got = engine_.hear(n == "2" ? "abc" : "\r\n\r\n");
    EXPECT_THAT(got, HasSubstr(" /" + n + " "));
    EXPECT_FALSE(engine_.has_caller()) << "nothing is sent before its turn";
    engine_.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + n);
    client_hears("\r\n\r\n" + n);
  }
}

// --- bodies (9112 §7) ----------------------------------------------------------------------------

TEST_F(HttpRules, ExtensionsOfChunksAreForOneConnectionOnly) {
  say("POST /upstream/m/x HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;a=b;c=\"d e\"\r\nabc\r\n0;last\r\n\r\n");
  engine_.accept();
  const std::string got = engine_.hear("\r\n0\r\n\r\n");
  EXPECT_THAT(got, AllOf(HasSubstr("3\r\nabc\r\n"), Not(HasSubstr("a=b"))));
  engine_.say(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0;z\r\nTrailer-X: 1\r\n"
      "\r\n");
  const std::string told = client_hears("\r\n0\r\n\r\n");
  EXPECT_THAT(told, AllOf(HasSubstr("2\r\nok\r\n"), Not(HasSubstr("x=y"))));
  EXPECT_THAT(told, Not(HasSubstr("Trailer-X")));
  expect_another();
}

TEST_F(HttpRules, TheLengthOfWhatHeadAsksForIsKept) {
  pass("HEAD /upstream/m/x HTTP/1.1\r\nHost: r\r\n\r\n");
  engine_.say("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n");
  EXPECT_THAT(client_hears("\r\n\r\n"), HasSubstr("Content-Length: 12345\r\n"));
}

TEST_F(HttpRules, AnAnswerThatComesBeforeTheUploadHasEndedReachesTheClient) {
  say("POST /upstream/m/x HTTP/1.1\r\nHost: r\r\nContent-Length: 9000000\r\n\r\nbegin");
  engine_.accept();
  engine_.hear("begin");
  engine_.say("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
  // Only when the rest has come or the engine has closed is the answer read.
  engine_.hang_up();
  say(std::string(500'000, 'x'));
  EXPECT_THAT(client_hears("\r\n\r\nbig"), HasSubstr("HTTP/1.1 413 "));
}

// --- what a gateway adds and takes (9110 §7) -----------------------------------------------------

TEST_F(HttpRules, ViaNamesEachOnTheWay) {
  EXPECT_THAT(get("/x", "Via: 1.0 fred, HTTP/1.1 nowhere\r\n"),
              HasSubstr("Via: 1.0 fred, HTTP/1.1 nowhere, 1.1 rouse\r\n"));
}

TEST_F(HttpRules, AnEngineSeesTheHostThatWasAskedFor) {
  const std::string got = get("/x", "Origin: http://box:8080\r\n");
  EXPECT_THAT(got, HasSubstr("Host: box:8080\r\n"));
  EXPECT_THAT(got, HasSubstr("Origin: http://box:8080\r\n"));
  EXPECT_THAT(got, HasSubstr("x-forwarded-host: box:8080\r\n"));
  EXPECT_THAT(got, HasSubstr("x-forwarded-proto: http\r\n"));
  EXPECT_THAT(got, HasSubstr("x-forwarded-for: 127.0.0.1\r\n"));
}

TEST_F(HttpRules, WhatSomebodyInFrontHasSaidOfTheHostIsKept) {
  const std::string got =
      get("/x", "X-Forwarded-Host: llm.example\r\nX-Forwarded-Proto: https\r\n");
  EXPECT_THAT(got, AllOf(HasSubstr("X-Forwarded-Host: llm.example\r\n"),
                         HasSubstr("X-Forwarded-Proto: https\r\n")));
  EXPECT_THAT(got, Not(HasSubstr("x-forwarded-host: box")));
}

TEST_F(HttpRules, AnInferenceRequestHasTheEnginesOwnHost) {
  ask("/v1/chat/completions", R"({"model":"m","messages":[]})");
  engine_.accept();
  const std::string got = engine_.hear_request();
  EXPECT_THAT(got, HasSubstr("127.0.0.1:" + std::to_string(engine_.port()) + "\r\n"));
  EXPECT_THAT(got, HasSubstr("x-forwarded-host: rouse\r\n"));
}

/// ComfyUI and Ollama compare Origin with Host.
TEST_F(HttpRules, APageOfOursIsNoneToAnEngineThatIsAskedByAnotherHost) {
  ask("/v1/chat/completions", R"({"model":"m","messages":[]})",
      "Origin: http://rouse\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n");
  engine_.accept();
  const std::string got = engine_.hear_request();
  EXPECT_THAT(got, AllOf(Not(HasSubstr("Origin:")), Not(HasSubstr("Sec-Fetch-Site:"))));
  EXPECT_THAT(got, HasSubstr("Sec-Fetch-Mode: cors\r\n"));
}

TEST_F(HttpRules, AForeignPageIsForTheEngineToJudge) {
  ask("/v1/chat/completions", R"({"model":"m","messages":[]})",
      "Origin: http://x\r\nSec-Fetch-Site: cross-site\r\n");
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), AllOf(HasSubstr("Origin: http://x\r\n"),
                                            HasSubstr("Sec-Fetch-Site: cross-site\r\n")));
}

TEST_F(HttpRules, AnEmptyQueryIsAPartOfTheTarget) {
  EXPECT_THAT(get("/x?"), StartsWith("GET /x? HTTP/1.1\r\n"));
  engine_.say(kOk);
  client_hears("\r\n\r\nok");
  say("GET /upstream/m/y HTTP/1.1\r\nHost: r\r\n\r\n");
  engine_.hear("GET /y HTTP/1.1\r\n");
}

TEST_F(HttpRules, OptionsOfAnEnginesPathAreTheEngines) {
  const std::string got = pass("OPTIONS /upstream/m/x HTTP/1.1\r\nHost: r\r\n\r\n");
  EXPECT_THAT(got, StartsWith("OPTIONS /x HTTP/1.1\r\n"));
  engine_.say("HTTP/1.1 200 OK\r\nAllow: GET, PUT\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client_hears("\r\n\r\n"), HasSubstr("Allow: GET, PUT\r\n"));
}

TEST_F(HttpRules, APreflightIsOurs) {
  say("OPTIONS /upstream/m/x HTTP/1.1\r\nHost: r\r\nOrigin: http://o\r\n"
      "Access-Control-Request-Method: PUT\r\n\r\n");
  EXPECT_THAT(client_hears("\r\n\r\n"), HasSubstr("access-control-allow-methods"));
  EXPECT_FALSE(engine_.has_caller());
}

// --- announcements (9110 §15.2) ------------------------------------------------------------------

TEST_F(HttpRules, HintsAreForwardedToWhoCanReadThem) {
  get("/x");
  engine_.say(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n"
      "Connection: x-hop\r\nX-Hop: 1\r\n\r\n");
  const std::string hint = client_hears("\r\n\r\n");
  EXPECT_THAT(hint, StartsWith("HTTP/1.1 103 Early Hints\r\n"));
  EXPECT_THAT(hint, AllOf(HasSubstr("Link: </s.css>\r\n"), Not(HasSubstr("X-Hop"))));
  engine_.say(kOk);
  EXPECT_THAT(client_hears("\r\n\r\nok"), HasSubstr("HTTP/1.1 200 OK"));
  expect_another();
}

TEST_F(HttpRules, AnHttp10ClientGetsNoHints) {
  pass("GET /upstream/m/x HTTP/1.0\r\n\r\n");
  engine_.say("HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n" + std::string(kOk));
  EXPECT_THAT(client_hears_end(), AllOf(StartsWith("HTTP/1.1 200 "), Not(HasSubstr("103"))));
}

// --- upgrades (9110 §7.8) ------------------------------------------------------------------------

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

TEST_F(HttpRules, AnUpgradeThatNobodyAskedForIsAFault) {
  get("/x");
  engine_.say(kSwitch);
  EXPECT_THAT(client_hears("nobody asked for"), StartsWith("HTTP/1.1 502 "));
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(HttpRules, AnUpgradeToSomethingElseIsAFault) {
  get("/x", "Connection: Upgrade\r\nUpgrade: other\r\n");
  engine_.say(kSwitch);
  EXPECT_THAT(client_hears("nobody asked for"), StartsWith("HTTP/1.1 502 "));
}

TEST_F(HttpRules, AnUpgradeThatAHintAnnouncesIsAFaultAsWell) {
  get("/x");
  engine_.say("HTTP/1.1 103 Early Hints\r\nUpgrade: websocket\r\n\r\n" + std::string(kSwitch));
  EXPECT_THAT(client_hears("nobody asked for"), HasSubstr("\r\n\r\nHTTP/1.1 502 "));
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(HttpRules, AnUpgradeOfAnHttp10RequestIsAFault) {
  pass("GET /upstream/m/x HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  engine_.say(kSwitch);
  EXPECT_THAT(client_hears("nobody asked for"), HasSubstr(" 502 "));
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(HttpRules, AnUpgradeBehindOurEarlyHeadIsAnErrorInTheStream) {
  ask("/v1/chat/completions", R"({"model":"m","stream":true})");
  engine_.accept();
  engine_.hear_request();
  EXPECT_THAT(client_hears(": keep-alive\n\n"), HasSubstr("text/event-stream"));
  engine_.say(std::string(kSwitch) + "raw");
  EXPECT_THAT(client_hears_end(), AllOf(Not(HasSubstr("101")), Not(HasSubstr("raw"))));
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(HttpRules, WhoAskedForAnUpgradeAndGotNoneSendsNothingRawToTheEngine) {
  get("/x", "Connection: Upgrade\r\nUpgrade: other\r\n");
  engine_.say(kSwitch);
  client_hears("nobody asked for");
  EXPECT_TRUE(engine_.is_left());
  is_new_ = true;
  EXPECT_THAT(get("/y"), StartsWith("GET /y HTTP/1.1\r\n")) << "a connection of its own, too";
}

TEST_F(HttpRules, OneOfSeveralProtocolsMayBeChosen) {
  get("/x", "Connection: Upgrade\r\nUpgrade: other, websocket\r\n");
  engine_.say(std::string(kSwitch) + "raw");
  EXPECT_THAT(client_hears("\r\n\r\nraw"), StartsWith("HTTP/1.1 101 "));
}

TEST_F(HttpRules, InHttp10AnUpgradeMeansNothing) {
  const std::string got =
      pass("GET /upstream/m/x HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_THAT(got, Not(HasSubstr("websocket")));
}

TEST_F(HttpRules, Http2IsNotOfferedToAnEngine) {
  const std::string got =
      get("/x", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n");
  EXPECT_THAT(got, AllOf(Not(HasSubstr("h2c")), Not(HasSubstr("HTTP2-Settings"))));
  engine_.say(kOk);
  EXPECT_THAT(client_hears("\r\n\r\nok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpRules, AnEngineThatRefusesAnUpgradeAnswersAsUsual) {
  get("/x", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  engine_.say(kOk);
  EXPECT_THAT(client_hears("\r\n\r\nok"), StartsWith("HTTP/1.1 200 "));
  expect_another();
}

}  // namespace
}  // namespace rouse
