#include "base/service/sd_notify.hpp"

#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"
#include "base/posix.hpp"
#include "base/process/spawn.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace rouse {
namespace {

using namespace std::chrono_literals;

/// Stands in for systemd: a datagram socket of its own in $NOTIFY_SOCKET.
class SdNotify : public testing::Test {
 protected:
  SdNotify() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string path = dir_ / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    const timeval patience{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }
  ~SdNotify() override {
    for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
      ::unsetenv(name);
    }
  }

  /// The next message; "(none)" when none has come in ten seconds.
  std::string next() {
    std::array<char, 1024> bytes{};
    const ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    return size < 0 ? "(none)" : std::string(bytes.data(), static_cast<std::size_t>(size));
  }

  bool is_silent() {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
  }

 private:
  test::TempDir dir_;
  UniqueFd socket_;
};

TEST_F(SdNotify, SaysWhatHappens) {
  notify_ready("3 models");
  EXPECT_EQ(next(), "READY=1\nSTATUS=3 models");
  notify_stopping("drains");
  EXPECT_EQ(next(), "STOPPING=1\nSTATUS=drains");
  notify_alive();
  EXPECT_EQ(next(), "WATCHDOG=1");
  notify_reloading();
  const std::string reloading = next();
  const std::string before = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_EQ(reloading.rfind(before, 0), 0U);
  EXPECT_GT(std::stoll(reloading.substr(before.size())), 0);
}

TEST_F(SdNotify, AStatusCannotSmuggleInAnotherAssignment) {
  notify_ready("fine\nMAINPID=1");
  EXPECT_EQ(next(), "READY=1\nSTATUS=fine MAINPID=1");
}

TEST_F(SdNotify, WithoutAManagerNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready("nobody hears this");
  EXPECT_TRUE(is_silent());
}

TEST_F(SdNotify, TheWatchdogIsFedWhereTheUnitWantsIt) {
  EXPECT_EQ(watchdog_pause(), std::nullopt);
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  EXPECT_EQ(watchdog_pause(), 20s);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_pause(), 20s);
  ::setenv("WATCHDOG_PID", "1", 1);  // inherited from somebody else's unit
  EXPECT_EQ(watchdog_pause(), std::nullopt);
}

TEST_F(SdNotify, FeedsUntilItIsCancelled) {
  ::setenv("WATCHDOG_USEC", "30000", 1);
  asio::io_context context(1);
  TaskGroup tasks(context.get_executor(), [](const std::string& error) { ADD_FAILURE() << error; });
  tasks.spawn(feed_watchdog(context.get_executor()));
  for (int beats = 0; beats < 3; ++beats) {
    while (is_silent()) context.run_one();
    EXPECT_EQ(next(), "WATCHDOG=1");
  }
  tasks.cancel(asio::cancellation_type::terminal);
  context.run();
  EXPECT_EQ(tasks.size(), 0U);
}

TEST_F(SdNotify, FeedsNobodyWithoutAWatchdog) {
  asio::io_context context(1);
  TaskGroup tasks(context.get_executor(), [](const std::string& error) { ADD_FAILURE() << error; });
  tasks.spawn(feed_watchdog(context.get_executor()));
  context.run();
  EXPECT_EQ(tasks.size(), 0U);
  EXPECT_TRUE(is_silent());
}

TEST_F(SdNotify, AnEngineDoesNotHearOfIt) {
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  const auto child = spawn({"/usr/bin/env"}, {});
  ASSERT_TRUE(child) << child.error().message();
  pollfd output{child->output.get(), POLLIN, 0};
  std::string text;
  for (ssize_t got = 1; got > 0;) {
    std::array<char, 4096> bytes{};
    ASSERT_EQ(::poll(&output, 1, 10'000), 1);
    got = ::read(output.fd, bytes.data(), bytes.size());
    if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
  }
  reap(child->pid);
  EXPECT_NE(text.find("PATH="), std::string::npos);
  EXPECT_EQ(text.find("NOTIFY_SOCKET="), std::string::npos);
  EXPECT_EQ(text.find("WATCHDOG_USEC="), std::string::npos);
}

}  // namespace
}  // namespace rouse
