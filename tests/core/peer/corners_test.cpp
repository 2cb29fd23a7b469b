#include "tests/core/peer/bench.hpp"

#include <gtest/gtest.h>

namespace rouse::core::peer {
namespace {

using Word = Announced::PowerState;

// --- what a probe has met ------------------------------------------------------------------------

TEST(PeerCorners, OneThatIsUpAndNotReadyIsUsedAndNotWoken) {
  Bench b;
  b.be_awake();
  b.want(1);
  b.step(TurnedAway{ticket(1), false});
  b.answer(Sign::Unwell);
  EXPECT_EQ(b.phase(), Phase::Awake);
  EXPECT_TRUE(b.admitted(1)) << "its own words are the best answer";
}

TEST(PeerCorners, OneThatIsNotReadyYetDoesNotStartItsWakeAnew) {
  Bench b;
  b.be_waking();
  const auto gives_up = b.state.view().gives_up_at;
  b.pass(100ms);
  b.answer(Sign::Unwell);
  EXPECT_TRUE(b.last.empty());
  EXPECT_EQ(b.state.view().gives_up_at, gives_up);
}

TEST(PeerCorners, AnyAnswerOfOneThatSleepsTellsWhoMayNotWakeIt) {
  for (const Sign sign : {Sign::Suspending, Sign::Refuses, Sign::Silent}) {
    Bench b;
    b.be_awake();
    b.announce(Word::Suspending, 2);
    b.pass(2s);
    b.want(1, false);
    ASSERT_EQ(b.did<Probe>(), 1);
    b.answer(sign);
    EXPECT_EQ(b.cause(1), Cause::NotWoken) << static_cast<int>(sign);
    EXPECT_EQ(b.did<Probe>(), 0);
  }
}

TEST(PeerCorners, OneThatRefusesSoonAfterItsWordOfSleepIsAsleep) {
  Bench b;
  b.be_awake();
  b.announce(Word::Suspending, 2);
  b.announce(Word::Awake, 2);
  b.step(AnnouncementsLost{});
  b.answer(Sign::Refuses);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  EXPECT_FALSE(b.state.view().service_down);
}

TEST(PeerCorners, AnswersToLooksOfBeforeSayNothing) {
  Bench b;
  b.be_awake();
  b.step(AnnouncementsLost{});
  const std::uint64_t first = b.asked;
  b.announce(Word::Awake, 1);
  b.step(Probed{first, Sign::Silent, std::nullopt});
  EXPECT_EQ(b.phase(), Phase::Awake) << "its own word has come since";
  b.step(AnnouncementsLost{});
  ASSERT_EQ(b.did<Probe>(), 1);
  b.step(Probed{first, Sign::Silent, std::nullopt});
  EXPECT_EQ(b.phase(), Phase::Awake);
  const std::uint64_t second = b.asked;
  b.announce(Word::Suspending, 2);
  b.step(Probed{second, Sign::Answers, std::nullopt});
  EXPECT_EQ(b.phase(), Phase::Asleep);
}

TEST(PeerCorners, OneThatIsDownIsNotAskedForNobody) {
  Bench b(Bench::plain());
  b.be_awake();
  b.step(AnnouncementsLost{});
  b.answer(Sign::Refuses);
  EXPECT_TRUE(b.state.view().service_down);
  b.pass(10s);
  b.step(Tick{});
  EXPECT_TRUE(b.last.empty());
  b.announce(Word::Suspending, 2);
  EXPECT_FALSE(b.state.view().service_down) << "nobody knows of one that sleeps";
}

TEST(PeerCorners, PatienceWithOneThatIsDownEndsToTheMillisecond) {
  Bench b(Bench::plain());
  b.want(1);
  b.pass(300ms);
  b.answer(Sign::Refuses);
  const Instant down = b.now;
  while (b.state.view().waiting > 0) {
    const std::uint64_t asked = b.asked;
    const auto next = b.state.next_deadline();
    ASSERT_TRUE(next);
    b.run(*next - b.now);
    if (b.asked == asked) continue;
    b.pass(300ms);
    b.answer(Sign::Refuses);
  }
  EXPECT_EQ(b.now - down, 5s);
}

TEST(PeerCorners, AServiceThatIsDownIsWokenAndThenNotCalledDown) {
  Bench b;
  b.want(1);
  b.answer(Sign::Refuses);
  EXPECT_EQ(b.phase(), Phase::Waking);
  EXPECT_FALSE(b.state.view().service_down);
}

// --- its own words -------------------------------------------------------------------------------

TEST(PeerCorners, ARefusalForItsSleepIsAWordAndNoFault) {
  Policy policy = Bench::waking();
  policy.debounce = 1min;
  Bench b(policy);
  b.be_awake();
  b.want(1);
  for (std::uint64_t sleep = 0; sleep < 6; ++sleep) {
    b.pass(1s);
    b.step(TurnedAway{ticket(1), true});
    EXPECT_EQ(b.phase(), Phase::Asleep);
    EXPECT_EQ(b.state.view().heard_at, b.now);
    EXPECT_FALSE(b.cause(1)) << sleep;
    b.answer(Sign::Answers, epoch(1));
    EXPECT_TRUE(b.admitted(1)) << sleep;
  }
}

TEST(PeerCorners, SilenceIsNoWord) {
  Bench b;
  b.be_awake();
  const auto heard = b.state.view().heard_at;
  b.pass(1s);
  b.step(AnnouncementsLost{});
  b.answer(Sign::Silent);
  EXPECT_EQ(b.state.view().heard_at, heard);
}

TEST(PeerCorners, AnAnswerSaysWhichWordsAreOld) {
  Bench b;
  b.be_awake(5);
  EXPECT_EQ(b.state.view().epoch, epoch(5));
  b.announce(Word::Suspending, 4);
  EXPECT_EQ(b.phase(), Phase::Awake);
}

TEST(PeerCorners, AWordOfBeforeARememberedSleepIsOld) {
  Bench b(Bench::waking(), Memory{true, epoch(5)});
  b.announce(Word::Awake, 4);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  b.announce(Word::Awake, 5);
  EXPECT_EQ(b.phase(), Phase::Awake);
}

TEST(PeerCorners, ADrainIsBelievedOfOneThatIsAwakeOrUnknown) {
  Bench b;
  b.announce(Word::Draining, 1);
  EXPECT_EQ(b.phase(), Phase::Draining);
  Bench waking;
  waking.be_waking();
  waking.announce(Word::Draining, 2);
  EXPECT_EQ(waking.phase(), Phase::Waking);
}

TEST(PeerCorners, OnlyADrainHoldsRequests) {
  Policy policy = Bench::waking();
  policy.drain_hold = 3s;
  Bench b(policy);
  b.be_awake();
  b.want(1);
  EXPECT_TRUE(b.admitted(1));
  b.announce(Word::Draining, 1);
  b.want(2, false);
  b.announce(Word::Suspending, 2);
  EXPECT_EQ(b.cause(2), Cause::NotWoken) << "it has just said so";
  EXPECT_EQ(b.did<Probe>(), 0);
}

TEST(PeerCorners, ConnectionsAreDroppedOnceForASleep) {
  Bench b;
  b.be_awake();
  b.announce(Word::Suspending, 2);
  EXPECT_EQ(b.did<DropConnections>(), 1);
  b.announce(Word::Suspending, 3);
  EXPECT_TRUE(b.last.empty());
}

TEST(PeerCorners, AWordOfItsSleepAfterAWakeThatFailedIsBelieved) {
  Bench b;
  b.be_waking();
  b.run(120s);
  ASSERT_EQ(b.phase(), Phase::Failed);
  b.announce(Word::Suspending, 2);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  EXPECT_EQ(b.state.view().retry_at, std::nullopt);
}

// --- what an operator wants ----------------------------------------------------------------------

TEST(PeerCorners, AnOperatorWakesNobodyWhoIsAwake) {
  Bench b;
  b.be_awake();
  b.step(WakeWanted{});
  EXPECT_TRUE(b.last.empty());
  EXPECT_EQ(b.phase(), Phase::Awake);
}

TEST(PeerCorners, AnOperatorJoinsAWake) {
  Bench b;
  b.be_waking();
  const auto gives_up = b.state.view().gives_up_at;
  b.pass(100ms);
  b.step(WakeWanted{});
  EXPECT_TRUE(b.last.empty());
  EXPECT_EQ(b.state.view().gives_up_at, gives_up);
  b.step(Left{ticket(901)});
  b.run(5s);
  EXPECT_GE(b.count<SendVolley>(b.all), 4) << "packets go on for the operator";
}

TEST(PeerCorners, AnOperatorsWishIsForOneWake) {
  Bench b;
  b.be_asleep();
  b.step(WakeWanted{});
  b.announce(Word::Awake, 2);
  b.announce(Word::Suspending, 3);
  b.want(1);
  b.run(2s);
  ASSERT_EQ(b.phase(), Phase::Waking);
  b.step(Left{ticket(1)});
  b.run(30s);
  EXPECT_EQ(b.count<SendVolley>(b.all), 0);
}

// --- wakes ---------------------------------------------------------------------------------------

/// The only one of its kind in @p actions.
template <typename What>
What only(const std::vector<Action>& actions) {
  What found{};
  int count = 0;
  for (const Action& each : actions) {
    if (const auto* what = std::get_if<What>(&each)) {
      found = *what;
      ++count;
    }
  }
  EXPECT_EQ(count, 1);
  return found;
}

TEST(PeerCorners, EachWakeBeginsWithItsFirstPacket) {
  Bench b;
  b.be_asleep();
  b.step(WakeWanted{});
  EXPECT_EQ(only<SendVolley>(b.last).number, 1);
  b.run(3s);
  EXPECT_EQ(b.state.view().volleys, 5);
  b.announce(Word::Awake, 2);
  b.announce(Word::Suspending, 3);
  b.step(WakeWanted{});
  EXPECT_EQ(only<SendVolley>(b.last).number, 1) << "at once, whenever the next was due";
  EXPECT_EQ(b.state.view().volleys, 1);
  b.run(200ms);
  EXPECT_EQ(only<SendVolley>(b.all).number, 2);
}

TEST(PeerCorners, AWakeTellsHowItEndedAndWhatItTook) {
  Bench b;
  b.be_waking();
  b.pass(30s);
  b.announce(Word::Awake, 2);
  EXPECT_EQ(only<WakeEnded>(b.last).outcome, WakeEnded::Outcome::Ok);
  EXPECT_EQ(only<WakeEnded>(b.last).took, 30s);
  b.announce(Word::Suspending, 3);
  b.step(WakeWanted{});
  b.run(120s);
  EXPECT_EQ(only<WakeEnded>(b.all).outcome, WakeEnded::Outcome::Timeout);
  EXPECT_EQ(only<WakeEnded>(b.all).took, 120s);
  b.step(WakeWanted{});
  b.step(Retired{"is no longer configured"});
  EXPECT_EQ(only<WakeEnded>(b.last).outcome, WakeEnded::Outcome::Cancelled);
}

TEST(PeerCorners, WhoWaitedForAWakeThatFailedIsToldHowLongItTook) {
  Bench b;
  b.be_waking();
  b.run(120s);
  const auto refused = only<Refuse>(b.all);
  EXPECT_EQ(refused.cause, Cause::WakeFailed);
  EXPECT_EQ(refused.detail, "did not wake within 120 s");
  EXPECT_EQ(refused.retry_after, 15s);
}

TEST(PeerCorners, NoPauseIsLongerThanTheLongest) {
  Bench b;
  b.be_asleep();
  for (int wake = 1; wake <= 40; ++wake) {
    b.step(WakeWanted{});
    b.run(120s);
    ASSERT_EQ(b.phase(), Phase::Failed);
    ASSERT_EQ(b.state.view().failures, wake);
    const Duration pause = *b.state.view().retry_at - b.now;
    if (wake > 5) EXPECT_EQ(pause, 5min) << wake;
  }
}

TEST(PeerCorners, OneThatNobodyWaitsForAnyMoreIsLookedAtOnceMore) {
  Bench b;
  b.be_waking();
  b.want(1, false);
  b.step(Left{ticket(901)});
  b.run(119'500ms);
  b.answer(Sign::Silent);
  EXPECT_EQ(b.did<Probe>(), 1);
  b.run(500ms);
  ASSERT_EQ(b.phase(), Phase::Asleep);
  EXPECT_EQ(b.state.view().waiting, 1U) << "its last answer was for the wake";
  EXPECT_EQ(std::get<Probe>(b.all.back()).connect, 1s);

  Bench nobody;
  nobody.be_waking();
  nobody.step(Left{ticket(901)});
  nobody.run(120s);
  ASSERT_EQ(nobody.phase(), Phase::Asleep);
  nobody.want(1);
  EXPECT_EQ(nobody.did<Probe>(), 1) << "whatever became of the one before";
}

// --- what is told --------------------------------------------------------------------------------

TEST(PeerCorners, EachPhaseIsToldOnceWithItsReason) {
  Bench b;
  EXPECT_EQ(b.state.view().reason, "nothing was heard of it yet");
  b.want(1);
  b.answer(Sign::Answers, epoch(1));
  const auto entered = only<Entered>(b.last);
  EXPECT_EQ(entered.from, Phase::Unknown);
  EXPECT_EQ(entered.to, Phase::Awake);
  EXPECT_EQ(entered.reason, "answers");
  EXPECT_EQ(b.state.view().reason, "answers");
  b.step(AnnouncementsLost{});
  b.answer(Sign::Answers, epoch(1));
  EXPECT_EQ(b.did<Entered>(), 0);
}

TEST(PeerCorners, ARetryIsToldOfWhileThereIsAPauseOnly) {
  Bench b;
  b.be_waking();
  EXPECT_EQ(b.state.view().retry_at, std::nullopt);
  b.run(120s);
  EXPECT_TRUE(b.state.view().retry_at);
  b.announce(Word::Awake, 2);
  EXPECT_EQ(b.state.view().retry_at, std::nullopt);
}

}  // namespace
}  // namespace rouse::core::peer
