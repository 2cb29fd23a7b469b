#include "base/process/supervisor.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace rouse {
namespace {

/// SIGKILL to every child, zombies or not. False: this kernel does not list them.
bool kill_children() {
  const int fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::array<char, 512> buffer{};
  pid_t pid = 0;
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data(), buffer.size())) > 0) {
    for (ssize_t i = 0; i < got; ++i) {
      const char c = buffer.at(static_cast<std::size_t>(i));
      if (c >= '0' && c <= '9') {
        pid = pid * 10 + (c - '0');
      } else if (pid > 0) {
        ::kill(pid, SIGKILL);
        pid = 0;
      }
    }
  }
  ::close(fd);
  return true;
}

/// Waits until the program has ended, or is told to; collects orphans meanwhile.
void watch(pid_t leader, const sigset_t& signals) {
  for (;;) {
    siginfo_t ended{};
    while (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
      if (ended.si_pid == leader) return;  // not collected yet: its number is still its own
      ::waitpid(ended.si_pid, nullptr, 0);
      ended = siginfo_t{};
    }
    if (::sigwaitinfo(&signals, nullptr) == SIGTERM) return;
  }
}

[[noreturn]] void end_as(int status) {
  if (WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int number = WTERMSIG(status);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::kill(::getpid(), number);
  ::_exit(128 + number);
}

[[noreturn]] void keep(pid_t leader, const sigset_t& signals) {
  watch(leader, signals);
  ::kill(-leader, SIGKILL);
  int status = SIGKILL;
  // Each that dies leaves its own children to us.
  while (kill_children()) {
    int one = 0;
    const pid_t pid = ::waitpid(-1, &one, 0);
    if (pid < 0 && errno == ECHILD) break;
    if (pid == leader) status = one;
  }
  end_as(status);
}

}  // namespace

void supervise_child(int error_fd) {
  sigset_t signals;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t supervisor = ::getpid();
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != supervisor) ::_exit(1);  // it died before the line above
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return;
  }
  if (leader < 0) {
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(error_fd, &error, sizeof error);
    ::_exit(127);
  }
  ::setpgid(leader, leader);  // whoever of the two is first
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::close(error_fd);
  ::close(1);
  ::close(2);
  keep(leader, signals);
}

}  // namespace rouse
