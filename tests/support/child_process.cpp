#include "tests/support/child_process.hpp"

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <gtest/gtest.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

extern char** environ;

namespace rouse::test {
namespace {

/// What a service manager or a shell says to whoever runs the tests is not meant for what they run.
constexpr std::array<std::string_view, 8> kNotForChildren = {
    "NOTIFY_SOCKET", "WATCHDOG_USEC",   "WATCHDOG_PID", "JOURNAL_STREAM",
    "LISTEN_FDS",    "CACHE_DIRECTORY", "ROUSE_KEY",    "ROUSE_URL"};

/// Folders of this process's own, so that no program of a test meets what runs on the machine: an
/// installed rouse has its sockets and its memory where it would look, too.
const std::vector<std::string>& own_folders() {
  static const TempDir dir;
  static const std::vector<std::string> folders = [] {
    std::vector<std::string> list;
    for (const char* const name :
         {"STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"}) {
      std::filesystem::create_directories(dir / name);
      list.push_back(std::string(name) + "=" + (dir / name));
    }
    return list;
  }();
  return folders;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> merged;
  const auto add = [&](const std::string& entry) {
    std::erase_if(merged, [&](const auto& had) { return name_of(had) == name_of(entry); });
    merged.push_back(entry);
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const auto* const found =
        std::find(kNotForChildren.begin(), kNotForChildren.end(), name_of(*entry));
    if (found == kNotForChildren.end()) merged.emplace_back(*entry);
  }
  for (const std::string& entry : own_folders()) add(entry);
  for (const std::string& entry : added) add(entry);
  return merged;
}

/// Whether the signal @p number is in the mask @p name of /proc/PID/status.
bool is_in_mask(pid_t pid, std::string_view name, int number) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(name)) continue;
    return (std::stoull(line.substr(name.size()), nullptr, 16) >> (number - 1) & 1) != 0;
  }
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv,
                           const std::vector<std::string>& env) {
  // A memory file and not a pipe: the child never blocks on a test that does not read.
  output_fd_ = ::memfd_create("child-output", MFD_CLOEXEC);
  ::fcntl(output_fd_, F_SETFL, O_APPEND);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output_fd_, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output_fd_, STDERR_FILENO);

  // The test runner may have blocked or ignored signals that the program relies on.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment = merged_environment(env);
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  const int error = ::posix_spawn(&pid_, argv.front().c_str(), &actions, &attributes,
                                  argument_pointers.data(), environment_pointers.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    ADD_FAILURE() << "cannot run " << argv.front() << ": " << ::strerror(error);
    pid_ = -1;
    status_ = 127;
    return;
  }
  // The kernel says that exec has begun a moment before others can read what it was given.
  const std::string given = "/proc/" + std::to_string(pid_) + "/environ";
  EXPECT_TRUE(wait_until([&] {
    std::ifstream file(given);
    return !file || file.peek() != std::ifstream::traits_type::eof() || !running();
  }));
}

ChildProcess::~ChildProcess() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    reap(0);
  }
  ::close(output_fd_);
}

std::string ChildProcess::output() const {
  std::string text;
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t got =
        ::pread(output_fd_, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void ChildProcess::reap(int options) {
  if (status_) return;
  int raw = 0;
  pid_t got = 0;
  do {
    got = ::waitpid(pid_, &raw, options);
  } while (got < 0 && errno == EINTR);
  if (got == pid_) status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
}

bool ChildProcess::running() {
  reap(WNOHANG);
  return !status_;
}

void ChildProcess::signal(int number) {
  if (running()) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds limit) {
  (void)wait_until([this] { return !running(); }, limit);
  return status_;
}

bool ChildProcess::wait_for_output(const std::string& text, std::chrono::milliseconds limit) {
  const auto contains = [&] { return output().find(text) != std::string::npos; };
  (void)wait_until([&] { return contains() || !running(); }, limit);
  return contains();
}

std::pair<int, std::string> run_program(const std::vector<std::string>& argv,
                                        const std::vector<std::string>& env,
                                        std::chrono::milliseconds limit) {
  ChildProcess child(argv, env);
  const std::optional<int> status = child.wait(limit);
  return {status.value_or(-1), child.output()};
}

bool catches_signal(pid_t pid, int number) {
  return is_in_mask(pid, "SigCgt:", number);
}

bool holds_signal(pid_t pid, int number) {
  return is_in_mask(pid, "SigBlk:", number);
}

std::vector<pid_t> processes_with_environment(const std::string& marker) {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(entry.path() / "environ", std::ios::binary);
    std::string text{'\0'};
    text.append(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    if (text.find('\0' + marker) != std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace rouse::test
