// What becomes of a rouse whose terminal closes.

#include "tests/integration/demo_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

/// A program on a terminal of its own.
class OnTerminal {
 public:
  OnTerminal(std::vector<std::string> argv, std::vector<std::string> env) {
    std::vector<char*> args;
    for (std::string& arg : argv) args.push_back(arg.data());
    args.push_back(nullptr);
    leader_ = ::forkpty(&master_, nullptr, nullptr, nullptr);
    if (leader_ == 0) {
      for (std::string& entry : env) ::putenv(entry.data());
      ::execv(args.front(), args.data());
      ::_exit(127);
    }
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
  }
  ~OnTerminal() {
    close();
    if (::waitpid(leader_, nullptr, WNOHANG) == 0) {
      ::kill(leader_, SIGKILL);
      ::waitpid(leader_, nullptr, 0);
    }
  }
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  /// As the window is closed, or the connection lost.
  void close() {
    if (master_ >= 0) ::close(master_);
    master_ = -1;
  }
  void type(std::string_view keys) const {
    ASSERT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// Whether it shows @p text within 20 s.
  bool shows(const std::string& text) {
    return wait_until(
        [&] {
          std::array<char, 4096> bytes{};
          const ssize_t got = ::read(master_, bytes.data(), bytes.size());
          if (got > 0) shown_.append(bytes.data(), static_cast<std::size_t>(got));
          return shown_.find(text) != std::string::npos;
        },
        20s);
  }
  [[nodiscard]] const std::string& shown() const { return shown_; }
  [[nodiscard]] pid_t leader() const { return leader_; }
  /// Its exit status; nullopt when it does not end.
  [[nodiscard]] std::optional<int> wait() const {
    int status = 0;
    if (!wait_until([&] { return ::waitpid(leader_, &status, WNOHANG) == leader_; }, 20s)) {
      return std::nullopt;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  int master_ = -1;
  pid_t leader_ = -1;
  std::string shown_;
};

class Terminal : public testing::Test {
 protected:
  static WorldOptions not_yet() {
    WorldOptions options;
    options.start = false;
    return options;
  }

  [[nodiscard]] std::string serve() const {
    return fmt::format("{} serve --config {} --listen 127.0.0.1:{}", built_program("rouse"),
                       world_.config_file(), port_);
  }
  [[nodiscard]] std::vector<std::string> shell(const std::string& script) const {
    return {"/bin/bash", "--norc", "-c", script};
  }
  /// With an engine, that must not be left behind either.
  void expect_service() {
    ASSERT_TRUE(wait_until([&] { return http(port_, "GET", "/health").status == 200; }, 20s));
    EXPECT_EQ(http(port_, "POST", kChat, chat("a")).status, 200);
    EXPECT_THAT(world_.children(), Not(IsEmpty()));
  }
  void expect_nothing_left() {
    EXPECT_TRUE(wait_until([&] { return world_.children(false).empty(); }, 20s));
  }
  [[nodiscard]] bool logs(const std::string& text) const {
    return wait_until([&] { return read_file(log_).find(text) != std::string::npos; }, 20s);
  }

  std::uint16_t port_ = free_port();
  World world_{models({fake_model("a", "--double-fork")}), not_yet()};
  std::string log_ = world_.dir().write("log", "");
};

TEST_F(Terminal, ThatClosesEndsARouseInItsForeground) {
  OnTerminal terminal({built_program("rouse"), "serve", "--config", world_.config_file(),
                       "--listen", fmt::format("127.0.0.1:{}", port_)},
                      world_.environment());
  expect_service();
  ::kill(terminal.leader(), SIGHUP);
  EXPECT_TRUE(terminal.shows("reload after SIGHUP")) << terminal.shown();
  expect_service();
  terminal.close();
  EXPECT_EQ(terminal.wait(), 0);
  expect_nothing_left();
}

TEST_F(Terminal, ThatClosesEndsARouseOfAScript) {
  OnTerminal terminal(shell(serve() + " >" + log_ + " 2>&1 & wait"), world_.environment());
  expect_service();
  terminal.close();
  expect_nothing_left();
  EXPECT_TRUE(logs("the terminal has closed (SIGHUP)"));
  EXPECT_TRUE(logs("all engines are gone; bye"));
}

TEST_F(Terminal, ThatClosesEndsAJobOfAnInteractiveShell) {
  OnTerminal terminal({"/bin/bash", "--norc", "-i"}, world_.environment());
  terminal.type(serve() + " >" + log_ + " 2>&1 &\n");
  expect_service();
  terminal.close();
  expect_nothing_left();
  EXPECT_TRUE(logs("the terminal has closed (SIGHUP)"));
}

TEST_F(Terminal, ThatClosesLeavesOneUnderNohupWhichStillReloads) {
  OnTerminal terminal(shell("nohup " + serve() + " >" + log_ + " 2>&1 & echo $! >" +
                            (world_.dir() / "pid") + "; wait"),
                      world_.environment());
  expect_service();
  terminal.close();
  EXPECT_TRUE(terminal.wait()) << "the shell ends";
  EXPECT_EQ(http(port_, "POST", kChat, chat("a")).status, 200);
  const pid_t pid = std::stoi(read_file(world_.dir() / "pid"));
  ::kill(pid, SIGHUP);
  EXPECT_TRUE(logs("reload after SIGHUP"));
  EXPECT_EQ(http(port_, "POST", kChat, chat("a")).status, 200);
  ::kill(pid, SIGTERM);
  expect_nothing_left();
}

/// A shell that lets a job go does not tell it of the end.
TEST_F(Terminal, ThatClosesLeavesADisownedOneWhichStillReloads) {
  OnTerminal terminal({"/bin/bash", "--norc", "-i"}, world_.environment());
  terminal.type(serve() + " >" + log_ + " 2>&1 & disown; echo $! >" + (world_.dir() / "pid") +
                "\n");
  expect_service();
  const pid_t pid = std::stoi(read_file(world_.dir() / "pid"));
  terminal.close();
  EXPECT_TRUE(terminal.wait()) << "the shell ends";
  EXPECT_FALSE(wait_until([&] { return ::kill(pid, 0) != 0; }, 7s)) << "it goes on";
  ::kill(pid, SIGHUP);
  EXPECT_TRUE(logs("reload after SIGHUP"));
  EXPECT_EQ(http(port_, "POST", kChat, chat("a")).status, 200);
  ::kill(pid, SIGTERM);
  expect_nothing_left();
}

}  // namespace
}  // namespace rouse::test
