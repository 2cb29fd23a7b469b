#include "base/async/hangable_call.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rouse::suspendd {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

class FileMtimeCheckTest : public CheckFixture {
 protected:
  void changed(const std::string& path, milliseconds ago) {
    file(path, "x");
    const auto at = std::chrono::duration_cast<seconds>(wall_.time_since_epoch() - ago).count();
    const timespec times[2] = {{at, 0}, {at, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / path.substr(1)).c_str(), times, 0), 0);
  }
  std::unique_ptr<Check> make_for(std::vector<std::string> paths) {
    FileMtimeCheck settings;
    settings.paths = std::move(paths);
    return make(settings);
  }
};

TEST_F(FileMtimeCheckTest, TellsByTheFileChangedLast) {
  changed("/var/log/a.log", minutes(40));
  changed("/var/log/b.log", hours(3));
  changed("/var/log/c.txt", minutes(1));
  const auto check = make_for({"/var/log/*.log", "/srv/none"});
  const Finding finding = look(check);
  EXPECT_THAT(finding, IsIdle("nothing changed for 40m (/var/log/a.log was the last)"));
  EXPECT_EQ(finding.idle_for, minutes(40));
  changed("/var/log/b.log", seconds(0));
  EXPECT_THAT(look(check), IsActive("/var/log/b.log changed 0s ago, less than 15m"));
}

TEST_F(FileMtimeCheckTest, NoFileIsNoChange) {
  EXPECT_THAT(look(make_for({"/srv/*.lock", "/x"})), IsIdle("there is no file /srv/*.lock, /x"));
  file("/srv/file", "");
  EXPECT_EQ(look(make_for({"/srv/file/*"})).verdict, Verdict::Idle);
}

TEST_F(FileMtimeCheckTest, WhatItMayNotReadIsUnknown) {
  changed("/srv/a", hours(3));
  ASSERT_EQ(::symlink("loop", (dir_ / "srv/loop").c_str()), 0);
  EXPECT_THAT(look(make_for({"/srv/*"})),
              IsUnknown(AllOf(HasSubstr("srv/loop"), HasSubstr("symbolic links"))));
  changed("/srv/b", seconds(1));
  EXPECT_EQ(look(make_for({"/srv/*"})).verdict, Verdict::Active);
}

/// A FIFO nobody writes to holds whoever opens it, as a dead file server does.
class Hang {
 public:
  explicit Hang(const std::string& path) : path_(path) { ::mkfifo(path.c_str(), 0600); }
  ~Hang() { release(); }
  Hang(const Hang&) = delete;
  Hang& operator=(const Hang&) = delete;

  [[nodiscard]] std::function<int()> job() const {
    return [path = path_] {
      const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      ::close(fd);
      return 7;
    };
  }
  void release() const {
    const int fd = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) ::close(fd);
  }

 private:
  std::string path_;
};

class HangableCallTest : public CheckFixture {
 protected:
  static Task<void> keep_answer(HangableCall& call, std::function<int()> job,
                                std::optional<int>& answer, bool& ended) {
    answer = co_await call.ask(std::move(job));
    ended = true;
  }
  std::optional<int> ask(HangableCall& call, std::function<int()> job) {
    std::optional<int> answer;
    bool ended = false;
    group_.spawn(keep_answer(call, std::move(job), answer, ended));
    EXPECT_TRUE(run_until([&ended] { return ended; }));
    return answer;
  }
};

TEST_F(HangableCallTest, BringsBackWhatTheCallReturns) {
  HangableCall call(io_.get_executor());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask(call, [i] { return i; }), i);
    EXPECT_FALSE(call.is_away());
  }
}

TEST_F(HangableCallTest, WhileOneHangsNoOtherIsMade) {
  const Hang hang(dir_ / "fifo");
  HangableCall call(io_.get_executor());
  {
    std::optional<int> answer;
    bool ended = false;
    TaskGroup group(io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
    group.spawn(keep_answer(call, hang.job(), answer, ended));
    ASSERT_TRUE(run_until([&call] { return call.is_away(); }));
    group.cancel(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&group] { return group.size() == 0; }));
    EXPECT_EQ(answer, std::nullopt);
  }
  bool was_made = false;
  EXPECT_EQ(ask(call, [&was_made] { return was_made = true, 1; }), std::nullopt);
  EXPECT_FALSE(was_made);
  ASSERT_TRUE(test::wait_until([&] { return hang.release(), !call.is_away(); }));
  EXPECT_EQ(ask(call, [] { return 3; }), 3);
}

TEST_F(HangableCallTest, MayBeDestroyedWhileOneHangs) {
  const Hang hang(dir_ / "fifo");
  const auto count = std::make_shared<int>(0);
  {
    HangableCall call(io_.get_executor());
    std::optional<int> answer;
    bool ended = false;
    TaskGroup group(io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
    group.spawn(keep_answer(
        call, [job = hang.job(), count] { return job(); }, answer, ended));
    ASSERT_TRUE(run_until([&call] { return call.is_away(); }));
    group.cancel(asio::cancellation_type::terminal);
    ASSERT_TRUE(run_until([&group] { return group.size() == 0; }));
  }
  ASSERT_TRUE(test::wait_until([&] { return hang.release(), count.use_count() == 1; }));
}

}  // namespace
}  // namespace rouse::suspendd
