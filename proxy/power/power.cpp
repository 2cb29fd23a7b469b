#include "proxy/power/power.hpp"

#include "base/async/use_task.hpp"
#include "base/http/server.hpp"
#include "base/service/log.hpp"
#include "proxy/power/clocks.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

namespace cp = core::power;
using namespace std::chrono_literals;

constexpr auto kLookAwake = 2s;
constexpr auto kLookSuspending = 100ms;  // the first thing that runs after a sleep sees it soon
constexpr std::string_view kAttemptHeader = "x-request-attempt";

std::string busy_text(const std::vector<cp::Busy>& busy) {
  std::string text;
  for (const cp::Busy& each : busy) {
    if (!text.empty()) text += ", ";
    text += each.kind + (each.model.empty() ? "" : " " + each.model);
  }
  return text;
}

}  // namespace

Power::Power(TaskGroup& tasks, Dispatcher& dispatcher, Recorder& recorder)
    : tasks_(tasks),
      dispatcher_(dispatcher),
      recorder_(recorder),
      lease_(first_epoch(), power_clocks()),
      boot_id_(read_boot_id()),
      why_("started"),
      timer_(tasks.executor()) {
  recorder_.metrics.power_state(to_string(lease_.state()));
}

Power::~Power() = default;

// --- the machine and its clock -------------------------------------------------------------------

Task<void> Power::watch() {
  while (!dispatcher_.is_shutting_down()) {
    const bool awake = lease_.state() == cp::State::Awake && !doors_stuck_;
    auto until = Clock::now() + (awake ? Clock::duration(kLookAwake) : kLookSuspending);
    if (lease_.next_deadline() != core::Instant::max()) {
      until = std::min(until, Clock::time_point(lease_.next_deadline().time_since_epoch()));
    }
    timer_.expires_at(until);
    const auto [error] = co_await timer_.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
    if (error) continue;  // a deadline has moved
    step(cp::Tick{});
    if (doors_stuck_) open_doors();
  }
}

std::vector<cp::Action> Power::step(const cp::Event& event) {
  const auto before = lease_.next_deadline();
  std::vector<cp::Action> actions = lease_.step(event, power_clocks());
  perform(actions);
  if (lease_.next_deadline() < before) timer_.cancel();
  return actions;
}

void Power::perform(const std::vector<cp::Action>& actions) {
  for (const cp::Action& action : actions) {
    if (std::holds_alternative<cp::OpenListener>(action)) {
      open_doors();
    } else if (std::holds_alternative<cp::CloseListener>(action)) {
      tasks_.spawn(close_doors());
    } else if (std::holds_alternative<cp::Committed>(action) ||
               std::holds_alternative<cp::CommitCancelled>(action)) {
      commit_answer_ = action;
      ring();
    } else {
      std::visit([this](const auto& each) { apply(each); }, action);
    }
  }
}

void Power::apply(const cp::Grant& grant) {
  spdlog::info("power: lease {} is given, idle for {:.1f} s: {}", for_log(grant.lease),
               static_cast<double>(grant.idle.count()) / 1000, for_log(lease_.reason()));
  recorder_.metrics.drain_asked("granted");
}

void Power::apply(const cp::Refuse& refuse) {
  spdlog::info("power: no to lease {}: {}{}{}", for_log(refuse.lease), for_log(refuse.text),
               refuse.busy.empty() ? "" : ": ", for_log(busy_text(refuse.busy)));
  if (refuse.why != cp::Deny::Gone) recorder_.metrics.drain_asked(to_string(refuse.why));
}

void Power::apply(const cp::Cancel& cancel) {
  spdlog::info("power: lease {} ends by {}: {}", for_log(cancel.lease), cancel.by,
               for_log(cancel.text));
  recorder_.metrics.lease_ended(cancel.by);
  if (holder_ != nullptr && holder_->lease_ == cancel.lease) {
    holder_->end_ = cancel;
    holder_->bell_();
  }
  ring();
}

void Power::apply(const cp::Announce& said) {
  why_ = said.reason;
  spdlog::info("power: {}, told to {} subscribers: {}", to_string(said.state), hub_.listeners(),
               for_log(said.reason));
  recorder_.metrics.power_state(to_string(said.state));
  announce(to_string(said.state));
}

void Power::apply(const cp::ResumeDetected& woke) {
  spdlog::info("power: awake after {:.1f} s of sleep, woken by {} (noticed by {})",
               static_cast<double>(woke.slept.count()) / 1000,
               woke.wake.empty() ? "what is not known" : for_log(woke.wake), woke.noticed);
  const bool has_slept = woke.slept.count() > 0;
  if (!woke.is_news) {
    if (has_slept) facts_.explain_sleep(woke.slept, woke.wake);
  } else {
    recorder_.metrics.slept(woke.slept);
    if (has_slept) facts_.slept(woke.slept, woke.wake);
  }
  if (has_slept) announce("facts");
  const std::vector<std::string> before = std::exchange(unloaded_, {});
  if (woke.is_news && has_slept && on_wake_) on_wake_(before);
}

// --- the doors -----------------------------------------------------------------------------------

Task<void> Power::close_doors() {
  if (server_ != nullptr) co_await server_->pause();
  if (is_suspending()) {
    const std::size_t closed = idle_.close_all();
    spdlog::info("power: the listener is closed, {} idle connections ended", closed);
  }
  step(cp::ListenerClosed{});
}

void Power::open_doors() {
  if (server_ == nullptr) return;
  const Result<void> opened = server_->resume();
  if (!opened && !doors_stuck_) {
    spdlog::error("power: awake, but {}; trying again", opened.error().message());
  }
  if (opened && doors_stuck_) spdlog::info("power: the listener is open again");
  doors_stuck_ = !opened;
}

// --- work ----------------------------------------------------------------------------------------

std::variant<std::unique_ptr<Power::Work>, Failure> Power::begin(const RequestHead& head,
                                                                 std::string_view sender) {
  if (is_suspending()) step(cp::Tick{});  // or has it slept already?
  const std::uint64_t number = next_work_++;
  std::optional<core::Attempt> attempt;
  if (const auto text = head.fields.find(kAttemptHeader)) attempt = core::parse_attempt(*text);
  if (attempt) attempt->id = fmt::format("{} {}", attempt->id, sender);
  if (attempt && !lease_.refuses_work()) {
    const auto verdict = attempts_.begin(*attempt, number, power_clocks().mono);
    if (verdict.superseded) {
      recorder_.metrics.attempt_superseded("refused");
      return failure(409,
                     fmt::format("attempt {} of this request was overtaken by attempt {}",
                                 attempt->n, verdict.highest),
                     "attempt_superseded");
    }
    if (verdict.cancel) cut(*verdict.cancel, *attempt);
  }
  const std::string what = head.method + " " + for_log(head.path());
  const std::vector<cp::Action> actions = step(cp::WorkArrived{what});
  const bool admitted = std::any_of(actions.begin(), actions.end(), [](const cp::Action& each) {
    return std::holds_alternative<cp::AdmitWork>(each);
  });
  if (!admitted) {
    recorder_.metrics.rejected("suspending", "");
    Failure refused =
        passing_failure(503, "this machine is going to sleep: wake it and send this again", 2);
    refused.text.code = "suspending";
    refused.suspending = true;
    refused.body_unread = true;
    return refused;
  }
  facts_.stop_countdown();
  std::unique_ptr<Work> work(new Work(*this, number));
  work->what_ = what;
  if (attempt) work->attempt_ = attempt->id;
  works_.emplace(number, work.get());
  return work;
}

Power::Work::~Work() {
  power_.ended(*this);
}

void Power::ended(Work& work) {
  works_.erase(work.number_);
  if (!work.attempt_.empty()) attempts_.end(work.attempt_, work.number_, power_clocks().mono);
  step(cp::WorkEnded{});
}

void Power::cut(std::uint64_t number, const core::Attempt& by) {
  const auto found = works_.find(number);
  if (found == works_.end() || found->second->request_ == 0) return;
  spdlog::info("power: cut {} (request {}): attempt {} of it has come",
               for_log(found->second->what_), found->second->request_, by.n);
  recorder_.metrics.attempt_superseded("cut");
  recorder_.in_flight.cancel(found->second->request_);
}

// --- for the daemon ------------------------------------------------------------------------------

Power::Holder::Holder(Power& power, std::string lease, std::function<void()> bell)
    : power_(power), lease_(std::move(lease)), bell_(std::move(bell)) {
  power_.holder_ = this;
}

Power::Holder::~Holder() {
  if (power_.holder_ == this) power_.holder_ = nullptr;
  if (!end_) power_.step(cp::HolderGone{lease_});
}

std::optional<cp::Action> Power::ask(const Asked& event) {
  if (std::holds_alternative<cp::CommitAsked>(event) && !is_suspending()) commit_answer_.reset();
  for (const cp::Action& action : step(event)) {
    const bool is_answer = std::holds_alternative<cp::Grant>(action) ||
                           std::holds_alternative<cp::StartUnload>(action) ||
                           std::holds_alternative<cp::Renewed>(action) ||
                           std::holds_alternative<cp::Released>(action) ||
                           std::holds_alternative<cp::ResumeAcknowledged>(action) ||
                           std::holds_alternative<cp::Refuse>(action);
    if (is_answer) return action;
  }
  return std::nullopt;
}

Task<cp::Action> Power::committed() {
  Bell bell(*this);
  while (!commit_answer_) {
    const bool rang = co_await bell.wait(Clock::time_point::max());
    if (!rang) co_return cp::CommitCancelled{"", "the proxy shuts down"};
  }
  co_return *commit_answer_;
}

Task<std::vector<std::string>> Power::unload(std::string lease, std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  std::vector<std::string> models = resident();
  if (!models.empty()) spdlog::info("power: unloading {}", fmt::join(models, ", "));
  unloaded_ = models;
  dispatcher_.unload({std::nullopt, "the coming sleep", false, true});
  Bell bell(*this);
  while (holds(lease) && Clock::now() < until && !resident().empty()) {
    const bool rang = co_await bell.wait(until);
    if (!rang) break;
  }
  co_return models;
}

void Power::acked(std::uint64_t epoch) {
  step(cp::SubscriberAcked{epoch});
}

void Power::subscriber_left() {
  step(cp::SubscriberGone{});
}

// --- waiting -------------------------------------------------------------------------------------

Power::Bell::Bell(Power& power) : power_(power), timer_(power.tasks_.executor()) {
  place_ = power_.bells_.insert(power_.bells_.end(), this);
}

Power::Bell::~Bell() {
  power_.bells_.erase(place_);
}

Task<bool> Power::Bell::wait(Clock::time_point until) {
  timer_.expires_at(until);
  co_await timer_.async_wait(use_task);
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

void Power::ring() {
  for (Bell* const bell : bells_) bell->timer_.cancel();
}

}  // namespace rouse
