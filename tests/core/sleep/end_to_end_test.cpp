#include "tests/core/sleep/front.hpp"

#include <array>

namespace rouse::core::suspend::test {
namespace {

/// Two fronts and a box with the default settings, up to the moment at which it falls asleep.
struct House {
  explicit House(int loss = 90) : first(time, box, 11, loss), second(time, box, 12, loss) {
    box.announced = [this](power::State said, std::uint64_t epoch) {
      if (said == power::State::Draining) drain_at = time.now();
      first.hear(said, epoch);
      second.hear(said, epoch);
    };
    box.froze = [this] {
      asleep_at = time.now();
      first.box_froze();
      second.box_froze();
    };
    box.subscribers = 2;
  }
  static Settings settings() {
    Settings settings;
    settings.checks = {{"proxy", 17s}, {"cpu", 17s}};
    settings.min_uptime = 0s;
    return settings;
  }
  Front& front(int n) { return n % 2 == 0 ? first : second; }
  void run_to(Instant at) { time.run_until(at); }
  void run(Duration span) { time.run_until(time.now() + span); }

  Timeline time;
  Box box{time, 1, settings(), {}};
  Front first;
  Front second;
  Instant drain_at{};
  Instant asleep_at{};
};

/// When the undisturbed box starts to drain, and when it sleeps; the same in every House.
struct Schedule {
  Instant drain{};
  Instant asleep{};
};
const Schedule& schedule() {
  static const Schedule known = [] {
    House house;
    while (!house.box.asleep()) house.run(1s);
    return Schedule{house.drain_at, house.asleep_at};
  }();
  return known;
}

struct Tally {
  int asked = 0;
  int answered = 0;
  int executed = 0;
  int gave_up = 0;
  Duration longest{0};
};

void count(const Front& front, Tally& tally) {
  for (const auto& [id, request] : front.requests()) {
    ++tally.asked;
    tally.answered += request.answered;
    tally.executed += request.executed;
    tally.gave_up += request.gave_up;
    tally.longest = std::max(tally.longest, request.done - request.asked);
    EXPECT_EQ(request.answered, 1) << "request " << id;
    EXPECT_EQ(request.executed, 1) << "request " << id;
    EXPECT_EQ(request.broken, 0) << "request " << id;
    EXPECT_EQ(request.refused, request.gave_up) << "only by a wake that every packet missed";
  }
}

TEST(SuspendEndToEnd, TheBoxSleepsWhenNobodyAsks) {
  EXPECT_GT(schedule().drain, Instant{1h} + 15min);
  EXPECT_LT(schedule().drain, Instant{1h} + 15min + 10s);
  EXPECT_GT(schedule().asleep, schedule().drain);
  EXPECT_LT(schedule().asleep, schedule().drain + 10s);
}

TEST(SuspendEndToEnd, EachOfFiveHundredRequestsAroundTheSleepIsAnsweredOnce) {
  const Instant from = schedule().drain - 1s;
  const Duration window = schedule().asleep + 5s - from;
  Tally tally;
  int slept = 0;
  int cancelled = 0;
  for (int i = 0; i < 500; ++i) {
    SCOPED_TRACE(i);
    House house;
    house.first.announce_cut = i % 3 == 1;
    house.second.announce_cut = i % 4 == 2;
    house.run_to(from + window * i / 500);
    const bool was_asleep = house.box.asleep();
    house.front(i).ask(i, Duration{1 + i * 7 % 900});
    if (i % 5 == 0) {
      house.run(300ms);
      if (house.box.asleep()) house.front(i).restart();
    }
    house.run(10min);
    slept += house.box.sleeps > 0 ? 1 : 0;
    cancelled += house.box.sleeps == 0 ? 1 : 0;
    EXPECT_FALSE(house.box.cut_off_running);
    EXPECT_EQ(house.box.forced_sleeps, 0);
    if (was_asleep) EXPECT_GT(house.front(i).volleys, 0);
    count(house.first, tally);
    count(house.second, tally);
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_EQ(tally.asked, 500);
  EXPECT_GT(slept, 200);
  EXPECT_GT(cancelled, 50) << "those that came in time kept it awake";
  EXPECT_LE(tally.gave_up, 3) << "90 % of the packets are lost, not all";
}

TEST(SuspendEndToEnd, SoIsEachOfFiveHundredInOneSleep) {
  const Instant from = schedule().asleep - 500ms;
  Tally tally;
  House house;
  for (int i = 0; i < 500; ++i) {
    house.run_to(from + 5500ms * i / 500);
    house.front(i).ask(i, Duration{1 + i * 7 % 900});
  }
  house.run(10min);
  EXPECT_GE(house.box.sleeps, 1);
  count(house.first, tally);
  count(house.second, tally);
  EXPECT_EQ(tally.asked, 500);
}

TEST(SuspendEndToEnd, AFrontThatRestartsWhileTheBoxSleepsKnowsItStill) {
  House house(0);
  house.run_to(schedule().asleep + 30s);
  ASSERT_TRUE(house.box.asleep());
  house.first.restart();
  EXPECT_EQ(house.first.view().phase, peer::Phase::Asleep);
  house.first.ask(1, 100ms);
  house.run(20s);
  Tally tally;
  count(house.first, tally);
  EXPECT_EQ(tally.answered, 1);
  EXPECT_LT(tally.longest, 5s);
}

TEST(SuspendEndToEnd, ASleepThatWasNotHeardOfIsFoundWithinTwoSeconds) {
  House house(0);
  house.first.ask(1, 100ms);
  house.run(5s);
  EXPECT_EQ(house.first.view().phase, peer::Phase::Awake);
  house.first.announce_cut = true;
  while (!house.box.asleep()) house.run(100ms);
  ASSERT_EQ(house.first.view().phase, peer::Phase::Awake) << "it has not heard";
  house.first.ask(2, 100ms);
  house.run(2s);
  EXPECT_NE(house.first.view().phase, peer::Phase::Awake);
  house.run(20s);
  Tally tally;
  count(house.first, tally);
  EXPECT_EQ(tally.answered, 2);
}

TEST(SuspendEndToEnd, AWakePacketInAnySlotOfTheSuspendHurtsNobody) {
  const Instant from = schedule().drain - 1s;
  const auto slots = (schedule().asleep + 2s - from) / 50ms;
  int woken = 0;
  for (int slot = 0; slot < slots; ++slot) {
    SCOPED_TRACE(slot);
    House house;
    house.run_to(from + 50ms * slot);
    house.box.magic_packet();
    house.run(1min);
    woken += house.box.asleep() ? 0 : 1;
    house.front(slot).ask(1, 100ms);
    house.run(10min);
    Tally tally;
    count(house.front(slot), tally);
    EXPECT_EQ(tally.answered, 1);
  }
  EXPECT_GT(woken, 20);
  EXPECT_LT(woken, slots) << "some packets came before the card was armed";
}

TEST(SuspendEndToEnd, BothProgramsDyingAroundTheSleepLosesNothing) {
  const Instant from = schedule().drain - 500ms;
  const Duration window = schedule().asleep + 500ms - from;
  for (int i = 0; i < 120; ++i) {
    SCOPED_TRACE(i);
    House house(50);
    house.run_to(from + window * i / 120);
    if (!house.box.asleep()) i % 2 == 0 ? house.box.crash_daemon() : house.box.crash_proxy();
    house.run(Duration{i * 37 % 3000});
    house.front(i).ask(1, 200ms);
    house.run(10min);
    Tally tally;
    count(house.front(i), tally);
    EXPECT_EQ(tally.answered, 1);
    EXPECT_FALSE(house.box.cut_off_running);
  }
}

TEST(SuspendEndToEnd, NobodyIsWokenWithoutARequest) {
  House house(0);
  house.run_to(schedule().asleep + 1s);
  const int before = house.box.packets;
  house.run(11h);
  EXPECT_TRUE(house.box.asleep());
  EXPECT_EQ(house.box.packets, before);
  EXPECT_EQ(house.box.sleeps, 1);
}

}  // namespace
}  // namespace rouse::core::suspend::test
