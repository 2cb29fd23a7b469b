#include "proxy/power/power.hpp"

#include "tests/proxy/power/power_fixture.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

namespace cp = core::power;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PowerTest : public PowerFixture {
 protected:
  /// Who holds the lease, and how often it was rung.
  std::unique_ptr<Power::Holder> hold(const std::string& lease) {
    return std::make_unique<Power::Holder>(power_, lease, [this] { ++rung_; });
  }
  int rung_ = 0;
};

// --- the lease -----------------------------------------------------------------------------------

TEST_F(PowerTest, WorkKeepsTheMachineAwakeAsLongAsItLasts) {
  auto work = begin();
  ASSERT_TRUE(admitted(work));
  EXPECT_EQ(denied(drain("l")), cp::Deny::Busy);
  work = Failure();
  EXPECT_TRUE(is<cp::Grant>(drain("l")));
  EXPECT_TRUE(power_.holds("l"));
  EXPECT_FALSE(power_.holds("another"));
}

TEST_F(PowerTest, WorkThatComesTakesTheLeaseAwayAndItsHolderHearsOfIt) {
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  const auto holder = hold("l");
  EXPECT_FALSE(holder->end());
  EXPECT_TRUE(admitted(begin()));
  ASSERT_TRUE(holder->end());
  EXPECT_EQ(holder->end()->by, "request");
  EXPECT_EQ(rung_, 1);
  EXPECT_FALSE(power_.holds("l"));
}

TEST_F(PowerTest, ALeaseGoesWithItsHolder) {
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  auto holder = hold("l");
  EXPECT_EQ(denied(drain("m")), cp::Deny::Held);
  holder.reset();
  EXPECT_TRUE(is<cp::Grant>(drain("m")));
}

TEST_F(PowerTest, AHolderWhoseLeaseHasEndedLeavesTheNextOneAlone) {
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  auto former = hold("l");
  ASSERT_TRUE(is<cp::Released>(power_.ask(cp::ReleaseAsked{"l"})));
  EXPECT_EQ(former->end()->by, "release");
  ASSERT_TRUE(is<cp::Grant>(drain("l"))) << "of the same name, even";
  const auto holder = hold("l");
  former.reset();
  EXPECT_TRUE(power_.holds("l"));
  EXPECT_TRUE(admitted(begin()));
  EXPECT_TRUE(holder->end()) << "it is still the one who hears";
}

TEST_F(PowerTest, ALeaseEndsWithItsTimeAndNotWithTheNextLookAtTheClocks) {
  group_.spawn(power_.watch());
  io_.poll();  // it waits for its look, which is two seconds away
  ASSERT_TRUE(is<cp::Grant>(drain("l", 50ms)));
  const auto holder = hold("l");
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] { return holder->end().has_value(); }));
  EXPECT_EQ(holder->end()->by, "ttl");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1'500ms);
}

TEST_F(PowerTest, AForcedDrainTurnsWorkAway) {
  auto running = begin();
  ASSERT_TRUE(is<cp::Grant>(drain("l", 1h, true)));
  const auto begun = begin();
  ASSERT_FALSE(admitted(begun));
  EXPECT_TRUE(power_.holds("l"));
}

// --- a sleep -------------------------------------------------------------------------------------

TEST_F(PowerTest, ACommitClosesTheDoorsAndAResumeOpensThem) {
  EXPECT_TRUE(can_connect());
  suspend();
  EXPECT_TRUE(power_.is_suspending());
  EXPECT_FALSE(can_connect());
  const auto begun = begin();
  ASSERT_FALSE(admitted(begun));
  const Failure& refused = std::get<Failure>(begun);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.text.code, "suspending");
  EXPECT_TRUE(refused.suspending);
  EXPECT_TRUE(refused.passing);
  EXPECT_TRUE(refused.body_unread);
  ASSERT_TRUE(is<cp::ResumeAcknowledged>(resumed(1s)));
  EXPECT_FALSE(power_.is_suspending());
  EXPECT_TRUE(can_connect());
  EXPECT_TRUE(admitted(begin()));
}

TEST_F(PowerTest, IdleConnectionsEndWithTheCommit) {
  connect_tcp(HttpStream::Role::Server);
  const IdleConnections::Member idle(power_.idle_connections(), *stream_, true);
  suspend();
  EXPECT_EQ(heard_to_end(), "");
}

TEST_F(PowerTest, WhatWasUnloadedBeforeASleepIsToldAfterIt) {
  load();
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  ASSERT_TRUE(is<cp::StartUnload>(power_.ask(cp::UnloadAsked{"l"})));
  EXPECT_THAT(run(power_.unload("l", 5s)), ElementsAre("a"));
  EXPECT_THAT(power_.resident(), IsEmpty());
  ASSERT_TRUE(is<cp::Released>(power_.ask(cp::ReleaseAsked{"l"})));
  suspend();
  (void)resumed(1s);
  EXPECT_THAT(woken_, ElementsAre(std::vector<std::string>{"a"}));
  suspend("m");
  (void)resumed(1s);
  ASSERT_EQ(woken_.size(), 2u);
  EXPECT_THAT(woken_[1], IsEmpty()) << "once";
}

TEST_F(PowerTest, ASleepThatDidNotComeWakesNothing) {
  suspend();
  EXPECT_TRUE(is<cp::ResumeAcknowledged>(resumed(0s)));
  EXPECT_THAT(woken_, IsEmpty());
  EXPECT_TRUE(can_connect());
}

TEST_F(PowerTest, AWordAboutAnotherSleepIsRefused) {
  suspend();
  epoch_ += 5;
  EXPECT_EQ(denied(resumed(1s)), cp::Deny::Stale);
  EXPECT_TRUE(power_.is_suspending());
}

TEST_F(PowerTest, ACommitWaitsForTheWordOfThoseWhoListen) {
  EventHub::Listener listener(power_.subscribers(), [] {});
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  EXPECT_THAT(listener.take(), HasSubstr("draining"));
  ASSERT_FALSE(power_.ask(cp::CommitAsked{"l", {}, power_.subscribers().listeners()}));
  const std::string said = listener.take();
  EXPECT_THAT(said, HasSubstr("suspending"));
  const std::string key = "\"epoch\":";
  power_.acked(std::stoull(said.substr(said.find(key) + key.size())));
  const cp::Action answer = run(power_.committed());
  ASSERT_TRUE(std::holds_alternative<cp::Committed>(answer));
  EXPECT_EQ(std::get<cp::Committed>(answer).acks, 1u);
  EXPECT_EQ(std::get<cp::Committed>(answer).subscribers, 1u);
}

TEST_F(PowerTest, ACommitDoesNotWaitForASubscriberThatHasLeft) {
  group_.spawn(power_.watch());
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  ASSERT_FALSE(power_.ask(cp::CommitAsked{"l", {}, 1}));
  const auto began = std::chrono::steady_clock::now();
  power_.subscriber_left();
  EXPECT_TRUE(std::holds_alternative<cp::Committed>(run(power_.committed())));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 900ms);
}

TEST_F(PowerTest, ASecondCommitIsNotAnsweredWithTheFirstOnesAnswer) {
  suspend();
  (void)resumed(1s);
  ASSERT_TRUE(is<cp::Grant>(drain("m")));
  ASSERT_FALSE(power_.ask(cp::CommitAsked{"m", {}, 0}));
  const cp::Action answer = run(power_.committed());
  ASSERT_TRUE(std::holds_alternative<cp::Committed>(answer));
  EXPECT_GT(std::get<cp::Committed>(answer).epoch, epoch_);
}

TEST_F(PowerTest, DoorsThatDoNotOpenAreTriedAgain) {
  group_.spawn(power_.watch());
  suspend();
  std::optional<asio::ip::tcp::acceptor> thief;
  thief.emplace(io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), listener_.port));
  (void)resumed(1s);
  EXPECT_FALSE(power_.is_suspending());
  thief.reset();
  EXPECT_TRUE(run_until([this] { return can_connect(); }));
}

// --- engines -------------------------------------------------------------------------------------

TEST_F(PowerTest, AnUnloadEndsWhenItsLeaseIsTakenAway) {
  load("stubborn");
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  const auto holder = hold("l");
  std::optional<std::vector<std::string>> unloaded;
  group_.spawn(keep(power_.unload("l", 60s), unloaded));
  const auto begun = begin();
  EXPECT_TRUE(run_until([&] { return unloaded.has_value(); }));
  EXPECT_FALSE(power_.holds("l"));
  EXPECT_THAT(power_.resident(), ElementsAre("stubborn")) << "its engine is not waited for";
}

TEST_F(PowerTest, AnUnloadThatTakesTooLongComesBack) {
  load("stubborn");
  ASSERT_TRUE(is<cp::Grant>(drain("l")));
  EXPECT_THAT(run(power_.unload("l", 50ms)), ElementsAre("stubborn"));
  EXPECT_THAT(power_.resident(), ElementsAre("stubborn"));
}

// --- attempts ------------------------------------------------------------------------------------

TEST_F(PowerTest, ALaterAttemptCutsTheEarlierOneAndAnEarlierOneIsRefused) {
  RequestHead head;
  bool cut = false;
  InFlight::Entry entry(recorder_.in_flight, head, "192.0.2.1", [&] { cut = true; });
  auto first = begin("id;n=1");
  ASSERT_TRUE(admitted(first));
  std::get<0>(first)->is_request(recorder_.in_flight.entries().begin()->first);
  auto second = begin("id;n=2");
  ASSERT_TRUE(admitted(second));
  EXPECT_TRUE(cut);
  const auto late = begin("id;n=1");
  ASSERT_FALSE(admitted(late));
  EXPECT_EQ(std::get<Failure>(late).status, 409);
  EXPECT_EQ(std::get<Failure>(late).text.code, "attempt_superseded");
  EXPECT_TRUE(admitted(begin("other;n=1")));
}

TEST_F(PowerTest, AttemptsOfOthersAreOthers) {
  RequestHead head;
  bool cut = false;
  InFlight::Entry entry(recorder_.in_flight, head, "192.0.2.1", [&] { cut = true; });
  auto first = begin("id;n=2", "key a");
  std::get<0>(first)->is_request(recorder_.in_flight.entries().begin()->first);
  EXPECT_TRUE(admitted(begin("id;n=3", "key b")));
  EXPECT_FALSE(cut) << "whoever knows an id could end it";
  EXPECT_TRUE(admitted(begin("id;n=1", "key c"))) << "nor is it refused for it";
  EXPECT_FALSE(admitted(begin("id;n=1", "key a")));
}

TEST_F(PowerTest, AnAttemptThatHasEndedIsNotCut) {
  RequestHead head;
  bool cut = false;
  InFlight::Entry entry(recorder_.in_flight, head, "192.0.2.1", [&] { cut = true; });
  auto first = begin("id;n=1");
  std::get<0>(first)->is_request(recorder_.in_flight.entries().begin()->first);
  first = Failure();
  EXPECT_TRUE(admitted(begin("id;n=2")));
  EXPECT_FALSE(cut);
}

TEST_F(PowerTest, AnAttemptThatIsRefusedForTheSleepDoesNotCount) {
  suspend();
  EXPECT_FALSE(admitted(begin("id;n=9")));
  (void)resumed(1s);
  EXPECT_TRUE(admitted(begin("id;n=1"))) << "nothing of the ninth was executed here";
}

}  // namespace
}  // namespace rouse
