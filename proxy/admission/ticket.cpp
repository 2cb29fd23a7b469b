#include "proxy/admission/ticket.hpp"

#include "base/async/use_task.hpp"

#include <utility>

namespace rouse {

AdmissionTicket::AdmissionTicket(AdmissionSource& source, Executor executor, core::Ticket id,
                                 std::string model, std::string request_id)
    : source_(source),
      executor_(std::move(executor)),
      id_(id),
      model_(std::move(model)),
      request_id_(std::move(request_id)) {}

AdmissionTicket::~AdmissionTicket() {
  cut_ = nullptr;
  hurry_ = nullptr;
  source_.left(*this);
}

Task<void> AdmissionTicket::changed(std::chrono::steady_clock::time_point until) {
  if (!bell_) bell_ = std::make_unique<SteadyTimer>(executor_);
  bell_->expires_at(until);
  co_await bell_->async_wait(use_task);
}

Task<bool> AdmissionTicket::ends_within(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (state_ == State::Admitted && std::chrono::steady_clock::now() < until) {
    co_await changed(until);
    // Only the wait that was there when it came is aborted (TaskGroup).
    const bool cancelled = co_await is_cancelled();
    if (cancelled) break;
  }
  co_return state_ == State::Aborted;
}

void AdmissionTicket::wake() {
  if (bell_) bell_->cancel();
}

void AdmissionTicket::admit(Endpoint endpoint, core::Duration load, core::Duration wake_time) {
  state_ = State::Admitted;
  endpoint_ = std::move(endpoint);
  load_ = load;
  wake_ = wake_time;
  wake();
}

void AdmissionTicket::admit(Endpoint endpoint, core::Duration load, const SwapPhases& swap) {
  swap_ = swap;
  admit(std::move(endpoint), load);
}

void AdmissionTicket::refuse(Failure failure) {
  state_ = State::Refused;
  failure_ = std::move(failure);
  wake();
}

void AdmissionTicket::abort(std::string reason, Failure failure) {
  engine_died(std::move(reason), std::move(failure));
  cut();
}

void AdmissionTicket::engine_died(std::string reason, Failure failure) {
  state_ = State::Aborted;
  abort_reason_ = std::move(reason);
  failure_ = std::move(failure);
  wake();
}

void AdmissionTicket::on_hurry(std::function<void()> hurry) {
  hurry_ = std::move(hurry);
  if (hurry_ && !hurried_by_.empty()) hurry_();
}

void AdmissionTicket::hurry(std::string why) {
  hurried_by_ = std::move(why);
  if (hurry_) hurry_();
}

void AdmissionTicket::cut() {
  if (cut_) std::exchange(cut_, nullptr)();
}

}  // namespace rouse
