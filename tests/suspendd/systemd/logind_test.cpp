#include "suspendd/systemd/logind.hpp"

#include "tests/suspendd/bus/bus_fixture.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>

#include <memory>
#include <vector>

namespace rouse::suspendd {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class LogindTest : public BusFixture {
 protected:
  std::vector<bool> heard_;      ///< PrepareForSleep as the bus brought it
  std::vector<bool> recovered_;  ///< as it was read after a gap
  std::shared_ptr<void> listener_ = logind_.on_sleep([this](SleepSignal signal) {
    (signal.recovered ? recovered_ : heard_).push_back(signal.preparing);
  });
};

class Logind257Test : public BusFixture {
 protected:
  Logind257Test() : BusFixture(257) {}
};

TEST_F(LogindTest, CanSuspendHasAllAnswersOfLogind) {
  const std::vector<std::pair<const char*, CanSuspend>> answers{
      {"yes", CanSuspend::Yes},
      {"no", CanSuspend::No},
      {"na", CanSuspend::NotAvailable},
      {"challenge", CanSuspend::Challenge},
      {"inhibited", CanSuspend::Inhibited},
      {"inhibitor-blocked", CanSuspend::Inhibited},
      {"challenge-inhibitor-blocked", CanSuspend::Challenge},
  };
  for (const auto& [text, expected] : answers) {
    fake_.set_can_suspend(text);
    const auto can = run(logind_.can_suspend());
    ASSERT_TRUE(can) << can.error().message();
    EXPECT_EQ(*can, expected) << text;
    EXPECT_THAT(text,
                testing::AnyOf(HasSubstr(to_text(*can)), testing::StrEq("inhibitor-blocked")));
  }
  fake_.set_can_suspend("perhaps");
  const auto can = run(logind_.can_suspend());
  ASSERT_FALSE(can);
  EXPECT_EQ(can.error().message(),
            "reading CanSuspend, which says \"perhaps\": not the answer that is documented");
}

TEST_F(LogindTest, SuspendIsCalledWithFlagsZero) {
  ASSERT_TRUE(run(logind_.suspend()));
  EXPECT_TRUE(fake_.wait_for_state("asleep"));
  EXPECT_THAT(fake_.calls(), ElementsAre("SuspendWithFlags(t) 0"));
  fake_.wake();
  EXPECT_TRUE(run_until([this] { return heard_.size() == 2; }));
  EXPECT_THAT(heard_, ElementsAre(true, false));
}

TEST_F(LogindTest, RefusedSuspendSaysWhatToDo) {
  struct Case {
    const char* name;
    BusErrc code;
    const char* advice;
  };
  const std::vector<Case> cases{
      {"org.freedesktop.login1.BlockedByInhibitorLock", BusErrc::BlockedByInhibitor,
       "systemd-inhibit --list"},
      {"org.freedesktop.login1.OperationInProgress", BusErrc::OperationInProgress, "under way"},
      {"org.freedesktop.login1.SleepVerbNotSupported", BusErrc::SleepNotSupported, "sleep.conf"},
      {"org.freedesktop.DBus.Error.AccessDenied", BusErrc::AccessDenied, "polkit rule"},
      {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
       BusErrc::AuthorizationRequired, "polkit rule"},
      {"org.example.Odd", BusErrc::Other, "refused"},
  };
  for (const Case& each : cases) {
    fake_.fail("SuspendWithFlags", each.name, "the words of logind");
    const auto answer = run(logind_.suspend());
    ASSERT_FALSE(answer) << each.name;
    EXPECT_EQ(answer.error().code, each.code) << each.name;
    EXPECT_THAT(answer.error().message(), HasSubstr(each.name));
    EXPECT_THAT(answer.error().message(), HasSubstr("the words of logind"));
    EXPECT_THAT(answer.error().message(), HasSubstr(each.advice));
  }
  EXPECT_EQ(fake_.sleeps(), 0);
}

TEST_F(LogindTest, SecondSuspendMeanwhileIsInProgress) {
  ASSERT_TRUE(run(logind_.suspend()));
  const auto second = run(logind_.suspend());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, BusErrc::OperationInProgress);
}

TEST_F(LogindTest, OlderLogindDoesNotMindBlockLocksAndNewerDoes) {
  fake_.add_lock("sleep:idle", "backup", "copying", "block", 0, 77);
  EXPECT_TRUE(run(logind_.suspend()));
  test::FakeLogind newer(257);
  newer.add_lock("sleep:idle", "backup", "copying", "block", 0, 77);
  Bus bus(io_.get_executor(), options(newer.address()));
  Logind logind(bus);
  group_.spawn(bus.run());
  const auto answer = run(logind.suspend());
  group_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([this] { return group_.size() == 0; }));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, BusErrc::BlockedByInhibitor);
}

TEST_F(LogindTest, InhibitorsAreReadWhole) {
  fake_.add_lock("sleep:idle", "backup", "copying", "block", 0, 77);
  fake_.add_lock("handle-lid-switch", "gdm", "", "block-weak", 120, 78);
  const auto all = run(logind_.inhibitors());
  ASSERT_TRUE(all) << all.error().message();
  ASSERT_THAT(*all, SizeIs(2));
  const Inhibitor& first = all->front();
  EXPECT_EQ(first.who + "/" + first.why + "/" + first.mode, "backup/copying/block");
  EXPECT_EQ(first.uid, 0u);
  EXPECT_EQ(first.pid, 77u);
  EXPECT_TRUE(first.has("sleep"));
  EXPECT_TRUE(first.has("idle"));
  EXPECT_FALSE(first.has("shutdown"));
  EXPECT_FALSE(first.has("slee"));
  EXPECT_FALSE(all->back().has("sleep"));
}

TEST_F(LogindTest, PropertiesOfTheManager) {
  fake_.set_delay_max(milliseconds(2500));
  const auto longest = run(logind_.inhibit_delay_max());
  ASSERT_TRUE(longest) << longest.error().message();
  EXPECT_EQ(*longest, milliseconds(2500));
  const auto none = run(logind_.scheduled_shutdown());
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  fake_.set_shutdown("reboot", 1'800'000'000'000'000);
  const auto planned = run(logind_.scheduled_shutdown());
  ASSERT_TRUE(planned && *planned);
  EXPECT_EQ((*planned)->kind, "reboot");
  EXPECT_EQ(std::chrono::system_clock::to_time_t((*planned)->at), 1'800'000'000);
  for (const std::uint64_t never : {std::uint64_t{0}, UINT64_MAX}) {
    fake_.set_shutdown("reboot", never);
    const auto off = run(logind_.scheduled_shutdown());
    ASSERT_TRUE(off);
    EXPECT_FALSE(*off) << never;
  }
  // A time that our clocks cannot hold.
  fake_.set_shutdown("poweroff", UINT64_MAX - 1);
  const auto far = run(logind_.scheduled_shutdown());
  ASSERT_TRUE(far && *far);
  EXPECT_GT((*far)->at, std::chrono::system_clock::now());
}

void add_typical_sessions(test::FakeLogind& fake) {
  fake.add_session("5", {{"user", "alice"},
                         {"uid", "1001"},
                         {"remote", "true"},
                         {"remote-host", "10.0.0.7"},
                         {"service", "sshd"},
                         {"tty", "pts/3"},
                         {"leader", "4711"},
                         {"scope", "session-5.scope"},
                         {"idle-hint", "true"},
                         {"idle-since", "123456789"}});
  fake.add_session("c1", {{"user", "gdm"}, {"class", "greeter"}, {"type", "wayland"}});
}

void expect_typical(const Session& alice) {
  EXPECT_EQ(alice.id, "5");
  EXPECT_EQ(alice.user, "alice");
  EXPECT_EQ(alice.uid, 1001u);
  EXPECT_EQ(alice.session_class, "user");
  EXPECT_EQ(alice.type, "tty");
  EXPECT_EQ(alice.state, "active");
  EXPECT_TRUE(alice.remote);
  EXPECT_EQ(alice.remote_host, "10.0.0.7");
  EXPECT_EQ(alice.service, "sshd");
  EXPECT_EQ(alice.tty, "pts/3");
  EXPECT_EQ(alice.leader, 4711);
  EXPECT_EQ(alice.scope, "session-5.scope");
  EXPECT_TRUE(alice.idle_hint);
  EXPECT_EQ(alice.idle_since.count(), 123456789);
}

TEST_F(LogindTest, SessionsOf252AreListedAndAskedForOneByOne) {
  add_typical_sessions(fake_);
  const auto sessions = run(logind_.sessions());
  ASSERT_TRUE(sessions) << sessions.error().message();
  ASSERT_THAT(*sessions, SizeIs(2));
  expect_typical(sessions->front());
  EXPECT_EQ(sessions->back().session_class, "greeter");
  EXPECT_EQ(sessions->back().type, "wayland");
  EXPECT_TRUE(run(logind_.sessions()));
  // The newer method is tried once, not each time.
  EXPECT_THAT(fake_.calls(), ElementsAre("ListSessions()", "ListSessions()"));
}

TEST_F(Logind257Test, SessionsAreListedWithTheNewerMethod) {
  add_typical_sessions(fake_);
  const auto sessions = run(logind_.sessions());
  ASSERT_TRUE(sessions) << sessions.error().message();
  ASSERT_THAT(*sessions, SizeIs(2));
  expect_typical(sessions->front());
  EXPECT_EQ(sessions->back().session_class, "greeter");
  EXPECT_EQ(sessions->back().type, "") << "its class is enough";
  EXPECT_THAT(fake_.calls(), ElementsAre("ListSessionsEx()"));
}

TEST_F(Logind257Test, NewerMethodThatThePolicyForbidsIsDoneWithout) {
  add_typical_sessions(fake_);
  fake_.fail("ListSessionsEx", "org.freedesktop.DBus.Error.AccessDenied", "Rejected send message");
  const auto sessions = run(logind_.sessions());
  ASSERT_TRUE(sessions) << sessions.error().message();
  expect_typical(sessions->front());
  EXPECT_TRUE(run(logind_.sessions()));
  EXPECT_THAT(fake_.calls(), ElementsAre("ListSessionsEx()", "ListSessions()", "ListSessions()"));
  // Other errors are not taken for that.
  fake_.leave();
  ASSERT_TRUE(run_until([this] { return !logind_.here(); }));
  fake_.join();
  ASSERT_TRUE(run_until([this] { return logind_.here(); }));
  fake_.fail("ListSessionsEx", "org.freedesktop.DBus.Error.LimitsExceeded");
  const auto refused = run(logind_.sessions());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, BusErrc::LimitsExceeded);
}

TEST_F(LogindTest, SessionThatEndsWhileItIsAskedForIsLeftOut) {
  for (int i = 0; i < 100; ++i) {
    fake_.add_session("s" + std::to_string(i), {{"user", "u" + std::to_string(i)}});
  }
  std::optional<Result<std::vector<Session>>> sessions;
  begin(logind_.sessions(), sessions);
  // Past the list, into the questions about each.
  ASSERT_TRUE(run_until([this] { return !fake_.calls().empty(); }));
  for (int i = 50; i < 100; ++i) fake_.end_session("s" + std::to_string(i));
  ASSERT_TRUE(run_until([&sessions] { return sessions.has_value(); }));
  ASSERT_TRUE(*sessions) << sessions->error().message();
  EXPECT_LE((*sessions)->size(), 100u);
  EXPECT_GE((*sessions)->size(), 50u);
  for (const Session& each : **sessions) EXPECT_EQ(each.session_class, "user") << each.id;
}

TEST_F(LogindTest, HostileTextComesThroughAsItIs) {
  const std::string text = "line\nfeed\x1b[31m 100% \"quoted\" 'x' ü " + std::string(5000, 'A');
  fake_.add_session("evil\n_5/../%s", {{"user", text}, {"tty", "../../etc/passwd"}});
  fake_.add_lock("sleep", text, text, "block");
  const auto sessions = run(logind_.sessions());
  ASSERT_TRUE(sessions) << sessions.error().message();
  ASSERT_THAT(*sessions, SizeIs(1));
  EXPECT_EQ(sessions->front().user, text);
  const auto locks = run(logind_.inhibitors());
  ASSERT_TRUE(locks);
  EXPECT_EQ(locks->front().who, text);
  // An error's text reaches the log: escaped and cut there.
  fake_.fail("CanSuspend", "org.example.Bad", text);
  const auto can = run(logind_.can_suspend());
  ASSERT_FALSE(can);
  EXPECT_EQ(can.error().message().find('\n'), std::string::npos);
  EXPECT_EQ(can.error().message().find('\x1b'), std::string::npos);
  EXPECT_LT(can.error().message().size(), 500u);
}

TEST_F(LogindTest, OnlyTheRealLogindCanSayPrepareForSleep) {
  fake_.forge_prepare(true);
  // To us alone, which needs no match: whichever of these we are.
  for (int i = 0; i < 10; ++i) fake_.forge_prepare(true, ":1." + std::to_string(i));
  fake_.signal_prepare(false);
  EXPECT_TRUE(run_until([this] { return !heard_.empty(); }));
  EXPECT_THAT(heard_, ElementsAre(false));
}

TEST_F(LogindTest, SignalDuringACallIsHeard) {
  fake_.hang("CanSuspend");
  std::optional<Result<CanSuspend>> answer;
  begin(logind_.can_suspend(), answer);
  ASSERT_TRUE(run_until([this] { return !fake_.calls().empty(); }));
  fake_.signal_prepare(true);
  EXPECT_TRUE(run_until([this] { return heard_.size() == 1; }));
  EXPECT_FALSE(answer);
  fake_.leave();
  EXPECT_TRUE(run_until([&answer] { return answer.has_value(); }));
  EXPECT_EQ((*answer).error().code, BusErrc::ServiceUnknown);
}

TEST_F(LogindTest, WhatWasMissedIsReadWhenLogindComesBack) {
  ASSERT_TRUE(run_until([this] { return recovered_.size() == 1; }));  // at the start
  fake_.leave();
  ASSERT_TRUE(run_until([this] { return !logind_.here(); }));
  fake_.set_preparing(true);
  fake_.fail("PreparingForSleep", "org.freedesktop.DBus.Error.NoMemory", "not yet");
  fake_.join();
  EXPECT_TRUE(run_until([this] { return recovered_.size() == 2; }));
  EXPECT_THAT(recovered_, ElementsAre(false, true));
  EXPECT_THAT(heard_, IsEmpty());
  fake_.signal_prepare(false);
  EXPECT_TRUE(run_until([this] { return heard_.size() == 1; }));
}

TEST_F(LogindTest, WhatWasMissedIsReadWhenTheBusComesBack) {
  ASSERT_TRUE(run_until([this] { return recovered_.size() == 1; }));
  fake_.stop_bus();
  ASSERT_TRUE(run_until([this] { return !bus_.connected(); }));
  const auto meanwhile = run(logind_.can_suspend());
  ASSERT_FALSE(meanwhile);
  EXPECT_EQ(meanwhile.error().code, BusErrc::NotConnected);
  EXPECT_THAT(meanwhile.error().message(), HasSubstr(fake_.address()));
  fake_.set_preparing(true);
  fake_.start_bus();
  EXPECT_TRUE(run_until([this] { return recovered_.size() == 2; }));
  EXPECT_TRUE(recovered_.back());
  fake_.signal_prepare(false);
  EXPECT_TRUE(run_until([this] { return heard_.size() == 1; }));
}

TEST_F(LogindTest, DescriptorOfALockIsClosedOnExec) {
  const auto lock = run(logind_.inhibit("sleep", "who", "why", "delay"));
  ASSERT_TRUE(lock) << lock.error().message();
  EXPECT_EQ(::fcntl(lock->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  const auto bad = run(logind_.inhibit("sleep", "who", "why", "often"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, BusErrc::InvalidArguments);
}

}  // namespace
}  // namespace rouse::suspendd
