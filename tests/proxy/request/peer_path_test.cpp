// What is asked below /upstream/ of a model that another machine has.
#include "base/text/sha256.hpp"
#include "tests/support/exchange_world.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class PeerPathExchanges : public ExchangeWorld {
 protected:
  void start_with_attic() {
    start("peers: {attic: {proxy: \"http://127.0.0.1:" + std::to_string(attic_.port()) +
          "\", models: [m], apiKey: its-key}}\nkeys: {agent: {sha256: " + hex_of(sha256("mine")) +
          ", scopes: [infer, wake]}}\n");
    attic_.listen();
    connect_client();
  }
  void get(std::string_view target, std::string_view more = "") {
    say("GET " + std::string(target) + " HTTP/1.1\r\nHost: r\r\nX-Api-Key: mine\r\n" +
        std::string(more) + "\r\n");
  }
  void post(std::string_view target, std::string_view body) {
    ask(target, body, "X-Api-Key: mine\r\n");
  }
  /// The next request but probes of ours, which are answered until then.
  std::string next_request() {
    for (int calls = 0; calls < 10; ++calls) {
      attic_.accept();
      std::string text = attic_.hear_request();
      if (text.find("ttempt: ") != std::string::npos) return text;
      const bool is_health = text.starts_with("GET /health");
      attic_.answer(is_health ? 200 : 404, "{}", "Connection: close\r\n");
      attic_.hang_up();
    }
    ADD_FAILURE() << "no request, only probes";
    return {};
  }

  OtherSide attic_{*this};
};

TEST_F(PeerPathExchanges, ItsOperatorsRoutesAreNotReached) {
  start_with_attic();
  for (const char* const target : {"unload", "logs", "api/captures/1", "metrics", "../unload"}) {
    get("/upstream/attic/m/" + std::string(target));
    EXPECT_THAT(client_hears("peer_path_forbidden"), StartsWith("HTTP/1.1 403")) << target;
    hang_up();
    connect_client();
  }
  get("/upstream/attic/m/api/events", "Connection: upgrade\r\nUpgrade: websocket\r\n");
  client_hears("peer_path_forbidden");
  EXPECT_FALSE(attic_.has_caller()) << "not even a probe";
}

TEST_F(PeerPathExchanges, TheModelOfThePathIsThatOfTheBody) {
  start_with_attic();
  post("/upstream/attic/m/v1/chat/completions", R"({"messages":[],"model":"secret"})");
  EXPECT_THAT(client_hears("secret"), StartsWith("HTTP/1.1 400"));
  EXPECT_FALSE(attic_.has_caller());
  hang_up();
  connect_client();
  post("/upstream/attic/m/v1/chat/completions", R"({"model":"attic/m"})");
  EXPECT_THAT(next_request(), AllOf(HasSubstr("POST /v1/chat/completions"), HasSubstr(R"("m"})"),
                                    HasSubstr("Bearer its-key"), Not(HasSubstr("mine"))));
  attic_.answer(200, R"({"ok":1})");
  client_hears(R"({"ok":1})");
}

TEST_F(PeerPathExchanges, ItsOwnPagesOfTheModelAreReachedAsTheyAre) {
  start_with_attic();
  get("/upstream/attic/m/upstream/m/ui/?model=x");
  EXPECT_THAT(next_request(), StartsWith("GET /upstream/m/ui/?model=x HTTP/1.1\r\n"));
  attic_.answer(200, R"({"ok":1})");
  client_hears(R"({"ok":1})");
}

}  // namespace
}  // namespace rouse
