#include "proxy/request/timing.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;

std::string timing_in(const ResponseHead& head) {
  return std::string(head.fields.find("x-rouse-cold-start").value_or("-")) + " | " +
         std::string(head.fields.find("server-timing").value_or("-"));
}

RequestTiming timing(ColdStart cold, bool to_peer = false) {
  RequestTiming made;
  made.cold_start = cold;
  made.to_peer = to_peer;
  made.is_admitted = true;
  made.waited = 700ms;
  return made;
}

TEST(Timing, AnEngineThatWasThereCostsItsTurnOnly) {
  ResponseHead head;
  add_timing(head, timing(ColdStart::None));
  EXPECT_EQ(timing_in(head), "none | queue;dur=700");
}

TEST(Timing, LoadAndWakeAreNoPartOfTheTurn) {
  ResponseHead head;
  RequestTiming cold = timing(ColdStart::Wake, true);
  cold.load = 200ms;
  cold.wake = 400ms;
  add_timing(head, cold);
  EXPECT_EQ(timing_in(head), "wake | hold;dur=100, load;dur=200, wake;dur=400");
}

TEST(Timing, TheTurnIsNeverLessThanNothing) {
  ResponseHead head;
  RequestTiming cold = timing(ColdStart::Load);
  cold.load = 900ms;
  add_timing(head, cold);
  EXPECT_EQ(timing_in(head), "load | queue;dur=0, load;dur=900");
}

TEST(Timing, BeforeItIsAdmittedOnlyTheColdStartIsKnown) {
  ResponseHead head;
  RequestTiming early = timing(ColdStart::Load);
  early.is_admitted = false;
  add_timing(head, early);
  EXPECT_EQ(timing_in(head), "load | -");
}

TEST(Timing, WhatAPeerSaysOfItselfStaysAndOursComesBehind) {
  ResponseHead head;
  head.fields.add("x-rouse-cold-start", "load");
  head.fields.add("server-timing", "queue;dur=5, load;dur=300");
  add_timing(head, timing(ColdStart::None, true));
  EXPECT_EQ(timing_in(head), "load | queue;dur=5, load;dur=300, hold;dur=700");
}

TEST(Timing, ThatItHadToBeWokenIsSaidInSpiteOfThePeer) {
  ResponseHead head;
  head.fields.add("x-rouse-cold-start", "none");
  RequestTiming woken = timing(ColdStart::Wake, true);
  woken.wake = 700ms;
  add_timing(head, woken);
  EXPECT_EQ(timing_in(head), "wake | hold;dur=0, wake;dur=700");
}

TEST(Timing, AnEngineOfOursSaysNothingForUs) {
  ResponseHead head;
  head.fields.add("x-rouse-cold-start", "wake");
  add_timing(head, timing(ColdStart::None));
  EXPECT_EQ(timing_in(head), "none | queue;dur=700");
}

}  // namespace
}  // namespace rouse
