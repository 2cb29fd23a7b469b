#include "suspendd/systemd/sleep_lock.hpp"

#include "tests/suspendd/bus/bus_fixture.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <memory>
#include <vector>

namespace rouse::suspendd {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class SleepLockTest : public BusFixture {
 protected:
  void SetUp() override {
    BusFixture::SetUp();
    group_.spawn(lock_.keep());
    ASSERT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  }

  std::vector<bool> heard_;      ///< PrepareForSleep as the bus brought it
  std::vector<bool> recovered_;  ///< as it was read after a gap
  std::shared_ptr<void> listener_ = logind_.on_sleep([this](SleepSignal signal) {
    (signal.recovered ? recovered_ : heard_).push_back(signal.preparing);
  });
  SleepLock lock_{logind_, "rouse-suspendd", "to finish requests"};
};

TEST_F(SleepLockTest, IsADelayLockOfOursOnSleep) {
  EXPECT_THAT(fake_.calls(),
              ElementsAre("Inhibit(ssss) sleep rouse-suspendd to%20finish%20requests delay"));
  EXPECT_THAT(fake_.locks(),
              ElementsAre("sleep|rouse-suspendd|to finish requests|delay|" +
                          std::to_string(::geteuid()) + "|" + std::to_string(::getpid())));
}

TEST_F(SleepLockTest, DoesNotLeakIntoChildren) {
  // A child that runs on while the lock is let go must not keep it.
  test::ChildProcess child({"/bin/sleep", "60"});
  lock_.release();
  EXPECT_FALSE(lock_.held());
  EXPECT_TRUE(fake_.wait_for_locks(0));
  EXPECT_TRUE(child.running());
}

TEST_F(SleepLockTest, HoldsUpASuspendUntilItIsReleased) {
  ASSERT_TRUE(run(logind_.suspend()));
  EXPECT_TRUE(run_until([this] { return heard_.size() == 1; }));
  EXPECT_EQ(fake_.state(), "preparing");
  EXPECT_TRUE(lock_.held());
  lock_.release();
  EXPECT_TRUE(fake_.wait_for_state("asleep"));
  EXPECT_EQ(fake_.delay_ended(), "released");
  fake_.wake();
  EXPECT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  EXPECT_THAT(fake_.locks(), SizeIs(1));
}

TEST_F(SleepLockTest, LockThatIsKeptCostsTheWholeDelay) {
  fake_.set_delay_max(milliseconds(30));
  ASSERT_TRUE(run(logind_.suspend()));
  EXPECT_TRUE(fake_.wait_for_state("asleep"));
  EXPECT_EQ(fake_.delay_ended(), "timeout");
}

TEST_F(SleepLockTest, IsTakenAgainAfterLogindWasAway) {
  fake_.clear_calls();
  fake_.leave();
  ASSERT_TRUE(run_until([this] { return !lock_.held(); }));
  fake_.join();
  EXPECT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  // The one of before is let go only then: logind keeps locks across a restart.
  EXPECT_TRUE(fake_.wait_for_locks(1));
}

TEST_F(SleepLockTest, IsTakenAgainAfterTheBusWasAway) {
  fake_.stop_bus();
  ASSERT_TRUE(run_until([this] { return !lock_.held(); }));
  fake_.start_bus();
  EXPECT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
  EXPECT_TRUE(fake_.wait_for_locks(1));
}

TEST_F(SleepLockTest, SaysWhyItIsNotHeld) {
  lock_.release();
  fake_.fail("Inhibit", "org.freedesktop.DBus.Error.AccessDenied", "Permission denied", -1);
  fake_.signal_prepare(false);
  EXPECT_TRUE(run_until([this] { return !lock_.trouble().empty(); }));
  EXPECT_FALSE(lock_.held());
  EXPECT_THAT(lock_.trouble(), HasSubstr("polkit rule"));
}

TEST_F(SleepLockTest, IsAskedForAgainAfterAWhile) {
  lock_.release();
  fake_.fail("Inhibit", "org.freedesktop.DBus.Error.LimitsExceeded", "too many");
  fake_.signal_prepare(false);
  EXPECT_TRUE(run_until([this] { return !lock_.trouble().empty(); }));
  EXPECT_TRUE(run_until([this] { return lock_.held(); }));
  EXPECT_EQ(lock_.trouble(), "");
}

TEST_F(SleepLockTest, ReleasedItIsTakenAtTheNextResumeOnly) {
  ASSERT_TRUE(run_until([this] { return recovered_.size() == 1; }));  // at the start
  fake_.fail("Inhibit", "org.freedesktop.DBus.Error.LimitsExceeded", "too many");
  fake_.leave();
  ASSERT_TRUE(run_until([this] { return !logind_.here(); }));
  fake_.join();
  ASSERT_TRUE(run_until([this] { return !lock_.trouble().empty() && recovered_.size() == 2; }));
  lock_.release();
  EXPECT_EQ(lock_.trouble(), "");
  fake_.set_preparing(true);
  fake_.leave();
  ASSERT_TRUE(run_until([this] { return !logind_.here(); }));
  fake_.clear_calls();
  fake_.join();
  ASSERT_TRUE(run_until([this] { return recovered_.size() == 3; }));
  ASSERT_TRUE(recovered_.back());
  ASSERT_TRUE(run(logind_.can_suspend())) << "whatever was to be asked before it has been";
  EXPECT_THAT(fake_.calls(), ElementsAre("CanSuspend()"));
  fake_.signal_prepare(false);
  EXPECT_TRUE(run_until([this] { return lock_.held(); })) << lock_.trouble();
}

TEST_F(SleepLockTest, ReleasedWhileItIsAskedForItIsNotKept) {
  lock_.release();
  fake_.clear_calls();
  fake_.delay("Inhibit", milliseconds(50));
  fake_.signal_prepare(false);
  ASSERT_TRUE(run_until([this] { return !fake_.calls().empty(); }));
  lock_.release();
  ASSERT_TRUE(fake_.wait_for_locks(1)) << "it is given all the same";
  ASSERT_TRUE(run_until([this] { return fake_.locks().empty(); }));
  EXPECT_FALSE(lock_.held());
}

TEST_F(SleepLockTest, IsGoneWithItsKeeper) {
  group_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([this] { return group_.size() == 0; }));
  EXPECT_TRUE(fake_.wait_for_locks(0));
}

}  // namespace
}  // namespace rouse::suspendd
