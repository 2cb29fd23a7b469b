#include "base/process/run_program.hpp"

#include "base/async/use_task.hpp"
#include "base/process/spawn.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

namespace rouse {

namespace {

using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

/// How long the end of a killed program is waited for: a driver that hangs may keep it alive beyond
/// SIGKILL.
constexpr std::chrono::milliseconds kKillPatience{1'000};

/// A program that runs. Shared by the coroutine that waits for it and by the handlers of its output
/// and of its time limit. Whatever ends the coroutine, the program does not stay.
struct Running {
  Running(const Executor& executor, const ProgramRun& run)
      : output(executor),
        pidfd(executor),
        limit(executor),
        output_max(run.output_max),
        is_kept(run.keep),
        is_there(run.is_there) {}
  ~Running() {
    kill_group();
    collect();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  boost::system::error_code adopt(Spawned spawned) {
    boost::system::error_code failed;
    pid = spawned.pid;
    if (is_there != nullptr) *is_there = true;
    output.assign(spawned.output.get(), failed);
    if (failed) return failed;
    static_cast<void>(spawned.output.release());
    pidfd.assign(spawned.pidfd.get(), failed);
    if (!failed) static_cast<void>(spawned.pidfd.release());
    return failed;
  }

  void kill_group() const {
    if (pid == 0) return;
    if (is_kept) {
      ::kill(pid, SIGTERM);  // its supervisor kills them all
    } else {
      ::kill(-pid, SIGKILL);
    }
  }

  /// One piece of what it has written; false when there is none now, or none any more.
  bool read_some() {
    std::array<char, 4096> buffer;
    ssize_t n = 0;
    do {
      n = ::read(output.native_handle(), buffer.data(), buffer.size());
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
      at_end = n == 0 || errno != EAGAIN;
      return false;
    }
    const std::size_t room = output_max - std::min(output_max, text.size());
    text.append(buffer.data(), std::min(room, static_cast<std::size_t>(n)));
    return true;
  }

  /// Takes its wait status; whether it has ended.
  bool collect() {
    if (pid != 0 && ::waitpid(pid, &status, WNOHANG) == pid) {
      pid = 0;
      if (is_there != nullptr) *is_there = false;
    }
    return pid == 0;
  }

  /// No more handlers but that of its end.
  void let_go() {
    boost::system::error_code ignored;
    at_end = true;
    limit.cancel();
    output.cancel(ignored);
  }

  pid_t pid = 0;  ///< 0: there is none any more
  Descriptor output;
  Descriptor pidfd;
  Timer limit;
  std::size_t output_max;
  bool is_kept;
  std::shared_ptr<bool> is_there;  ///< the caller's
  std::string text;
  int status = 0;
  bool at_end = false;
  bool was_killed = false;
  bool gave_up = false;  ///< it does not even die of being killed
  bool timed_out = false;
};

/// Keeps reading, so that a program that writes much is not held up by its pipe.
void read_on(const std::shared_ptr<Running>& running) {
  running->output.async_wait(Descriptor::wait_read,
                             [running](const boost::system::error_code& error) {
                               if (error || running->at_end) return;
                               running->read_some();
                               if (!running->at_end) read_on(running);
                             });
}

/// Kills it, and ends the wait for its end a little later.
void kill_now(const std::shared_ptr<Running>& running) {
  running->was_killed = true;
  running->kill_group();
  running->limit.expires_after(kKillPatience);
  running->limit.async_wait([running](const boost::system::error_code& stopped) {
    if (stopped) return;
    boost::system::error_code ignored;
    running->gave_up = true;
    running->pidfd.cancel(ignored);
  });
}

void arm(const std::shared_ptr<Running>& running, std::chrono::milliseconds timeout) {
  running->limit.expires_after(timeout);
  running->limit.async_wait([running](const boost::system::error_code& stopped) {
    if (stopped || running->was_killed) return;
    running->timed_out = true;
    kill_now(running);
  });
}

/// Collects it whenever it ends.
void collect_later(const std::shared_ptr<Running>& running) {
  running->pidfd.async_wait(Descriptor::wait_read, [running](const boost::system::error_code&) {
    static_cast<void>(running->collect());
  });
}

}  // namespace

int ProgramEnd::exit_status() const {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Task<Result<ProgramEnd>> run_program(Executor executor, ProgramRun run) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::string doing = "running " + (run.argv.empty() ? std::string() : run.argv.front());
  Result<Spawned> spawned =
      run.keep ? spawn_supervised(run.argv, run.env) : spawn(run.argv, run.env);
  if (!spawned) co_return spawned.error();
  const auto running = std::make_shared<Running>(executor, run);
  if (const auto failed = running->adopt(std::move(*spawned))) co_return Error{failed, doing};
  read_on(running);
  arm(running, run.timeout);
  bool cancelled = false;
  // A wait for a descriptor may end early: Asio may give it an event of an earlier one of the same
  // number.
  while (!running->collect() && !running->gave_up) {
    const auto state = co_await asio::this_coro::cancellation_state;
    cancelled = is_cancelled(state);
    if (cancelled && !running->was_killed) kill_now(running);
    co_await running->pidfd.async_wait(Descriptor::wait_read, use_task);
  }
  while (!running->at_end && running->read_some()) {
  }
  running->let_go();
  if (!running->collect()) collect_later(running);
  if (cancelled) co_return Error{asio::error::operation_aborted, doing};
  ProgramEnd end;
  end.status = running->status;
  end.timed_out = running->timed_out;
  end.output = std::move(running->text);
  co_return end;
}

}  // namespace rouse
