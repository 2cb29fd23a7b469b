#include "tests/core/peer/bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace rouse::core::peer {
namespace {

// --- unknown -------------------------------------------------------------------------------------

TEST(PeerState, DoesNothingUntilSomebodyNeedsIt) {
  Bench b;
  EXPECT_EQ(b.state.next_deadline(), std::nullopt);
  b.step(Tick{});
  EXPECT_TRUE(b.last.empty());
  b.want(1);
  ASSERT_EQ(b.did<Probe>(), 1);
  EXPECT_EQ(std::get<Probe>(b.last[0]).connect, 1s);
  b.want(2);
  EXPECT_EQ(b.did<Probe>(), 0) << "one look answers for both";
  b.answer(Sign::Answers, epoch(1));
  EXPECT_EQ(b.phase(), Phase::Awake);
  EXPECT_TRUE(b.admitted(1));
  EXPECT_TRUE(b.admitted(2));
}

TEST(PeerState, AStrangersSignDecides) {
  struct Row {
    Sign sign;
    bool can_wake;
    Phase then;
  };
  for (const Row& row :
       {Row{Sign::Answers, true, Phase::Awake}, Row{Sign::Unwell, true, Phase::Waking},
        Row{Sign::Unwell, false, Phase::Awake}, Row{Sign::Suspending, true, Phase::Asleep},
        Row{Sign::Refuses, true, Phase::Waking}, Row{Sign::Refuses, false, Phase::Awake},
        Row{Sign::Silent, true, Phase::Asleep}, Row{Sign::Silent, false, Phase::Asleep}}) {
    Bench b(row.can_wake ? Bench::waking() : Bench::plain());
    b.want(1);
    b.answer(row.sign);
    EXPECT_EQ(b.phase(), row.then) << static_cast<int>(row.sign) << " " << row.can_wake;
  }
}

TEST(PeerState, OnlyTheAnswerToTheLastProbeCounts) {
  Bench b;
  b.want(1);
  b.step(Probed{b.asked + 1, Sign::Answers, epoch(1)});
  EXPECT_EQ(b.phase(), Phase::Unknown);
  b.answer(Sign::Silent);
  b.step(Probed{b.asked - 1, Sign::Answers, epoch(1)});
  EXPECT_EQ(b.phase(), Phase::Asleep);
}

// --- awake ---------------------------------------------------------------------------------------

TEST(PeerState, WhoeverComesToAnAwakeOneGoesOn) {
  Bench b;
  b.be_awake();
  for (std::uint64_t who = 1; who <= 30; ++who) {
    b.want(who);
    EXPECT_TRUE(b.admitted(who));
  }
  EXPECT_EQ(b.state.next_deadline(), std::nullopt);
}

TEST(PeerState, ASilentOneIsAsleepAndWokenOnceTheDebounceIsOver) {
  Bench b;
  b.be_awake();
  b.want(1);
  b.pass(1s);
  b.step(TurnedAway{ticket(1), false});
  EXPECT_EQ(b.did<Probe>(), 1);
  b.run(999ms);
  b.pass(1ms);
  b.answer(Sign::Silent);
  EXPECT_EQ(b.did<DropConnections>(), 1);
  EXPECT_EQ(b.phase(), Phase::Waking) << "2 s after it came";
  EXPECT_EQ(b.did<SendVolley>(), 1);
  b.answer(Sign::Answers, epoch(1));
  EXPECT_TRUE(b.admitted(1)) << "exactly the one that was turned away";
}

TEST(PeerState, WhatIsTurnedAwayAgainAndAgainIsRefused) {
  Bench b;
  b.be_awake();
  b.want(1);
  for (int i = 0; i < 4; ++i) {
    b.step(TurnedAway{ticket(1), false});
    EXPECT_FALSE(b.cause(1));
    b.answer(Sign::Answers, epoch(1));
    EXPECT_TRUE(b.admitted(1)) << i;
  }
  b.step(TurnedAway{ticket(1), false});
  EXPECT_EQ(b.cause(1), Cause::Unreachable);
}

TEST(PeerState, OneThatRefusesForGoingToSleepIsAsleep) {
  Bench b;
  b.be_awake();
  b.want(1);
  b.step(TurnedAway{ticket(1), true});
  EXPECT_EQ(b.phase(), Phase::Asleep);
  EXPECT_EQ(b.did<Probe>(), 1) << "it may be up again by now";
  b.answer(Sign::Refuses);
  EXPECT_EQ(b.phase(), Phase::Asleep) << "it stops to listen before it sleeps";
  b.run(2s);
  EXPECT_EQ(b.phase(), Phase::Waking);
}

TEST(PeerState, ALostStreamMeansToAsk) {
  Bench b;
  b.be_awake();
  b.step(AnnouncementsLost{});
  EXPECT_EQ(b.did<Probe>(), 1);
  b.want(1);
  EXPECT_FALSE(b.admitted(1));
  b.answer(Sign::Answers, epoch(1));
  EXPECT_TRUE(b.admitted(1));
  b.step(AnnouncementsLost{});
  b.answer(Sign::Silent);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  EXPECT_EQ(b.state.next_deadline(), std::nullopt) << "nobody needs it";
}

TEST(PeerState, OneWithoutAWayToWakeThatRefusesIsAskedAgainAndGivenUpInTime) {
  Bench b(Bench::plain());
  b.want(1);
  const Instant start = b.now;
  int probes = 0;
  while (b.state.view().waiting > 0) {
    b.pass(1ms);
    b.answer(Sign::Refuses);
    if (b.state.view().waiting == 0) break;
    b.run(500ms);
    probes += b.count<Probe>(b.all);
    ASSERT_LT(b.now - start, 10s);
  }
  EXPECT_GE(b.now - start, 5s);
  EXPECT_LE(b.now - start, 6s);
  EXPECT_GE(probes, 9);
  // Its service may be up again when the next one comes.
  b.pass(60s);
  b.want(2);
  EXPECT_FALSE(b.cause(2)) << "not on hearsay";
  ASSERT_EQ(b.did<Probe>(), 1);
  b.answer(Sign::Refuses);
  EXPECT_EQ(b.cause(2), Cause::Unreachable) << "at once: it has been down for long";
  b.pass(60s);
  b.want(3);
  b.answer(Sign::Answers);
  EXPECT_TRUE(b.admitted(3));
  EXPECT_FALSE(b.state.view().service_down);
}

TEST(PeerState, WhoCanGoElsewhereDoesNotWaitForAServiceThatIsDown) {
  Bench b(Bench::plain());
  b.want(1);
  b.step(Wanted{ticket(2), true, "", true});
  b.answer(Sign::Refuses);
  EXPECT_EQ(b.cause(2), Cause::Unreachable);
  EXPECT_FALSE(b.cause(1));
}

// --- draining ------------------------------------------------------------------------------------

TEST(PeerState, ARequestGoesThroughADrain) {
  Bench b;
  b.be_awake();
  b.announce(Announced::PowerState::Draining, 1);
  EXPECT_EQ(b.phase(), Phase::Draining);
  b.want(1);
  EXPECT_TRUE(b.admitted(1));
  b.announce(Announced::PowerState::Awake, 1);
  EXPECT_EQ(b.phase(), Phase::Awake);
}

TEST(PeerState, ADrainThatDoesNotEndIsAskedAbout) {
  Bench b;
  b.be_awake();
  b.announce(Announced::PowerState::Draining, 1);
  b.run(15s);
  EXPECT_EQ(b.count<Probe>(b.all), 1);
  b.answer(Sign::Answers, epoch(1));
  EXPECT_EQ(b.phase(), Phase::Awake);
}

TEST(PeerState, ADrainThatBecameASleepInSilenceDoesNotSpin) {
  Bench b;
  b.be_awake();
  b.announce(Announced::PowerState::Draining, 1);
  b.want(1);
  b.pass(1s);
  b.step(TurnedAway{ticket(1), false});
  EXPECT_EQ(b.did<Probe>(), 1);
  b.run(1s);
  EXPECT_TRUE(b.all.empty());
  b.answer(Sign::Silent);
  EXPECT_EQ(b.phase(), Phase::Waking);
}

TEST(PeerState, AQueueBeforeADrainingOneDoesNotSpin) {
  Policy policy = Bench::waking();
  policy.release_max = 1;
  Bench b(policy);
  b.want(1);
  b.want(2);
  b.pass(10ms);
  b.answer(Sign::Answers, epoch(1));
  EXPECT_TRUE(b.admitted(1));
  EXPECT_FALSE(b.admitted(2));
  b.announce(Announced::PowerState::Draining, 1);
  b.run(10s);
  b.step(Taken{ticket(1)});
  EXPECT_TRUE(b.admitted(2));
}

TEST(PeerState, AnHonouredDrainHoldsRequestsForAMoment) {
  Policy policy = Bench::waking();
  policy.drain_hold = 3s;
  Bench b(policy);
  b.be_awake();
  b.announce(Announced::PowerState::Draining, 1);
  b.want(1);
  EXPECT_FALSE(b.admitted(1));
  b.run(3s);
  EXPECT_EQ(b.count<Admit>(b.all), 1);
  b.want(2);
  b.announce(Announced::PowerState::Suspending, 2);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  EXPECT_FALSE(b.admitted(2));
}

// --- asleep --------------------------------------------------------------------------------------

TEST(PeerState, NothingIsAskedOfOneThatSleepsWhileNobodyNeedsIt) {
  Bench b;
  b.be_asleep();
  EXPECT_EQ(b.state.next_deadline(), std::nullopt);
  b.step(AnnouncementsLost{});
  EXPECT_TRUE(b.last.empty());
}

TEST(PeerState, ARequestThatIsWithdrawnInTimeWakesNothing) {
  Bench b;
  b.be_asleep();
  b.want(1);
  EXPECT_EQ(b.did<Probe>(), 1) << "somebody may have pressed its button";
  b.run(1999ms);
  b.step(Left{ticket(1)});
  b.run(60s);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  EXPECT_EQ(b.count<SendVolley>(b.all), 0);
}

TEST(PeerState, OneThatIsUpUnheardOfIsUsedWithoutAPacket) {
  Bench b;
  b.be_asleep();
  b.want(1);
  b.pass(20ms);
  b.answer(Sign::Answers, epoch(2));
  EXPECT_TRUE(b.admitted(1));
  EXPECT_EQ(b.did<SendVolley>(), 0);
}

TEST(PeerState, ARefusalMeansSleepOnlySoonAfterItWasAnnounced) {
  Bench b;
  b.be_awake();
  b.announce(Announced::PowerState::Suspending, 2);
  b.pass(10s);
  b.want(1);
  b.answer(Sign::Refuses);
  EXPECT_EQ(b.phase(), Phase::Asleep) << "it refuses on its way to sleep";

  Bench later;
  later.be_asleep();
  later.want(1);
  later.answer(Sign::Refuses);
  EXPECT_EQ(later.phase(), Phase::Waking)
      << "it is up, and its service is not: nothing to debounce";
}

TEST(PeerState, WhoMayNotWakeItIsToldSoAfterOneLook) {
  Bench b;
  b.be_asleep();
  b.want(1, false);
  EXPECT_FALSE(b.cause(1));
  EXPECT_EQ(b.did<Probe>(), 1);
  // A machine that is silent lets a probe wait for all of its time.
  b.run(1s);
  b.answer(Sign::Silent);
  EXPECT_EQ(b.cause(1), Cause::NotWoken);
  EXPECT_EQ(b.refusal(1)->detail, "is asleep, and its key may not wake it");
  b.pass(500ms);
  b.want(2, false);
  EXPECT_EQ(b.cause(2), Cause::NotWoken) << "we have just looked";
  EXPECT_EQ(b.did<Probe>(), 0);
  b.pass(1s);
  b.want(3, false);
  EXPECT_EQ(b.did<Probe>(), 1) << "that look is too old";
}

TEST(PeerState, OneWithoutAWayToWakeIsNotWaitedFor) {
  Bench b(Bench::plain());
  b.want(1);
  b.answer(Sign::Silent);
  EXPECT_EQ(b.cause(1), Cause::NotWoken);
  EXPECT_EQ(b.refusal(1)->detail, "is asleep, and there is no way to wake it");
}

TEST(PeerState, ARestartedFrontRemembersItsSleep) {
  Bench b(Bench::waking(), Memory{true, epoch(5)});
  EXPECT_EQ(b.phase(), Phase::Asleep);
  b.want(1);
  b.pass(10ms);
  b.answer(Sign::Answers, epoch(4));
  EXPECT_EQ(b.phase(), Phase::Asleep) << "that was said before it slept";
  b.run(2s);
  b.answer(Sign::Answers, Epoch{1, "another boot"});
  EXPECT_EQ(b.phase(), Phase::Awake);
  EXPECT_FALSE(b.state.memory().asleep);
}

// --- waking --------------------------------------------------------------------------------------

TEST(PeerState, PacketsGoOutUntilItAnswers) {
  Bench b;
  b.be_asleep();
  b.want(1);
  std::vector<Duration> at;
  const Instant start = b.now + 2s;  // the debounce
  while (b.now < start + 40s) {
    b.run(b.phase() == Phase::Waking ? 50ms : 2s);
    for (const Action& action : b.all) {
      if (std::holds_alternative<SendVolley>(action)) at.push_back(b.now - start);
    }
    b.answer(Sign::Silent);
    for (const Action& action : b.last) EXPECT_FALSE(std::holds_alternative<Refuse>(action));
  }
  const std::vector<Duration> wanted{0s,  200ms, 1s,  2s,  3s,  5s,  7s,  9s,  11s, 13s, 15s,
                                     17s, 19s,   21s, 23s, 25s, 27s, 29s, 30s, 35s, 40s};
  EXPECT_EQ(at, wanted);
}

TEST(PeerState, ProbesOfAWakingOneAreShortAndFrequent) {
  Bench b;
  b.be_waking();
  int probes = 0;
  for (int i = 0; i < 20; ++i) {
    for (const Action& each : b.all) {
      const auto* probe = std::get_if<Probe>(&each);
      if (probe == nullptr) continue;
      ++probes;
      if (b.phase() == Phase::Waking) EXPECT_LE(probe->connect, 1s);
    }
    b.answer(Sign::Silent);
    b.run(250ms);
  }
  EXPECT_GE(probes, 19);
  b.answer(Sign::Silent);
  b.run(250ms);
  ASSERT_EQ(b.count<Probe>(b.all), 1);
  EXPECT_EQ(std::get<Probe>(b.all.back()).connect, 500ms);
}

TEST(PeerState, NothingButAProperAnswerEndsAWake) {
  for (const Sign sign : {Sign::Unwell, Sign::Suspending, Sign::Refuses, Sign::Silent}) {
    Bench b;
    b.be_waking();
    b.answer(sign);
    EXPECT_EQ(b.phase(), Phase::Waking) << static_cast<int>(sign);
    EXPECT_EQ(b.did<Entered>(), 0) << "the same wake";
    b.run(3s);
    EXPECT_GE(b.count<SendVolley>(b.all), 3) << "packets go on";
    b.answer(Sign::Answers, epoch(1));
    EXPECT_EQ(b.phase(), Phase::Waking) << "an answer from before its sleep";
    b.run(1s);
    b.answer(Sign::Answers, epoch(2));
    EXPECT_EQ(b.phase(), Phase::Awake);
    ASSERT_EQ(b.did<WakeEnded>(), 1);
  }
}

TEST(PeerState, ItsOwnWordEndsAWake) {
  Bench b;
  b.be_waking();
  b.announce(Announced::PowerState::Suspending, 3);
  EXPECT_EQ(b.phase(), Phase::Waking) << "it says so too late";
  EXPECT_EQ(b.did<Entered>(), 0) << "the same wake";
  b.announce(Announced::PowerState::Awake, 2);
  EXPECT_EQ(b.phase(), Phase::Waking) << "that was before";
  b.announce(Announced::PowerState::Awake, 3);
  EXPECT_TRUE(b.admitted(901));
}

TEST(PeerState, WhoWaitedForAWakeGoesInOrderAFewAtATime) {
  Bench b;
  b.be_waking();
  for (std::uint64_t who = 1; who <= 20; ++who) b.want(who);
  b.answer(Sign::Answers, epoch(2));
  EXPECT_EQ(b.did<Admit>(), 8);
  EXPECT_TRUE(b.admitted(901));
  EXPECT_TRUE(b.admitted(7));
  EXPECT_FALSE(b.admitted(8));
  b.step(Taken{ticket(3)});
  EXPECT_TRUE(b.admitted(8));
  b.step(Left{ticket(901)});
  EXPECT_TRUE(b.admitted(9));
  b.step(TurnedAway{ticket(1), false});
  EXPECT_EQ(b.did<Admit>(), 0) << "first it is asked";
  b.answer(Sign::Answers, epoch(2));
  EXPECT_TRUE(b.admitted(1)) << "it has not lost its turn";
}

TEST(PeerState, OnlyWhoMayWakeItCausesPackets) {
  Bench b;
  b.be_waking();
  b.want(1, false);
  b.step(Left{ticket(901)});
  b.answer(Sign::Silent);
  b.run(30s);
  EXPECT_EQ(b.count<SendVolley>(b.all), 0);
  EXPECT_EQ(b.phase(), Phase::Waking) << "it may come yet";
  b.want(2);
  EXPECT_EQ(b.did<SendVolley>(), 1);
}

TEST(PeerState, AWakeThatNobodyWaitsForEndsAndLeavesNobodyBehind) {
  Bench b;
  b.be_waking();
  b.want(1, false);
  b.step(Left{ticket(901)});
  while (b.phase() == Phase::Waking) {
    b.answer(Sign::Silent);
    b.run(1s);
  }
  EXPECT_EQ(b.phase(), Phase::Asleep) << "no failure: nobody needed it";
  b.answer(Sign::Silent);
  EXPECT_EQ(b.state.view().waiting, 0U);
  EXPECT_EQ(b.cause(1), Cause::NotWoken);
}

// --- failed --------------------------------------------------------------------------------------

TEST(PeerState, AWakeThatFailsIsAPauseThatDoubles) {
  Bench b;
  b.be_waking();
  Duration pause = 15s;
  for (int wake = 1; wake <= 7; ++wake) {
    b.run(120s);
    ASSERT_EQ(b.phase(), Phase::Failed) << wake;
    ASSERT_TRUE(b.state.view().retry_at);
    EXPECT_EQ(*b.state.view().retry_at - b.now, pause);
    b.want(100);
    ASSERT_EQ(b.cause(100), Cause::WakeFailed);
    EXPECT_LE(b.refusal(100)->retry_after, std::max(pause, 5'000ms));
    b.pass(pause);
    b.want(101);
    ASSERT_EQ(b.phase(), Phase::Waking) << wake;
    EXPECT_EQ(b.did<SendVolley>(), 1);
    pause = std::min<Duration>(pause * 2, 5min);
  }
  b.answer(Sign::Answers, epoch(2));
  EXPECT_TRUE(b.admitted(101));
  b.announce(Announced::PowerState::Suspending, 3);
  b.pass(1min);
  b.want(102);
  b.run(122s);
  EXPECT_EQ(b.phase(), Phase::Failed);
  EXPECT_EQ(*b.state.view().retry_at - b.now, 15s) << "a success starts the count anew";
}

TEST(PeerState, AFailedOneIsAskedSeldomAndBelieved) {
  Bench b;
  b.be_waking();
  b.run(120s);
  ASSERT_EQ(b.phase(), Phase::Failed);
  b.answer(Sign::Silent);
  ASSERT_EQ(b.did<Probe>(), 1) << "the last one was long ago";
  b.pass(1s);
  b.answer(Sign::Silent);
  b.run(28s);
  EXPECT_EQ(b.count<Probe>(b.all), 0);
  b.run(10min);
  EXPECT_EQ(b.count<Probe>(b.all), 1) << "and no other before its answer";
  b.answer(Sign::Answers, epoch(2));
  EXPECT_EQ(b.phase(), Phase::Awake);
}

TEST(PeerState, AnOperatorWakesWithoutARequest) {
  Bench b;
  b.be_asleep();
  b.want(1);
  b.step(Left{ticket(1)});
  b.pass(10ms);
  b.step(WakeWanted{});
  EXPECT_EQ(b.phase(), Phase::Waking);
  EXPECT_EQ(b.did<SendVolley>(), 1);
  EXPECT_EQ(b.did<Probe>(), 1) << "the look of before may be lost";
  b.run(120s);
  EXPECT_EQ(b.phase(), Phase::Failed);
  b.step(WakeWanted{});
  EXPECT_EQ(b.phase(), Phase::Waking) << "whatever the pause";
  Bench without(Bench::plain());
  without.step(WakeWanted{});
  EXPECT_EQ(without.phase(), Phase::Unknown);
}

// --- bounds --------------------------------------------------------------------------------------

TEST(PeerState, NobodyWaitsForEver) {
  Policy policy = Bench::waking();
  policy.hold_max = 10s;
  Bench b(policy);
  b.be_asleep();
  b.want(1);
  b.run(5s);
  b.want(2);
  b.run(5s);
  const auto refused = [&](std::uint64_t who) {
    return std::any_of(b.all.begin(), b.all.end(), [&](const Action& each) {
      const auto* refuse = std::get_if<Refuse>(&each);
      return refuse != nullptr && refuse->ticket == ticket(who) &&
             refuse->cause == Cause::HeldTooLong;
    });
  };
  EXPECT_TRUE(refused(1));
  EXPECT_FALSE(refused(2));
  b.run(5s);
  EXPECT_TRUE(refused(2));
}

TEST(PeerState, SoManyWaitAndWithSoMuch) {
  Policy policy = Bench::waking();
  policy.held_max = 2;
  policy.held_bytes_max = 100;
  Bench b(policy);
  b.be_asleep();
  b.want(1);
  b.want(2);
  b.want(3);
  EXPECT_EQ(b.cause(3), Cause::HeldTooMany);
  b.step(Grew{ticket(1), 60});
  b.step(Grew{ticket(2), 40});
  EXPECT_EQ(b.state.view().held_bytes, 100U);
  EXPECT_FALSE(b.cause(2));
  b.step(Grew{ticket(1), 61});
  EXPECT_EQ(b.cause(1), Cause::HeldTooMany) << "who has grown, not who came last";
  EXPECT_EQ(b.state.view().waiting, 1U);
}

TEST(PeerState, WhoWaitsForOneThatIsRetiredIsToldSo) {
  Bench b;
  b.be_waking();
  b.step(Retired{"is no longer configured"});
  EXPECT_EQ(b.cause(901), Cause::Unreachable);
  EXPECT_EQ(b.did<WakeEnded>(), 1);
  EXPECT_EQ(b.state.next_deadline(), std::nullopt);
  b.want(1);
  EXPECT_EQ(b.cause(1), Cause::Unreachable);
  b.step(WakeWanted{});
  EXPECT_TRUE(b.last.empty());
  b.answer(Sign::Answers, epoch(2));
  EXPECT_TRUE(b.last.empty());

  Bench awake;
  awake.be_awake();
  awake.want(1);
  awake.step(Retired{"is no longer configured"});
  awake.step(TurnedAway{ticket(1), true});
  EXPECT_EQ(awake.cause(1), Cause::Unreachable);
}

// --- announcements -------------------------------------------------------------------------------

TEST(PeerState, AnAnnouncementOfBeforeIsNoNews) {
  Bench b;
  b.be_asleep(5);
  b.announce(Announced::PowerState::Awake, 4);
  EXPECT_EQ(b.phase(), Phase::Asleep);
  b.announce(Announced::PowerState::Awake, 5);
  EXPECT_EQ(b.phase(), Phase::Awake);
  b.announce(Announced::PowerState::Suspending, 5);
  EXPECT_EQ(b.phase(), Phase::Awake) << "the sleep that is over";
  b.announce(Announced::PowerState::Draining, 4);
  EXPECT_EQ(b.phase(), Phase::Awake);
  b.step(Announced{Announced::PowerState::Suspending, {1, "next boot"}});
  EXPECT_EQ(b.phase(), Phase::Asleep);
}

TEST(PeerState, WhatIsWorthKeepingIsItsSleep) {
  Bench b;
  b.be_waking();
  EXPECT_TRUE(b.state.memory().asleep);
  EXPECT_EQ(b.state.memory().slept, epoch(2));
  b.run(120s);
  EXPECT_TRUE(b.state.memory().asleep) << "failed";
}

TEST(PeerState, SaysWhenItWasLastHeardOfAndWhenAWakeIsGivenUp) {
  Bench b;
  EXPECT_EQ(b.state.view().heard_at, std::nullopt);
  EXPECT_EQ(b.state.view().gives_up_at, std::nullopt);
  b.pass(1s);
  b.announce(Announced::PowerState::Awake, 1);
  const Instant heard = b.now;
  EXPECT_EQ(b.state.view().heard_at, heard);
  b.pass(10s);
  b.be_waking();
  const Instant began = b.state.view().since;
  EXPECT_EQ(b.state.view().gives_up_at, began + 120s);
  b.run(120s);
  EXPECT_EQ(b.phase(), Phase::Failed);
  EXPECT_EQ(b.state.view().failures, 1);
  EXPECT_EQ(b.state.view().gives_up_at, std::nullopt);
  EXPECT_GE(*b.state.view().heard_at, heard);
  EXPECT_LE(*b.state.view().heard_at, began) << "silence is no word";
}

}  // namespace
}  // namespace rouse::core::peer
