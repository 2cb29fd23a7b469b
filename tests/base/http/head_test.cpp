#include "base/http/head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rouse {
namespace {

using Found = std::optional<ParsedHead<RequestHead>>;

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n";
const std::string kPost = "POST / HTTP/1.1\r\nHost: h\r\n";

/// 0: accepted; -1: the end is missing; else the status of the refusal.
int verdict(const std::string& bytes, const HttpLimits& limits = {}) {
  std::size_t scanned = 0;
  const auto parsed = parse_request_head(bytes, limits, scanned);
  if (!parsed) return status_for(parsed.error().code);
  return *parsed ? 0 : -1;
}

struct RequestCase {
  std::string name, bytes;
  int verdict;
};
void PrintTo(const RequestCase& each, std::ostream* out) {
  *out << each.name;
}

class RequestHeads : public testing::TestWithParam<RequestCase> {};

TEST_P(RequestHeads, AreAcceptedOrRefused) {
  EXPECT_EQ(verdict(GetParam().bytes), GetParam().verdict);
}

TEST_P(RequestHeads, GetTheSameVerdictByteByByte) {
  const std::string& bytes = GetParam().bytes;
  std::size_t scanned = 0;
  int last = -1;
  for (std::size_t n = 0; n <= bytes.size() && last == -1; ++n) {
    const auto parsed = parse_request_head(std::string_view(bytes).substr(0, n), {}, scanned);
    if (!parsed) {
      last = status_for(parsed.error().code);
    } else if (*parsed) {
      last = 0;
    }
  }
  EXPECT_EQ(last, GetParam().verdict);
}

std::string te(const std::string& value) {
  return kPost + "Transfer-Encoding: " + value + "\r\n\r\n";
}
std::string cl(const std::string& value) {
  return kPost + "Content-Length: " + value + "\r\n\r\n";
}
std::string with(const std::string& lines) {
  return kGet + lines + "\r\n\r\n";
}
std::string line(const std::string& first) {
  return first + "\r\nHost: h\r\n\r\n";
}
std::string host(const std::string& value) {
  return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    All, RequestHeads,
    testing::Values(
        RequestCase{"plain", kGet + "\r\n", 0}, RequestCase{"nothing", "", -1},
        RequestCase{"no end", kGet, -1},
        RequestCase{"empty lines before", "\r\n\r\n" + kGet + "\r\n", 0},
        RequestCase{"many empty lines before", "\r\n\r\n\r\n" + kGet + "\r\n", 400},
        RequestCase{"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
        RequestCase{"space before", " " + kGet + "\r\n", 400},
        RequestCase{"lower-case method", line("get / HTTP/1.1"), 0},
        RequestCase{"unknown method", line("PURGE / HTTP/1.1"), 0},
        RequestCase{"method with brackets", line("GE[T / HTTP/1.1"), 400},
        // row 1: other transfer codings
        RequestCase{"chunked", te("chunked"), 0}, RequestCase{"Chunked", te("Chunked"), 0},
        RequestCase{"xchunked", te("xchunked"), 501}, RequestCase{"gzip", te("gzip"), 501},
        RequestCase{"identity", te("identity"), 501},
        RequestCase{"chunked, gzip", te("chunked, gzip"), 501},
        RequestCase{"gzip, chunked", te("gzip, chunked"), 501},
        RequestCase{"chunked, chunked", te("chunked, chunked"), 501},
        RequestCase{"empty coding", te(""), 400},
        RequestCase{"two coding fields",
                    kPost + "Transfer-Encoding: chunked\r\n" + "Transfer-Encoding: chunked\r\n\r\n",
                    400},
        RequestCase{"gzip then chunked field",
                    kPost + "Transfer-Encoding: gzip\r\n" + "Transfer-Encoding: chunked\r\n\r\n",
                    400},
        RequestCase{"quoted chunked", te("\"chunked\""), 501},
        RequestCase{"chunked with a parameter", te("chunked;q=1"), 501},
        RequestCase{"chunked behind a vertical tab", te("\vchunked"), 400},
        RequestCase{"coding and length",
                    kPost + "Transfer-Encoding: chunked\r\n" + "Content-Length: 5\r\n\r\n", 400},
        RequestCase{"length and coding",
                    kPost + "Content-Length: 5\r\n" + "Transfer-Encoding: chunked\r\n\r\n", 400},
        RequestCase{"length and other coding",
                    kPost + "Content-Length: 5\r\n" + "Transfer-Encoding: xchunked\r\n\r\n", 400},
        // row 2
        RequestCase{"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        // row 5
        RequestCase{"length", cl("5"), 0}, RequestCase{"length zero", cl("0"), 0},
        RequestCase{"leading zeros", cl("005"), 0},
        RequestCase{"equal lengths in a list", cl("5, 5"), 0},
        RequestCase{"equal length fields", kPost + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
                    0},
        RequestCase{"unequal length fields",
                    kPost + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
        RequestCase{"unequal lengths in a list", cl("5, 6"), 400},
        RequestCase{"empty length", cl(""), 400},
        RequestCase{"length in a list with a hole", cl("5,"), 400},
        RequestCase{"signed length", cl("+5"), 400}, RequestCase{"negative length", cl("-5"), 400},
        RequestCase{"hexadecimal length", cl("0x5"), 400},
        RequestCase{"length with a space", cl("5 5"), 400},
        RequestCase{"length with a fraction", cl("5.0"), 400},
        RequestCase{"length beyond 64 bits", cl("18446744073709551617"), 400},
        RequestCase{"length beyond the limit", cl("67108865"), 413},
        // row 6
        RequestCase{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        RequestCase{"no host in 1.0", "GET / HTTP/1.0\r\n\r\n", 0},
        RequestCase{"two hosts", with("Host: h"), 400},
        RequestCase{"two hosts in 1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", 400},
        RequestCase{"empty host", host(""), 0},
        RequestCase{"host and port", host("a-b.example:8080"), 0},
        RequestCase{"host of IPv6", host("[::1]:8080"), 0},
        RequestCase{"host list", host("a, b"), 400},
        RequestCase{"host with a path", host("a/b"), 400},
        RequestCase{"host with a user", host("u@h"), 400},
        RequestCase{"host with a bad port", host("h:80x"), 400},
        RequestCase{"host with a broken bracket", host("[::1"), 400},
        RequestCase{"target with a fragment", line("GET /a#b HTTP/1.1"), 400},
        RequestCase{"target without a slash", line("GET a HTTP/1.1"), 400},
        RequestCase{"target star with OPTIONS", line("OPTIONS * HTTP/1.1"), 0},
        RequestCase{"target star with GET", line("GET * HTTP/1.1"), 400},
        RequestCase{"target with a space", line("GET /a b HTTP/1.1"), 400},
        RequestCase{"target with high bytes", line("GET /\xc3\xa9 HTTP/1.1"), 400},
        RequestCase{"target with a control", line("GET /\x01 HTTP/1.1"), 400},
        RequestCase{"absolute target", line("GET http://example.org/x HTTP/1.1"), 0},
        RequestCase{"absolute target without host", line("GET http:///x HTTP/1.1"), 400},
        RequestCase{"absolute target with a user", line("GET http://u@h/ HTTP/1.1"), 400},
        RequestCase{"target of another scheme", line("GET ftp://h/ HTTP/1.1"), 400},
        RequestCase{"CONNECT", line("CONNECT h:80 HTTP/1.1"), 400},
        // versions
        RequestCase{"HTTP/2.0", line("GET / HTTP/2.0"), 505},
        RequestCase{"HTTP/1.2", line("GET / HTTP/1.2"), 505},
        RequestCase{"HTTP/0.9", line("GET / HTTP/0.9"), 505},
        RequestCase{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505},
        RequestCase{"http/1.1 in lower case", line("GET / http/1.1"), 400},
        RequestCase{"no version", line("GET /"), 400},
        RequestCase{"a word for a version", line("GET / HTTP/x.y"), 400},
        RequestCase{"two spaces before the version", line("GET /  HTTP/1.1"), 400},
        RequestCase{"space after the version", line("GET / HTTP/1.1 "), 400},
        // lines
        RequestCase{"bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
        RequestCase{"bare LF after a field", kGet + "A: b\nC: d\r\n\r\n", 400},
        RequestCase{"bare LF at the end", kGet + "\n", 400},
        RequestCase{"bare CR in a value", with("A: b\rC: d"), 400},
        RequestCase{"CR CR LF", kGet + "A: b\r\r\n\r\n", 400},
        RequestCase{"folded with a space", with("A: b\r\n c"), 400},
        RequestCase{"folded with a tab", with("A: b\r\n\tc"), 400},
        RequestCase{"folded first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
        RequestCase{"NUL in a value", with(std::string("A: b\0c", 6)), 400},
        RequestCase{"NUL in a name", with(std::string("A\0: b", 5)), 400},
        RequestCase{"control in a value", with("A: \x01"), 400},
        RequestCase{"DEL in a value", with("A: \x7f"), 400},
        RequestCase{"tab in a value", with("A: b\tc"), 0},
        RequestCase{"high bytes in a value", with("A: \xc3\xa9"), 0},
        RequestCase{"space before the colon", with("A : b"), 400},
        RequestCase{"no colon", with("A"), 400}, RequestCase{"no name", with(": b"), 400},
        RequestCase{"name with a space", with("A B: c"), 400},
        RequestCase{"name with high bytes", with("\xc3\xa9: c"), 400},
        RequestCase{"empty value", with("A:"), 0},
        RequestCase{"spaces around a value", with("A: \t b \t"), 0}),
    [](const testing::TestParamInfo<RequestCase>& each) {
      std::string name = std::to_string(each.index) + "_";
      for (const char c : each.param.name) name += std::isalnum(c) != 0 ? c : '_';
      return name;
    });

RequestHead parse(const std::string& bytes) {
  std::size_t scanned = 0;
  auto parsed = parse_request_head(bytes, {}, scanned);
  EXPECT_TRUE(parsed && *parsed);
  return parsed && *parsed ? std::move((*parsed)->head) : RequestHead();
}

TEST(RequestHeadText, IsTakenAsItCame) {
  std::size_t scanned = 0;
  const std::string bytes = "\r\n" + kPost + "Content-Length: 5, 5\r\nX-y:  a b \r\n\r\n";
  auto parsed = parse_request_head(bytes + "hello", {}, scanned);
  ASSERT_TRUE(parsed && *parsed);
  EXPECT_EQ((*parsed)->size, bytes.size());
  const RequestHead& head = (*parsed)->head;
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.framing, Framing::Length);
  EXPECT_EQ(head.content_length, 5U);
  EXPECT_EQ(head.fields.find("X-Y"), "a b");
  EXPECT_EQ(head.fields.find("Content-Length"), "5");
}

TEST(RequestHeadText, TheHostOfAnAbsoluteTargetCounts) {
  EXPECT_EQ(parse(line("GET http://example.org:81/x HTTP/1.1")).fields.find("Host"),
            "example.org:81");
}

TEST(RequestHeadText, KeepAliveFollowsVersionAndConnection) {
  EXPECT_TRUE(parse(kGet + "\r\n").keep_alive);
  EXPECT_FALSE(parse(with("Connection: foo, Close")).keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(RequestHeadText, HasLimits) {
  HttpLimits limits;
  limits.head_max = 100;
  EXPECT_EQ(verdict(with("A: " + std::string(200, 'x')), limits), 431);
  EXPECT_EQ(verdict(kGet + "A: " + std::string(200, 'x'), limits), 431);
  EXPECT_EQ(verdict(with("A: " + std::string(60, 'x')), limits), 0);
  std::string many;
  for (int i = 0; i < 300; ++i) many += "A: b\r\n";
  EXPECT_EQ(verdict(kGet + many + "\r\n"), 431);
  EXPECT_EQ(verdict(with("A: " + std::string(60000, 'x'))), 0);
}

struct ResponseCase {
  std::string bytes;
  bool good;
  Framing framing;
};
TEST(ResponseHeads, AreAcceptedOrRefused) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::vector<ResponseCase> cases = {
      {ok + "\r\n", true, Framing::UntilClose},
      {ok + "Content-Length: 5\r\n\r\n", true, Framing::Length},
      {ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", true, Framing::Length},
      {ok + "Transfer-Encoding: chunked\r\n\r\n", true, Framing::Chunked},
      {"HTTP/1.1 204 No Content\r\n\r\n", true, Framing::None},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true, Framing::None},
      {"HTTP/1.1 200 \r\n\r\n", true, Framing::UntilClose},
      {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", true, Framing::Length},
      {ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", false, {}},
      {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, {}},
      {ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", false, {}},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, {}},
      {"HTTP/2 200 OK\r\n\r\n", false, {}},
      {"HTTP/1.1 20 OK\r\n\r\n", false, {}},
      {"HTTP/1.1 2000 OK\r\n\r\n", false, {}},
      {"HTTP/1.1 099 OK\r\n\r\n", false, {}},
      {"HTTP/1.1 200 OK\nA: b\r\n\r\n", false, {}},
      {ok + "A: b\r\n c\r\n\r\n", false, {}},
      {ok + "A : b\r\n\r\n", false, {}},
      {"\r\n" + ok + "\r\n", false, {}},
      {"garbage\r\n\r\n", false, {}},
  };
  for (const ResponseCase& each : cases) {
    std::size_t scanned = 0;
    const auto parsed = parse_response_head(each.bytes, {}, scanned);
    EXPECT_EQ(static_cast<bool>(parsed), each.good) << each.bytes;
    if (!parsed || !each.good) continue;
    ASSERT_TRUE(*parsed) << each.bytes;
    EXPECT_EQ((*parsed)->head.framing, each.framing) << each.bytes;
  }
}

TEST(HeadText, CannotBeSplitByAValue) {
  ResponseHead head;
  head.fields.add("X", "a\r\nSet-Cookie: b");
  head.fields.add("content-length", "7");
  std::string out;
  append_head(out, head, WireResponse());
  EXPECT_THAT(out, testing::HasSubstr("\r\nX: a  Set-Cookie: b\r\n"));
  EXPECT_THAT(out, testing::Not(testing::HasSubstr("content-length")));
}

TEST(HeadText, SaysItsTimeOnce) {
  ResponseHead head;
  head.status = 200;
  std::string out;
  append_head(out, head, WireResponse());
  EXPECT_THAT(out, testing::HasSubstr("\r\nDate: "));
  head.fields.add("date", "Tue, 01 Dec 2026 00:00:00 GMT");
  out.clear();
  append_head(out, head, WireResponse());
  EXPECT_THAT(out, testing::HasSubstr("\r\ndate: Tue, 01 Dec 2026 00:00:00 GMT\r\n"));
  EXPECT_THAT(out, testing::Not(testing::HasSubstr("Date: ")));
}

TEST(HeadText, ARequestThatMayHaveABodySaysThatItHasNone) {
  const auto text = [](const char* method) {
    RequestHead head;
    head.method = method;
    head.target = "/";
    std::string out;
    append_head(out, head);
    return out;
  };
  for (const char* const method : {"POST", "PUT", "PATCH"}) {
    EXPECT_THAT(text(method), testing::HasSubstr("Content-Length: 0\r\n")) << method;
  }
  EXPECT_THAT(text("GET"), testing::Not(testing::HasSubstr("Content-Length")));
}

}  // namespace
}  // namespace rouse
