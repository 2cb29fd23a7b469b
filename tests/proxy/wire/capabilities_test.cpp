#include "proxy/wire/capabilities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Capabilities with_context(int tokens) {
  Capabilities can;
  can.context = tokens;
  return can;
}

TEST(Capabilities, TheTypedGoesBeforeTheEngineAndThatBeforeItsCommand) {
  CapabilitySources sources;
  EXPECT_TRUE(resolve(sources).is_empty());
  sources.command = with_context(3);
  EXPECT_EQ(resolve(sources).context, 3);
  sources.said = with_context(2);
  EXPECT_EQ(resolve(sources).context, 2);
  sources.typed = with_context(1);
  EXPECT_EQ(resolve(sources).context, 1);
}

TEST(Capabilities, EachOfThemHasItsOwnSource) {
  CapabilitySources sources;
  sources.typed.tools = false;
  sources.said.tools = true;
  sources.said.in = {"text"};
  sources.command.in = {"text", "image"};
  sources.command.out = {"text"};
  sources.command.context = 7;
  const Capabilities can = resolve(sources);
  EXPECT_EQ(can.tools, false);
  EXPECT_THAT(can.in, ElementsAre("text"));
  EXPECT_THAT(can.out, ElementsAre("text"));
  EXPECT_EQ(can.context, 7);
}

TEST(Capabilities, WhatServesVectorsOrRanksCallsNoToolsUnlessSomebodyTypedIt) {
  for (auto kind : {&Capabilities::embedding, &Capabilities::reranker}) {
    CapabilitySources sources;
    sources.command.*kind = true;
    sources.said.tools = true;
    sources.said.out = {"text"};
    EXPECT_EQ(resolve(sources).tools, std::nullopt);
    EXPECT_THAT(resolve(sources).out, IsEmpty());
    EXPECT_EQ(resolve(sources).*kind, true);
    sources.typed.tools = true;
    EXPECT_EQ(resolve(sources).tools, true);
  }
}

TEST(Capabilities, InCommonIsWhatBothAreKnownToHave) {
  Capabilities one = with_context(8192);
  one.in = {"text", "image"};
  one.out = {"text"};
  one.tools = true;
  one.embedding = true;
  Capabilities other = with_context(4096);
  other.in = {"audio", "text"};
  other.out = {"text"};
  other.tools = true;
  const Capabilities both = in_common(one, other);
  EXPECT_EQ(both.context, 4096);
  EXPECT_THAT(both.in, ElementsAre("text"));
  EXPECT_THAT(both.out, ElementsAre("text"));
  EXPECT_EQ(both.tools, true);
  EXPECT_EQ(both.embedding, std::nullopt);
  EXPECT_EQ(in_common(one, with_context(0)).context, 0) << "it may be less";
}

TEST(Capabilities, AContradictionHasBothFigures) {
  Capabilities typed = with_context(256000);
  typed.in = {"text", "image"};
  typed.tools = true;
  Capabilities said = with_context(4096);
  said.in = {"text"};
  said.tools = false;
  EXPECT_THAT(contradictions(typed, said),
              ElementsAre("capabilities.context says 256000, the engine says 4096",
                          "capabilities.in says image, the engine says text",
                          "capabilities.tools says true, the engine says false"));
}

TEST(Capabilities, ToPromiseLessOrWhatTheEngineIsSilentAboutIsNone) {
  Capabilities typed = with_context(1024);
  typed.in = {"text"};
  typed.tools = false;
  Capabilities said = with_context(4096);
  said.in = {"text", "image"};
  said.tools = true;
  EXPECT_THAT(contradictions(typed, said), IsEmpty());
  typed = with_context(1024);
  typed.in = {"image"};
  typed.tools = true;
  EXPECT_THAT(contradictions(typed, {}), IsEmpty());
}

}  // namespace
}  // namespace rouse::wire
