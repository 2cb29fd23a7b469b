#include "proxy/admission/place.hpp"

#include "base/async/use_task.hpp"

#include <utility>

namespace rouse {

Place::Place(PlaceGiver& giver, Executor executor, core::Ticket ticket, std::string model,
             std::string request_id)
    : giver_(giver),
      executor_(std::move(executor)),
      ticket_(ticket),
      model_(std::move(model)),
      request_id_(std::move(request_id)) {}

Place::~Place() {
  cut_ = nullptr;
  giver_.left(*this);
}

Task<void> Place::changed(std::chrono::steady_clock::time_point until) {
  if (!bell_) bell_ = std::make_unique<SteadyTimer>(executor_);
  bell_->expires_at(until);
  co_await bell_->async_wait(use_task);
}

void Place::wake() {
  if (bell_) bell_->cancel();
}

void Place::admit(Endpoint endpoint, core::Duration load, core::Duration wake_time) {
  state_ = State::Admitted;
  endpoint_ = std::move(endpoint);
  load_ = load;
  wake_ = wake_time;
  wake();
}

void Place::refuse(Failure failure) {
  state_ = State::Refused;
  failure_ = std::move(failure);
  wake();
}

void Place::abort(std::string reason) {
  state_ = State::Aborted;
  abort_reason_ = std::move(reason);
  cut();
}

void Place::cut() {
  if (cut_) std::exchange(cut_, nullptr)();
}

}  // namespace rouse
