#include "suspendd/checks/check_runner.hpp"

#include "base/async/use_task.hpp"
#include "base/text/duration_text.hpp"
#include "suspendd/text/others_words.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <exception>
#include <utility>

namespace rouse::suspendd {

namespace {

using Timer =
    asio::basic_waitable_timer<CheckRunner::Clock, asio::wait_traits<CheckRunner::Clock>, Executor>;

}  // namespace

/// One check at work. Shared by its loop and by the look under way, which may outlast the loop.
struct CheckRunner::Watch {
  Watch(const Executor& executor, CheckConfig the_config, std::unique_ptr<Check> the_check)
      : config(std::move(the_config)),
        check(std::move(the_check)),
        pause(executor),
        bell(executor, Clock::time_point::max()) {
    post.name = config.name;
  }

  /// Its look was given up, and still runs.
  [[nodiscard]] bool is_stuck() const { return looking && ended == started; }

  CheckConfig config;
  std::unique_ptr<Check> check;
  Post post;
  Timer pause;  ///< between two looks
  Timer bell;   ///< rung when a look has ended
  TaskGroup::Handle loop;
  TaskGroup::Handle look;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;   ///< told: found, or given up
  std::uint64_t wanted = 0;  ///< a look of this number is asked for at once
  bool looking = false;      ///< a look has not come back
  bool over = false;
};

CheckRunner::CheckRunner(TaskGroup& tasks, std::function<void(const Post&)> found)
    : tasks_(tasks), found_(std::move(found)) {}

CheckRunner::~CheckRunner() = default;

void CheckRunner::start(std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks) {
  stop();
  for (auto& [config, check] : checks) {
    auto watch = std::make_shared<Watch>(tasks_.executor(), config, std::move(check));
    watches_.push_back(watch);
    watch->loop = tasks_.spawn(keep_looking(watch));
  }
}

void CheckRunner::stop() {
  for (const std::shared_ptr<Watch>& watch : watches_) {
    watch->over = true;
    watch->loop.cancel(asio::cancellation_type::terminal);
    watch->look.cancel(asio::cancellation_type::terminal);
    watch->bell.cancel();
  }
  watches_.clear();
}

void CheckRunner::pause(bool paused) {
  paused_ = paused;
  if (paused) return;
  for (const std::shared_ptr<Watch>& watch : watches_) watch->pause.cancel();
}

Task<void> CheckRunner::keep_looking(std::shared_ptr<Watch> watch) {
  while (!watch->over) {
    if (!paused_ || watch->wanted > watch->started) co_await look_within_limit(watch);
    if (watch->over) co_return;
    if (watch->wanted > watch->started) continue;
    watch->pause.expires_after(watch->config.every);
    co_await watch->pause.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

/// One look, at most as long as its timeout; the next one begins when it has really come back.
Task<void> CheckRunner::look_within_limit(std::shared_ptr<Watch> watch) {
  const Clock::time_point began = Clock::now();
  const std::uint64_t number = ++watch->started;
  watch->looking = true;
  watch->look = tasks_.spawn(look_once(watch));
  watch->pause.expires_after(watch->config.timeout);
  while (watch->looking && !watch->over) {
    const auto [interrupted] = co_await watch->pause.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
    const bool is_late = !interrupted && watch->ended < number;
    if (!is_late) continue;
    watch->ended = number;
    note(*watch,
         {Verdict::Unknown,
          fmt::format("did not answer within {}", duration_text(watch->config.timeout)),
          {}},
         began);
    watch->look.cancel(asio::cancellation_type::terminal);
    watch->pause.expires_at(Clock::time_point::max());
  }
}

Task<void> CheckRunner::look_once(std::shared_ptr<Watch> watch) {
  const Clock::time_point began = Clock::now();
  const std::uint64_t number = watch->started;
  Finding finding;
  try {
    finding = co_await watch->check->look();
  } catch (const std::exception& error) {
    finding.reason = error.what();
  }
  watch->looking = false;
  if (watch->over) co_return;
  if (watch->ended < number) {
    watch->ended = number;
    note(*watch, std::move(finding), began);
  }
  watch->pause.cancel();
}

void CheckRunner::note(Watch& watch, Finding finding, Clock::time_point began) {
  finding.reason = others_words(finding.reason);
  Post& post = watch.post;
  const Clock::time_point now = Clock::now();
  post.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - began);
  post.took_total += std::chrono::duration<double>(now - began).count();
  post.looked = now;
  ++post.looks;
  if (finding.verdict == Verdict::Unknown) ++post.unknowns;
  post.finding = std::move(finding);
  watch.bell.cancel();
  found_(post);
}

Task<std::vector<CheckRunner::Post>> CheckRunner::look_again() {
  const std::list<std::shared_ptr<Watch>> all = watches_;
  std::vector<Post> posts;
  for (const std::shared_ptr<Watch>& watch : all) {
    watch->wanted = watch->started + 1;
    if (!watch->looking) watch->pause.cancel();
  }
  for (const std::shared_ptr<Watch>& watch : all) {
    const std::uint64_t wanted = watch->wanted;
    while (watch->ended < wanted && !watch->over && !watch->is_stuck()) {
      co_await watch->bell.async_wait(use_task);
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return posts;
    }
    // Replaced meanwhile by a new configuration: what it says is old.
    const bool has_looked = watch->ended >= wanted || watch->is_stuck();
    if (has_looked) posts.push_back(watch->post);
  }
  co_return posts;
}

std::vector<CheckRunner::Post> CheckRunner::posts() const {
  std::vector<Post> posts;
  for (const std::shared_ptr<Watch>& watch : watches_) posts.push_back(watch->post);
  return posts;
}

}  // namespace rouse::suspendd
