#include "proxy/cli/wake_run.hpp"

#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/wake/sender.hpp"
#include "core/peer/wake_schedule.hpp"
#include "proxy/cli/wake_report.hpp"
#include "proxy/cli/wake_target.hpp"
#include "proxy/peers/probe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <utility>

namespace rouse {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr std::chrono::milliseconds kProbePause = 250ms;
constexpr std::chrono::milliseconds kConnect = 500ms;
constexpr std::chrono::milliseconds kUnasked = 3s;  ///< volleys of a wake whose end nobody hears

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

/// One run of the command: packets by the schedule beside questions whether they had an effect.
class WakeRun {
 public:
  WakeRun(asio::io_context& context, WakeTarget target, const WakeOptions& options)
      : options_(options),
        target_(std::move(target)),
        report_(options.json),
        deadlines_(context.get_executor()),
        pool_(context.get_executor(), HttpLimits{}, deadlines_),
        tasks_(context.get_executor(), complain),
        volley_timer_(context.get_executor()),
        probe_timer_(context.get_executor()) {
    end_.name = target_.name;
    end_.is_test = options.test;
  }

  void start() { tasks_.spawn(run()); }
  [[nodiscard]] int exit_status() const { return exit_status_; }

 private:
  static void complain(const std::string& escaped) {
    std::fprintf(stderr, "rouse wake: a task failed: %s\n", escaped.c_str());
  }

  Task<void> run() {
    if (!target_.url) {
      co_await send_unasked();
    } else {
      end_.already = co_await is_awake();
      end_.awake = end_.already;
      const Clock::time_point began = Clock::now();
      if (!end_.already && options_.test) co_await try_each();
      if (!end_.already && !options_.test)
        end_.awake = co_await wake_by(target_.plan, target_.timeout);
      end_.took = since(began);
      exit_status_ = *end_.awake ? 0 : 1;
      if (end_.already && options_.test) exit_status_ = 2;
    }
    report_.finish(end_);
    // A relay, a request or a command that is still at work has nothing to tell any more.
    tasks_.cancel(asio::cancellation_type::terminal);
  }

  Task<bool> is_awake() {
    ProbePlan plan{*target_.url, target_.key, target_.probe_path, false};
    const PeerAnswer answer = co_await probe_peer(pool_, std::move(plan), kConnect);
    end_.answer = answer.detail;
    co_return answer.sign == core::peer::Sign::Answers;
  }

  Task<void> send_unasked() {
    report_.say(fmt::format("waking {}", target_.name));
    sending_ = std::make_unique<WakeSender>(tasks_, deadlines_, target_.plan);
    const Clock::time_point began = Clock::now();
    while (since(began) <= kUnasked) {
      send_one();
      const core::Duration at = core::next_volley(since(began));
      if (at > kUnasked) break;
      volley_timer_.expires_at(began + at);
      co_await volley_timer_.async_wait(use_task);
    }
    end_.took = since(began);
    exit_status_ = report_.any_sent() ? 0 : 1;
  }

  void send_one() {
    const int attempt = attempt_;
    report_.count_volley();
    sending_->volley([this, attempt](const WakeResult& result) {
      // Not of an attempt that is over.
      if (attempt == attempt_) report_.told(result);
    });
  }

  Task<void> send_by_schedule(int attempt) {
    const Clock::time_point began = Clock::now();
    while (attempt == attempt_) {
      send_one();
      volley_timer_.expires_at(began + core::next_volley(since(began)));
      co_await volley_timer_.async_wait(use_task);
    }
  }

  /// Whether it answered within @p limit.
  Task<bool> wake_by(WakePlan plan, std::chrono::milliseconds limit) {
    report_.say(fmt::format("waking {}, which should answer at {}", target_.name,
                            target_.url->authority()));
    sending_ = std::make_unique<WakeSender>(tasks_, deadlines_, std::move(plan));
    const Clock::time_point began = Clock::now();
    tasks_.spawn(send_by_schedule(attempt_));
    bool awake = false;
    while (!awake && since(began) < limit) {
      probe_timer_.expires_after(kProbePause);
      co_await probe_timer_.async_wait(use_task);
      awake = co_await is_awake();
    }
    ++attempt_;
    volley_timer_.cancel();
    co_return awake;
  }

  Task<void> try_each() {
    std::vector<WakePath> paths = single_paths(target_.plan);
    for (std::size_t i = 0; i < paths.size() && !*end_.awake; ++i) {
      report_.say(fmt::format("path {} of {}: {}", i + 1, paths.size(), paths[i].name));
      end_.awake = co_await wake_by(std::move(paths[i].plan), target_.pause);
      if (!*end_.awake) continue;
      end_.woken_by = paths[i].name;
      for (std::size_t rest = i + 1; rest < paths.size(); ++rest) {
        end_.not_tried.push_back(paths[rest].name);
      }
    }
  }

  const WakeOptions& options_;
  WakeTarget target_;
  WakeReport report_;
  WakeReport::End end_;
  StreamDeadlines deadlines_;
  HttpPool pool_;
  TaskGroup tasks_;
  Timer volley_timer_;
  Timer probe_timer_;
  std::unique_ptr<WakeSender> sending_;
  int attempt_ = 0;  ///< counts wake_by(): what is left of an earlier one ends
  int exit_status_ = 1;
};

}  // namespace

int wake_machine(const WakeOptions& options) {
  std::vector<std::string> problems;
  WakeTarget target = find_wake_target(options, problems);
  for (const std::string& problem : problems) {
    std::fprintf(stderr, "rouse wake: %s\n", problem.c_str());
  }
  if (!problems.empty()) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context context(1);
  WakeRun run(context, std::move(target), options);
  run.start();
  context.run();
  return run.exit_status();
}

}  // namespace rouse
