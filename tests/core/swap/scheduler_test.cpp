#include "tests/core/swap/scheduler_bench.hpp"

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Refuse& refusal(const std::vector<Action>& actions) {
  static const Refuse none{};
  EXPECT_THAT(actions, SizeIs(1));
  const auto* refuse = actions.empty() ? nullptr : std::get_if<Refuse>(&actions.front());
  EXPECT_NE(refuse, nullptr);
  return refuse != nullptr ? *refuse : none;
}

TEST(Scheduler, RefusesAModelThatIsNotConfigured) {
  auto s = exclusive();
  const auto actions = s.arrive(1, "nobody");
  EXPECT_EQ(refusal(actions).cause, RefusalCause::UnknownModel);
  EXPECT_THAT(s.leave(1), IsEmpty());
}

TEST(Scheduler, LeavingIsSafeForEveryTicket) {
  auto s = exclusive();
  EXPECT_THAT(s.leave(7), IsEmpty());
  s.arrive(1, "a"), s.leave(1);
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_THAT(s.ready("a"), IsEmpty());
}

TEST(Scheduler, RefusesWhenTooManyWait) {
  SchedulePolicy policy = plain_policy();
  policy.queue_max = 2;
  auto s = exclusive(policy);
  s.arrive(1, "a"), s.arrive(2, "b");
  const auto actions = s.arrive(3, "a");
  EXPECT_EQ(refusal(actions).cause, RefusalCause::QueueFull);
  EXPECT_GE(refusal(actions).retry_after, 1s);
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(1, "a")));
  EXPECT_THAT(s.arrive(4, "a"), ElementsAre(admitted(4, "a"))) << "running ones do not count";
}

Policies with_unevictable(const ModelId& id, Duration ttl = Duration{0}) {
  Policies models = plain_models();
  models[id].unevictable = true;
  models[id].ttl = ttl;
  return models;
}

TEST(Scheduler, AnUnevictableModelKeepsItsRoom) {
  auto s = exclusive(plain_policy(), with_unevictable("a", 30s));
  EXPECT_THAT(s.arrive(1, "b"), SizeIs(1)) << "it is not loaded yet";
  s.ready("b"), s.leave(1);
  s.arrive(2, "a"), s.gone("b");
  const auto while_loading = s.arrive(3, "b");
  EXPECT_EQ(refusal(while_loading).cause, RefusalCause::NoRoom);
  s.ready("a"), s.leave(2);
  const auto actions = s.arrive(4, "b");
  EXPECT_EQ(refusal(actions).cause, RefusalCause::NoRoom);
  EXPECT_THAT(refusal(actions).detail, HasSubstr("unload a first"));
  EXPECT_THAT(s.load("c"), IsEmpty());
  EXPECT_FALSE(s.model("c").is_load_requested) << "a wish would wait for ever";
  EXPECT_THAT(s.arrive(5, "a"), ElementsAre(admitted(5, "a")));
  s.leave(5);
  EXPECT_THAT(s.wait(31s), SizeIs(1)) << "its ttl ends, too";
  s.arrive(6, "b");
  EXPECT_THAT(s.gone("a"), SizeIs(1)) << "who came while it left waits, and b is started";
}

TEST(Scheduler, AnUnevictableModelIsUnloadedByAnOperator) {
  auto s = exclusive(plain_policy(), with_unevictable("a"));
  s.arrive(1, "a"), s.ready("a");
  s.unload("a");
  EXPECT_THAT(s.arrive(2, "b"), IsEmpty()) << "a is about to leave: b waits";
  EXPECT_EQ(s.order(), std::vector{2});
}

TEST(Scheduler, TheBaselineComesBackWhenTheTtlOfAnotherHasEnded) {
  Policies models = plain_models();
  models["a"].baseline = true;
  models["b"].ttl = 30s;
  models["x"].ttl = 30s;
  auto s = exclusive(plain_policy(), models);
  s.load("a"), s.ready("a");
  s.arrive(1, "b"), s.gone("a"), s.ready("b"), s.leave(1);
  EXPECT_THAT(s.wait(31s), SizeIs(1)) << "b is stopped";
  const auto back = s.gone("b");
  ASSERT_THAT(back, SizeIs(1));
  EXPECT_EQ(std::get<Start>(back.front()).model, "a");
  EXPECT_THAT(std::get<Start>(back.front()).reason, HasSubstr("the ttl of b has ended"));
  s.ready("a");
  s.arrive(2, "b"), s.gone("a"), s.ready("b"), s.leave(2);
  s.unload("b");
  EXPECT_THAT(s.gone("b"), IsEmpty()) << "no ttl: somebody wants the room empty";
  s.load("a"), s.ready("a"), s.unload("a"), s.gone("a");
  s.arrive(3, "b"), s.ready("b"), s.leave(3), s.wait(31s);
  EXPECT_THAT(s.gone("b"), IsEmpty()) << "it was unloaded on purpose";
}

TEST(Scheduler, TheBaselineWaitsForItsRoomAndNotForItsOwnTtl) {
  Policies models = plain_models();
  models["a"].baseline = true;
  models["a"].ttl = 30s;
  models["b"].ttl = 30s;
  auto s = exclusive(plain_policy(), models);
  s.load("a"), s.ready("a");
  EXPECT_THAT(s.wait(31s), SizeIs(1));
  EXPECT_THAT(s.gone("a"), IsEmpty()) << "its own ttl has ended";
  s.arrive(1, "b"), s.ready("b"), s.leave(1), s.wait(31s);
  EXPECT_THAT(s.arrive(2, "c"), IsEmpty());
  const auto next = s.gone("b");
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(std::get<Start>(next.front()).model, "c") << "somebody waits";
  EXPECT_FALSE(s.model("a").is_load_requested);
}

TEST(Scheduler, TheBaselineEvictsNobody) {
  Policies models = plain_models();
  models["a"].baseline = true;
  models["b"].ttl = 30s;
  const std::vector<std::pair<ModelId, ModelId>> beside{{"b", "c"}};
  SchedulerBench s(models, plain_policy(), std::make_shared<PairRule>(beside));
  s.arrive(1, "b"), s.arrive(2, "c"), s.ready("b"), s.ready("c"), s.leave(1), s.leave(2);
  EXPECT_THAT(s.wait(31s), SizeIs(1));
  EXPECT_THAT(s.gone("b"), IsEmpty()) << "c is there";
  EXPECT_FALSE(s.model("a").is_load_requested);
}

TEST(Scheduler, RefusesWhoWaitedTooLong) {
  SchedulePolicy policy = plain_policy();
  policy.give_up = 30s;
  auto s = exclusive(policy);
  s.arrive(1, "a"), s.wait(10s), s.arrive(2, "a");
  EXPECT_THAT(s.wait(20s), ElementsAre(refused(1, RefusalCause::TooLong)));
  EXPECT_THAT(s.wait(10s), ElementsAre(refused(2, RefusalCause::TooLong)));
}

TEST(Scheduler, ADrainingModelStillServesWhoCameBeforeTheWaiter) {
  auto s = exclusive(plain_policy(), {{"a", {.concurrency = 1}}, {"b", {}}});
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "a"), s.arrive(3, "b"), s.arrive(4, "a");
  EXPECT_THAT(s.wait(60s), ElementsAre(hurried("a"))) << "once, however many wait";
  EXPECT_THAT(s.leave(1), ElementsAre(admitted(2, "a"), hurried("a")));
  EXPECT_THAT(s.next(4), HasSubstr("waits for the next turn of a, which drains"));
  EXPECT_THAT(s.leave(2), ElementsAre(evicted("a")));
}

TEST(Scheduler, AModelDrainsNoLongerWhenTheWaiterLeaves) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b"), s.wait(60s), s.arrive(3, "a");
  EXPECT_THAT(s.leave(2), ElementsAre(admitted(3, "a")));
  EXPECT_FALSE(s.model("a").draining);
}

TEST(Scheduler, ALoadServesWhoWaitedForItEvenIfSomebodyElseIsOverdue) {
  auto s = exclusive();
  s.arrive(1, "x"), s.ready("x"), s.arrive(2, "b"), s.arrive(3, "a", 5), s.leave(1), s.gone("x");
  EXPECT_EQ(s.model("a").state, EngineState::Starting);
  s.wait(90s);
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(3, "a"), hurried("a")));
  EXPECT_THAT(s.arrive(4, "a"), IsEmpty());
  EXPECT_THAT(s.leave(3), ElementsAre(evicted("a")));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
}

TEST(Scheduler, TheOldestOverdueGoesBeforeAHigherPriority) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b"), s.wait(61s), s.arrive(3, "c", 9);
  s.leave(1);
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
}

TEST(Scheduler, PriorityOrdersTheWaitingOfOneModel) {
  auto s = exclusive(plain_policy(), {{"a", {.concurrency = 1}}});
  s.arrive(1, "a"), s.arrive(2, "a", 1), s.arrive(3, "a", 2);
  EXPECT_THAT(s.order(), ElementsAre(3, 2, 1));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(3, "a")));
  EXPECT_THAT(s.wait(60s), ElementsAre(hurried("a"))) << "one of its own has waited as long";
  EXPECT_THAT(s.leave(3), ElementsAre(admitted(1, "a"), hurried("a"))) << "nobody starves";
}

TEST(Scheduler, NobodyIsHurriedBeforeSomebodyHasWaited) {
  auto s = exclusive(plain_policy(), {{"a", {.concurrency = 1}}, {"b", {}}});
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "a"), s.arrive(3, "b");
  EXPECT_THAT(s.wait(59'999ms), IsEmpty());
  EXPECT_THAT(s.leave(2), IsEmpty());
  EXPECT_THAT(s.leave(3), IsEmpty());
  EXPECT_THAT(s.wait(60s), IsEmpty()) << "whoever waited has gone";
}

TEST(Scheduler, ADeadEngineServesNobodyAndCountsAsFailedWhenItIsGone) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  EXPECT_THAT(s.died("a"), IsEmpty());
  EXPECT_EQ(s.model("a").state, EngineState::Stopping);
  EXPECT_EQ(s.model("a").stopped_by, std::nullopt) << "nobody stopped it";
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty()) << "waits for the next run";
  EXPECT_THAT(s.unload("a"), IsEmpty()) << "nothing is left to stop";
  EXPECT_THAT(s.gone("a", "exited with status 134"), IsEmpty()) << "first a pause";
  EXPECT_EQ(s.model("a").last_failure, "exited with status 134");
  EXPECT_EQ(s.model("a").failures, 1);
  EXPECT_THAT(s.wait(1s), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(2, "a")));
}

TEST(Scheduler, ALoadThatDiesRefusesWhoWaitsForItOnlyWhenItIsGone) {
  auto s = exclusive();
  s.arrive(1, "a");
  EXPECT_THAT(s.died("a"), IsEmpty());
  EXPECT_THAT(s.ready("a"), IsEmpty());
  const auto refusals = s.step(EngineGone{"a", {"exited with status 1", "no such file"}});
  ASSERT_THAT(refusals, ElementsAre(refused(1, RefusalCause::LoadFailed)));
  EXPECT_EQ(std::get<Refuse>(refusals.front()).detail, "a: exited with status 1");
  EXPECT_EQ(std::get<Refuse>(refusals.front()).output, "no such file");
  EXPECT_EQ(s.model("a").last_failure, "exited with status 1: no such file");
}

TEST(Scheduler, AnEngineThatRanLongBeforeItDiedIsRestartedAtOnce) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.wait(10s), s.arrive(2, "a"), s.died("a"), s.arrive(3, "a");
  EXPECT_THAT(s.gone("a", "exited"), ElementsAre(started("a")));
}

TEST(Scheduler, AnUnloadAtOnceCutsTheRunning) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.unload("a"), s.arrive(2, "a");
  const auto cut = s.step(UnloadWanted{"a", "an operator", true, false});
  ASSERT_THAT(cut, ElementsAre(stopped("a", StopCause::Unloaded)));
  EXPECT_EQ(std::get<Stop>(cut.front()).reason, "an operator unloaded it, at once");
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(2, "a")));
}

TEST(Scheduler, ALoadThatNobodyWantsAnyMoreMakesWayAtOnce) {
  auto s = exclusive();
  s.arrive(1, "a"), s.wait(2s), s.leave(1);
  EXPECT_THAT(s.wait(1s), IsEmpty()) << "nobody needs its room";
  EXPECT_THAT(s.arrive(2, "b"), ElementsAre(stopped("a", StopCause::Abandoned)));
}

TEST(Scheduler, ALoadThatIsNearlyDoneIsLetEnd) {
  SchedulePolicy policy = plain_policy();
  policy.abandon_grace = 5s;
  auto s = exclusive(policy);
  s.arrive(1, "a"), s.wait(30s), s.ready("a"), s.leave(1), s.unload("a"), s.gone("a");
  s.arrive(2, "a"), s.wait(26s), s.leave(2);
  EXPECT_THAT(s.arrive(3, "b"), IsEmpty()) << "4 of 30 s are left";
  EXPECT_THAT(s.wait(3'999ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(stopped("a", StopCause::Abandoned))) << "it takes longer";
  s.gone("a"), s.leave(3), s.ready("b"), s.unload("b"), s.gone("b");
  s.arrive(4, "a"), s.wait(23s), s.leave(4);
  EXPECT_THAT(s.arrive(5, "b"), ElementsAre(stopped("a", StopCause::Abandoned))) << "7 s are left";
}

TEST(Scheduler, EvictsAnIdleModelRatherThanWaitForABusyOne) {
  const auto rule =
      std::make_shared<SetRule>(std::vector<ModelSet>{{"b", "c"}, {"a", "c"}, {"a", "b"}});
  SchedulerBench s(plain_models(), plain_policy(), rule);
  s.arrive(1, "b"), s.ready("b"), s.arrive(2, "c"), s.ready("c"), s.leave(2);
  // The rule's first choice is to evict b, which is busy; c is idle and would do as well.
  EXPECT_THAT(s.arrive(3, "a"), ElementsAre(evicted("c")));
  EXPECT_THAT(s.gone("c"), ElementsAre(started("a")));
}

TEST(Scheduler, GathersBeforeTheFirstSwap) {
  SchedulePolicy policy = plain_policy();
  policy.gather = 200ms;
  auto s = exclusive(policy);
  EXPECT_THAT(s.arrive(1, "a"), IsEmpty());
  EXPECT_EQ(s.next(1), "loads in 200 ms, to see who else asks");
  s.wait(50ms), s.arrive(2, "b", 1);
  EXPECT_THAT(s.wait(150ms), ElementsAre(started("b")));
}

TEST(Scheduler, TtlCountsFromTheLastRequestOrFromReady) {
  auto s = exclusive(plain_policy(), {{"a", {.ttl = 10s}}});
  s.load("a"), s.ready("a");
  EXPECT_EQ(s.model("a").unload_at, s.now() + 10s);
  s.wait(9s), s.arrive(1, "a"), s.wait(60s);
  EXPECT_EQ(s.model("a").unload_at, std::nullopt);
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_THAT(s.wait(9999ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(stopped("a", StopCause::Idle)));
  EXPECT_THAT(s.gone("a"), IsEmpty());
}

TEST(Scheduler, AFailedLoadRefusesWhoWaitedAndPausesTwiceAsLongEachTime) {
  auto s = exclusive();
  s.arrive(1, "a");
  const auto actions = s.gone("a", "exit status 1: no such file");
  EXPECT_EQ(refusal(actions).cause, RefusalCause::LoadFailed);
  EXPECT_EQ(refusal(actions).detail, "a: exit status 1: no such file");
  EXPECT_EQ(refusal(actions).retry_after, 1s);
  EXPECT_EQ(s.model("a").state, EngineState::Failed);

  EXPECT_THAT(s.arrive(2, "a"), IsEmpty()) << "the pause is short: it waits";
  EXPECT_EQ(s.next(2), "tries a again in 1 s after 1 failed start: exit status 1: no such file");
  EXPECT_THAT(s.wait(1s), ElementsAre(started("a")));
  EXPECT_EQ(refusal(s.gone("a", "again")).retry_after, 2s);
}

TEST(Scheduler, RepeatedFailureOpensTheCircuitAndOneStartIsTriedAfterThePause) {
  auto s = exclusive();
  for (int n = 1; n <= 3; ++n) s.arrive(n, "a"), s.wait(30s), s.gone("a", "bad");
  const auto actions = s.arrive(4, "a");
  EXPECT_EQ(refusal(actions).cause, RefusalCause::CircuitOpen);
  EXPECT_EQ(refusal(actions).retry_after, 4s);
  EXPECT_THAT(refusal(actions).detail, HasSubstr("bad"));
  EXPECT_THAT(s.wait(4s), IsEmpty()) << "nobody asked";
  EXPECT_THAT(s.arrive(5, "a"), ElementsAre(started("a")));
  EXPECT_THAT(s.arrive(6, "a"), IsEmpty());
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(5, "a"), admitted(6, "a")));
}

TEST(Scheduler, CrashesSoonAfterReadyOpenTheCircuitToo) {
  auto s = exclusive();
  for (int n = 1; n <= 3; ++n) {
    s.arrive(n, "a"), s.wait(30s);
    EXPECT_THAT(s.ready("a"), ElementsAre(admitted(n, "a")));
    s.wait(1s), s.gone("a", "signal 6"), s.leave(n);
  }
  EXPECT_EQ(refusal(s.arrive(4, "a")).cause, RefusalCause::CircuitOpen);
}

TEST(Scheduler, ACrashAfterALongLifeIsRestartedAtOnce) {
  auto s = exclusive(plain_policy(), {{"a", {.concurrency = 1}}});
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "a"), s.wait(20s);
  EXPECT_THAT(s.gone("a", "signal 9"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(2, "a")))
      << "the dead one's requests hold no slot";
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_EQ(s.model("a").running, 1);
}

TEST(Scheduler, ACleanExitThatNobodyAskedForIsAFailure) {
  auto s = exclusive();
  s.arrive(1, "a");
  EXPECT_EQ(refusal(s.gone("a")).cause, RefusalCause::LoadFailed);
}

TEST(Scheduler, AnOperatorsLoadClosesTheCircuit) {
  auto s = exclusive();
  for (int n = 1; n <= 3; ++n) s.arrive(n, "a"), s.wait(30s), s.gone("a", "bad");
  EXPECT_THAT(s.load("a"), ElementsAre(started("a")));
}

TEST(Scheduler, AnOperatorsLoadWaitsForTheBusyLikeARequest) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a");
  EXPECT_THAT(s.load("b"), IsEmpty());
  EXPECT_THAT(s.wait(60s), ElementsAre(hurried("a")));
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty());
  EXPECT_THAT(s.leave(1), ElementsAre(evicted("a")));
  EXPECT_THAT(s.gone("a"), ElementsAre(started("b")));
}

TEST(Scheduler, AnUnloadLetsRunningRequestsEndWithinItsBound) {
  auto s = exclusive(plain_policy(), {{"a", {.unload_drain = 10s}}, {"b", {}}});
  s.arrive(1, "a"), s.ready("a");
  EXPECT_THAT(s.unload("a"), IsEmpty());
  EXPECT_THAT(s.arrive(2, "a"), IsEmpty()) << "it waits for the restart";
  EXPECT_THAT(s.wait(9999ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(stopped("a", StopCause::Unloaded)));
  EXPECT_THAT(s.leave(1), IsEmpty());
  EXPECT_THAT(s.gone("a"), ElementsAre(started("a")));
  EXPECT_THAT(s.ready("a"), ElementsAre(admitted(2, "a")));
  EXPECT_THAT(s.leave(2), IsEmpty());
  EXPECT_THAT(s.unload_all(), ElementsAre(stopped("a", StopCause::Unloaded)));
}

TEST(Scheduler, AnUnloadSaysWhoWantedIt) {
  auto s = exclusive();
  s.arrive(1, "a"), s.ready("a"), s.leave(1);
  const auto idle = s.step(UnloadWanted{"a", "the coming sleep"});
  ASSERT_THAT(idle, ElementsAre(stopped("a", StopCause::Unloaded)));
  EXPECT_EQ(std::get<Stop>(idle.front()).reason, "the coming sleep unloaded it");
  s.gone("a"), s.arrive(2, "a");
  const auto loading = s.step(UnloadWanted{"a", "an operator", false, true});
  ASSERT_THAT(loading,
              ElementsAre(refused(2, RefusalCause::Unloaded), stopped("a", StopCause::Unloaded)));
  EXPECT_EQ(std::get<Refuse>(loading.front()).detail, "an operator unloaded a");
}

TEST(Scheduler, AShutdownAtOnceCutsTheRunning) {
  for (const bool was_patient : {false, true}) {
    auto s = pairs({{"a", "b"}});
    s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b");
    if (was_patient) s.shut_down();
    const auto cut = s.step(ShutdownWanted{true});
    ASSERT_THAT(cut, testing::Contains(stopped("a", StopCause::Shutdown))) << was_patient;
    for (const Action& each : cut) {
      const auto* const stop = std::get_if<Stop>(&each);
      if (stop != nullptr && stop->model == "a") {
        EXPECT_EQ(stop->reason, "the proxy is shutting down, at once");
      }
    }
    EXPECT_THAT(s.step(ShutdownWanted{true}), IsEmpty());
    EXPECT_THAT(s.leave(1), IsEmpty());
    s.gone("a"), s.gone("b");
    EXPECT_TRUE(s.scheduler().is_quiet());
  }
}

TEST(Scheduler, AShutdownRefusesTheWaitingAndBoundsTheRunning) {
  auto s = pairs({{"a", "b"}});
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b"), s.arrive(3, "x");
  EXPECT_THAT(s.shut_down(), ElementsAre(refused(2, RefusalCause::ShuttingDown),
                                         refused(3, RefusalCause::ShuttingDown),
                                         stopped("b", StopCause::Shutdown)));
  EXPECT_THAT(s.arrive(4, "a"), ElementsAre(refused(4, RefusalCause::ShuttingDown)));
  EXPECT_THAT(s.gone("b"), IsEmpty());
  EXPECT_THAT(s.wait(24999ms), IsEmpty());
  EXPECT_THAT(s.wait(1ms), ElementsAre(stopped("a", StopCause::Shutdown)));
  EXPECT_FALSE(s.scheduler().is_quiet());
  EXPECT_THAT(s.gone("a"), IsEmpty());
  EXPECT_TRUE(s.scheduler().is_quiet());
}

TEST(Scheduler, SaysWhatComesNext) {
  auto s = exclusive();
  s.arrive(1, "a"), s.arrive(2, "b"), s.wait(5s);
  EXPECT_EQ(s.next(1), "starts when a is loaded (loading for 5 s)");
  EXPECT_EQ(s.next(2),
            "loads when a has loaded and served who waits for it; newcomers are kept out in 55 s "
            "at the latest");
  s.ready("a");
  EXPECT_EQ(s.next(2),
            "loads when a (1 running) is idle; newcomers are kept out in 55 s at the latest");
  s.wait(55s);
  EXPECT_EQ(s.next(2), "loads when a (1 running) is idle; newcomers are kept out meanwhile");
}

TEST(Scheduler, EveryActionSaysWhy) {
  auto s = exclusive();
  EXPECT_THAT(testing::PrintToString(s.arrive(1, "a")), HasSubstr("start a: 1 request waiting"));
  s.ready("a"), s.wait(3s), s.leave(1), s.wait(12s);
  EXPECT_THAT(testing::PrintToString(s.arrive(2, "b")),
              HasSubstr("stop a evicted: idle for 12 s; makes room for b: 1 request waiting"));
}

TEST(Scheduler, CanBeViewedBeforeItsFirstStep) {
  auto s = exclusive();
  EXPECT_THAT(s.scheduler().view(Instant{}).waiting, testing::IsEmpty());
}

TEST(Scheduler, WaitsThatNeverEndAreNoDeadlines) {
  SchedulePolicy policy = plain_policy();
  policy.max_wait = policy.give_up = policy.linger = Duration::max();
  auto s = exclusive(policy,
                     {{"a", {.ttl = Duration::max(), .unload_drain = Duration::max()}}, {"b", {}}});
  s.arrive(1, "a"), s.ready("a"), s.arrive(2, "b");
  EXPECT_EQ(s.scheduler().next_deadline(), std::nullopt);
  EXPECT_EQ(s.next(2), "loads when a (1 running) is idle");
}

}  // namespace
}  // namespace rouse::core::test
