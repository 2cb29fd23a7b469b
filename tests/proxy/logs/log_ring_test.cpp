#include "proxy/logs/log_ring.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::EndsWith;

TEST(LogRing, KeepsTheLastBytesFromTheStartOfALine) {
  LogRing ring(100);
  for (int i = 0; i < 100; ++i) ring.append("line " + std::to_string(i) + "\n");
  const std::string text = ring.text();
  EXPECT_LE(text.size(), 100u);
  EXPECT_EQ(text.substr(0, 5), "line ");
  EXPECT_THAT(text, EndsWith("line 99\n"));
}

TEST(LogRing, LeavesOutALineThatIsNotWhole) {
  LogRing ring(10);
  ring.append("aaaa\nbbbb\n");
  EXPECT_EQ(ring.text(), "aaaa\nbbbb\n");
  ring.append("cc");
  EXPECT_EQ(ring.text(), "bbbb\ncc");
  ring.append("cccc");
  EXPECT_EQ(ring.text(), "cccccc");
}

TEST(LogRing, BeginsWithALineHoweverMuchWasCutOff) {
  LogRing ring(10);
  for (int i = 1000; i < 1100; ++i) {
    ring.append("a" + std::to_string(i) + "\n");  // two of them do not fit
    if (i > 1000) EXPECT_EQ(ring.text(), "a" + std::to_string(i) + "\n");
  }
  LogRing exact(10);
  exact.append("aaaa\nbbbbb\nccc\n");
  EXPECT_EQ(exact.text(), "bbbbb\nccc\n");
}

TEST(LogRing, OfOneEndlessLineTheEndIsKept) {
  LogRing ring(10);
  ring.append("12345678");
  ring.append("9012345");
  EXPECT_EQ(ring.text(), "6789012345");
  ring.append("\n");
  EXPECT_EQ(ring.text(), "789012345\n");
}

TEST(LogRing, DoesNotGrow) {
  LogRing ring(10);
  for (int i = 0; i < 1000; ++i) ring.append("x\n");
  EXPECT_LE(ring.last_lines(1000).size(), 11u);
  EXPECT_EQ(ring.text(), "x\nx\nx\nx\nx\n");
  EXPECT_EQ(ring.total_bytes(), 2000u);
}

TEST(LogRing, GivesTheLastLinesWithoutEmptyOnes) {
  LogRing ring;
  ring.append("one\n\ntwo\r\nthree");
  EXPECT_THAT(ring.last_lines(2), ElementsAre("two", "three"));
  EXPECT_THAT(ring.last_lines(9), ElementsAre("one", "two", "three"));
  ring.append("\r 10 %\r 20 %\r\n");  // as bars of progress are written
  EXPECT_THAT(ring.last_lines(3), ElementsAre("three", " 10 %", " 20 %"));
}

TEST(LogRing, AFollowerHearsAllFromItsStartToItsEnd) {
  LogRing ring;
  ring.append("before");
  std::string heard;
  {
    const LogRing::Follow follow = ring.follow([&](std::string_view bytes) { heard += bytes; });
    ring.append("one");
    ring.append("two");
  }
  ring.append("after");
  EXPECT_EQ(heard, "onetwo");
}

TEST(LogRing, AFollowerMayEndItselfInItsCall) {
  LogRing ring;
  std::optional<LogRing::Follow> follow;
  int calls = 0;
  follow = ring.follow([&](std::string_view) {
    ++calls;
    follow.reset();
  });
  ring.append("x");
  ring.append("y");
  EXPECT_EQ(calls, 1);
}

TEST(LogRing, AFollowerMayEndAnotherInItsCall) {
  LogRing ring;
  std::string heard;
  std::optional<LogRing::Follow> second;
  const LogRing::Follow first = ring.follow([&](std::string_view bytes) {
    heard += "first " + std::string(bytes) + ".";
    second.reset();
  });
  second = ring.follow([&](std::string_view bytes) { heard += "second " + std::string(bytes); });
  const LogRing::Follow third =
      ring.follow([&](std::string_view bytes) { heard += "third " + std::string(bytes) + "."; });
  ring.append("x");
  ring.append("y");
  EXPECT_EQ(heard, "first x.third x.first y.third y.");
}

TEST(LogRing, AHandleThatMovesFollowsOn) {
  LogRing ring;
  std::string heard;
  auto first = std::make_optional(ring.follow([&](std::string_view bytes) { heard += bytes; }));
  LogRing::Follow follow = std::move(*first);
  first.reset();
  ring.append("one");
  EXPECT_EQ(heard, "one");
  follow = ring.follow([&](std::string_view bytes) { heard += " " + std::string(bytes); });
  ring.append("two");
  EXPECT_EQ(heard, "one two") << "the one of before has ended";
  follow = {};
  ring.append("three");
  EXPECT_EQ(heard, "one two");
}

TEST(LogRing, AFollowerMayOutliveTheRing) {
  auto ring = std::make_unique<LogRing>();
  const LogRing::Follow follow = ring->follow([](std::string_view) {});
  ring.reset();
}

TEST(LogRing, OnePieceLargerThanTheRingIsCut) {
  LogRing ring(10);
  ring.append(std::string(990, 'x') + "1234567890");
  EXPECT_EQ(ring.text(), "1234567890");
  EXPECT_EQ(ring.total_bytes(), 1000u);
}

}  // namespace
}  // namespace rouse
