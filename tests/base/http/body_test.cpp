#include "base/http/body.hpp"

#include "base/http/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace rouse {
namespace {

/// The decoded body, or "refused" with the status, or "unfinished".
std::string decode(const std::string& text, std::size_t step, std::uint64_t body_max = 1'000'000) {
  BodyDecoder decoder(Framing::Chunked, 0, body_max);
  std::string bytes = text;
  std::string body;
  for (std::size_t at = 0; at < bytes.size() && !decoder.is_done();) {
    auto decoded = decoder.decode(bytes.data() + at, std::min(step, bytes.size() - at));
    if (!decoded) return "refused " + std::to_string(status_for(decoded.error().code));
    body += decoded->data;
    at += decoded->consumed;
  }
  if (!decoder.is_done()) return decoder.finish() ? "finished" : "unfinished";
  return body;
}

struct ChunkCase {
  std::string text, body;
};

TEST(Chunks, AreDecodedOrRefusedHoweverTheyAreCut) {
  const std::string end = "0\r\n\r\n";
  const std::string refused = "refused 400";
  const std::vector<ChunkCase> cases = {
      {end, ""},
      {"5\r\nhello\r\n" + end, "hello"},
      {"5\r\nhello\r\n1\r\n!\r\n" + end + "GET /", "hello!"},
      {"A\r\n0123456789\r\n" + end, "0123456789"},
      {"a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
      {"1;a=\"b;c\";d\r\nx\r\n0;e\r\n\r\n", "x"},
      {"1\r\nx\r\n0\r\nT: v\r\nU:\r\n\r\n", "x"},
      {"", "unfinished"},
      {"5\r\nhel", "unfinished"},
      {"5\r\nhello\r\n0\r\n", "unfinished"},
      {"\r\n", refused},
      {";x\r\n", refused},
      {"+5\r\nhello\r\n" + end, refused},
      {"-5\r\nhello\r\n" + end, refused},
      {"0x5\r\nhello\r\n" + end, refused},
      {" 5\r\nhello\r\n" + end, refused},
      {"5 \r\nhello\r\n" + end, refused},
      {"g\r\n", refused},
      {"5\nhello\r\n" + end, refused},
      {"5\r\nhello\n" + end, refused},
      {"5\r\nhello" + end, refused},
      {"5\r\nhelloX\r\n" + end, refused},
      {"5\r\nhelloX\n" + end, refused},
      {"5\rXhello\r\n" + end, refused},
      {"1;a\nb\r\nx\r\n" + end, refused},
      {std::string("1;a\0b\r\nx\r\n", 10) + end, refused},
      {"1\r\nx\r\n0\r\n T: v\r\n\r\n", refused},
      {"1\r\nx\r\n0\r\nT : v\r\n\r\n", refused},
      {"1\r\nx\r\n0\r\nT\r\n\r\n", refused},
      {"1\r\nx\r\n0\r\nT: v\n\r\n", refused},
      {"1\r\nx\r\n0\r\n\rX", refused},
      {"00000000000000001\r\nx\r\n" + end, refused},
      {"10000000000000000\r\n", refused},
      {"ffffffffffffffff\r\n", "refused 413"},
      {"1;" + std::string(20000, 'x') + "\r\nx\r\n" + end, refused},
      {"1\r\nx\r\n0\r\nT: " + std::string(20000, 'x') + "\r\n\r\n", refused},
  };
  for (const ChunkCase& each : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, each.text.size() + 1}) {
      EXPECT_EQ(decode(each.text, step), each.body) << each.text.substr(0, 60) << " by " << step;
    }
  }
}

TEST(Chunks, ExtensionsMustBePaidForByData) {
  std::string padding;
  for (int i = 0; i < 1000; ++i) padding += "1;" + std::string(100, 'x') + "\r\ny\r\n";
  EXPECT_EQ(decode(padding + "0\r\n\r\n", 1000), "refused 400");
  std::string honest;
  for (int i = 0; i < 1000; ++i) {
    honest += "64;" + std::string(100, 'x') + "\r\n" + std::string(100, 'y') + "\r\n";
  }
  EXPECT_EQ(decode(honest + "0\r\n\r\n", 1000).size(), 100'000U);
}

TEST(Chunks, CountAgainstTheLimitOfTheBody) {
  EXPECT_EQ(decode("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 100, 5), "abcde");
  EXPECT_EQ(decode("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 100, 5), "refused 413");
}

TEST(Bodies, OfALengthEndThere) {
  BodyDecoder decoder(Framing::Length, 5, 100);
  std::string text = "helloGET /";
  auto decoded = decoder.decode(text.data(), 3);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->data, "hel");
  EXPECT_FALSE(decoder.is_done());
  decoded = decoder.decode(text.data() + 3, 7);
  EXPECT_EQ(decoded->data, "lo");
  EXPECT_TRUE(decoder.is_done());
  EXPECT_TRUE(BodyDecoder(Framing::Length, 0, 100).is_done());
  EXPECT_TRUE(BodyDecoder(Framing::None, 0, 100).is_done());
}

}  // namespace
}  // namespace rouse
