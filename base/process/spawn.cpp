#include "base/process/spawn.hpp"

#include "base/process/supervisor.hpp"
#include "base/text/secrets.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string_view>

extern char** environ;  // NOLINT: POSIX wants it declared by the user

namespace rouse {

namespace {

/// Variables by which systemd speaks with us alone: a container runtime that finds them would
/// answer in our place. (JOURNAL_STREAM says that stderr is the journal, which a child's is not.)
constexpr std::array<std::string_view, 9> kOursAlone = {
    "NOTIFY_SOCKET", "WATCHDOG_USEC",  "WATCHDOG_PID",   "JOURNAL_STREAM",       "LISTEN_FDS",
    "LISTEN_PID",    "LISTEN_FDNAMES", "LISTEN_PIDFDID", "CREDENTIALS_DIRECTORY"};

std::set<std::string, std::less<>>& withheld() {
  static std::set<std::string, std::less<>> names;
  return names;
}

/// ROUSE_KEY, ROUSE_RELAY_TOKEN …: whatever they are for, it is not for others.
bool is_secret_of_ours(std::string_view name) {
  return name.starts_with("ROUSE_") && is_secret_name(name);
}

/// Our environment with @p extra over it, as execve takes it.
std::vector<std::string> merged_environment(const std::vector<std::string>& extra) {
  std::map<std::string, std::string> merged;
  const auto add = [&](const std::string& pair) { merged[pair.substr(0, pair.find('='))] = pair; };
  for (char** each = environ; *each != nullptr; ++each) add(*each);
  for (const std::string_view name : kOursAlone) merged.erase(std::string(name));
  std::erase_if(merged, [](const auto& entry) {
    return withheld().contains(entry.first) || is_secret_of_ours(entry.first);
  });
  for (const std::string& pair : extra) add(pair);
  std::vector<std::string> list;
  for (auto& [name, pair] : merged) list.push_back(std::move(pair));
  return list;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (const std::string& text : strings) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

/// @p program in each folder of @p path, in its order.
void add_candidates(std::string_view path, const std::string& program,
                    std::vector<std::string>& list) {
  for (;;) {
    const std::size_t colon = path.find(':');
    const std::string_view dir = path.substr(0, colon);
    list.push_back(std::string(dir.empty() ? "." : dir) + "/" + program);
    if (colon == std::string_view::npos) return;
    path.remove_prefix(colon + 1);
  }
}

struct ChildPlan {
  const std::vector<std::string>& programs;
  char** argv;
  char** envp;
  int null_fd;
  int output_fd;
  int error_fd;
  int cgroup_fd;
  bool kept;
  pid_t parent;
};

/// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const ChildPlan& plan) {
  ::setpgid(0, 0);
  if (plan.cgroup_fd >= 0 && ::write(plan.cgroup_fd, "0", 1) != 1) {
    // It runs all the same: group, marker and parentage still tell that it is ours.
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(1);  // the parent died before the line above
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(plan.null_fd, 0);
  ::dup2(plan.output_fd, 1);
  ::dup2(plan.output_fd, 2);
  ::dup2(plan.error_fd, 3);
  ::fcntl(3, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, 4U, ~0U, 0U);
  if (plan.kept) supervise_child(3);
  int error = ENOENT;
  for (const std::string& program : plan.programs) {
    ::execve(program.c_str(), plan.argv, plan.envp);
    // As execvp: a program that may not be run is remembered, a missing one is not.
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  [[maybe_unused]] const ssize_t written = ::write(3, &error, sizeof error);
  ::_exit(127);
}

Result<Spawned> start(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                      int cgroup_fd, bool kept) {
  if (argv.empty()) {
    return Error{boost::system::error_code(EINVAL, boost::system::system_category()),
                 "starting a program without a command"};
  }
  int output[2];
  int error[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return errno_error("making a pipe");
  UniqueFd output_read(output[0]);
  const UniqueFd output_write(output[1]);
  if (::pipe2(error, O_CLOEXEC) != 0) return errno_error("making a pipe");
  const UniqueFd error_read(error[0]);
  UniqueFd error_write(error[1]);
  const UniqueFd null_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null_fd) return errno_error("opening /dev/null");

  // Before the fork: the child may not allocate.
  const std::vector<std::string> programs = program_candidates(argv.front(), env);
  const std::vector<std::string> environment = merged_environment(env);
  std::vector<char*> arg_pointers = pointers(argv);
  std::vector<char*> env_pointers = pointers(environment);
  // The child closes all but 0 to 3, so what it still needs must not lie there.
  const ChildPlan plan{programs,
                       arg_pointers.data(),
                       env_pointers.data(),
                       ::fcntl(null_fd.get(), F_DUPFD_CLOEXEC, 10),
                       ::fcntl(output_write.get(), F_DUPFD_CLOEXEC, 10),
                       ::fcntl(error_write.get(), F_DUPFD_CLOEXEC, 10),
                       cgroup_fd,
                       kept,
                       ::getpid()};
  const UniqueFd high_null(plan.null_fd);
  const UniqueFd high_output(plan.output_fd);
  UniqueFd high_error(plan.error_fd);
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("starting a process");
  if (pid == 0) become(plan);
  ::setpgid(pid, pid);  // whoever of the two is first

  // The read below ends when the exec has closed the child's end, the last one.
  error_write.reset();
  high_error.reset();
  int failure = 0;
  ssize_t got = 0;
  do {
    got = ::read(error_read.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    reap(pid);
    return Error{boost::system::error_code(failure, boost::system::system_category()),
                 "cannot run " + argv.front()};
  }
  Spawned spawned;
  spawned.pid = pid;
  spawned.pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!spawned.pidfd) {
    const Error failed = errno_error("watching a process");
    ::kill(-pid, SIGKILL);
    reap(pid);
    return failed;
  }
  ::fcntl(output_read.get(), F_SETFL, O_NONBLOCK);
  spawned.output = std::move(output_read);
  return spawned;
}

}  // namespace

void withhold_from_programs(std::set<std::string, std::less<>> names) {
  withheld() = std::move(names);
}

std::string search_path(const std::vector<std::string>& env) {
  constexpr std::string_view kName = "PATH=";
  const char* const ours = std::getenv("PATH");
  std::string path = ours == nullptr ? "/usr/local/bin:/usr/bin:/bin" : ours;
  const auto given = std::find_if(env.rbegin(), env.rend(),
                                  [&](const std::string& each) { return each.starts_with(kName); });
  return given == env.rend() ? path : given->substr(kName.size()) + ":" + path;
}

std::vector<std::string> program_candidates(const std::string& program,
                                            const std::vector<std::string>& env) {
  if (program.find('/') != std::string::npos) return {program};
  std::vector<std::string> list;
  add_candidates(search_path(env), program, list);
  return list;
}

Result<Spawned> spawn(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                      int cgroup_fd) {
  return start(argv, env, cgroup_fd, false);
}

Result<Spawned> spawn_supervised(const std::vector<std::string>& argv,
                                 const std::vector<std::string>& env) {
  return start(argv, env, -1, true);
}

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

std::string exit_text(int status) {
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with wait status {}", status);
}

}  // namespace rouse
