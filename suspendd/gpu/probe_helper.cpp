#include "suspendd/gpu/probe_helper.hpp"

#include "base/async/use_task.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

extern char** environ;

namespace rouse::suspendd {
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr std::size_t kReadingMax = 4 * 1024 * 1024;
/// For a killed process to be gone: what takes longer hangs in the kernel.
constexpr std::chrono::milliseconds kDying{300};

Error helper_failure(boost::system::errc::errc_t code, std::string text) {
  return Error{boost::system::errc::make_error_code(code), std::move(text)};
}

std::string seconds_text(std::chrono::steady_clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

/// posix_spawn's attributes; signals as if nobody had touched them.
class SpawnPlan {
 public:
  explicit SpawnPlan(int socket) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int run(pid_t& pid, const std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
    argv.push_back(nullptr);
    return ::posix_spawn(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// Says for its lifetime that a request is under way.
class Asking {
 public:
  explicit Asking(bool& flag) : flag_(flag) { flag_ = true; }
  ~Asking() { flag_ = false; }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

 private:
  bool& flag_;
};

bool has_ended(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  return ::poll(&ended, 1, 0) == 1;
}

}  // namespace

ProbeHelper::~ProbeHelper() {
  if (pid_ <= 0) return;
  kill();
  pollfd ended{pidfd_.get(), POLLIN, 0};
  ::poll(&ended, 1, static_cast<int>(kDying.count()));
  reap();
}

Result<void> ProbeHelper::start() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_error("making a socket pair for the GPU helper");
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  SpawnPlan plan(theirs.get());
  const std::vector<std::string> arguments{settings_.program, "gpu-probe",   "--nvml",
                                           settings_.nvml,    "--cuda",      settings_.cuda,
                                           "--root",          settings_.root};
  pid_t pid = 0;
  const int failed = plan.run(pid, arguments);
  if (failed != 0) {
    return Error{{failed, boost::system::system_category()},
                 "starting the GPU helper " + settings_.program};
  }
  pid_ = pid;
  // Our child, and not reaped: the number is still its own.
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd_) {
    Error error = errno_error("watching the GPU helper");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status_, 0);
    forget();
    return error;
  }
  socket_ = std::make_shared<Socket>(executor_, asio::local::stream_protocol(), ours.release());
  received_.clear();
  has_answered_ = false;
  return {};
}

void ProbeHelper::kill() {
  ::kill(pid_, SIGKILL);
  if (!killed_at_) killed_at_ = Clock::now();
}

std::optional<ProbeHelper::Clock::time_point> ProbeHelper::stuck_since() const {
  if (!killed_at_ || has_ended(pidfd_.get())) return std::nullopt;
  return killed_at_;
}

bool ProbeHelper::reap() {
  if (pid_ <= 0) return true;
  if (::waitpid(pid_, &status_, WNOHANG) == 0) return false;
  forget();
  return true;
}

void ProbeHelper::forget() {
  pid_ = 0;
  pidfd_.reset();
  socket_.reset();
  asked_at_.reset();
  killed_at_.reset();
}

std::string ProbeHelper::how_it_ended() const {
  if (WIFSIGNALED(status_)) return std::string("died of ") + ::strsignal(WTERMSIG(status_));
  return "ended with status " + std::to_string(WEXITSTATUS(status_));
}

Task<void> ProbeHelper::wait_for_end(std::chrono::milliseconds limit) {
  const int fd = ::fcntl(pidfd_.get(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) co_return;
  auto descriptor = std::make_shared<asio::posix::basic_stream_descriptor<Executor>>(executor_, fd);
  auto is_done = std::make_shared<bool>(false);
  Timer timer(executor_, limit);
  timer.async_wait([descriptor, is_done](const boost::system::error_code& error) {
    if (!error && !*is_done) descriptor->cancel();
  });
  // Asio may give a wait an event of an earlier descriptor of the same number.
  const auto latest = Clock::now() + limit;
  while (!has_ended(descriptor->native_handle()) && Clock::now() < latest) {
    const auto [error] =
        co_await descriptor->async_wait(asio::posix::descriptor_base::wait_read, use_task);
    if (error) break;
  }
  *is_done = true;
}

Task<Result<std::string>> ProbeHelper::read_line(Clock::time_point at) {
  auto is_done = std::make_shared<bool>(false);
  const auto socket = socket_;
  Timer timer(executor_, at);
  timer.async_wait([socket, is_done](const boost::system::error_code& error) {
    if (!error && !*is_done) socket->cancel();
  });
  std::array<char, 16384> piece;
  while (true) {
    const auto end = received_.find('\n');
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      *is_done = true;
      co_return line;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool is_over = Clock::now() >= at || received_.size() > kReadingMax ||
                         state.cancelled() != asio::cancellation_type::none;
    if (is_over) break;
    const auto [error, n] = co_await socket->async_read_some(asio::buffer(piece), use_task);
    if (error == asio::error::eof || error == asio::error::connection_reset) {
      *is_done = true;
      co_return helper_failure(boost::system::errc::broken_pipe, "reading from the GPU helper");
    }
    received_.append(piece.data(), n);
    if (error) break;
  }
  *is_done = true;
  co_return helper_failure(boost::system::errc::timed_out, "waiting for the GPU helper");
}

Task<Result<std::string>> ProbeHelper::exchange(std::string command, Clock::time_point at) {
  if (!asked_at_) {
    command += '\n';
    asked_at_ = Clock::now();
    // A line fits into the socket's buffer, so this never waits.
    const ssize_t sent =
        ::send(socket_->native_handle(), command.data(), command.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(command.size())) {
      co_return helper_failure(boost::system::errc::broken_pipe, "writing to the GPU helper");
    }
  }
  auto line = co_await read_line(at);
  if (line) {
    asked_at_.reset();
    has_answered_ = true;
  }
  co_return line;
}

Task<Result<std::string>> ProbeHelper::ask(std::string command, std::chrono::milliseconds deadline,
                                           std::chrono::milliseconds warm_up) {
  if (is_asked_) {
    co_return helper_failure(boost::system::errc::device_or_resource_busy,
                             "the GPU helper is being asked");
  }
  if (killed_at_ && !reap()) {
    co_return helper_failure(boost::system::errc::device_or_resource_busy,
                             "the GPU helper hangs in the kernel and cannot be killed, since " +
                                 seconds_text(Clock::now() - *killed_at_));
  }
  if (pid_ <= 0) {
    auto started = start();
    if (!started) co_return started.error();
  }
  const Asking asking(is_asked_);
  auto line = co_await exchange(std::move(command), Clock::now() + deadline);
  if (line) co_return line;
  const auto waited = asked_at_ ? Clock::now() - *asked_at_ : Clock::duration::zero();
  const bool is_silent = line.error().code == boost::system::errc::timed_out;
  if (is_silent && !has_answered_ && waited < warm_up) {
    co_return helper_failure(
        boost::system::errc::timed_out,
        "the GPU helper has been opening the GPUs for " + seconds_text(waited));
  }
  kill();
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return line;  // reaped by the next
  co_await wait_for_end(kDying);
  if (!reap()) {
    co_return helper_failure(
        boost::system::errc::timed_out,
        "the GPU helper does not answer, and hangs in the kernel where it cannot be "
        "killed");
  }
  if (is_silent) {
    co_return helper_failure(
        boost::system::errc::timed_out,
        "the GPU helper did not answer within " + seconds_text(waited) + " and was killed");
  }
  co_return helper_failure(boost::system::errc::broken_pipe, "the GPU helper " + how_it_ended());
}

Task<void> ProbeHelper::end(std::chrono::milliseconds deadline) {
  if (pid_ <= 0 || reap()) co_return;
  if (!killed_at_ && !asked_at_) {
    // It shuts NVML down when its input ends.
    socket_->shutdown(Socket::shutdown_send);
    co_await wait_for_end(deadline);
    if (reap()) co_return;
  }
  kill();
  co_await wait_for_end(kDying);
  reap();
}

}  // namespace rouse::suspendd
