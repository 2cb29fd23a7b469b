#include "suspendd/checks/stamp_ages.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace rouse::suspendd {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(StampAges, BelievesAStampOnceAndThenItsChanges) {
  StampAges ages;
  StampAges::Time now{hours(1000)};
  StampAges::Wall wall{seconds(10'000)};
  ages.begin(now, wall);
  ages.add("old", 1'000 * kSecond);
  ages.add("new", 9'990 * kSecond);
  ages.add("future", 99'999 * kSecond);
  ages.end();
  EXPECT_EQ(ages.youngest().name, "future");
  EXPECT_EQ(ages.youngest().age, seconds(0));

  // The clock is set an hour ahead: nobody has become older than the time that passed.
  ages.begin(now + seconds(60), wall + seconds(3660));
  ages.add("old", 1'000 * kSecond);
  ages.add("new", 9'990 * kSecond);
  ages.end();
  EXPECT_EQ(ages.youngest().name, "new");
  EXPECT_EQ(ages.youngest().age, seconds(70));

  ages.begin(now + seconds(120), StampAges::Wall{});
  ages.add("old", 7);  // used just now, whatever the stamp says
  ages.end();
  EXPECT_EQ(ages.youngest().name, "old");
  EXPECT_EQ(ages.youngest().age, seconds(0));
}

class TtyCheckTest : public CheckFixture {
 protected:
  /// The terminal @p name got its last input @p ago before now.
  void terminal(std::string_view name, milliseconds ago) {
    file("/dev/" + std::string(name), "");
    const auto at = std::chrono::duration_cast<seconds>(wall_.time_since_epoch() - ago).count();
    const timespec times[2] = {{at, 0}, {at, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / ("dev/" + std::string(name))).c_str(), times, 0), 0);
  }
};

TEST_F(TtyCheckTest, TellsByTheTerminalUsedLast) {
  terminal("pts/0", hours(3));
  terminal("tty1", minutes(20));
  const auto check = make(TtyCheck());
  const Finding finding = look(check);
  EXPECT_THAT(finding, IsIdle("no terminal got input for 20m (tty1 was the last)"));
  EXPECT_EQ(finding.idle_for, minutes(20));
  pass(seconds(5));
  terminal("pts/0", seconds(2));
  EXPECT_THAT(look(check), IsActive("pts/0 got input 0s ago, less than 15m"));
  pass(minutes(14));
  EXPECT_THAT(look(check), IsActive("pts/0 got input 14m ago, less than 15m"));
  pass(minutes(1));
  EXPECT_EQ(look(check).verdict, Verdict::Idle);
  wall_ -= hours(5);
  EXPECT_EQ(look(check).verdict, Verdict::Idle) << "a clock that is set is no input";
}

TEST_F(TtyCheckTest, SeesTerminalsComeAndGo) {
  terminal("null", seconds(0));
  terminal("pts/ptmx", seconds(0));
  terminal("tty", seconds(0));
  terminal("tty0", seconds(0));
  terminal("ttyprintk", seconds(0));
  const auto check = make(TtyCheck());
  EXPECT_THAT(look(check), IsIdle("there is no terminal"));
  terminal("pts/7", seconds(0));
  EXPECT_EQ(look(check).verdict, Verdict::Active);
  remove("/dev/pts/7");
  EXPECT_EQ(look(check).verdict, Verdict::Idle);
  terminal("ttyS0", seconds(0));
  EXPECT_EQ(look(check).verdict, Verdict::Active);
  remove("/dev/ttyS0");
  terminal("hvc0", seconds(0));
  EXPECT_EQ(look(check).verdict, Verdict::Active);
  remove("/dev");
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("no /dev")));
}

TEST_F(TtyCheckTest, SeesInputOfARealTerminal) {
  context_.root = Root();
  const int ours = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ours < 0) ROUSE_SKIP("terminals", "no pseudo terminal can be opened");
  ASSERT_EQ(::grantpt(ours), 0);
  ASSERT_EQ(::unlockpt(ours), 0);
  const int theirs = ::open(::ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(theirs, 0);
  ASSERT_EQ(::write(ours, "x\n", 2), 2);
  char buffer[8];
  ASSERT_EQ(::read(theirs, buffer, sizeof buffer), 2);
  wall_ = std::chrono::system_clock::now();
  const auto check = make(TtyCheck());
  EXPECT_THAT(look(check), IsActive(HasSubstr("got input")));
  ::close(theirs);
  ::close(ours);
}

class MountCheckTest : public CheckFixture {};

TEST_F(MountCheckTest, TellsWhatIsMounted) {
  MountCheck settings;
  settings.points = {"/mnt/nas/", "/mnt/b c"};
  const auto check = make(settings);
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("mountinfo: No such file")));
  file("/proc/self/mountinfo", "");
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("names no mount")));
  file("/proc/self/mountinfo",
       "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /mnt/nas rw - autofs systemd-1 rw\n"
       "2 1 0:9 / /mnt/nas2 rw - nfs4 nas:/ rw\n");
  EXPECT_THAT(look(check), IsIdle("not mounted: /mnt/nas, /mnt/b c"));
  file("/proc/self/mountinfo", "2 1 0:9 / /mnt/b\\040c rw shared:1 - nfs4 nas:/x rw\n");
  EXPECT_THAT(look(check), IsActive("/mnt/b c is mounted (nfs4)"));
}

TEST_F(MountCheckTest, ReadsThisMachine) {
  context_.root = Root();
  MountCheck settings;
  settings.points = {"/proc"};
  EXPECT_THAT(look(make(settings)), IsActive("/proc is mounted (proc)"));
}

class ProcessCheckTest : public CheckFixture {
 protected:
  void SetUp() override { process(1, "init", "/sbin/init"); }
  void process(int pid, const std::string& comm, const std::string& command, long ticks = 0,
               int start = 100, char state = 'S') {
    const std::string folder = fmt::format("/proc/{}", pid);
    file(folder + "/comm", comm + "\n");
    file(folder + "/cmdline", command);
    file(folder + "/stat", fmt::format("{} ({}) {} 1 1 1 0 -1 0 0 0 0 0 {} 0 0 0 20 0 1 0 {} 0 0\n",
                                       pid, comm, state, ticks, start));
  }
  static long ticks(double seconds) {
    return static_cast<long>(seconds * static_cast<double>(::sysconf(_SC_CLK_TCK)));
  }
};

TEST_F(ProcessCheckTest, FindsAProcessByEitherName) {
  ProcessCheck settings;
  settings.names = {"ffmpeg", "a-very-long-program-name"};
  const auto check = make(settings);
  EXPECT_THAT(look(check), IsIdle("no process is ffmpeg, a-very-long-program-name"));
  process(20, "a-very-long-pro", std::string("/opt/a-very-long-program-name\0-x\0", 33));
  EXPECT_THAT(look(check), IsActive("a-very-long-program-name (pid 20) is there"));
  process(30, "ffmpeg", "ffmpeg");
  process(31, "ffmpeg", "ffmpeg");
  EXPECT_THAT(look(check), IsActive("a-very-long-program-name (pid 20) and 2 more is there"));
  remove("/proc/20");
  EXPECT_THAT(look(check), IsActive("ffmpeg (pid 30) and 1 more is there"));
}

TEST_F(ProcessCheckTest, WhatIsHiddenIsUnknown) {
  ProcessCheck settings;
  settings.names = {"ffmpeg"};
  remove("/proc/1/comm");
  EXPECT_THAT(look(make(settings)), IsUnknown(HasSubstr("hides the processes of other users")));
  remove("/proc");
  EXPECT_THAT(look(make(settings)), IsUnknown("/proc shows no process"));
}

TEST_F(ProcessCheckTest, NamesAreWholeNames) {
  ProcessCheck settings;
  settings.names = {"make", ""};
  process(3, "cmake", "cmake");
  process(2, "kworker/0:1", "");
  EXPECT_EQ(look(make(settings)).verdict, Verdict::Idle);
}

TEST_F(ProcessCheckTest, AnEmptyListMatchesNothing) {
  process(1, "init", "init");
  EXPECT_THAT(look(make(ProcessCheck())), IsUnknown("it names no process to look for"));
}

TEST_F(ProcessCheckTest, LooksInsideCommandLines) {
  ProcessCheck settings;
  settings.command = R"(python3? .*train\.py)";
  process(3, "python3", std::string("python3\0-u\0/home/a/train.py\0", 28));
  EXPECT_THAT(look(make(settings)), IsActive("python3 (pid 3) is there"));
  settings.command = "(";
  EXPECT_THAT(look(make(settings)), IsUnknown(AllOf(HasSubstr("pattern \"(\" is not valid"))));
}

TEST_F(ProcessCheckTest, ADeadOneIsNotThere) {
  ProcessCheck settings;
  settings.names = {"job"};
  process(5, "job", "job", 0, 100, 'Z');
  EXPECT_EQ(look(make(settings)).verdict, Verdict::Idle);
}

TEST_F(ProcessCheckTest, OneThatBecomesAnotherProgramIsNoticed) {
  ProcessCheck settings;
  settings.names = {"job"};
  process(5, "sh", "sh");
  const auto check = make(settings);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(look(check).verdict, Verdict::Idle);
  process(5, "job", "job");
  int looks = 1;
  while (look(check).verdict == Verdict::Idle && looks < 20) ++looks;
  EXPECT_LE(looks, 6);
}

TEST_F(ProcessCheckTest, MayHaveToWorkToCount) {
  ProcessCheck settings;
  settings.names = {"job"};
  settings.cores = 0.5;
  process(1, "init", "init");
  process(5, "job", "job", ticks(100));
  const auto check = make(settings);
  EXPECT_THAT(look(check), IsUnknown(HasSubstr("measuring since")));
  pass(seconds(10));
  process(5, "job", "job", ticks(101));
  EXPECT_THAT(look(check), IsIdle("job (pid 5) used 0.10 of a core over 10s, below 0.5"));
  pass(seconds(10));
  process(6, "job", "job", ticks(9));  // began meanwhile
  EXPECT_THAT(look(check), IsActive(HasSubstr("used 0.50 of a core over 20s, at or above")));
  process(5, "job", "job", ticks(1000), 999);  // another process of that number
  pass(seconds(10));
  EXPECT_THAT(look(check), IsIdle(HasSubstr("used 0.33 of a core over 30s")));
  remove("/proc/5");
  remove("/proc/6");
  EXPECT_EQ(look(check).verdict, Verdict::Idle);
}

TEST_F(ProcessCheckTest, OneThatSleptFromItsStartIsMeasuredAllTheSame) {
  ProcessCheck settings;
  settings.names = {"job"};
  settings.cores = 0.5;
  process(5, "job", "job", 0);
  const auto check = make(settings);
  static_cast<void>(look(check));
  pass(seconds(10));
  process(5, "job", "job", ticks(10));
  EXPECT_THAT(look(check), IsActive(HasSubstr("1.00 of a core")));
}

TEST_F(ProcessCheckTest, FindsARealProcess) {
  context_.root = Root();
  const std::string copy = dir_ / "rouse-test-job";
  std::filesystem::copy_file("/bin/sleep", copy);
  ProcessCheck settings;
  settings.names = {"rouse-test-job"};
  const auto check = make(settings);
  EXPECT_EQ(look(check).verdict, Verdict::Idle);
  {
    const test::ChildProcess job({copy, "1000"});
    const std::string comm = fmt::format("/proc/{}/comm", job.pid());
    ASSERT_TRUE(test::wait_until([&] { return *Root().read(comm) == "rouse-test-job\n"; }));
    EXPECT_THAT(look(check), IsActive(HasSubstr(fmt::format("(pid {})", job.pid()))));
  }
  EXPECT_EQ(look(check).verdict, Verdict::Idle);
}

}  // namespace
}  // namespace rouse::suspendd
