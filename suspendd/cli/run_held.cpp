#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"
#include "base/http/connect.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/text/json_writer.hpp"
#include "suspendd/cli/operator_commands.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace rouse::suspendd {

namespace {

using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr int kMayNotHold = 125;
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;
constexpr std::chrono::seconds kCallTime{5};
constexpr std::chrono::seconds kRetryPause{2};

void say_held(const std::string& text) {
  std::fprintf(stderr, "rouse-suspendd run-held: %s\n", text.c_str());
}

/// With our own input, output and terminal.
pid_t start(const std::vector<std::string>& argv) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::execvp(words[0], words.data());
  const int failed = errno;
  std::fprintf(stderr, "rouse-suspendd run-held: %s: %s\n", words[0], std::strerror(failed));
  ::_exit(failed == ENOENT ? kNotFound : kCannotRun);
}

/// A command at work, and the hold that goes with it.
class HeldRun {
 public:
  HeldRun(asio::io_context& context, std::string socket, std::string why,
          const std::vector<std::string>& argv)
      : executor_(context.get_executor()),
        socket_(std::move(socket)),
        why_(std::move(why)),
        argv_(argv),
        deadlines_(executor_),
        tasks_(executor_, say_held),
        signals_(executor_) {}

  Task<void> run() {
    std::unique_ptr<HttpStream> hold = co_await take_hold();
    if (refused_) {
      status_ = kMayNotHold;
      co_return;
    }
    boost::system::error_code ignored;
    for (const int signal : {SIGCHLD, SIGTERM, SIGHUP}) signals_.add(signal, ignored);
    pid_ = start(argv_);
    // The terminal sends it to both; the command decides what it means.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGQUIT, SIG_IGN);
    if (pid_ < 0) {
      say_held(std::strerror(errno));
      status_ = kCannotRun;
      co_return;
    }
    const TaskGroup::Handle keeper = tasks_.spawn(keep_hold(std::move(hold)));
    co_await wait_for_end();
    keeper.cancel(asio::cancellation_type::terminal);
    co_await tasks_.join();
  }

  [[nodiscard]] int status() const { return status_; }

 private:
  Task<void> wait_for_end() {
    for (;;) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        co_return;
      }
      const auto [failed, signal] = co_await signals_.async_wait(use_task);
      if (failed) co_return;
      if (signal != SIGCHLD) ::kill(pid_, signal);
    }
  }

  /// Null: there is no daemon, or it refuses.
  Task<std::unique_ptr<HttpStream>> take_hold() {
    Endpoint endpoint = unix_endpoint(socket_);
    Result<HttpStream::Socket> socket =
        co_await connect_to(executor_, std::move(endpoint), kCallTime);
    if (!socket) {
      complain(socket.error().message() + ": nothing keeps the machine awake");
      co_return nullptr;
    }
    auto stream = std::make_unique<HttpStream>(std::move(*socket), HttpStream::Role::Client,
                                               HttpLimits(), &deadlines_);
    stream->expires_after(kCallTime);
    const std::string body = fmt::format(R"({{"why":{},"bound":true}})", json_string(why_));
    RequestHead head;
    head.method = "POST";
    head.target = "/v1/hold";
    head.fields.add("host", "localhost");
    head.framing = Framing::Length;
    head.content_length = body.size();
    const Result<void> sent = co_await stream->write_request(head, body, false);
    if (!sent) co_return nullptr;
    const Result<ResponseHead> answer = co_await stream->read_response(false);
    if (!answer) co_return nullptr;
    if (answer->status != 200) {
      const Result<std::string_view> text = co_await stream->read_body();
      HttpAnswer refusal;
      refusal.status = answer->status;
      if (text) refusal.body = std::string(*text);
      complain(refusal_text(refusal));
      refused_ = answer->status == 403;
      co_return nullptr;
    }
    const Result<std::string_view> told = co_await stream->read_body();
    if (!told) co_return nullptr;
    HttpAnswer held;
    held.body = std::string(*told);
    const std::string message = refusal_text(held);  // its "message"
    if (message != "held") say_held(message);
    stream->expires_never();
    complained_ = false;
    co_return stream;
  }

  /// Takes it again after the daemon was restarted.
  Task<void> keep_hold(std::unique_ptr<HttpStream> hold) {
    Timer pause(executor_);
    for (;;) {
      if (hold) {
        co_await hold->wait_gone();
      } else {
        pause.expires_after(kRetryPause);
        co_await pause.async_wait(use_task);
      }
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return;
      hold = co_await take_hold();
    }
  }

  void complain(const std::string& text) {
    if (!complained_) say_held(text);
    complained_ = true;
  }

  Executor executor_;
  std::string socket_;
  std::string why_;
  const std::vector<std::string>& argv_;
  StreamDeadlines deadlines_;
  TaskGroup tasks_;
  asio::basic_signal_set<Executor> signals_;
  pid_t pid_ = 0;
  int status_ = 0;
  bool refused_ = false;
  bool complained_ = false;
};

}  // namespace

int run_held(const CliOptions& options, const std::string& why,
             const std::vector<std::string>& argv) {
  asio::io_context context(1);
  const std::string reason = why.empty() ? argv.front() + " runs" : why;
  HeldRun run(context, control_socket(options), reason, argv);
  TaskGroup all(context.get_executor(), say_held);
  all.spawn(run.run());
  context.run();
  return run.status();
}

}  // namespace rouse::suspendd
