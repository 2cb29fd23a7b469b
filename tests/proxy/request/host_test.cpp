// By which names a client may ask: the rule itself is tested in
// tests/proxy/access/host_rule_test.cpp.
#include "tests/support/exchange_world.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const char* const kKeys =
    "keys: {mine: {sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}}\n";

class HostOfRequests : public ExchangeWorld {
 protected:
  std::string answer(const std::string& line, const std::string& host,
                     const std::string& fields = {}) {
    connect_client();
    say(line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" + fields + "\r\n");
    return client_hears_end();
  }
};

TEST_F(HostOfRequests, OfAnotherNameNothingIsAnswered) {
  start("models: {}\n");
  for (const char* const line :
       {"GET /v1/models", "POST /api/models/unload", "GET /nowhere", "OPTIONS /v1/models",
        "POST /v1/chat/completions", "GET /logs", "GET http://evil.example/v1/models"}) {
    EXPECT_THAT(answer(line, "evil.example:8080"),
                AllOf(StartsWith("HTTP/1.1 421 "), HasSubstr("add it to hosts:")))
        << line;
  }
  EXPECT_THAT(answer("GET /upstream/m/ws", "evil.example",
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
              StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(answer("GET http://evil.example/v1/models", "127.0.0.1"), StartsWith("HTTP/1.1 421 "))
      << "the host of the target is the one that counts";
  EXPECT_THAT(answer("GET /health", "evil.example"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer("GET /v1/models", "box.local"), StartsWith("HTTP/1.1 421 "));
}

TEST_F(HostOfRequests, AListedNameAndOnesOwnAreAnswered) {
  start("models: {}\nhosts: [\"*.example.net\"]\n");
  EXPECT_THAT(answer("GET /v1/models", "rouse.example.net"), StartsWith("HTTP/1.1 200 "));
  proxy().own_names = {"box.local"};
  EXPECT_THAT(answer("GET /v1/models", "box.local:8080"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HostOfRequests, WithAKeyTheNameDoesNotMatter) {
  start(std::string("models: {}\n") + kKeys);
  const std::string basic = "Authorization: Basic OnNlY3JldA==\r\n";
  EXPECT_THAT(answer("GET /v1/models", "evil.example", "Authorization: Bearer secret\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer("GET /v1/models", "evil.example", "Authorization: Bearer other\r\n"),
              StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer("GET /v1/models", "evil.example", basic), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(answer("GET /v1/models", "127.0.0.1", basic), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer("GET /v1/models", "evil.example"), StartsWith("HTTP/1.1 421 "));
}

}  // namespace
}  // namespace rouse
