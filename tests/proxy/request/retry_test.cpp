#include "proxy/request/retry.hpp"

#include <gtest/gtest.h>

namespace rouse {
namespace {

Failure failed(bool try_again, bool elsewhere = false) {
  Failure made = failure(502, "gone");
  made.try_again = try_again;
  made.elsewhere = elsewhere;
  return made;
}

AttemptFacts at_peer(bool is_admitted = true, bool has_next = false) {
  AttemptFacts facts;
  facts.to_peer = true;
  facts.is_admitted = is_admitted;
  facts.has_next = has_next;
  return facts;
}

TEST(Retry, WhatMayHaveRunGoesNowhere) {
  EXPECT_EQ(next_step(failed(false), AttemptFacts()), NextStep::GiveUp);
  EXPECT_EQ(next_step(failed(false), at_peer(true, true)), NextStep::GiveUp);
}

TEST(Retry, AnEngineThatTookNothingIsAskedFourTimesInAll) {
  AttemptFacts facts;
  for (facts.entered = 1; facts.entered < 4; ++facts.entered) {
    EXPECT_EQ(next_step(failed(true), facts), NextStep::Reenter) << facts.entered;
  }
  EXPECT_EQ(next_step(failed(true), facts), NextStep::GiveUp);
}

TEST(Retry, AnEngineIsNoReasonToGoToAnotherMachine) {
  AttemptFacts facts;
  facts.has_next = true;
  EXPECT_EQ(next_step(failed(false, true), facts), NextStep::GiveUp);
}

TEST(Retry, APeerThatTookNothingIsWaitedForHoweverOften) {
  AttemptFacts facts = at_peer(true, true);
  facts.entered = 100;
  EXPECT_EQ(next_step(failed(true, true), facts), NextStep::Rejoin);
}

TEST(Retry, WhatWasNotAdmittedHasNoQueueToGoBackTo) {
  EXPECT_EQ(next_step(failed(true, true), at_peer(false, true)), NextStep::NextDestination);
  EXPECT_EQ(next_step(failed(true, true), at_peer(false, false)), NextStep::GiveUp);
}

TEST(Retry, AProbeDoesNotWaitForAPeer) {
  AttemptFacts facts = at_peer();
  facts.only_if_ready = true;
  EXPECT_EQ(next_step(failed(true), facts), NextStep::GiveUp);
  facts.has_next = true;
  EXPECT_EQ(next_step(failed(true, true), facts), NextStep::NextDestination);
}

}  // namespace
}  // namespace rouse
