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

TEST(LogRing, GivesTheLastLinesWithoutEmptyOnes) {
  LogRing ring;
  ring.append("one\n\ntwo\r\nthree");
  EXPECT_THAT(ring.last_lines(2), ElementsAre("two", "three"));
  EXPECT_THAT(ring.last_lines(9), ElementsAre("one", "two", "three"));
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

TEST(LogRing, AFollowerMayOutliveTheRing) {
  auto ring = std::make_unique<LogRing>();
  const LogRing::Follow follow = ring->follow([](std::string_view) {});
  ring.reset();
}

TEST(LogRing, OnePieceLargerThanTheRingIsCut) {
  LogRing ring(10);
  ring.append(std::string(1000, 'x'));
  EXPECT_LE(ring.text().size(), 10u);
  EXPECT_EQ(ring.total_bytes(), 1000u);
}

}  // namespace
}  // namespace rouse
