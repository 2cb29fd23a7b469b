#include "proxy/cli/status.hpp"

#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"
#include "base/cli/terminal.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/cli/status_page.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

namespace rouse {

namespace {

constexpr std::chrono::seconds kRefreshPause{1};
constexpr const char* kFacts = "/api/explain";

int fail_status(const std::string& problem, int exit_status) {
  std::fprintf(stderr, "rouse status: %s\n", problem.c_str());
  return exit_status;
}

/// A page that is drawn anew each second: the proxy may come and go meanwhile.
class Watch {
 public:
  Watch(const StatusOptions& options, Endpoint proxy)
      : options_(options),
        proxy_(std::move(proxy)),
        deadlines_(context_.get_executor()),
        pool_(context_.get_executor(), HttpLimits{}, deadlines_),
        tasks_(context_.get_executor(), [](const std::string&) {}),
        pause_(context_.get_executor()),
        signals_(context_.get_executor()) {}

  int run() {
    boost::system::error_code ignored;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) {
      signals_.add(signal, ignored);
    }
    tasks_.spawn(look());
    tasks_.spawn(hear_signals());
    context_.run();
    screen_.close();
    if (!problem_.empty()) return fail_status(problem_, 1);
    return exit_status_;
  }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  Task<void> look() {
    while (!ends_) {
      ProxyReply reply = co_await ask_proxy(pool_, proxy_, options_.proxy.key, kFacts);
      if (ends_) break;
      take(std::move(reply));
      if (ends_) break;
      options_.json ? print_json() : draw();
      pause_.expires_after(kRefreshPause);
      co_await pause_.async_wait(use_task);
    }
    // Ends the other task, and with it the loop.
    boost::system::error_code ignored;
    signals_.cancel(ignored);
  }

  Task<void> hear_signals() {
    for (;;) {
      const auto [error, signal] = co_await signals_.async_wait(use_task);
      if (error) co_return;
      if (signal == SIGWINCH) {
        draw();
      } else if (signal == SIGTSTP) {
        screen_.close();
        ::raise(SIGSTOP);
        draw();
      } else {
        break;
      }
    }
    end();
    // A look-up of a name may take its time; the next signal ends that, too.
    screen_.close();
    boost::system::error_code ignored;
    signals_.clear(ignored);
    tasks_.cancel(asio::cancellation_type::terminal);
  }

  void end() {
    ends_ = true;
    pause_.cancel();
  }

  void take(ProxyReply reply) {
    if (reply.facts) {
      last_ = std::move(reply);
      lost_.clear();
      return;
    }
    if (!reply.is_silent) {
      problem_ = problem_text(options_.proxy, reply);
      return end();
    }
    if (lost_.empty()) lost_since_ = std::chrono::system_clock::now();
    lost_ = one_line(reply.problem);
  }

  void draw() {
    if (ends_ || options_.json) return;
    const Window window = window_of_stdout();
    if (!screen_.draw(page(window), window)) fail();
  }

  /// For a script: one line for each look.
  void print_json() {
    const std::string line =
        lost_.empty() ? last_->json : "{\"problem\":" + json_string(lost_) + "}";
    if (!write_stdout(line + "\n")) fail();
  }

  void fail() {
    exit_status_ = 1;
    end();
  }

  [[nodiscard]] std::string page(const Window& window) const {
    PageLook look = window.look;
    // A sign in the last column of a terminal may be wiped out with the rest of the line.
    if (window.is_terminal && look.width > 1) --look.width;
    std::string out;
    std::size_t height = window.is_terminal ? window.height : 0;
    if (!lost_.empty()) {
      const std::time_t since = std::chrono::system_clock::to_time_t(lost_since_);
      const std::string line = fmt::format("no answer since {:%H:%M:%S}, trying again: {}",
                                           fmt::localtime(since), lost_);
      const std::string shown = look.width == 0 ? line : cut_text(line, look.width);
      out += toned(shown, Tone::Bad, look) + "\n";
      if (height > 0) --height;
      if (window.is_terminal && height == 0) return out;
    }
    if (last_) out += status_page(*last_->facts, look, height);
    return out;
  }

  const StatusOptions& options_;
  Endpoint proxy_;
  asio::io_context context_{1};
  StreamDeadlines deadlines_;
  HttpPool pool_;
  TaskGroup tasks_;
  Timer pause_;
  asio::basic_signal_set<Executor> signals_;
  Screen screen_;
  std::optional<ProxyReply> last_;
  std::string lost_;  // why there is no answer; empty: there is
  std::chrono::system_clock::time_point lost_since_;
  std::string problem_;  // that no waiting mends
  bool ends_ = false;
  int exit_status_ = 0;
};

}  // namespace

int print_status(const StatusOptions& options) {
  const Result<Endpoint> proxy = proxy_endpoint(options.proxy);
  if (!proxy) {
    return fail_status(options.proxy.url + ": " + proxy.error().message(), 2);
  }
  if (options.watch) return Watch(options, *proxy).run();
  const ProxyReply reply = ask_proxy_now(*proxy, options.proxy.key, kFacts);
  if (!reply.facts) return fail_status(problem_text(options.proxy, reply), 1);
  const std::string text =
      options.json ? reply.json + "\n" : status_page(*reply.facts, window_of_stdout().look);
  return write_stdout(text) ? 0 : 1;
}

}  // namespace rouse
