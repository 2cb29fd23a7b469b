#include "tests/core/sleep/front.hpp"

#include <cstdlib>

namespace rouse::core::suspend::test {
namespace {

/// Short waits, so that a cycle is over in two minutes of the world's time.
Settings quick() {
  Settings settings;
  settings.checks = {{"proxy", 17s}, {"cpu", 17s}};
  settings.idle_time = 30s;
  settings.min_uptime = 0s;
  settings.resume_grace = 5s;
  settings.linger_wol = settings.linger_rtc = settings.linger_other = 20s;
  settings.backoff_first = 5s;
  settings.backoff_max = 40s;
  settings.unload = true;
  settings.spurious_max = 100;
  settings.gpu = true;
  settings.gpu_recover = true;
  settings.pre_suspend = {true, OnFail::Warn, 5s};
  settings.post_resume = {true, OnFail::Warn, 5s};
  return settings;
}

/// The box and one front whose clients ask now and then.
struct World {
  explicit World(std::uint64_t seed, Settings settings = quick(), Faults faults = {})
      : box(time, seed, std::move(settings), faults), front(time, box, seed + 1, 50) {
    box.announced = [this](power::State said, std::uint64_t epoch) { front.hear(said, epoch); };
    box.froze = [this] { front.box_froze(); };
    box.subscribers = 1;
  }
  void run(Duration span) { time.run_until(time.now() + span); }
  void ask() { front.ask(next_id++, box.span(1, 4'000)); }
  /// Clients ask after pauses, of which some are long enough to sleep.
  void live(Duration span) {
    const Instant end = time.now() + span;
    while (time.now() < end) {
      run(box.roll(30) ? box.span(0, 3'000) : box.span(20'000, 120'000));
      if (box.faults().foreign > 0 && box.roll(box.faults().foreign)) box.foreign_suspend();
      if (meddles) meddle();
      if (!box.roll(10)) ask();
    }
  }
  /// An operator, and whoever sets the clock.
  void meddle() {
    const auto command = CommandId{static_cast<std::uint64_t>(++next_id)};
    const std::string token(1, static_cast<char>('a' + box.draw(0, 2)));
    switch (box.draw(0, 8)) {
      case 0:
        return box.command(HoldWanted{command, token, "work", "anna", box.span(1, 90'000), false});
      case 1:
        return box.command(HoldReleased{command, token});
      case 2:
        return box.command(SuspendWanted{command, false, "anna"});
      case 3:
        return box.command(UnblockWanted{command, "anna"});
      case 4:
        return box.set_wall(box.roll(50) ? 1h : -1h);
      case 5:
        return box.command(WakeupsChanged{{{box.clocks().realtime + 1h, "backup"}}});
      case 6:
        return box.stop_daemon();
      case 7:
        return box.open_stray_gate();
      default:
        return;
    }
  }
  /// Nothing disturbs any more: everything has to come to a good end.
  void settle() {
    box.faults() = {};
    box.turn_check("cpu", false);
    box.crash_at.reset();
    box.command(WakeupsChanged{});
    run(10min);
    box.turn_check("cpu", true);  // keep it awake
    ask();
    run(2min);
    ASSERT_NE(box.daemon(), nullptr);
    ASSERT_NE(box.proxy(), nullptr);
    EXPECT_FALSE(box.asleep());
    EXPECT_EQ(box.proxy()->state(), power::State::Awake) << "somebody forgot the proxy";
    EXPECT_TRUE(box.doors_open());
    const View view = box.daemon()->view(box.clocks());
    EXPECT_TRUE(view.state == State::Active || view.state == State::Blocked)
        << to_string(view.state) << ": " << view.next;
    EXPECT_FALSE(box.daemon()->memory().in_progress);
    EXPECT_FALSE(box.daemon()->memory().unreported_resume);
    EXPECT_FALSE(box.cut_off_running) << "a request was running";
    for (const auto& [id, request] : front.requests()) {
      EXPECT_EQ(request.answered, 1) << "request " << id;
      EXPECT_EQ(request.executed, 1) << "request " << id;
    }
  }
  Timeline time;
  Box box;
  Front front;
  int next_id = 0;
  bool meddles = false;
};

TEST(SuspendSim, AHealthyWorldSleepsAndWakes) {
  World world(1);
  world.live(24h);
  world.settle();
  EXPECT_GT(world.box.sleeps, 500);
  EXPECT_EQ(world.box.forced_sleeps, 0);
  EXPECT_EQ(world.box.blocks, 0);
  for (const auto& [id, request] : world.front.requests()) {
    EXPECT_EQ(request.refused, 0) << id;
    EXPECT_LT(request.done - request.asked, 60s) << id;
  }
}

TEST(SuspendSim, BothProgramsDieAtEveryStepOfACycle) {
  int crashes = 0;
  for (int step = 0; step < 60; ++step) {
    for (const bool wild : {false, true}) {
      SCOPED_TRACE(testing::Message() << "step " << step << (wild ? " wild" : ""));
      Settings settings = quick();
      World world(static_cast<std::uint64_t>(step) * 2 + 7, settings);
      world.run(6s);
      world.box.crash_at = step;
      if (wild) world.box.faults().proxy_crash = 30;
      for (int i = 0; i < 3; ++i) world.run(70s), world.ask();
      crashes += world.box.crashes;
      world.settle();
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GE(crashes, 100);
}

TEST(SuspendSim, NothingIsLostWhateverFails) {
  const char* wanted = std::getenv("SUSPEND_SIM_CYCLES");
  const int cycles = wanted != nullptr ? std::atoi(wanted) : 10'000;
  int sleeps = 0, crashes = 0, proxies = 0, aborts = 0, blocks = 0, forced = 0;
  for (std::uint64_t seed = 1; sleeps < cycles; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto upto = [&](int n) { return std::uniform_int_distribution<int>(0, n)(random); };
    Faults faults;
    faults.hang = upto(3);
    faults.fail = upto(5);
    faults.suspend_aborts = upto(10);
    faults.suspend_lies = upto(10);
    faults.end_lost = upto(10);
    faults.busy_check = upto(2);
    faults.spurious = upto(10);
    faults.daemon_crash = seed % 2 == 0 ? upto(20) : 0;
    faults.proxy_crash = seed % 3 == 0 ? upto(10) : 0;
    faults.foreign = seed % 5 == 0 ? upto(10) : 0;
    Settings settings = quick();
    settings.gate = upto(1) == 0;
    settings.gate_on_busy = upto(3) == 0 ? OnBusy::Deny : OnBusy::Allow;
    World world(seed, settings, faults);
    world.meddles = seed % 4 != 0;
    world.live(6h);
    world.settle();
    sleeps += world.box.sleeps;
    crashes += world.box.crashes;
    proxies += world.box.proxy_crashes;
    aborts += world.box.aborts;
    blocks += world.box.blocks;
    forced += world.box.forced_sleeps;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(crashes, cycles / 20);
  EXPECT_GT(proxies, cycles / 20);
  EXPECT_GT(aborts, cycles / 50);
  EXPECT_GT(blocks, 0);
  EXPECT_GT(forced, 0) << "other people's suspends are not polite";
}

}  // namespace
}  // namespace rouse::core::suspend::test
