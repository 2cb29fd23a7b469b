// A request's way to an engine, with both sides in the test's hands.
#include "base/text/sha256.hpp"
#include "tests/support/exchange_world.hpp"
#include "tests/support/skip.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>

namespace rouse {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kBody = R"({"model":"m","messages":[]})";
constexpr std::string_view kStream = R"({"model":"m","stream":true})";
constexpr std::string_view kEventHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

class Exchanges : public ExchangeWorld {
 protected:
  /// One model m, loaded, whose engine is engine_. @p model: further lines of it; @p rest: of the
  /// file.
  void start_with(const std::string& model = "", const std::string& rest = "") {
    start(
        "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    proxy: "
        "http://127.0.0.1:" +
        std::to_string(engine_.port()) + "\n" + model + rest);
    load("m");
    engine_.listen();
    connect_client();
  }
  /// Up to the whole request at the engine.
  std::string ask_engine(std::string_view body = kBody, std::string_view fields = {}) {
    ask(kChat, body, fields);
    engine_.accept();
    return engine_.hear_request();
  }

  OtherSide engine_{*this};
};

TEST_F(Exchanges, ARequestAndItsAnswerPassWithoutWhatIsForOneConnectionOnly) {
  start_with();
  const std::string got =
      ask_engine(kBody, "Connection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-Kept: 2\r\n");
  EXPECT_THAT(got, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(got, AllOf(EndsWith(std::string(kBody)), HasSubstr("X-Kept: 2\r\n")));
  EXPECT_THAT(got, AllOf(Not(HasSubstr("X-Hop")), Not(HasSubstr("TE: "))));
  engine_.answer(200, R"({"ok":1})",
                 "Connection: x-own\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nX-Said: 3\r\n");
  const std::string told = client_hears(R"({"ok":1})");
  EXPECT_THAT(told, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(told, AllOf(Not(HasSubstr("X-Own")), Not(HasSubstr("timeout=5"))));
  EXPECT_THAT(told, AllOf(HasSubstr("X-Said: 3\r\n"), HasSubstr("x-rouse-cold-start: ")));
  const Activity row = last_row();
  EXPECT_EQ(row.outcome, "ok");
  EXPECT_EQ(row.model, "m");
  EXPECT_EQ(row.status, 200);
}

TEST_F(Exchanges, AStaleConnectionIsTriedAgainOnAFreshOne) {
  start_with();
  ask_engine();
  engine_.answer(200, "{}");
  client_hears("{}");
  if (!engine_.vanish()) ROUSE_SKIP("net_admin", "no connection can end without a word");
  ask(kChat, R"({"model":"m","n":2})");
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), EndsWith(R"({"model":"m","n":2})"));
  engine_.answer(200, R"({"second":1})");
  client_hears(R"({"second":1})");
}

TEST_F(Exchanges, WhatWasReadOnAPooledConnectionIsNotSentAgain) {
  start_with();
  ask_engine();
  engine_.answer(200, "{}");
  client_hears("{}");
  ask(kChat, R"({"model":"m","n":2})");
  EXPECT_THAT(engine_.hear_request(), HasSubstr(R"("n":2)")) << "not on the pooled connection";
  engine_.hang_up();
  EXPECT_THAT(client_hears("gave no proper answer"), HasSubstr("HTTP/1.1 502 "));
  EXPECT_FALSE(engine_.has_caller());
}

TEST_F(Exchanges, WhatHasArrivedOnAPooledConnectionIsNotSentAgain) {
  start_with();
  ask_engine();
  engine_.answer(200, "{}");
  client_hears("{}");
  engine_.confirm_at_once();
  ask(kChat, R"({"model":"m","n":2})");
  engine_.has_mail();
  engine_.reset();
  EXPECT_THAT(client_hears("gave no proper answer"), HasSubstr("HTTP/1.1 502 "))
      << "an engine that lives may have read it";
  EXPECT_FALSE(engine_.has_caller());
}

TEST_F(Exchanges, WhatOnlyReadsIsSentAgainWhenAPooledConnectionEnds) {
  start_with();
  ask_engine();
  engine_.answer(200, "{}");
  client_hears("{}");
  say("GET /upstream/m/page HTTP/1.1\r\nHost: r\r\n\r\n");
  engine_.hear("GET /page");
  engine_.hang_up();
  engine_.accept();
  engine_.hear("GET /page");
  engine_.answer(200, R"({"page":1})");
  client_hears(R"({"page":1})");
}

TEST_F(Exchanges, TheDeathOfAnEngineIsToldInTheWordsOfItsProcess) {
  start_with();
  ask_engine();
  ::kill(dispatcher().engine_pid("m"), SIGKILL);
  engine_.hang_up();
  EXPECT_THAT(client_hears("signal 9"), AllOf(StartsWith("HTTP/1.1 502 "),
                                              HasSubstr("the engine of m was killed by signal 9")));
  EXPECT_THAT(last_row().error, StartsWith("the engine of m was killed by signal 9"));
}

TEST_F(Exchanges, WhatADyingEngineHasNotReadIsForTheNextOne) {
  start_with();
  ask(kChat, kBody);
  engine_.accept();
  engine_.has_mail();
  ::kill(dispatcher().engine_pid("m"), SIGKILL);
  engine_.stop_listening();
  engine_.reset();
  ASSERT_TRUE(
      run_until([this] { return dispatcher().engine_state("m") == core::EngineState::Stopped; }));
  ASSERT_TRUE(
      run_until([this] { return dispatcher().engine_state("m") == core::EngineState::Ready; }));
  engine_.listen();
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), EndsWith(std::string(kBody)));
  engine_.answer(200, R"({"next":1})");
  client_hears(R"({"next":1})");
}

TEST_F(Exchanges, WhatIsNoLongerHereIsNotForTheNextOne) {
  start_with("", "limits: {bodyMax: 34, heldMax: 34}\n");
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: "
      "34\r\n\r\n{\"model\":\"m\",    ");
  engine_.accept();
  say(R"("stream":false})"
      "  ");
  engine_.hear("false}");
  ::kill(dispatcher().engine_pid("m"), SIGKILL);
  engine_.stop_listening();
  engine_.reset();
  EXPECT_THAT(client_hears("signal 9"), StartsWith("HTTP/1.1 502 "))
      << "half of its body has gone to the first";
}

TEST_F(Exchanges, AStreamThatItsEngineDiesInIsCutAndItsRowSaysWhy) {
  start_with();
  ask_engine(kStream);
  engine_.say(std::string(kEventHead) + "9\r\ndata: 1\n\n\r\n");
  client_hears("data: 1\n\n");
  ::kill(dispatcher().engine_pid("m"), SIGKILL);
  engine_.hang_up();
  EXPECT_THAT(client_hears_end(), Not(HasSubstr("\r\n0\r\n")));
  EXPECT_THAT(last_row().error, StartsWith("cut: the engine was killed by signal 9"));
}

/// Its last byte and its engine's end look the same: the connection is closed.
TEST_F(Exchanges, ABodyThatEndsWithItsConnectionIsWholeUnlessItsEngineDied) {
  constexpr std::string_view kEndless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  start_with();
  ask_engine(kStream);
  engine_.say(std::string(kEndless) + "whole");
  engine_.hang_up();
  EXPECT_THAT(client_hears("\r\n0\r\n\r\n"), HasSubstr("whole"));
  EXPECT_EQ(last_row().error, "");
  ask_engine(kStream);
  engine_.say(std::string(kEndless) + "a part");
  client_hears("a part");
  ::kill(dispatcher().engine_pid("m"), SIGKILL);
  engine_.hang_up();
  EXPECT_THAT(client_hears_end(), EndsWith("a part\r\n")) << "and no last chunk";
  EXPECT_THAT(last_row().error, StartsWith("cut: the engine was killed by signal 9"));
}

TEST_F(Exchanges, AClientThatDoesNotReadGivesWayToSomebodyWhoWaitedLongEnough) {
  start_with("    concurrencyLimit: 1\n", "schedule: {maxWait: 1s}\n");
  ask_engine(kStream);
  engine_.say(std::string(kEventHead));
  client_hears("\r\n\r\n");
  const std::string piece = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  ASSERT_TRUE(run_until([&] { return !engine_.say_at_once(piece); })) << "nothing stalls";
  const std::unique_ptr<AdmissionTicket> other =
      dispatcher().enter(*config().find_exact("m"), 0, "other");
  const auto has_place = [&] { return other->state() == AdmissionTicket::State::Admitted; };
  EXPECT_TRUE(run_until(has_place) || run_until(has_place)) << "it holds its place";
  EXPECT_THAT(last_row().error, HasSubstr("did not read"));
}

TEST_F(Exchanges, WhatIsToldOfALoadEndsBeforeTheModelSpeaks) {
  start_with("    sendLoadingState: true\n    concurrencyLimit: 1\n", "waiting: {hold: 50ms}\n");
  std::unique_ptr<AdmissionTicket> other =
      dispatcher().enter(*config().find_exact("m"), 0, "other");
  ASSERT_EQ(other->state(), AdmissionTicket::State::Admitted);
  ask(kChat, kStream);
  client_hears("rouse loading model: m");
  other.reset();
  engine_.accept();
  engine_.hear_request();
  engine_.say(std::string(kEventHead) + "9\r\ndata: 1\n\n\r\n");
  const std::string told = client_hears("data: 1\n\n");
  EXPECT_LT(told.find("Done! ("), told.find("data: 1\n\n")) << told;
}

TEST_F(Exchanges, WhatBreaksOnAFreshConnectionIsNotSentAgain) {
  start_with();
  ask_engine();
  engine_.hang_up();
  EXPECT_THAT(client_hears("\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
  EXPECT_FALSE(engine_.has_caller());
  EXPECT_EQ(last_row().outcome, "upstream_error");
}

TEST_F(Exchanges, WhatOnlyReadsIsNotSentAgainEitherWhenAFreshConnectionBreaks) {
  start_with();
  say("GET /upstream/m/page HTTP/1.1\r\nHost: r\r\n\r\n");
  engine_.accept();
  engine_.hear("GET /page");
  engine_.hang_up();
  EXPECT_THAT(client_hears("\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
  EXPECT_FALSE(engine_.has_caller());
}

TEST_F(Exchanges, AFreshConnectionThatBreaksAfterAStaleOneIsNotTriedAThirdTime) {
  start_with();
  ask_engine();
  engine_.answer(200, "{}");
  client_hears("{}");
  if (!engine_.vanish()) ROUSE_SKIP("net_admin", "no connection can end without a word");
  ask(kChat, kBody);
  engine_.accept();
  engine_.hear_request();
  engine_.reset();
  EXPECT_THAT(client_hears("gave no proper answer"), HasSubstr("HTTP/1.1 502 "));
  EXPECT_FALSE(engine_.has_caller());
}

TEST_F(Exchanges, AnEngineThatTakesNoConnectionIsTriedFourTimesAndNamed) {
  start_with();
  engine_.stop_listening();
  ask(kChat, kBody);
  EXPECT_THAT(client_hears("no connection to the engine of m"), StartsWith("HTTP/1.1 502 "));
  const std::string metrics = recorder().metrics.text({});
  EXPECT_NE(metrics.find(R"(rouse_retries_total{reason="connect",target="m"} 3)"),
            std::string::npos);
}

TEST_F(Exchanges, AnEngineThatBreaksOffInMidAnswerIsACut) {
  start_with();
  ask_engine(kStream);
  engine_.say(std::string(kEventHead) + "9\r\ndata: 1\n\n\r\n");
  client_hears("data: 1\n\n");
  engine_.reset();
  EXPECT_THAT(client_hears_end(), Not(HasSubstr("\r\n0\r\n"))) << "a part was taken for the whole";
  const Activity row = last_row();
  EXPECT_EQ(row.outcome, "upstream_error");
  EXPECT_THAT(row.error, StartsWith("the engine of m broke off: "));
}

TEST_F(Exchanges, AClientThatLeavesBeforeTheHeadFreesTheEngine) {
  start_with();
  ask_engine();
  client_leaves();
  EXPECT_TRUE(engine_.is_left());
  const Activity row = last_row();
  EXPECT_EQ(row.outcome, "cancelled");
  EXPECT_EQ(row.error, "client left");
  EXPECT_EQ(dispatcher().view().models.at(0).running, 0);
}

TEST_F(Exchanges, AClientThatLeavesInMidStreamFreesTheEngine) {
  start_with();
  ask_engine(kStream);
  engine_.say(std::string(kEventHead) + "9\r\ndata: 1\n\n\r\n");
  client_hears("data: 1\n\n");
  client_leaves();
  EXPECT_TRUE(engine_.is_left());
  EXPECT_EQ(last_row().outcome, "cancelled");
}

TEST_F(Exchanges, AClientThatClosesBehindTheLastEventHadItAll) {
  start_with();
  ask_engine(kStream);
  engine_.say(std::string(kEventHead) + "e\r\ndata: [DONE]\n\n\r\n");
  client_hears("data: [DONE]\n\n");
  client_leaves();
  EXPECT_TRUE(engine_.is_left());
  EXPECT_EQ(last_row().outcome, "ok");
}

TEST_F(Exchanges, AnOperatorsCancelIsACutForTheClientAndTheEngine) {
  start_with();
  ask_engine();
  ASSERT_EQ(recorder().in_flight.entries().size(), 1U);
  EXPECT_TRUE(recorder().in_flight.cancel(recorder().in_flight.entries().begin()->first));
  EXPECT_TRUE(engine_.is_left());
  const Activity row = last_row();
  EXPECT_EQ(row.outcome, "cancelled");
  EXPECT_EQ(row.error, "cancelled by an operator");
}

TEST_F(Exchanges, AnUnloadOfItsModelCutsARequestWhoseHeadIsStillToCome) {
  start_with("    unloadTimeout: 1\n");
  ask_engine();
  dispatcher().shut_down_now();
  const std::string told = client_hears("\r\n\r\n");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("retry-after: 5")));
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(Exchanges, ABodyIsSentWhileItIsReadWhereThereIsNoRoomToHoldIt) {
  start_with("", "limits: {bodyMax: 16, heldMax: 16}\n");
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n"
      "c\r\n{\"model\":\"m\"\r\n");
  engine_.accept();
  EXPECT_THAT(engine_.hear("{\"model\":\"m\""), HasSubstr("Transfer-Encoding: chunked\r\n"));
  say("1\r\n}\r\n0\r\n\r\n");
  engine_.hear("0\r\n\r\n");
  engine_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(Exchanges, AnEngineMayRefuseBeforeItHasReadTheBody) {
  start_with("", "limits: {bodyMax: 1000, heldMax: 1000}\n");
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: 1000\r\n\r\n"
      "{\"model\":\"m\",\"x\":\"" +
      std::string(500, 'y'));
  engine_.accept();
  engine_.hear(std::string(500, 'y'));
  engine_.answer(413, R"({"error":"too long"})", "Connection: close\r\n");
  engine_.hang_up();
  say(std::string(480, 'y') + "\"}");
  const std::string told = client_hears(R"({"error":"too long"})");
  EXPECT_THAT(told, StartsWith("HTTP/1.1 413 "));
}

TEST_F(Exchanges, HalfABodyIsNeverAWholeOneForTheEngine) {
  start_with();
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: 9000000\r\n\r\n"
      "{\"model\":\"m\",");
  engine_.accept();
  engine_.hear("\"m\",");
  client_leaves();
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(Exchanges, ExpectContinueIsAnsweredBeforeTheBody) {
  start_with();
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\n"
      "Content-Length: 13\r\n\r\n");
  client_hears("HTTP/1.1 100 Continue\r\n\r\n");
  say(R"({"model":"m"})");
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), Not(HasSubstr("xpect")));
  engine_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(Exchanges, AnHttp10ClientWaitsWithoutAnEarlyHeadAndGetsTheBodyToTheEndOfTheConnection) {
  start_with("", "waiting: {hold: 1ms, keepAlive: 10ms}\n");
  say("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: " + std::to_string(kStream.size()) +
      "\r\n\r\n" + std::string(kStream));
  engine_.accept();
  engine_.hear_request();
  run_until([at = std::chrono::steady_clock::now() + std::chrono::milliseconds(30)] {
    return std::chrono::steady_clock::now() > at;
  });
  EXPECT_EQ(heard(), "") << "an early head, which HTTP/1.0 cannot end";
  engine_.say(std::string(kEventHead) + "9\r\ndata: 1\n\n\r\n0\r\n\r\n");
  const std::string told = client_hears_end();
  EXPECT_THAT(told, AllOf(HasSubstr(" 200 "), HasSubstr("\r\n\r\ndata: 1\n\n")));
  EXPECT_THAT(told, AllOf(Not(HasSubstr("chunked")), Not(HasSubstr("\n9\r\n"))));
}

TEST_F(Exchanges, ARefusalAfterTheEarlyHeadTravelsInTheStream) {
  start_with("", "waiting: {hold: 1ms, keepAlive: 5s}\n");
  ask_engine(kStream);
  client_hears("\r\n\r\n");
  engine_.answer(400, R"({"error":{"message":"the prompt is too long"}})");
  const std::string told = client_hears("the prompt is too long");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\ndata: {")));
  client_hears("0\r\n\r\n");
  EXPECT_THAT(last_row().error, HasSubstr("the prompt is too long"));
}

TEST_F(Exchanges, ARefusalWithinTheHoldKeepsItsStatus) {
  start_with();
  ask_engine(kStream);
  run_until([at = std::chrono::steady_clock::now() + std::chrono::milliseconds(30)] {
    return std::chrono::steady_clock::now() > at;
  });
  engine_.answer(400, R"({"error":{"message":"the prompt is too long"}})");
  EXPECT_THAT(client_hears("the prompt is too long"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(Exchanges, AFailureThatWillNotPassIsAnEventAfterTheEarlyHead) {
  start_with("    concurrencyLimit: 1\n", "waiting: {hold: 1ms, keepAlive: 5s}\n");
  ask_engine(R"({"model":"m","first":1})");
  const int first = ::dup(peer_.get());  // whose client stays
  connect_client();
  ask(kChat, kStream);
  client_hears("\r\n\r\n");
  dispatcher().adopt(parse_config("models: {}\n", "c.yaml").config);  // its model is taken away
  const std::string told = client_hears("0\r\n\r\n");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("\ndata: {\"error\":{")));
  engine_.answer(200, "{}");
  ::close(first);
}

TEST_F(Exchanges, AMalformedBodyIsRefusedBeforeItWaits) {
  start_with("    concurrencyLimit: 1\n    filters: {stripParams: top_k}\n",
             "waiting: {hold: 1ms, keepAlive: 5s}\n");
  ask_engine(R"({"model":"m","first":1})");
  const int first = ::dup(peer_.get());  // whose client stays
  connect_client();
  ask(kChat, R"({"model":"m","stream":true,no JSON at al)");
  EXPECT_THAT(client_hears("not a JSON object"), StartsWith("HTTP/1.1 400 "));
  ::close(first);
}

TEST_F(Exchanges, WhatIsRefusedWithoutBeingReadEndsItsConnection) {
  start_with();
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: 1000\r\n\r\n"
      R"({"model":"q",)");
  EXPECT_THAT(client_hears("there are: m"), HasSubstr("Connection: close\r\n"));
}

TEST_F(Exchanges, ATitleWaitsBehindAllOthersForAModelThatIsNotLoaded) {
  start(
      "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    proxy: "
      "http://127.0.0.1:" +
      std::to_string(engine_.port()) + "\naux: {patience: 1ms}\n");
  connect_client();
  ask(kChat, R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]})");
  ASSERT_TRUE(
      run_until([this] { return dispatcher().engine_state("m") == core::EngineState::Ready; }));
  engine_.listen();
  engine_.accept();
  engine_.hear_request();
  engine_.answer(200, R"({"ok":1})");
  EXPECT_THAT(client_hears(R"({"ok":1})"), HasSubstr("x-rouse-aux: low priority\r\n"));
  const Activity row = last_row();
  EXPECT_EQ(row.metadata.at("aux"), "low priority");
  EXPECT_EQ(row.metadata.at("fifo_priority"), "-1000000");
}

TEST_F(Exchanges, ATitleIsAnsweredByALoadedModelThatMay) {
  start(
      "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    proxy: "
      "http://127.0.0.1:" +
      std::to_string(engine_.port()) +
      "\n  big: {cmd: /bin/sleep 600, checkEndpoint: none, proxy: \"http://127.0.0.1:9\"}\n"
      "aux: {answerBy: [m]}\n");
  load("m");
  engine_.listen();
  connect_client();
  ask(kChat, R"({"model":"big","max_tokens":5,"messages":[{"role":"user","content":"hi"}]})");
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), HasSubstr(R"({"model":"m",)"));
  engine_.answer(200, R"({"ok":1})");
  EXPECT_THAT(client_hears(R"({"ok":1})"), HasSubstr("x-rouse-aux: answered by m\r\n"));
  EXPECT_EQ(dispatcher().engine_state("big"), core::EngineState::Stopped);
}

TEST_F(Exchanges, NothingIsLoadedForWhatIsSmallOrOnlyLooks) {
  start(
      "aux: {ifNotLoaded: refuse}\nmodels:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: "
      "none\n"
      "    proxy: http://127.0.0.1:" +
      std::to_string(engine_.port()) + "\n");
  connect_client();
  ask(kChat, R"({"model":"m","max_tokens":1})");
  EXPECT_THAT(client_hears("aux.ifNotLoaded"), StartsWith("HTTP/1.1 409 "));
  connect_client();
  ask("/v1/embeddings", R"({"model":"m","input":["test"]})");
  EXPECT_THAT(client_hears("aux.ifNotLoaded"), StartsWith("HTTP/1.1 409 "));
  say("GET /upstream/m/props HTTP/1.1\r\nHost: r\r\n\r\n");
  EXPECT_THAT(client_hears("m is not loaded; this request does not start it"),
              HasSubstr("HTTP/1.1 409 "));
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Stopped);
  ask("/v1/embeddings", R"({"model":"m","input":"two words"})");
  EXPECT_TRUE(
      run_until([this] { return dispatcher().engine_state("m") != core::EngineState::Stopped; }));
}

TEST_F(Exchanges, AKeyIsForItsModelsAndItsTokens) {
  start_with("  x: {cmd: /bin/sleep 600, checkEndpoint: none, proxy: \"http://127.0.0.1:9\"}\n",
             "keys:\n  agent: {sha256: " + hex_of(sha256("agent")) +
                 ", models: [m], tokensPerMinute: 10}\n  other: {sha256: " +
                 hex_of(sha256("other")) + ", models: [x]}\n");
  ask(kChat, kBody, "Authorization: Bearer other\r\n");
  EXPECT_THAT(client_hears("may not use the model"), StartsWith("HTTP/1.1 403 "));
  ask_engine(kBody, "Authorization: Bearer agent\r\n");
  engine_.answer(200, R"({"usage":{"prompt_tokens":8,"completion_tokens":2}})");
  client_hears("\"completion_tokens\":2}}");
  EXPECT_EQ(last_row().client, "agent");
  ask(kChat, kBody, "Authorization: Bearer agent\r\n");
  EXPECT_THAT(client_hears("HTTP/1.1 429 "), HasSubstr("retry-after: "));
}

TEST_F(Exchanges, APassingFailureAfterTheEarlyHeadIsACut) {
  start_with("", "waiting: {hold: 1ms, keepAlive: 5s}\n");
  ask_engine(kStream);
  client_hears("\r\n\r\n");
  engine_.hang_up();
  EXPECT_THAT(client_hears_end(), AllOf(Not(HasSubstr("error")), Not(HasSubstr("0\r\n\r\n"))));
}

TEST_F(Exchanges, APassingFailureAfterTheEarlyHeadIsAnEventForAClientThatShowsIt) {
  start_with("", "waiting: {hold: 1ms, keepAlive: 5s}\n");
  ask_engine(kStream, "User-Agent: OpenAI/JS 7.55.0\r\n");
  client_hears("\r\n\r\n");
  engine_.hang_up();
  const std::string told = client_hears("0\r\n\r\n");
  EXPECT_THAT(told, HasSubstr("data: {\"error\":{"));
  EXPECT_THAT(told, HasSubstr("(502 Bad Gateway)\"")) << "by which pi knows to ask again";
  EXPECT_EQ(last_row().status, 200);
}

TEST_F(Exchanges, AnEngineThatDoesNotAnswerInTimeIsA504) {
  start_with("    timeouts: {responseHeader: 1}\n");
  ask_engine();
  EXPECT_THAT(client_hears("\r\n\r\n"), StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(last_row().outcome, "timeout");
  EXPECT_TRUE(engine_.is_left());
}

TEST_F(Exchanges, TheEngineGetsTheNameAndTheBodyThatTheConfigurationWants) {
  start_with(
      "    useModelName: its-own\n    filters: {stripParams: top_k, setParams: {seed: 7}}\n");
  const std::string got = ask_engine(R"({"model":"m","top_k":3})");
  EXPECT_THAT(got, AllOf(HasSubstr(R"("model":"its-own")"), HasSubstr(R"("seed":7)")));
  EXPECT_THAT(got, Not(HasSubstr("top_k")));
  engine_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(Exchanges, ANameIsReplacedWithoutReadingTheRest) {
  start_with("    useModelName: a-longer-name\n", "limits: {bodyMax: 22, heldMax: 22}\n");
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: 22\r\n\r\n"
      "{\"model\":\"m\",");
  engine_.accept();
  EXPECT_THAT(engine_.hear("a-longer-name\","), HasSubstr("Content-Length: 34\r\n"));
  say("\"n\":4567}");
  engine_.hear("4567}");
  engine_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(Exchanges, AnAliasHasThePriorityOfItsOwn) {
  start_with("    aliases: [urgent]\n",
             "routing: {scheduler: {settings: {fifo: {priority: {m: 2, urgent: 9}}}}}\n");
  ask_engine(R"({"model":"urgent"})");
  engine_.answer(200, "{}");
  client_hears("{}");
  EXPECT_EQ(last_row().metadata.at("fifo_priority"), "9");
  ask(kChat, kBody);
  engine_.hear_request();
  engine_.answer(200, R"({"2":1})");
  client_hears(R"({"2":1})");
  EXPECT_EQ(last_row().metadata.at("fifo_priority"), "2");
}

TEST_F(Exchanges, NobodyIsAskedForWhatIsNoModel) {
  start_with();
  ask(kChat, R"({"model":"q"})");
  EXPECT_THAT(client_hears("there are: m"), StartsWith("HTTP/1.1 404 "));
  ask(kChat, R"({"messages":[]})");
  EXPECT_THAT(client_hears("no model id could be identified"), HasSubstr("HTTP/1.1 400 "));
  ask(kChat, R"({"model":{}})");
  client_hears("must be a text");
  EXPECT_FALSE(engine_.has_caller());
}

TEST_F(Exchanges, AFormPassesWhateverItCarriesOnceItsModelIsKnown) {
  start_with("", "limits: {bodyMax: 1KiB}\n");
  const auto part = [](const std::string& name, const std::string& value) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  const std::string head =
      "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: r\r\n"
      "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ";
  const std::string file = part("file", std::string(100'000, 'x'));
  const std::string good = part("model", "m") + file + "--b--\r\n";
  say(head + std::to_string(good.size()) + "\r\n\r\n" + good);
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), EndsWith(good));
  engine_.answer(200, R"({"text":"x"})");
  client_hears(R"({"text":"x"})");
  const std::string late = file + part("model", "m") + "--b--\r\n";
  say(head + std::to_string(late.size()) + "\r\n\r\n" + late);
  const std::string told = client_hears("limits.bodyMax");
  EXPECT_THAT(told, HasSubstr("HTTP/1.1 413 "));
  EXPECT_THAT(told, HasSubstr("before the file"));
}

TEST_F(Exchanges, ABodyBeyondTheLimitIsRefusedUnread) {
  start_with("", "limits: {bodyMax: 1KiB}\n");
  say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: 2000\r\n\r\n");
  EXPECT_THAT(client_hears("the limit is 1024"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(Exchanges, AConnectionServesOneRequestAfterTheOther) {
  start_with();
  for (int n = 0; n < 3; ++n) {
    ask(kChat, R"({"model":"m","n":)" + std::to_string(n) + "}");
    if (n == 0) engine_.accept();
    engine_.hear_request();
    engine_.answer(200, R"({"answer":)" + std::to_string(n) + "}");
    client_hears(R"({"answer":)" + std::to_string(n) + "}");
  }
  EXPECT_FALSE(engine_.has_caller()) << "the pooled connection was not used";
}

TEST_F(Exchanges, AnAnswerThatEndsWithItsConnectionIsNotPooled) {
  start_with();
  ask_engine();
  engine_.answer(200, R"({"n":1})", "Connection: close\r\n");
  client_hears(R"({"n":1})");
  ask(kChat, kBody);
  engine_.accept();
  engine_.hear_request();
  engine_.answer(200, R"({"n":2})");
  client_hears(R"({"n":2})");
}

TEST_F(Exchanges, APageThatMustNotLoadItsModelIsA409) {
  start("models: {m: {cmd: /bin/sleep 600, checkEndpoint: none, proxy: \"http://127.0.0.1:9\"}}\n");
  connect_client();
  say("GET /upstream/m/favicon.ico HTTP/1.1\r\nHost: r\r\n\r\n");
  EXPECT_THAT(client_hears("does not start it"), StartsWith("HTTP/1.1 409 "));
  EXPECT_EQ(dispatcher().engine_state("m"), core::EngineState::Stopped);
}

}  // namespace
}  // namespace rouse
