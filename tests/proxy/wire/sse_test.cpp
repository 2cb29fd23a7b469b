#include "proxy/wire/sse.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace rouse::wire {
namespace {

bool at_boundary(std::string_view bytes) {
  EventBoundary boundary;
  boundary.feed(bytes);
  return boundary.at_boundary();
}

TEST(EventBoundary, IsAfterABlankLineAndAtTheStart) {
  EXPECT_TRUE(at_boundary(""));
  EXPECT_FALSE(at_boundary("d"));
  EXPECT_FALSE(at_boundary("data: x"));
  EXPECT_FALSE(at_boundary("data: x\n"));
  EXPECT_TRUE(at_boundary("data: x\n\n"));
  EXPECT_TRUE(at_boundary("data: x\r\n\r\n"));
  EXPECT_TRUE(at_boundary("data: x\r\r"));
  EXPECT_FALSE(at_boundary("data: x\r\n"));
  EXPECT_FALSE(at_boundary("data: x\n\nevent: y\n"));
  EXPECT_FALSE(at_boundary("data: x\n\n:"));
  EXPECT_TRUE(at_boundary(": c\n\n\n"));
  EXPECT_TRUE(at_boundary("\n"));
}

TEST(EventBoundary, IsNotBetweenTheTwoHalvesOfALineEnd) {
  EXPECT_FALSE(at_boundary("data: x\r\n\r"));
  EXPECT_TRUE(at_boundary("data: x\r\n\r\n"));
  EventBoundary boundary;
  boundary.feed("data: x\r");
  boundary.feed("\n");
  EXPECT_FALSE(boundary.at_boundary());
  boundary.feed("\r");
  EXPECT_FALSE(boundary.at_boundary());
  boundary.feed("\n");
  EXPECT_TRUE(boundary.at_boundary());
}

/// The plain reading of the standard, for comparison.
bool slow_at_boundary(std::string_view bytes) {
  std::string normal;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n') continue;
    normal += bytes[i] == '\r' ? '\n' : bytes[i];
  }
  return normal.empty() || normal == "\n" || normal.ends_with("\n\n");
}

TEST(EventBoundary, IsTheSameHoweverTheStreamIsSplit) {
  // Every text of six bytes out of three, in every two pieces; a CR at the end, which may or may
  // not have an LF to come, is told above.
  constexpr std::string_view kBytes = "x\n\r";
  for (int code = 0; code < 729; ++code) {
    std::string text;
    for (int rest = code, i = 0; i < 6; ++i, rest /= 3) {
      text += kBytes[static_cast<std::size_t>(rest % 3)];
    }
    if (text.back() == '\r') continue;
    EXPECT_EQ(at_boundary(text), slow_at_boundary(text)) << code;
    for (std::size_t split = 0; split <= text.size(); ++split) {
      EventBoundary boundary;
      boundary.feed(std::string_view(text).substr(0, split));
      boundary.feed(std::string_view(text).substr(split));
      EXPECT_EQ(boundary.at_boundary(), at_boundary(text)) << code << " at " << split;
    }
  }
}

}  // namespace
}  // namespace rouse::wire
