#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/sleep_lock.hpp"
#include "tests/support/skip.hpp"
#include "tests/suspendd/bus/bus_fixture.hpp"

#include <gmock/gmock.h>
#include <systemd/sd-bus.h>

#include <unistd.h>

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

// A second opinion: systemd's own programs, where this machine has them.

namespace rouse::suspendd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kLogind = "/lib/systemd/systemd-logind";
constexpr const char* kSystemd = "/lib/systemd/systemd";
constexpr const char* kTimerPath = "/org/freedesktop/systemd1/unit/a_2etimer";

std::string attribute(const std::string& tag, const std::string& name) {
  const auto from = tag.find(" " + name + "=\"");
  if (from == std::string::npos) return {};
  const auto start = from + name.size() + 3;
  return tag.substr(start, tag.find('"', start) - start);
}

/// The members of @p interface in introspection XML: "method Inhibit in:s in:s in:s in:s out:h".
std::set<std::string> members(const std::string& xml, const std::string& interface) {
  std::set<std::string> found;
  std::string member;
  bool inside = false;
  std::istringstream in(xml);
  for (std::string tag; std::getline(in, tag, '>');) {
    const auto start = tag.find('<');
    if (start == std::string::npos) continue;
    tag.erase(0, start);
    const bool closed = tag.back() == '/';
    if (tag.starts_with("<interface ")) inside = attribute(tag, "name") == interface;
    if (!inside) continue;
    if (tag.starts_with("<property ")) {
      found.insert("property " + attribute(tag, "name") + " " + attribute(tag, "type"));
    } else if (tag.starts_with("<method ") || tag.starts_with("<signal ")) {
      member = tag.substr(1, 6) + " " + attribute(tag, "name");
      if (closed) found.insert(member);
    } else if (tag.starts_with("<arg ")) {
      member += " " + attribute(tag, "direction") + ":" + attribute(tag, "type");
    } else if (tag.starts_with("</method") || tag.starts_with("</signal")) {
      found.insert(member);
    }
  }
  return found;
}

class FakeAgainstReal : public BusFixture {
 protected:
  std::string introspect(const std::string& service, const std::string& path) {
    BusCall call;
    call.to = {service, path, "org.freedesktop.DBus.Introspectable"};
    call.member = "Introspect";
    const auto answer = run(bus_.call(std::move(call)));
    if (!answer) {
      ADD_FAILURE() << answer.error().message();
      return {};
    }
    BusReader reader(*answer);
    return reader.string();
  }
};

TEST_F(FakeAgainstReal, EveryMemberHasTheSignatureOfSystemds) {
  if (::access(kLogind, X_OK) != 0) ROUSE_SKIP("systemd-logind", "it is not installed");
  fake_.add_session("5", {});
  fake_.set_unit("a.timer", {});
  (void)run(units_.unit_state("a.timer"));
  struct Case {
    const char* program;
    std::string service;
    std::string interface;  ///< without the service
    std::string path;       ///< of an object of the fake
  };
  const std::vector<Case> cases{
      {kLogind, "org.freedesktop.login1", ".Manager", "/org/freedesktop/login1"},
      {kLogind, "org.freedesktop.login1", ".Session", "/org/freedesktop/login1/session/_35"},
      {kSystemd, "org.freedesktop.systemd1", ".Manager", "/org/freedesktop/systemd1"},
      {kSystemd, "org.freedesktop.systemd1", ".Unit", kTimerPath},
      {kSystemd, "org.freedesktop.systemd1", ".Service", kTimerPath},
      {kSystemd, "org.freedesktop.systemd1", ".Timer", kTimerPath},
  };
  for (const Case& each : cases) {
    const std::string interface = each.service + each.interface;
    SCOPED_TRACE(interface);
    const auto [status, xml] = test::run_program({each.program, "--bus-introspect=" + interface});
    ASSERT_EQ(status, 0) << xml;
    const auto real = members(xml, interface);
    const auto fake = members(introspect(each.service, each.path), interface);
    ASSERT_FALSE(fake.empty());
    for (const std::string& member : fake) {
      EXPECT_TRUE(real.contains(member)) << "systemd has no \"" << member << "\"";
    }
  }
}

/// systemd-logind itself, on a private bus, in a mount namespace with an empty /run and a
/// /sys/power that says it can sleep; systemd1 is the fake's. Only where no systemd runs, so that
/// no second logind meddles with a seat. Nothing can sleep: logind only asks systemd1 to.
class RealLogindTest : public BusFixture {
 protected:
  RealLogindTest() : BusFixture(252, false) {}

  static bool possible() {
    return test::FakeLogind::usable() && ::geteuid() == 0 && ::access(kLogind, X_OK) == 0 &&
           ::access("/run/systemd/system", F_OK) != 0 && ::access("/sys/power/state", F_OK) == 0 &&
           test::run_program({"/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh",
                              "-c", "mount -t tmpfs tmpfs /run"})
                   .first == 0;
  }

  void SetUp() override {
    if (!possible()) ROUSE_SKIP("container", "not root in one with systemd-logind and namespaces");
    fake_.set_unit("suspend.target", {});  // logind asks whether it is masked
    group_.spawn(bus_.run());
    group_.spawn(logind_.run());
    start("freeze mem");
  }

  /// @p states: what /sys/power/state offers.
  void start(const std::string& states) {
    const std::string script =
        "mount -t tmpfs tmpfs /run\n"
        "cd /run && mkdir -p systemd/inhibit systemd/seats systemd/sessions systemd/users user\n"
        "mkdir power && echo \"$1\" > power/state && echo 's2idle [deep]' > power/mem_sleep\n"
        "mount --bind power /sys/power\n"
        "exec " +
        std::string(kLogind);
    logind_process_ = std::make_unique<test::ChildProcess>(
        std::vector<std::string>{"/usr/bin/unshare", "--mount", "--propagation", "private",
                                 "/bin/sh", "-ec", script, "sh", states},
        std::vector<std::string>{"DBUS_SYSTEM_BUS_ADDRESS=" + fake_.address(),
                                 "SYSTEMD_LOG_TARGET=console"});
    ASSERT_TRUE(run_until([this] { return logind_.here(); })) << logind_process_->output();
  }
  void stop() {
    logind_process_.reset();
    ASSERT_TRUE(run_until([this] { return !logind_.here(); }));
  }

  void take_lock() {
    group_.spawn(lock_.keep());
    ASSERT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  }

  SleepLock lock_{logind_, "rouse-suspendd", "to finish requests"};
  std::vector<bool> heard_;
  std::shared_ptr<void> listener_ = logind_.on_sleep([this](SleepSignal signal) {
    if (!signal.recovered) heard_.push_back(signal.preparing);
  });
  std::unique_ptr<test::ChildProcess> logind_process_;
};

TEST_F(RealLogindTest, AnswersAllThatIsAsked) {
  const auto can = run(logind_.can_suspend());
  ASSERT_TRUE(can) << can.error().message();
  EXPECT_EQ(*can, CanSuspend::Yes);
  const auto preparing = run(logind_.preparing_for_sleep());
  ASSERT_TRUE(preparing) << preparing.error().message();
  EXPECT_FALSE(*preparing);
  const auto shutdown = run(logind_.scheduled_shutdown());
  ASSERT_TRUE(shutdown) << shutdown.error().message();
  EXPECT_FALSE(*shutdown);
  const auto longest = run(logind_.inhibit_delay_max());
  ASSERT_TRUE(longest) << longest.error().message();
  EXPECT_EQ(*longest, std::chrono::seconds(5));
  const auto sessions = run(logind_.sessions());
  ASSERT_TRUE(sessions) << sessions.error().message();
  EXPECT_THAT(*sessions, IsEmpty());
  const auto lock = run(logind_.inhibit("sleep:idle", "backup", "copying", "block"));
  ASSERT_TRUE(lock) << lock.error().message();
  const auto inhibitors = run(logind_.inhibitors());
  ASSERT_TRUE(inhibitors) << inhibitors.error().message();
  ASSERT_THAT(*inhibitors, SizeIs(1));
  EXPECT_TRUE(inhibitors->front().has("sleep") && inhibitors->front().has("idle"));
  EXPECT_EQ(inhibitors->front().mode, "block");
  EXPECT_EQ(inhibitors->front().pid, static_cast<std::uint32_t>(::getpid()));
}

TEST_F(RealLogindTest, SuspendWaitsForOurLockAndTellsOfTheResume) {
  take_lock();
  const auto accepted = run(logind_.suspend());
  ASSERT_TRUE(accepted) << accepted.error().message();
  ASSERT_TRUE(run_until([this] { return heard_.size() == 1; }));
  const auto preparing = run(logind_.preparing_for_sleep());
  ASSERT_TRUE(preparing);
  EXPECT_TRUE(*preparing);
  EXPECT_THAT(fake_.calls(), testing::Not(testing::Contains(HasSubstr("StartUnit"))));
  lock_.release();
  EXPECT_TRUE(fake_.wait_for_call("StartUnit(ss) suspend.target replace-irreversibly"));
  const auto again = run(logind_.suspend());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, BusErrc::OperationInProgress) << again.error().message();
  const auto late = run(logind_.inhibit("sleep", "late", "", "delay"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, BusErrc::OperationInProgress) << late.error().message();
  fake_.finish_job("done");
  ASSERT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  EXPECT_THAT(heard_, ElementsAre(true, false));
}

TEST_F(RealLogindTest, BlockLockOfTheSameUserDoesNotStopIt) {
  const auto lock = run(logind_.inhibit("sleep", "backup", "copying", "block"));
  ASSERT_TRUE(lock);
  const auto accepted = run(logind_.suspend());
  EXPECT_TRUE(accepted) << accepted.error().message();
  EXPECT_TRUE(fake_.wait_for_call("StartUnit(ss) suspend.target replace-irreversibly"));
  fake_.finish_job("failed");
  EXPECT_TRUE(run_until([this] { return heard_.size() == 2; }));
}

TEST_F(RealLogindTest, MachineThatCannotSleepSaysSo) {
  stop();
  start("");
  const auto can = run(logind_.can_suspend());
  ASSERT_TRUE(can) << can.error().message();
  EXPECT_EQ(*can, CanSuspend::NotAvailable);
  const auto answer = run(logind_.suspend());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, BusErrc::SleepNotSupported) << answer.error().message();
}

TEST_F(RealLogindTest, LockIsTakenAgainFromANewLogind) {
  take_lock();
  stop();
  EXPECT_FALSE(lock_.held());
  start("freeze mem");
  ASSERT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  const auto inhibitors = run(logind_.inhibitors());
  ASSERT_TRUE(inhibitors);
  EXPECT_THAT(*inhibitors, SizeIs(1));
}

/// A login as pam_systemd makes it for sshd; it lasts as long as what this holds.
class Login {
 public:
  Login(const std::string& address, std::uint32_t leader, const char* tty) {
    sd_bus* bus = nullptr;
    if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address.c_str()) < 0 ||
        sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0) {
      ADD_FAILURE() << "no connection";
    }
    bus_.reset(bus);
    sd_bus_error error{};
    sd_bus_message* answer = nullptr;
    const int r = sd_bus_call_method(
        bus, "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
        "CreateSession", &error, &answer, "uusssssussbssa(sv)", std::uint32_t{0}, leader, "sshd",
        "tty", "user", "", "", std::uint32_t{0}, tty, "", 1, "", "10.0.0.7", 0);
    if (r < 0) ADD_FAILURE() << "CreateSession: " << (error.message ? error.message : "?");
    sd_bus_error_free(&error);
    answer_.reset(answer);
  }

 private:
  std::unique_ptr<sd_bus, decltype(&sd_bus_unref)> bus_{nullptr, sd_bus_unref};
  /// Has the descriptor that keeps the session.
  std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> answer_{nullptr,
                                                                           sd_bus_message_unref};
};

TEST_F(RealLogindTest, SessionHasThePropertiesThatWeRead) {
  test::ChildProcess leader({"/bin/sleep", "60"});
  const auto pid = static_cast<std::uint32_t>(leader.pid());
  const Login login(fake_.address(), pid, "pts/77");
  const auto sessions = run(logind_.sessions());
  ASSERT_TRUE(sessions) << sessions.error().message();
  ASSERT_THAT(*sessions, SizeIs(1));
  const Session& session = sessions->front();
  EXPECT_EQ(session.user, "root");
  EXPECT_EQ(session.session_class, "user");
  EXPECT_EQ(session.type, "tty");
  EXPECT_EQ(session.service, "sshd");
  EXPECT_TRUE(session.remote);
  EXPECT_EQ(session.remote_host, "10.0.0.7");
  EXPECT_EQ(session.tty, "pts/77");
  EXPECT_EQ(session.leader, leader.pid());
  EXPECT_EQ(session.scope, "session-" + session.id + ".scope");
  EXPECT_FALSE(session.idle_hint);
  EXPECT_NE(session.state, "closing");
}

}  // namespace
}  // namespace rouse::suspendd
