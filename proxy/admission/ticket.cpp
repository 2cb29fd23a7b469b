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
  source_.left(*this);
}

Task<void> AdmissionTicket::changed(std::chrono::steady_clock::time_point until) {
  if (!bell_) bell_ = std::make_unique<SteadyTimer>(executor_);
  bell_->expires_at(until);
  co_await bell_->async_wait(use_task);
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

void AdmissionTicket::refuse(Failure failure) {
  state_ = State::Refused;
  failure_ = std::move(failure);
  wake();
}

void AdmissionTicket::abort(std::string reason) {
  state_ = State::Aborted;
  abort_reason_ = std::move(reason);
  cut();
}

void AdmissionTicket::cut() {
  if (cut_) std::exchange(cut_, nullptr)();
}

}  // namespace rouse
