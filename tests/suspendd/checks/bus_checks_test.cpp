#include "suspendd/systemd/sleep_lock.hpp"
#include "tests/support/skip.hpp"
#include "tests/suspendd/bus/bus_fixture.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace rouse::suspendd {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Checks with a fake logind, below a generated /proc and /dev.
class BusChecks : public CheckFixture {
 protected:
  void SetUp() override {
    if (!test::FakeLogind::usable()) ROUSE_SKIP("dbus-daemon", "it is not installed");
    now_ = std::chrono::steady_clock::time_point(hours(100));  // whole microseconds
    context_.logind = &logind_;
    context_.units = &units_;
    group_.spawn(bus_.run());
    ASSERT_TRUE(run_until([this] { return logind_.here(); })) << bus_.trouble();
  }

  /// /dev/TTY, last read @p ago by the wall clock.
  void terminal(const std::string& tty, milliseconds ago) {
    file("/dev/" + tty, "");
    touch(tty, ago);
  }
  void touch(const std::string& tty, milliseconds ago) {
    const auto at =
        std::chrono::duration_cast<std::chrono::nanoseconds>(wall_.time_since_epoch() - ago);
    const timespec time{static_cast<time_t>(at.count() / 1'000'000'000),
                        static_cast<long>(at.count() % 1'000'000'000)};
    const timespec times[2] = {time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / ("dev/" + tty)).c_str(), times, 0), 0);
  }
  /// A process with the terminal pts/@p pts (-1: none), its name full of traps.
  void process(int pid, int parent, int pts, const std::string& scope = "") {
    const std::string folder = "/proc/" + std::to_string(pid);
    const int device = pts < 0 ? 0 : (136 << 8) | pts;
    file(folder + "/stat", std::to_string(pid) + " (a) S 1 1) S " + std::to_string(parent) +
                               " 1 1 " + std::to_string(device) + " -1 4194560 0 0\n");
    file(folder + "/cgroup", "0::/user.slice/user-1000.slice/" + scope + "\n");
  }
  std::uint64_t monotonic_us(milliseconds ago) const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<microseconds>(now_.time_since_epoch() - ago).count());
  }

  test::FakeLogind fake_;
  Bus bus_{io_.get_executor(), BusOptions{fake_.address(), milliseconds(5), milliseconds(20)}};
  Logind logind_{bus_};
  SystemdUnits units_{bus_};
};

class SessionsTest : public BusChecks {};

TEST_F(SessionsTest, NobodyIsIdle) {
  fake_.add_session("c1", {{"user", "gdm"}, {"class", "greeter"}, {"type", "wayland"}});
  fake_.add_session("1", {{"user", "root"}, {"class", "manager"}});
  fake_.add_session("2", {{"user", "cron"}, {"class", "background"}});
  EXPECT_THAT(look(make(SessionsCheck{})), IsIdle("nobody is logged in"));
}

TEST_F(SessionsTest, SshCountsByTheAccessTimeOfItsTerminal) {
  fake_.add_session("5", {{"user", "alice"},
                          {"remote", "true"},
                          {"remote-host", "10.0.0.7"},
                          {"service", "sshd"},
                          {"tty", "pts/3"}});
  terminal("pts/3", minutes(59));
  const auto check = make(SessionsCheck{});
  EXPECT_THAT(look(check), IsActive("session 5 of alice from 10.0.0.7 (sshd, pts/3), idle for 59m "
                                    "of 1h"));
  pass(minutes(1));
  const Finding finding = look(check);
  EXPECT_THAT(finding, IsIdle("1 session, the last input 1h ago, 1h or more"));
  EXPECT_EQ(finding.idle_for, hours(1));
  // Somebody types again.
  touch("pts/3", milliseconds(0));
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 0s of 1h")));
}

TEST_F(SessionsTest, SettingTheClockPutsNobodyToSleep) {
  fake_.add_session("5", {{"user", "alice"}, {"remote", "true"}, {"tty", "pts/3"}});
  terminal("pts/3", minutes(1));
  const auto check = make(SessionsCheck{});
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 1m of")));
  wall_ += hours(48);
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 1m of")));
  // Typing a moment ago, by a clock that has since been set forward.
  now_ += minutes(2);
  touch("pts/3", hours(24));
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 0s of")));
  pass(minutes(3));
  // And set back: a stamp from the future is no older than now.
  wall_ -= hours(100);
  touch("pts/3", -hours(1));
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 0s of")));
  wall_ -= hours(100);
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 0s of")));
}

TEST_F(SessionsTest, TerminalThatLogindDoesNotKnowIsFoundBelowTheLeader) {
  fake_.add_session("7",
                    {{"user", "bob"}, {"remote", "true"}, {"service", "sshd"}, {"leader", "100"}});
  process(100, 1, -1);
  process(101, 100, -1);
  process(102, 101, 9);
  process(103, 102, 300);
  process(200, 1, 4);
  terminal("pts/4", minutes(0));
  terminal("pts/9", hours(2));
  terminal("pts/300", minutes(70));
  EXPECT_THAT(look(make(SessionsCheck{})), IsIdle(HasSubstr("last input 1h10m ago")));
  touch("pts/9", minutes(5));
  EXPECT_THAT(look(make(SessionsCheck{})), IsActive(HasSubstr("idle for 5m of 1h")));
}

TEST_F(SessionsTest, AnOwnTerminalOfTheLeaderCounts) {
  fake_.add_session("7", {{"user", "bob"}, {"remote", "true"}, {"leader", "100"}});
  process(100, 1, 5);
  terminal("pts/5", minutes(5));
  const auto check = make(SessionsCheck{});
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 5m of 1h")));
  process(101, 100, 6);
  terminal("pts/6", minutes(2));
  EXPECT_THAT(look(check), IsActive(HasSubstr("idle for 2m of 1h"))) << "begun since";
}

TEST_F(SessionsTest, WithoutALeaderTheMachinesOwnProcessesAreNotOfIt) {
  fake_.add_session("7", {{"user", "bob"}, {"remote", "true"}, {"leader", "1"}, {"tty", "pts/5"}});
  process(200, 1, 6);
  terminal("pts/5", minutes(30));
  terminal("pts/6", minutes(2));
  EXPECT_THAT(look(make(SessionsCheck{})), IsActive(HasSubstr("idle for 30m of 1h")));
}

TEST_F(SessionsTest, ATerminalIsBelowDev) {
  file("/dev/null", "");
  file("/etc/used", "");
  fake_.add_session("7", {{"user", "bob"},
                          {"remote", "true"},
                          {"tty", "../etc/used"},
                          {"idle-since", std::to_string(monotonic_us(minutes(50)))}});
  EXPECT_THAT(look(make(SessionsCheck{})), IsActive(HasSubstr("idle for 50m of 1h")));
}

TEST_F(SessionsTest, AConsoleIsATerminal) {
  fake_.add_session("7", {{"user", "bob"}, {"leader", "100"}});
  file("/proc/100/stat", "100 (login) S 1 1 1 1025 -1 4194560 0 0\n");  // 4:1
  terminal("tty1", minutes(20));
  EXPECT_THAT(look(make(SessionsCheck{})), IsActive(HasSubstr("idle for 20m of 1h")));
}

TEST_F(SessionsTest, AHintOfTheFutureIsOfNow) {
  fake_.add_session("7", {{"user", "bob"},
                          {"remote", "true"},
                          {"idle-since", std::to_string(monotonic_us(-minutes(50)))}});
  EXPECT_THAT(look(make(SessionsCheck{})), IsActive(HasSubstr("idle for 0s of 1h")));
}

TEST_F(SessionsTest, TailscaleSessionsCount) {
  // tailscaled makes its sessions by CreateSession; its child has the terminal.
  fake_.add_session("12", {{"user", "carol"},
                           {"remote", "true"},
                           {"remote-host", "100.64.0.9"},
                           {"service", "tailscaled"},
                           {"leader", "500"}});
  process(500, 80, -1);
  process(501, 500, 2);
  terminal("pts/2", minutes(1));
  EXPECT_THAT(look(make(SessionsCheck{})),
              IsActive("session 12 of carol from 100.64.0.9 (tailscaled), idle for 1m of 1h"));
}

TEST_F(SessionsTest, MoshLivesOnInAClosingSession) {
  fake_.add_session("20", {{"user", "dan"},
                           {"remote", "true"},
                           {"state", "closing"},
                           {"leader", "900"},
                           {"scope", "session-20.scope"}});
  EXPECT_THAT(look(make(SessionsCheck{})), IsIdle("nobody is logged in"));
  process(950, 1, 6, "session-20.scope");
  process(951, 1, 7, "session-21.scope");
  terminal("pts/6", minutes(3));
  terminal("pts/7", minutes(0));
  EXPECT_THAT(look(make(SessionsCheck{})), IsActive(HasSubstr("idle for 3m of 1h")));
}

TEST_F(SessionsTest, SessionThatNothingTellsAboutCounts) {
  fake_.add_session("8", {{"user", "eve"}, {"remote", "true"}, {"service", "sshd"}});
  EXPECT_THAT(look(make(SessionsCheck{})),
              IsActive("session 8 of eve from elsewhere (sshd), nothing tells how long it has been "
                       "idle"));
}

TEST_F(SessionsTest, LogindsOwnTimeIsUsedWhereThereIsNoTerminal) {
  fake_.add_session("9", {{"user", "eve"}, {"idle-since", std::to_string(monotonic_us(hours(3)))}});
  EXPECT_THAT(look(make(SessionsCheck{})), IsIdle(HasSubstr("3h ago")));
}

TEST_F(SessionsTest, DesktopSaysItself) {
  terminal("tty2", hours(5));
  fake_.add_session("3", {{"user", "fay"},
                          {"type", "wayland"},
                          {"seat", "seat0"},
                          {"tty", "tty2"},
                          {"service", "gdm-password"},
                          {"idle-since", std::to_string(monotonic_us(hours(9)))}});
  const auto check = make(SessionsCheck{});
  EXPECT_THAT(look(check), IsActive("session 3 of fay (gdm-password, tty2), idle for 0s of 1h"));
  fake_.add_session("3", {{"user", "fay"},
                          {"type", "wayland"},
                          {"idle-hint", "true"},
                          {"idle-since", std::to_string(monotonic_us(minutes(61)))}});
  EXPECT_THAT(look(check), IsIdle(HasSubstr("1h1m ago")));
}

TEST_F(SessionsTest, UsersAndLocalSessionsCanBeLeftOut) {
  fake_.add_session("1", {{"user", "backup"}, {"remote", "true"}});
  fake_.add_session("2", {{"user", "gina"}, {"tty", "tty1"}});
  terminal("tty1", minutes(1));
  EXPECT_THAT(look(make(SessionsCheck{.ignore_users = {"backup"}})),
              IsActive(AllOf(HasSubstr("gina"), Not(HasSubstr("backup")))));
  EXPECT_THAT(look(make(SessionsCheck{.ignore_users = {"backup"}, .local = false})),
              IsIdle("nobody is logged in"));
}

TEST_F(SessionsTest, HundredSessionsAndHostileNames) {
  for (int i = 0; i < 100; ++i) {
    fake_.add_session("s" + std::to_string(i),
                      {{"user", "u\n" + std::string(300, 'x')}, {"tty", "../../../etc/passwd"}});
  }
  const Finding finding = look(make(SessionsCheck{}));
  EXPECT_THAT(finding, IsActive(HasSubstr("…")));
  EXPECT_LT(finding.reason.size(), 1000u);
  EXPECT_EQ(finding.reason.find('\n'), std::string::npos);
}

TEST_F(SessionsTest, UnknownWhileLogindIsAway) {
  const auto check = make(SessionsCheck{});
  fake_.leave();
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("the service does not run")));
  fake_.stop_bus();
  ASSERT_TRUE(run_until([this] { return !bus_.connected(); }));
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("not connected to the message bus")));
  fake_.start_bus();
  ASSERT_TRUE(run_until([this] { return logind_.here(); }));
  EXPECT_THAT(look(check), IsIdle("nobody is logged in"));
}

TEST_F(SessionsTest, CancelledLookEnds) {
  const auto check = make(SessionsCheck{});
  fake_.hang("ListSessions");
  const Finding finding = look_cancelled(*check, [this] { return !fake_.calls().empty(); });
  EXPECT_EQ(finding.verdict, Verdict::Unknown);
  EXPECT_THAT(look(check), IsIdle("nobody is logged in"));
}

class InhibitorsTest : public BusChecks {};

TEST_F(InhibitorsTest, BlockLocksOnSleepOrIdleCountWhoeverHasThem) {
  const auto check = make(InhibitorsCheck{});
  EXPECT_THAT(look(check), IsIdle("no program holds a block lock on sleep or idle"));
  fake_.add_lock("sleep", "NetworkManager", "to go offline", "delay", 0, 10);
  fake_.add_lock("handle-lid-switch:shutdown", "gnome", "", "block", 1000, 11);
  EXPECT_THAT(look(check), IsIdle("no program holds a block lock on sleep or idle"));
  fake_.add_lock("shutdown:sleep", "backup", "copying", "block", static_cast<int>(::getuid()), 12);
  EXPECT_THAT(look(check), IsActive("1 block lock: backup (copying; shutdown:sleep, block, uid " +
                                    std::to_string(::getuid()) + ", pid 12)"));
  fake_.remove_lock("backup");
  fake_.add_lock("idle", "mpv", "playing", "block-weak", 1000, 13);
  EXPECT_THAT(look(check), IsActive(HasSubstr("mpv")));
}

TEST_F(InhibitorsTest, SomeAreIgnoredAndOurOwnDoNotCount) {
  fake_.add_lock("idle", "mpv", "playing", "block");
  fake_.add_lock("sleep", "rouse", "serving", "block", 0, ::getpid());
  EXPECT_THAT(look(make(InhibitorsCheck{.ignore = {"mpv"}})),
              IsIdle("no program holds a block lock on sleep or idle; 1 lock ignored"));
}

TEST_F(InhibitorsTest, ManyAreCounted) {
  for (int i = 0; i < 10; ++i) {
    fake_.add_lock("sleep", "w" + std::to_string(i) + "\n", std::string(1000, 'y'), "block");
  }
  const Finding finding = look(make(InhibitorsCheck{}));
  EXPECT_THAT(finding, IsActive(AllOf(testing::StartsWith("10 block locks: w0"), HasSubstr("…"))));
  EXPECT_LT(finding.reason.size(), 600u);
}

class UnitTest : public BusChecks {};

TEST_F(UnitTest, RunningUnitsCount) {
  fake_.set_unit("backup.service", {{"active", "activating"}, {"sub", "start"}});
  fake_.set_unit("idle.service", {});
  fake_.set_unit("broken.service", {{"active", "failed"}, {"sub", "failed"}});
  const std::vector<std::string> quiet{"idle.service", "broken.service", "missing.service"};
  EXPECT_THAT(look(make(UnitCheck{quiet})),
              IsIdle("idle.service is inactive; broken.service is failed; missing.service is "
                     "not-found"));
  EXPECT_THAT(look(make(UnitCheck{{"idle.service", "backup.service"}})),
              IsActive("backup.service is activating (start)"));
  EXPECT_THAT(look(make(UnitCheck{{"no such/name"}})), IsUnknown(HasSubstr("no such/name")));
  // One that is active decides, whatever cannot be told of the others.
  EXPECT_THAT(look(make(UnitCheck{{"no such/name", "backup.service"}})),
              IsActive("backup.service is activating (start)"));
}

class UpcomingTest : public BusChecks {
 protected:
  std::uint64_t wall_us(milliseconds in) const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<microseconds>(wall_.time_since_epoch() + in).count());
  }
};

TEST_F(UpcomingTest, TimersCountOnBothClocks) {
  const auto check = make(UpcomingCheck{.timers = {"backup.timer"}});
  fake_.set_unit("backup.timer", {{"realtime", std::to_string(wall_us(minutes(9)))},
                                  {"monotonic", std::to_string(UINT64_MAX)}});
  EXPECT_THAT(look(check), IsActive("backup.timer is due in 9m, less than 10m"));
  pass(-minutes(1));
  EXPECT_THAT(look(check), IsIdle("backup.timer is due in 10m, 10m or more"));
  fake_.set_unit("backup.timer", {{"monotonic", std::to_string(monotonic_us(-minutes(3)))}});
  EXPECT_THAT(look(check), IsActive("backup.timer is due in 3m, less than 10m"));
  // One that should have elapsed is about to.
  fake_.set_unit("backup.timer", {{"monotonic", std::to_string(monotonic_us(minutes(3)))}});
  EXPECT_THAT(look(check), IsActive("backup.timer is due in 0s, less than 10m"));
  fake_.set_unit("backup.timer", {});
  EXPECT_THAT(look(check), IsIdle("nothing is due"));
  EXPECT_THAT(look(make(UpcomingCheck{.timers = {"missing.timer"}})),
              IsUnknown("timer missing.timer is not-found: there is no such unit"));
}

TEST_F(UpcomingTest, ScheduledShutdownAndOurOwnWakeUpCount) {
  const auto check = make(UpcomingCheck{});
  EXPECT_THAT(look(check), IsIdle("nothing is due"));
  fake_.set_shutdown("reboot", wall_us(minutes(20)));
  EXPECT_THAT(look(check), IsIdle("a scheduled reboot is due in 20m, 10m or more"));
  context_.next_wakeup = [] { return std::optional<milliseconds>(minutes(4)); };
  EXPECT_THAT(look(check), IsActive("a planned wake-up is due in 4m, less than 10m"));
  context_.next_wakeup = [] { return std::nullopt; };
  fake_.set_shutdown("poweroff", wall_us(minutes(2)));
  EXPECT_THAT(look(check), IsActive("a scheduled poweroff is due in 2m, less than 10m"));
  fake_.leave();
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("ScheduledShutdown")));
  context_.next_wakeup = [] { return std::optional<milliseconds>(minutes(4)); };
  EXPECT_THAT(look(check), IsActive(HasSubstr("planned wake-up")));
}

TEST_F(BusChecks, WithoutABusTheyAreUnknown) {
  context_.logind = nullptr;
  context_.units = nullptr;
  EXPECT_THAT(look(make(SessionsCheck{})), IsUnknown("there is no message bus"));
  EXPECT_THAT(look(make(InhibitorsCheck{})), IsUnknown("there is no message bus"));
  EXPECT_THAT(look(make(UnitCheck{{"a.service"}})), IsUnknown("there is no message bus"));
  EXPECT_THAT(look(make(UpcomingCheck{.timers = {"a.timer"}})),
              IsUnknown(HasSubstr("no message bus")));
}

}  // namespace
}  // namespace rouse::suspendd
