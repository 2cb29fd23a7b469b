#include "core/sleep/lease.hpp"

#include <gmock/gmock.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace rouse::core::power {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint64_t kEpoch = 40;

/// What an action is, in a word that a test can compare.
struct Word {
  std::string operator()(const Grant& a) const { return "grant " + std::to_string(a.epoch); }
  std::string operator()(const StartUnload&) const { return "unload"; }
  std::string operator()(const Committed& a) const {
    return "committed " + std::to_string(a.epoch) + " acks " + std::to_string(a.acks) + "/" +
           std::to_string(a.subscribers);
  }
  std::string operator()(const CommitCancelled&) const { return "overtaken"; }
  std::string operator()(const Renewed&) const { return "renewed"; }
  std::string operator()(const Released&) const { return "released"; }
  std::string operator()(const ResumeAcknowledged&) const { return "noted"; }
  std::string operator()(const Refuse& a) const { return "no: " + std::string(to_string(a.why)); }
  std::string operator()(const Cancel& a) const {
    return (a.was_committed ? "end by " : "cancel by ") + a.by;
  }
  std::string operator()(const Announce& a) const { return std::string(to_string(a.state)); }
  std::string operator()(const CloseListener&) const { return "close"; }
  std::string operator()(const OpenListener&) const { return "open"; }
  std::string operator()(const ResumeDetected& a) const {
    return std::string(a.is_news ? "woke " : "told ") + std::to_string(a.slept.count()) + " " +
           a.wake + " by " + a.noticed;
  }
  std::string operator()(const AdmitWork&) const { return "admit"; }
  std::string operator()(const RefuseWork&) const { return "turn away"; }
};

/// A lease and the clocks of its world.
class Box {
 public:
  std::vector<std::string> on(const Event& event) {
    std::vector<std::string> words;
    for (const Action& action : lease.step(event, {now, gap})) {
      words.push_back(std::visit(Word(), action));
    }
    return words;
  }
  std::vector<std::string> tick() { return on(Tick{}); }
  void pass(Duration d) { now += d; }
  void sleep(Duration d) { gap += d; }
  std::vector<std::string> drain(const std::string& id = "L") {
    return on(DrainAsked{id, 60s, "idle", {}});
  }
  std::vector<std::string> commit(std::size_t subscribers = 0) {
    return on(CommitAsked{"L", {}, subscribers});
  }
  /// To `suspending` with the doors closed.
  void suspend() {
    drain();
    commit();
    on(ListenerClosed{});
    ASSERT_EQ(lease.state(), State::Suspending);
  }

  Instant now{1000s};
  Duration gap{5s};
  Lease lease{kEpoch, {now, gap}};
};

TEST(PowerLease, AnIdleBoxDrainsCommitsAndComesBack) {
  Box box;
  box.pass(913s);
  EXPECT_THAT(box.drain(), ElementsAre("grant 40", "draining"));
  EXPECT_THAT(box.on(UnloadAsked{"L"}), ElementsAre("unload"));
  EXPECT_THAT(box.commit(), ElementsAre("suspending", "close"));
  EXPECT_THAT(box.on(ListenerClosed{}), ElementsAre("committed 41 acks 0/0"));
  EXPECT_THAT(box.on(WorkArrived{"x"}), ElementsAre("turn away"));
  box.sleep(100s);
  EXPECT_THAT(
      box.on(ResumeReported{41, 99s, "wol"}),
      ElementsAre("open", "end by resumed", "awake", "woke 100000 wol by resumed", "noted"));
  EXPECT_EQ(box.lease.epoch(), 42U);
  EXPECT_THAT(box.on(WorkArrived{"x"}), ElementsAre("admit"));
}

TEST(PowerLease, ADrainTellsHowLongTheBoxHasBeenIdle) {
  Box box;
  box.on(WorkArrived{"x"});
  box.pass(10s);
  box.on(WorkEnded{});
  box.pass(7s);
  const std::vector<Action> actions =
      box.lease.step(DrainAsked{"L", 60s, "", {}}, {box.now, box.gap});
  ASSERT_TRUE(std::holds_alternative<Grant>(actions.at(0)));
  EXPECT_EQ(std::get<Grant>(actions[0]).idle, 7s);
}

TEST(PowerLease, WhatIsBusyRefusesADrain) {
  Box box;
  EXPECT_THAT(box.on(DrainAsked{"L", 60s, "", {{"starting", "a", 1s, 0}}}),
              ElementsAre("no: busy"));
  box.on(WorkArrived{"x"});
  EXPECT_THAT(box.drain(), ElementsAre("no: busy"));
  box.on(WorkEnded{});
  EXPECT_THAT(box.drain(), ElementsAre("grant 40", "draining"));
}

TEST(PowerLease, ASecondDrainIsRefusedWhileOneIsHeld) {
  Box box;
  box.drain();
  EXPECT_THAT(box.drain("M"), ElementsAre("no: lease_held"));
  EXPECT_THAT(box.drain("L"), ElementsAre("no: lease_held"));
  EXPECT_EQ(box.lease.lease(), "L");
}

TEST(PowerLease, WorkTakesTheLeaseAwayAndIsAdmitted) {
  Box box;
  box.drain();
  EXPECT_THAT(box.on(WorkArrived{"POST /v1/messages"}),
              ElementsAre("admit", "cancel by request", "awake"));
  EXPECT_THAT(box.on(UnloadAsked{"L"}), ElementsAre("no: lease_gone"));
  EXPECT_THAT(box.commit(), ElementsAre("no: lease_gone"));
  EXPECT_EQ(box.lease.epoch(), kEpoch);
}

TEST(PowerLease, ACommitDoesNotTrustWhatWasIdleBefore) {
  Box box;
  box.drain();
  EXPECT_THAT(box.on(CommitAsked{"L", {{"starting", "a", 1s, 0}}, 0}),
              ElementsAre("cancel by request", "awake", "no: busy"));
  EXPECT_EQ(box.lease.state(), State::Awake);
}

TEST(PowerLease, AForcedDrainTakesNoNotice) {
  Box box;
  box.on(WorkArrived{"x"});
  EXPECT_THAT(box.on(DrainAsked{"L", 60s, "lid", {{"inflight", "a", 1s, 1}}, true}),
              ElementsAre("grant 40", "draining"));
  EXPECT_THAT(box.on(WorkArrived{"y"}), ElementsAre("turn away"));
  EXPECT_THAT(box.on(CommitAsked{"L", {{"inflight", "a", 1s, 1}}, 0}),
              ElementsAre("suspending", "close"));
  box.on(ListenerClosed{});
  box.on(ReleaseAsked{"L"});
  EXPECT_THAT(box.on(WorkArrived{"y"}), ElementsAre("admit"));
  box.on(WorkEnded{});
  box.on(WorkEnded{});
  box.drain();
  EXPECT_THAT(box.on(WorkArrived{"z"}), ElementsAre("admit", "cancel by request", "awake"));
}

TEST(PowerLease, ALeaseEndsAfterItsTtlWhichAnUnloadRenews) {
  Box box;
  box.drain();
  box.pass(59s);
  EXPECT_THAT(box.tick(), IsEmpty());
  box.on(UnloadAsked{"L"});
  box.pass(59s);
  EXPECT_THAT(box.tick(), IsEmpty());
  EXPECT_EQ(box.lease.next_deadline(), box.now + 1s);
  box.pass(1s);
  EXPECT_THAT(box.tick(), ElementsAre("cancel by ttl", "awake"));
  EXPECT_EQ(box.lease.next_deadline(), Instant::max());
}

TEST(PowerLease, ItsHoldersEndIsItsOwnBeforeACommitOnly) {
  Box box;
  box.drain();
  EXPECT_THAT(box.on(HolderGone{"other"}), IsEmpty());
  EXPECT_THAT(box.on(HolderGone{"L"}), ElementsAre("cancel by gone", "awake"));
  box.suspend();
  EXPECT_THAT(box.on(HolderGone{"L"}), IsEmpty());
  EXPECT_EQ(box.lease.state(), State::Suspending);
}

TEST(PowerLease, AReleaseEndsItInEveryState) {
  Box box;
  EXPECT_THAT(box.on(ReleaseAsked{"L"}), ElementsAre("no: lease_gone"));
  box.drain();
  EXPECT_THAT(box.on(ReleaseAsked{"L"}), ElementsAre("released", "cancel by release", "awake"));
  box.suspend();
  EXPECT_THAT(box.on(ReleaseAsked{"L"}),
              ElementsAre("released", "open", "end by release", "awake", "woke 0  by release"));
}

TEST(PowerLease, TheDoorsWaitForTheSubscribersButNotForLong) {
  Box box;
  box.drain();
  EXPECT_THAT(box.commit(3), ElementsAre("suspending"));
  EXPECT_EQ(box.lease.next_deadline(), box.now + 1s);
  EXPECT_THAT(box.on(SubscriberAcked{40}), IsEmpty());  // of another epoch
  EXPECT_THAT(box.on(SubscriberAcked{41}), IsEmpty());
  EXPECT_THAT(box.on(SubscriberGone{}), IsEmpty());
  box.pass(999ms);
  EXPECT_THAT(box.tick(), IsEmpty());
  box.pass(1ms);
  EXPECT_THAT(box.tick(), ElementsAre("close"));
  EXPECT_THAT(box.on(SubscriberAcked{41}), IsEmpty());
  EXPECT_THAT(box.on(ListenerClosed{}), ElementsAre("committed 41 acks 1/3"));
}

TEST(PowerLease, TheDoorsCloseWithTheLastAck) {
  Box box;
  box.drain();
  box.commit(2);
  EXPECT_THAT(box.on(SubscriberGone{}), IsEmpty());
  EXPECT_THAT(box.on(SubscriberAcked{41}), ElementsAre("close"));
}

TEST(PowerLease, AWakeThatOvertakesACommitAnswersIt) {
  for (const std::size_t subscribers : {0U, 1U}) {  // closing; waiting for the ack
    Box box;
    box.drain();
    box.commit(subscribers);
    box.sleep(3s);
    EXPECT_THAT(box.tick(),
                ElementsAre("overtaken", "open", "end by clock", "awake", "woke 3000  by clock"));
    EXPECT_THAT(box.on(ListenerClosed{}), IsEmpty());
    EXPECT_EQ(box.lease.state(), State::Awake);
  }
}

TEST(PowerLease, TheClocksTellASleepThatNobodyReports) {
  Box box;
  box.suspend();
  box.pass(29s);
  box.sleep(499ms);
  EXPECT_THAT(box.tick(), IsEmpty());
  box.sleep(500ms);
  EXPECT_THAT(box.tick(), ElementsAre("open", "end by clock", "awake", "woke 500  by clock"));
  EXPECT_THAT(box.on(ResumeReported{41, 2s, "rtc"}),
              ElementsAre("told 2000 rtc by resumed", "noted"));
  EXPECT_EQ(box.lease.epoch(), 42U);
}

TEST(PowerLease, ARequestAfterASleepThatNobodyHasSeenYetIsServed) {
  Box box;
  box.suspend();
  box.sleep(3600s);
  EXPECT_THAT(box.on(WorkArrived{"x"}),
              ElementsAre("open", "end by clock", "awake", "woke 3600000  by clock", "admit"));
}

TEST(PowerLease, ASleepThatDoesNotHappenEndsInAwake) {
  Box box;
  box.suspend();
  box.pass(29999ms);
  EXPECT_THAT(box.tick(), IsEmpty());
  EXPECT_EQ(box.lease.next_deadline(), box.now + 1ms);
  box.pass(1ms);
  EXPECT_THAT(box.tick(), ElementsAre("open", "end by timeout", "awake", "woke 0  by timeout"));
}

TEST(PowerLease, TheSameLeaseMayAskForMoreTimeToSuspend) {
  Box box;
  box.suspend();
  box.pass(29s);
  EXPECT_THAT(box.commit(), ElementsAre("renewed"));
  box.pass(29s);
  EXPECT_THAT(box.tick(), IsEmpty());
  EXPECT_THAT(box.on(CommitAsked{"M", {}, 0}), ElementsAre("no: lease_gone"));
}

TEST(PowerLease, ACommitIsNotRenewedBeforeItIsDone) {
  Box box;
  box.drain();
  box.commit(1);
  EXPECT_THAT(box.commit(), ElementsAre("no: lease_held"));
  box.on(SubscriberGone{});
  EXPECT_THAT(box.commit(), ElementsAre("no: lease_held"));
  EXPECT_THAT(box.on(ListenerClosed{}), ElementsAre("committed 41 acks 0/1"));
  EXPECT_THAT(box.commit(), ElementsAre("renewed"));
}

TEST(PowerLease, ASleepBehindItsBackIsNoticedInEveryState) {
  Box box;
  box.sleep(60s);
  EXPECT_THAT(box.tick(), ElementsAre("awake", "woke 60000  by clock"));
  EXPECT_EQ(box.lease.epoch(), 41U);
  box.drain();
  box.sleep(60s);
  EXPECT_THAT(box.commit(), ElementsAre("cancel by slept", "awake", "awake", "woke 60000  by clock",
                                        "no: lease_gone"));
}

TEST(PowerLease, WordOfAnotherSleepDoesNotOpenTheDoors) {
  Box box;
  box.suspend();
  EXPECT_THAT(box.on(ResumeReported{39, 0s, ""}), ElementsAre("no: stale_epoch"));
  EXPECT_THAT(box.on(ResumeReported{42, 0s, ""}), ElementsAre("no: stale_epoch"));
  EXPECT_EQ(box.lease.state(), State::Suspending);
  EXPECT_THAT(box.on(ResumeReported{40, 0s, ""}),  // the epoch of the drain
              ElementsAre("open", "end by resumed", "awake", "woke 0  by resumed", "noted"));
}

// --- a simulator ---------------------------------------------------------------------------------

/// Random events in random order, with the promises checked after each step.
class Simulation {
 public:
  explicit Simulation(std::uint32_t seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      act();
      check();
    }
    end_of_daemon();
  }

 private:
  using Uniform = std::uniform_int_distribution<int>;
  int pick(int n) { return Uniform(0, n - 1)(random_); }

  void act() {
    switch (pick(13)) {
      case 0:
      case 1:
        return drain();
      case 2:
        return step(UnloadAsked{name()});
      case 3:
      case 4:
        return commit();
      case 5:
        return step(ReleaseAsked{name()});
      case 6:
        return step(HolderGone{name()});
      case 7:
        return step(SubscriberAcked{lease_.epoch() - static_cast<std::uint64_t>(pick(2))});
      case 8:
        if (closing_) {
          closing_ = false;
          return step(ListenerClosed{});
        }
        return step(SubscriberGone{});
      case 9:
        if (pick(4) == 0) gap_ += Duration(pick(100'000));
        return step(ResumeReported{lease_.epoch() - static_cast<std::uint64_t>(pick(3)),
                                   Duration(pick(1000)), ""});
      case 10:
        return work();
      case 11:
        if (running_ > 0) {
          --running_;
          return step(WorkEnded{});
        }
        return;
      default:
        if (pick(8) == 0) gap_ += Duration(pick(2000));
        now_ += Duration(pick(12'000));
        return step(Tick{});
    }
  }

  std::string name() { return "L" + std::to_string(pick(2)); }

  void drain() {
    const bool was_awake = lease_.state() == State::Awake;
    const std::string id = name();
    answers_ = 0;
    step(DrainAsked{id, Duration(1 + pick(90'000)), "", {}});
    EXPECT_EQ(answers_, 1) << "a drain has one answer";
    if (granted_) {
      EXPECT_TRUE(was_awake) << "the lease was held twice";
      EXPECT_EQ(running_, 0) << "granted over work";
    }
  }

  void commit() {
    answers_ = 0;
    const bool was_waiting = commit_waits_;
    commit_waits_ = true;
    step(CommitAsked{name(), {}, static_cast<std::size_t>(pick(3))});
    // A refusal or a renewal is of this one; the one from before waits on.
    if (answers_ > 0) commit_waits_ = commit_waits_ && was_waiting;
  }

  void work() {
    answers_ = 0;
    admitted_ = false;
    step(WorkArrived{"x"});
    EXPECT_EQ(answers_, 1) << "a request is admitted or turned away";
    if (admitted_) {
      ++running_;
      EXPECT_EQ(lease_.state(), State::Awake) << "admitted into a box that goes to sleep";
    } else {
      EXPECT_EQ(lease_.state(), State::Suspending);
    }
  }

  void step(const Event& event) {
    granted_ = false;
    const std::uint64_t before = lease_.epoch();
    for (const Action& action : lease_.step(event, {now_, gap_})) note(action);
    EXPECT_GE(lease_.epoch(), before);
  }

  void note(const Action& action) {
    if (std::holds_alternative<Grant>(action)) granted_ = true;
    if (std::holds_alternative<AdmitWork>(action)) admitted_ = true;
    const bool answers =
        std::holds_alternative<Grant>(action) || std::holds_alternative<Refuse>(action) ||
        std::holds_alternative<Renewed>(action) || std::holds_alternative<AdmitWork>(action) ||
        std::holds_alternative<RefuseWork>(action);
    if (answers) ++answers_;
    if (std::holds_alternative<CloseListener>(action)) {
      EXPECT_EQ(running_, 0) << "the doors close over work";
      open_ = false;
      closing_ = true;
    }
    if (std::holds_alternative<OpenListener>(action)) open_ = true;
    const bool commit_ends = std::holds_alternative<Committed>(action) ||
                             std::holds_alternative<CommitCancelled>(action);
    if (commit_ends) {
      EXPECT_TRUE(commit_waits_) << "an answer without a commit";
      commit_waits_ = false;
    }
    if (const auto* announced = std::get_if<Announce>(&action)) told_ = announced->state;
    if (const auto* ended = std::get_if<Cancel>(&action)) {
      EXPECT_FALSE(ended->lease.empty());
    }
  }

  void check() {
    EXPECT_EQ(told_, lease_.state()) << "the subscribers believe something else";
    EXPECT_EQ(lease_.running(), static_cast<std::size_t>(running_));
    if (lease_.state() == State::Awake) {
      EXPECT_TRUE(open_) << "awake behind closed doors";
      EXPECT_TRUE(lease_.lease().empty());
      EXPECT_FALSE(commit_waits_);
      EXPECT_EQ(lease_.next_deadline(), Instant::max());
    } else {
      EXPECT_FALSE(lease_.lease().empty());
      EXPECT_EQ(running_, 0) << "work in a box that goes to sleep";
      EXPECT_NE(lease_.next_deadline(), Instant::max()) << "nothing would end this state";
    }
  }

  /// Nobody but the clock acts any more.
  void end_of_daemon() {
    if (closing_) step(ListenerClosed{});
    for (int i = 0; i < 3 && lease_.next_deadline() != Instant::max(); ++i) {
      now_ = std::max(now_, lease_.next_deadline());
      step(Tick{});
      if (std::exchange(closing_, false)) step(ListenerClosed{});
    }
    EXPECT_EQ(lease_.state(), State::Awake) << "it stays asleep for ever";
    EXPECT_TRUE(open_);
  }

  std::mt19937 random_;
  Instant now_{1000s};
  Duration gap_{5s};
  Lease lease_{kEpoch, {now_, gap_}};
  State told_ = State::Awake;
  int running_ = 0;
  int answers_ = 0;
  bool granted_ = false;
  bool admitted_ = false;
  bool open_ = true;
  bool closing_ = false;
  bool commit_waits_ = false;
};

TEST(PowerLease, KeepsItsPromisesInAnyOrderOfEvents) {
  for (std::uint32_t seed = 1; seed <= 2000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run(200);
  }
}

}  // namespace
}  // namespace rouse::core::power
