#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kBody = R"({"model":"a","messages":[]})";

std::string post(const std::string& fields, const std::string& body = kBody) {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

struct Ambiguity {
  const char* name;
  std::string bytes;
  int status;
};

class Strict : public testing::TestWithParam<Ambiguity> {};

/// What one proxy reads one way and the next another is how requests are smuggled: it is refused,
/// the connection ends, and what follows on it is nobody's request.
TEST_P(Strict, RefusesAndForgetsWhatFollows) {
  World world(models({fake_model("a")}));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send(GetParam().bytes + "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"));
  const ProbeResponse answer = client.read_response();
  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_THAT(answer.body, HasSubstr(R"("type":"error")"));
  EXPECT_TRUE(client.peer_closes());
  EXPECT_THAT(world.children(), IsEmpty()) << "no engine was started for it";
}

INSTANTIATE_TEST_SUITE_P(
    Framing, Strict,
    testing::Values(
        Ambiguity{"BothLengths", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
        Ambiguity{"TwoLengths", post("Content-Length: 5\r\nContent-Length: 27\r\n"), 400},
        Ambiguity{"SignedLength", post("Content-Length: +27\r\n"), 400},
        Ambiguity{"HexLength", post("Content-Length: 0x1b\r\n"), 400},
        Ambiguity{"HugeLength", post("Content-Length: 99999999999999999999\r\n"), 400},
        Ambiguity{"FoldedField", post("X-A: b\r\n c\r\nContent-Length: 27\r\n"), 400},
        Ambiguity{"BareLineFeed", "POST /v1/chat/completions HTTP/1.1\nHost: x\n\n", 400},
        Ambiguity{"BlankBeforeColon", post("Content-Length : 27\r\n"), 400},
        Ambiguity{"NulInAField", post(std::string("X-A: b\0c\r\n", 10)), 400},
        Ambiguity{"UnknownCoding", post("Transfer-Encoding: xchunked\r\n"), 501},
        Ambiguity{"ChunkedTwice", post("Transfer-Encoding: chunked, chunked\r\n"), 501},
        Ambiguity{"ChunkedFirst", post("Transfer-Encoding: chunked, gzip\r\n"), 501},
        Ambiguity{"BadChunkSize", chunked("zz\r\n{}\r\n0\r\n\r\n"), 400},
        Ambiguity{"SignedChunkSize", chunked("-1\r\n{}\r\n0\r\n\r\n"), 400},
        Ambiguity{"HugeChunkSize", chunked("fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), 400},
        Ambiguity{"BadChunkEnd", chunked("2\r\n{}xx0\r\n\r\n"), 400},
        Ambiguity{"NoHost",
                  "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 27\r\n\r\n" + kBody, 400},
        Ambiguity{"TwoHosts", post("Host: y\r\nContent-Length: 27\r\n"), 400},
        Ambiguity{"FragmentInTheTarget", "GET /health#x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Ambiguity{"NoSuchVersion", "GET /health HTTP/3.0\r\nHost: x\r\n\r\n", 505}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Slow, AHeadThatNeverEndsIsA408) {
  World world(models({fake_model("a")}, "limits: {headTimeout: 1s}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send("GET /health HTTP/1.1\r\nHost: x\r\nX-A: "));
  EXPECT_EQ(client.read_response().status, 408);
  EXPECT_TRUE(client.peer_closes());
}

TEST(Slow, ABodyThatStopsIsA408) {
  World world(models({fake_model("a")}, "limits: {bodyTimeout: 1s}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(
      client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
                  "\r\n{\"mod"));
  EXPECT_EQ(client.read_response().status, 408);
  EXPECT_TRUE(client.peer_closes());
}

TEST(Slow, AnIdleConnectionMayWaitLonger) {
  World world(models({fake_model("a")}, "limits: {headTimeout: 1s, idleTimeout: 1m}"));
  HttpProbe client = world.connect();
  ASSERT_TRUE(client.send_request("GET", "/health"));
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_FALSE(client.peer_closes(2500ms));
  ASSERT_TRUE(client.send_request("GET", "/health"));
  EXPECT_EQ(client.read_response().status, 200);
}

TEST(StrictExchange, NothingLeaksFromOneExchangeToTheNext) {
  World world(models({fake_model("a")}));
  HttpProbe client = world.connect();
  // A trailer that would be a second request's field, if it were kept.
  ASSERT_TRUE(
      client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n1b\r\n" +
                  kBody + "\r\n0\r\nX-Trailer: leak\r\n\r\n"));
  EXPECT_EQ(client.read_response().status, 200);
  ASSERT_TRUE(client.send_request("GET", "/upstream/a/fake/mirror"));
  const ProbeResponse answer = client.read_response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, testing::Not(HasSubstr("X-Trailer")));
}

}  // namespace
}  // namespace rouse::test
