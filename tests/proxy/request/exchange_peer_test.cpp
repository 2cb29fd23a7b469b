// A request's way to another machine, with both sides in the test's hands.
#include "base/text/sha256.hpp"
#include "tests/support/exchange_world.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kBody = R"({"model":"m"})";

class PeerExchanges : public ExchangeWorld {
 protected:
  static std::string lines_of(const std::string& name, int port, const std::string& more = "") {
    return "  " + name + ":\n    proxy: http://127.0.0.1:" + std::to_string(port) +
           "\n    models: [m]\n" + more;
  }
  void start_with_attic(const std::string& more = "", const std::string& rest = "") {
    start("peers:\n" + lines_of("attic", attic_.port(), more) + rest);
    attic_.listen();
    connect_client();
  }
  /// The next inference request at @p side, whose probes are answered until then. @p power: how it
  /// says what it knows of its power; with 404 it is no rouse.
  static std::string next_request(OtherSide& side, int power = 403) {
    for (int calls = 0; calls < 10; ++calls) {
      side.accept();
      std::string text = side.hear_request();
      if (text.starts_with("POST ")) return text;
      const bool is_health = text.starts_with("GET /health");
      side.answer(is_health ? 200 : power, "{}", "Connection: close\r\n");
      side.hang_up();
    }
    ADD_FAILURE() << "no request, only probes";
    return {};
  }

  OtherSide attic_{*this};
  OtherSide cellar_{*this};
};

TEST_F(PeerExchanges, APeerGetsItsOwnKeyAndNeitherTheClientsNorItsCookies) {
  start_with_attic("    apiKey: its-key\n");
  ask(kChat, kBody, "Authorization: Bearer mine\r\nX-Api-Key: mine\r\nCookie: a=b\r\n");
  const std::string got = next_request(attic_);
  EXPECT_THAT(
      got, AllOf(HasSubstr("Bearer its-key\r\n"), HasSubstr("-attempt: "), HasSubstr(";n=1\r\n")));
  EXPECT_THAT(got, AllOf(Not(HasSubstr("mine")), Not(HasSubstr("ookie"))));
  attic_.answer(200, R"({"ok":1})");
  client_hears(R"({"ok":1})");
  EXPECT_EQ(last_row().model, "attic/m");
  EXPECT_EQ(last_row().metadata.at("fifo_priority"), "0");
  EXPECT_NE(recorder().metrics.text({}).find(R"(code="200",peer="attic"} 1)"), std::string::npos);
}

TEST_F(PeerExchanges, APeerWithoutAKeyGetsTheClientsOwn) {
  start_with_attic();
  ask(kChat, kBody, "Authorization: Bearer mine\r\n");
  EXPECT_THAT(next_request(attic_), HasSubstr("Bearer mine\r\n"));
  attic_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(PeerExchanges, TheNextPeerIsAskedWhenTheFirstTakesNothing) {
  start("peers:\n" + lines_of("attic", attic_.port(), "    filters: {setParams: {seed: 1}}\n") +
        lines_of("cellar", cellar_.port(), "    filters: {setParams: {seed: 2}}\n"));
  cellar_.listen();
  connect_client();
  ask(kChat, kBody);
  const std::string got = next_request(cellar_);
  EXPECT_THAT(got, AllOf(HasSubstr(R"("seed":2)"), Not(HasSubstr(R"("seed":1)"))));
  cellar_.answer(200, R"({"ok":1})");
  client_hears(R"({"ok":1})");
  EXPECT_EQ(last_row().model, "cellar/m");
}

TEST_F(PeerExchanges, WhatWasEditedForOnePeerIsEditedAnewForTheNext) {
  start("peers:\n" +
        lines_of("attic", attic_.port(),
                 "    filters: {setParams: {seed: 1, extra: 1}}\n    hold: {wait: 1s}\n") +
        lines_of("cellar", cellar_.port(), "    filters: {setParams: {seed: 2}}\n"));
  attic_.listen();
  cellar_.listen();
  connect_client();
  ask(kChat, kBody);
  EXPECT_THAT(next_request(attic_), HasSubstr(R"("seed":1)"));
  attic_.answer(200, R"({"first":1})", "Connection: close\r\n");
  client_hears(R"({"first":1})");
  attic_.stop_listening();
  ask(kChat, kBody);
  const std::string got = next_request(cellar_);
  EXPECT_THAT(got, AllOf(HasSubstr(R"("model":"m")"), HasSubstr(R"("seed":2)")));
  EXPECT_THAT(got, Not(HasSubstr("extra")));
  cellar_.answer(200, R"({"second":1})");
  client_hears(R"({"second":1})");
}

TEST_F(PeerExchanges, WhatTheFirstPeerMayHaveRunIsNotSentToTheNext) {
  start("peers:\n" + lines_of("attic", attic_.port()) + lines_of("cellar", cellar_.port()));
  attic_.listen();
  cellar_.listen();
  connect_client();
  ask(kChat, kBody);
  next_request(attic_);
  attic_.hang_up();
  EXPECT_THAT(client_hears("peer attic gave no proper answer"), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(last_row().model, "attic/m");
}

TEST_F(PeerExchanges, AnErrorOfThePeerIsItsAnswer) {
  start_with_attic();
  ask(kChat, kBody);
  next_request(attic_);
  attic_.answer(503, R"({"error":"busy"})", "Retry-After: 7\r\n");
  const std::string told = client_hears(R"({"error":"busy"})");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 7\r\n")));
}

TEST_F(PeerExchanges, ARequestThatAPeerTurnedAwayAsItGoesToSleepIsSentAgain) {
  start_with_attic("    wake: {mac: \"02:00:00:00:00:01\", debounce: 0s, broadcast: 127.0.0.1}\n");
  ask(kChat, kBody);
  const std::string first = next_request(attic_);
  EXPECT_THAT(first, HasSubstr(";n=1\r\n"));
  attic_.answer(503, "{}", "X-Rouse-Not-Executed: suspending\r\nConnection: close\r\n");
  attic_.hang_up();
  const std::string second = next_request(attic_);
  EXPECT_THAT(second, AllOf(HasSubstr(";n=2\r\n"), EndsWith(std::string(kBody))));
  attic_.answer(200, R"({"woken":1})");
  const std::string told = client_hears(R"({"woken":1})");
  EXPECT_THAT(told, StartsWith("HTTP/1.1 200 "));
}

TEST_F(PeerExchanges, WhatIsNoRouseSaysNothingInOurName) {
  start_with_attic();
  ask(kChat, kBody);
  next_request(attic_, 404);
  attic_.answer(503, "{}", "X-Rouse-Not-Executed: suspending\r\nX-Rouse-Cold-Start: wake\r\n");
  EXPECT_THAT(client_hears("{}"), AllOf(StartsWith("HTTP/1.1 503 "), Not(HasSubstr("uspending")),
                                        HasSubstr("x-rouse-cold-start: none")));
}

TEST_F(PeerExchanges, APeerIsNotWokenWithoutTheScopeOrInItsQuietHours) {
  const auto key_line = [](const std::string& name, const std::string& scopes) {
    return "  " + name + ": {sha256: " + hex_of(sha256(name)) + ", scopes: [" + scopes + "]}\n";
  };
  start_with_attic("    wake: {mac: \"02:00:00:00:00:01\", quietHours: [\"00:00-24:00\"]}\n",
                   "keys:\n" + key_line("agent", "infer") + key_line("owner", "infer, wake"));
  ask(kChat, kBody, "Authorization: Bearer agent\r\n");
  next_request(attic_);
  attic_.stop_listening();
  attic_.answer(503, "{}", "X-Rouse-Not-Executed: suspending\r\nConnection: close\r\n");
  attic_.hang_up();
  client_hears("key agent lacks the scope wake");
  ask(kChat, kBody, "Authorization: Bearer owner\r\n");
  client_hears("these are its quiet hours");
  ask(kChat, kBody, "Authorization: Bearer owner\r\nX-Wake: never\r\n");
  client_hears("the request says x-wake: never");
}

TEST_F(PeerExchanges, AClientThatLeavesFreesThePeer) {
  start_with_attic();
  ask(kChat, kBody);
  next_request(attic_);
  client_leaves();
  EXPECT_TRUE(attic_.is_left());
  EXPECT_EQ(last_row().outcome, "cancelled");
  EXPECT_TRUE(peers().find_peer("attic")->is_idle());
}

}  // namespace
}  // namespace rouse
