// A request that names its model twice goes nowhere, since others may go by the second one.
#include "base/text/sha256.hpp"
#include "core/held_bytes.hpp"
#include "tests/support/exchange_world.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kChat = "/v1/chat/completions";

class NamedTwice : public ExchangeWorld {
 protected:
  void start_with_engine(const std::string& rest = "") {
    start("models:\n  m:\n    cmd: /bin/sleep 600\n    proxy: http://127.0.0.1:" +
          std::to_string(engine_.port()) + "\n    checkEndpoint: none\n" + rest);
    load("m");
    engine_.listen();
    connect_client();
  }
  void again() {
    hang_up();
    connect_client();
  }
  /// It is refused before anybody is asked.
  void expect_refused(const std::string& why) {
    EXPECT_THAT(client_hears("\r\n\r\n"), StartsWith("HTTP/1.1 400")) << why;
    EXPECT_FALSE(engine_.has_caller()) << why;
    again();
  }

  OtherSide engine_{*this};
};

TEST_F(NamedTwice, InABody) {
  start_with_engine();
  for (const char* const body :
       {R"({"model":"m","model":"m"})", R"({"model":"m","x":1,"mod\u0065l":"other"})",
        R"({"MODEL":"other","model":"m"})", R"({"model":"m","Model":"other"})",
        R"({"model":"m","x":NaN,"model":"other"})"}) {
    ask(kChat, body);
    expect_refused(body);
  }
  ask("/v1/messages?model=m", R"({"model":"other"})");
  expect_refused("the query says another");
  ask("/api/chat", R"({"model":"m","messages":[],"model":"other"})");
  expect_refused("in Ollama's words");
}

TEST_F(NamedTwice, InAQuery) {
  start_with_engine();
  ask("/v1/messages?model=m&model=other", R"({"model":"m"})");
  expect_refused("a body's route");
  for (const char* const query : {"model=m&model=m", "model=m&MODEL=other", "mod%65l=m&model=m"}) {
    say("GET /props?" + std::string(query) + " HTTP/1.1\r\nHost: r\r\n\r\n");
    expect_refused(query);
  }
  ask("/v1/messages?model=m", R"({"model":"m"})");
  engine_.accept();
  engine_.hear_request();
  engine_.answer(200, R"({"ok":1})");
  client_hears(R"({"ok":1})");
}

TEST_F(NamedTwice, BehindWhatHasGoneOnTheEngineNeverHasTheWhole) {
  // Where much is held already, what need not be read passes as it comes.
  start_with_engine("limits: {bodyMax: 64KiB, heldMax: 64KiB}\n");
  core::HeldBytes::Share others(proxy().held);
  ASSERT_TRUE(others.add(60'000));
  const std::string first = R"({"model":"m","stream":false,"x":")" + std::string(5'000, 'x');
  const std::string rest = R"(","model":"other"})";
  say("POST /v1/embeddings HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(first.size() + rest.size()) + "\r\n\r\n" + first);
  engine_.accept();
  engine_.hear("xxx");
  say(rest);
  EXPECT_THAT(client_hears("\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(engine_.is_left()) << "and its connection is cut";
}

TEST_F(NamedTwice, CapitalsAloneNameNone) {
  start_with_engine();
  ask(kChat, R"({"MODEL":"m"})");
  EXPECT_THAT(client_hears("no model id"), StartsWith("HTTP/1.1 400"));
}

// --- what goes no further ------------------------------------------------------------------------

TEST_F(NamedTwice, NoFormOfAKeyAndNoFieldOfOursReachesAnEngine) {
  start_with_engine("keys: {agent: {sha256: " + hex_of(sha256("mine")) +
                    ", scopes: [infer, observe]}}\n");
  ask("/v1/chat/completions?api_key=mine&a=b&key=mine", R"({"model":"m"})",
      "Authorization: Bearer mine\r\nApi-Key: mine\r\nX-Goog-Api-Key: mine\r\n"
      "Referer: http://h/?key=mine\r\nCookie: a=b; k=mine\r\nX-Rouse-Aux: x\r\n");
  engine_.accept();
  const std::string got = engine_.hear_request();
  EXPECT_THAT(got, AllOf(StartsWith("POST /v1/chat/completions?a=b HTTP/1.1"),
                         Not(HasSubstr("mine")), Not(HasSubstr("X-Rouse")), HasSubstr("a=b\r\n")));
  EXPECT_THAT(recorder().in_flight.entries().begin()->second->json(), Not(HasSubstr("mine")));
  engine_.answer(200, R"({"ok":1})",
                 "X-Rouse-Cold-Start: wake\r\nX-Rouse-Not-Executed: suspending\r\n");
  EXPECT_THAT(client_hears(R"({"ok":1})"),
              AllOf(Not(HasSubstr("ot-Executed")), Not(HasSubstr("wake")),
                    HasSubstr("x-rouse-cold-start: none")));
}

}  // namespace
}  // namespace rouse
