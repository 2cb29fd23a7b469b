#include "suspendd/proxy_watch.hpp"

#include "tests/suspendd/runner_fixture.hpp"

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kActivity = "/v1/power/activity";
constexpr const char* kFacts = "/v1/power/facts";

class ProxyWatchTest : public RunnerFixture {
 protected:
  ProxyWatchTest() {
    config_->idle.poll = 1ms;
    watch_.configure(config_);
  }
  /// From now on; it goes on being so, as time does.
  void is_idle_for(std::chrono::milliseconds idle, const std::string& busy = "") {
    const auto work = std::chrono::steady_clock::now() - idle;
    proxy_.answers_now(kActivity, [work, busy] {
      const auto now = std::chrono::steady_clock::now();
      const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - work);
      return test::ScriptedProxy::Reply{
          200,
          "{\"last_activity_ms\":" + std::to_string(since.count()) + ",\"busy\":[" + busy + "]}"};
    });
  }
  /// Until the proxy has been asked @p times more, and the answers have been heard.
  void looks(long times) {
    const long before = proxy_.asked(kActivity);
    ASSERT_TRUE(asked(kActivity, before + times + 1));
  }

  /// So long that whatever comes by itself has come.
  void other_calls(int times) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(run(power_.release("another")));
  }

  ProxyWatch watch_{io_.get_executor(), power_, loop_, runner_, preflight_, {1h, 1ms}};
};

TEST_F(ProxyWatchTest, WhatWasServedBeforeTheFirstLookIsNoNews) {
  is_idle_for(900s);
  actions_.spawn(watch_.watch());
  looks(20);
  EXPECT_EQ(loop_.steps(), 0U) << "the same work as before, seen again";
}

TEST_F(ProxyWatchTest, WorkBetweenTwoLooksIsTold) {
  is_idle_for(900s);
  actions_.spawn(watch_.watch());
  looks(2);
  is_idle_for(899s);
  ASSERT_TRUE(run_until([this] { return loop_.steps() > 0; }));
  looks(20);
  EXPECT_EQ(loop_.steps(), 1U) << "once";
}

TEST_F(ProxyWatchTest, WorkThatGoesOnIsToldEachTime) {
  is_idle_for(0s, R"({"kind":"inflight","model":"qwen"})");
  actions_.spawn(watch_.watch());
  ASSERT_TRUE(run_until([this] { return loop_.steps() > 5; }));
  EXPECT_GE(proxy_.asked(kActivity), 6) << "the first look tells nothing";
}

TEST_F(ProxyWatchTest, WorkAtTheFirstLookIsNotNewEither) {
  config_->idle.poll = 1h;
  is_idle_for(0s, R"({"kind":"inflight","model":"qwen"})");
  actions_.spawn(watch_.watch());
  ASSERT_TRUE(run_until([this] { return runner_.proxy().error.empty(); }));
  EXPECT_EQ(loop_.steps(), 0U);
}

TEST_F(ProxyWatchTest, BothClocksAreLookedAtALittleApart) {
  is_idle_for(900s);
  actions_.spawn(watch_.watch());
  looks(2);
  is_idle_for(899'800ms);
  looks(20);
  EXPECT_EQ(loop_.steps(), 0U);
}

TEST_F(ProxyWatchTest, WhetherTheProxyAnswersIsKnownToThePreflight) {
  EXPECT_EQ(runner_.proxy().error, "the proxy was not asked yet");
  is_idle_for(900s);
  actions_.spawn(watch_.watch());
  looks(1);
  EXPECT_EQ(runner_.proxy().error, "");
  EXPECT_EQ(runner_.proxy().pid, ::getpid());
  proxy_.answers(kActivity, {0, "", Then::HangUp});
  ASSERT_TRUE(run_until([this] { return !runner_.proxy().error.empty(); }));
  is_idle_for(900s);
  ASSERT_TRUE(run_until([this] { return runner_.proxy().error.empty(); }));
  looks(5);
  EXPECT_EQ(loop_.steps(), 0U);
}

TEST_F(ProxyWatchTest, NobodyLooksMoreOftenThanConfigured) {
  config_->idle.poll = 1h;
  is_idle_for(900s);
  actions_.spawn(watch_.watch());
  ASSERT_TRUE(run_until([this] { return runner_.proxy().error.empty(); }));
  other_calls(50);
  EXPECT_EQ(proxy_.asked(kActivity), 1);
  actions_.cancel(asio::cancellation_type::terminal);
  settle();
}

TEST_F(ProxyWatchTest, ALookThatIsGivenUpTellsNothing) {
  proxy_.answers(kActivity, {0, "", Then::Silent});
  actions_.spawn(watch_.watch());
  ASSERT_TRUE(asked(kActivity));
  actions_.cancel(asio::cancellation_type::terminal);
  settle();
  EXPECT_EQ(runner_.proxy().error, "the proxy was not asked yet");
}

TEST_F(ProxyWatchTest, FactsAreToldAtOnceAndWhenTheyChange) {
  actions_.spawn(watch_.tell_facts());
  ASSERT_TRUE(asked(kFacts));
  EXPECT_THAT(proxy_.body(kFacts), HasSubstr(R"("sleep_in_ms":null)"));
  for (int i = 0; i < 10; ++i) {
    watch_.ring();
    other_calls(10);
  }
  EXPECT_EQ(proxy_.asked(kFacts), 1) << "nothing was new";
  loop_.tell(policy::Started());
  ASSERT_TRUE(loop_.view().sleep_in);
  // The bell may not have been hung up again yet.
  ASSERT_TRUE(run_until([this] {
    watch_.ring();
    return proxy_.asked(kFacts) == 2;
  }));
  EXPECT_THAT(proxy_.body(kFacts), Not(HasSubstr(R"("sleep_in_ms":null)")));
}

TEST_F(ProxyWatchTest, FactsAreToldAgainNowAndThen) {
  ProxyWatch watch(io_.get_executor(), power_, loop_, runner_, preflight_, {5ms, 1ms});
  watch.configure(config_);
  actions_.spawn(watch.tell_facts());
  ASSERT_TRUE(asked(kFacts, 3));
  // A card that came meanwhile is seen.
  const std::string device = "/sys/devices/pci0000:00/0000:03:00.0";
  tree_.file(device + "/net/eth0/type", "1\n");
  tree_.link(device + "/net/eth0/device", device);
  tree_.link("/sys/class/net/eth0", device + "/net/eth0");
  ASSERT_TRUE(run_until([this] { return proxy_.body(kFacts).find("eth0") != std::string::npos; }));
  actions_.cancel(asio::cancellation_type::terminal);
  settle();
}

TEST_F(ProxyWatchTest, FactsThatAProxyDoesNotTakeAreNoFault) {
  proxy_.answers(kFacts, {404, R"({"message":"what?"})"});
  actions_.spawn(watch_.tell_facts());
  ASSERT_TRUE(asked(kFacts));
  loop_.tell(policy::Started());
  ASSERT_TRUE(run_until([this] {
    watch_.ring();
    return proxy_.asked(kFacts) == 2;
  }));
}

// --- what is told
// ---------------------------------------------------------------------------------

TEST(PowerFacts, HaveEveryMemberThatTheProxyShows) {
  policy::View view;
  Nic nic;
  nic.name = "eth0";
  nic.mac = "02:00:00:00:00:01";
  nic.ip = "192.0.2.7";
  nic.broadcast = "192.0.2.255";
  nic.modes.armed = kWolMagic;
  view.block = policy::Block{policy::BlockCause::Failures, "too often", {}};
  view.sleep_in = 90s;
  policy::SleepRecord sleep;
  sleep.ok = true;
  sleep.at = policy::WallTime(std::chrono::seconds(1'700'000'000));
  sleep.slept = 8h;
  sleep.wake = policy::WakeReason::Wol;
  view.last_suspend = sleep;
  const std::string json = power_facts(view, {}, {nic}).json;
  EXPECT_THAT(json, HasSubstr(R"("blocked":"too often")"));
  EXPECT_THAT(json, HasSubstr(R"("macs":[{"if":"eth0","mac":"02:00:00:00:00:01","ip":"192.0.2.7",)"
                              R"("broadcast":"192.0.2.255","wol":"g"}])"));
  EXPECT_THAT(json, HasSubstr(R"("last_sleep":{"at":"2023-11-14T22:13:20)"));
  EXPECT_THAT(json, HasSubstr(R"("slept_ms":28800000,"wake":"wol"})"));
  EXPECT_THAT(json, HasSubstr(R"("sleep_in_ms":90000})"));
}

TEST(PowerFacts, WhatIsNotIsNull) {
  policy::View view;
  view.last_suspend = policy::SleepRecord();  // one that failed
  EXPECT_EQ(power_facts(view, {}, {}).json,
            R"({"blocked":null,"wake":{"macs":[]},"sleep_in_ms":null})");
}

TEST(PowerFacts, ACountdownThatCountsDownIsNoNews) {
  policy::View view;
  policy::Now now;
  now.monotonic = core::Instant(1000s);
  view.sleep_in = 90s;
  const std::string first = power_facts(view, now, {}).gist;
  now.monotonic += 30s;
  view.sleep_in = 60s;
  EXPECT_EQ(power_facts(view, now, {}).gist, first);
  view.sleep_in = 90s;
  EXPECT_NE(power_facts(view, now, {}).gist, first) << "it began anew";
  view.sleep_in.reset();
  EXPECT_NE(power_facts(view, now, {}).gist, first);
  view.sleep_in = 60s;
  view.block = policy::Block();
  EXPECT_NE(power_facts(view, now, {}).gist, first);
}

}  // namespace
}  // namespace rouse::suspendd
